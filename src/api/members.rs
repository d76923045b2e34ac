//! Members of the caller's own account.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Caller;
use super::body::Body;
use super::error::{ApiError, ApiResult};
use super::idempotent::{self, Request};
use super::pagination::ListObject;
use super::views::{Member, SuccessResponse};
use crate::actions::invite_member::{NewMember, invite_member};
use crate::actions::remove_member::remove_member;
use crate::app::App;
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::Id;
use crate::domain::refusal::Refusal;
use crate::domain::role::Role;
use crate::domain::text::PersonName;
use crate::models::memberships;

/// Every member of an account, invited ones included.
#[derive(Serialize, ToSchema)]
pub struct AccountMembersResponse {
    #[schema(inline)]
    object: ListObject,
    data: Vec<Member>,
}

#[derive(Deserialize, ToSchema)]
pub struct AddMemberRequest {
    #[schema(format = Email)]
    email: String,
    /// For an address that is new here.
    name: Option<String>,
    /// `Administrator`, `Developer`, `Analyst` or `Billing Manager`.
    role: String,
}

fn at(field: &'static str) -> impl Fn(Refusal) -> ApiError {
    move |refusal| ApiError::bad_request(refusal.at(field).to_string())
}

pub async fn list(app: Data<App>, caller: Caller) -> ApiResult {
    caller.require("accounts:members:read")?;
    let account = caller.account.id;
    let rows = app.into_inner().read(move |conn| Ok(memberships::of_account(conn, account)?)).await?;
    let data = rows.iter().map(|(membership, _)| Member::new(membership)).collect();
    Ok(HttpResponse::Ok().json(AccountMembersResponse { object: ListObject::List, data }))
}

pub async fn add(app: Data<App>, caller: Caller, request: HttpRequest, body: Body) -> ApiResult {
    caller.require("accounts:members:add")?;
    let app = app.into_inner();
    let (account, services) = (caller.account.id, std::sync::Arc::clone(&app.services));
    let request = Request::read(&request, &body)?;
    idempotent::create(request, &app, &caller, body, parse_new, move |conn, cx, new| {
        let (membership, _) = invite_member(conn, cx, &services, account, &new)?;
        Ok(Member::new(&membership))
    })
    .await
}

fn parse_new(body: &Body) -> Result<NewMember, ApiError> {
    let wanted: AddMemberRequest = body.parse()?;
    let name = wanted.name.filter(|name| !name.trim().is_empty());
    Ok(NewMember {
        email: EmailAddress::parse(&wanted.email).map_err(at("email"))?,
        name: name.map(|name| PersonName::parse(&name)).transpose().map_err(at("name"))?,
        role: Role::parse_api(&wanted.role).map_err(at("role"))?,
    })
}

pub async fn remove(app: Data<App>, caller: Caller, path: Path<(String, String)>) -> ApiResult {
    caller.require("accounts:members:remove")?;
    let user: Id = path.1.parse().map_err(|_| ApiError::bad_request("user_id must be a UUID"))?;
    let app = app.into_inner();
    let (account, cx) = (caller.account.id, caller.cx(app.clock.now()));
    app.write(move |conn| remove_member(conn, &cx, account, user)).await?;
    Ok(HttpResponse::Ok().json(SuccessResponse::new("member removed")))
}
