//! Suppressions of an account: list, create, delete by address, wipe.

use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use chrono::NaiveDateTime;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::auth::Caller;
use super::body::Body;
use super::error::{ApiError, ApiResult};
use super::idempotent::{self, Request};
use super::pagination::{List, ListObject, PageQuery, PageRequest};
use super::query;
use super::views::{CreateSuppressionResponse, SuccessResponse, Suppression};
use crate::actions::create_suppression::{NewSuppression, create_suppression};
use crate::actions::delete_suppressions::{WIPED, delete_suppressions, wipe_suppressions};
use crate::actions::{ActionError, ActionResult};
use crate::app::App;
use crate::domain::domain_name::DomainName;
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::Id;
use crate::domain::instants;
use crate::domain::refusal::Refusal;
use crate::domain::text::ShortText;
use crate::models::suppressions::{self, Filter};
use crate::models::{AnyConnection, domains};

#[derive(Deserialize, ToSchema)]
pub struct CreateSuppressionRequest {
    #[schema(format = Email)]
    email: String,
    /// Left out: every domain of the account, those added later included.
    domain: Option<String>,
    #[schema(max_length = 255)]
    reason: Option<String>,
    /// RFC 3339, in the future.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// The query parameters that narrow a list of suppressions.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SuppressionQuery {
    domain: Option<String>,
    email: Option<String>,
    /// RFC 3339: created at this time or later.
    #[param(format = DateTime)]
    from_time: Option<String>,
    /// RFC 3339: created at this time or earlier.
    #[param(format = DateTime)]
    to_time: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeleteSuppressionQuery {
    #[param(required)]
    email: Option<String>,
    /// Left out: for every domain.
    domain: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WipeSuppressionsQuery {
    /// Left out: for every domain.
    domain: Option<String>,
}

fn at(field: &'static str) -> impl Fn(Refusal) -> ApiError {
    move |refusal| ApiError::bad_request(refusal.at(field).message())
}

/// A domain in a query, in its stored form.
fn domain(text: Option<&str>) -> Result<Option<String>, ApiError> {
    let parsed = query::given(text).map(DomainName::parse).transpose().map_err(at("domain"))?;
    Ok(parsed.map(String::from))
}

pub async fn list(app: Data<App>, caller: Caller, query: Query<SuppressionQuery>, page: Query<PageQuery>) -> ApiResult {
    caller.require("suppressions:read")?;
    let page = page.read()?;
    let filter = Filter {
        domain: domain(query.domain.as_deref())?,
        email_lower: query::address(query.email.as_deref(), "email")?.map(|email| email.lower()),
        from: query::time(query.from_time.as_deref(), "from_time")?,
        to: query::time(query.to_time.as_deref(), "to_time")?,
        own_domains_only: false,
    };
    let app = app.into_inner();
    let (account, now) = (caller.account.id, app.clock.now().naive_utc());
    let list = app.read(move |conn| page_of(conn, account, now, filter, page)).await?;
    Ok(HttpResponse::Ok().json(list))
}

/// The rows for later domains show only where there is no domain yet: elsewhere they would repeat each address.
fn page_of(
    conn: &mut AnyConnection,
    account: Id,
    now: NaiveDateTime,
    mut filter: Filter,
    page: PageRequest,
) -> ActionResult<List<Suppression>> {
    if let Some(name) = &filter.domain {
        domains::find(conn, account, name)?.ok_or(ActionError::NotFound("domain"))?;
    }
    filter.own_domains_only = domains::count(conn, account)? > 0;
    let rows = suppressions::page(conn, account, &filter, now, page.edge, page.ascending, page.fetch())?;
    let (rows, pagination) = page.finish(rows, |row| row.id);
    Ok(List { object: ListObject::List, data: rows.iter().map(Suppression::new).collect(), pagination })
}

pub async fn create(app: Data<App>, caller: Caller, request: HttpRequest, body: Body) -> ApiResult {
    caller.require("suppressions:write")?;
    let (app, account) = (app.into_inner(), caller.account.id);
    let idempotent = Request::read(&request, &body)?;
    idempotent::create(idempotent, &app, &caller, body, parse_new, move |conn, cx, new| {
        Ok(CreateSuppressionResponse::new(&create_suppression(conn, cx, account, &new)?))
    })
    .await
}

fn parse_new(body: &Body) -> Result<NewSuppression, ApiError> {
    let wanted: CreateSuppressionRequest = body.parse()?;
    let expires_at = instants::instant(&wanted.expires_at).map_err(at("expires_at"))?;
    let reason = query::given(wanted.reason.as_deref()).map(ShortText::parse).transpose().map_err(at("reason"))?;
    let domain = query::given(wanted.domain.as_deref()).map(DomainName::parse).transpose().map_err(at("domain"))?;
    Ok(NewSuppression { email: EmailAddress::parse(&wanted.email).map_err(at("email"))?, domain, reason, expires_at })
}

pub async fn delete(app: Data<App>, caller: Caller, query: Query<DeleteSuppressionQuery>) -> ApiResult {
    caller.require("suppressions:delete")?;
    let email = query::address(query.email.as_deref(), "email")?
        .ok_or_else(|| ApiError::bad_request("email: name the address to let go"))?;
    let domain = domain(query.domain.as_deref())?;
    let (app, account) = (app.into_inner(), caller.account.id);
    let cx = caller.cx(app.clock.now());
    app.write(move |conn| delete_suppressions(conn, &cx, account, &email, domain.as_deref())).await?;
    Ok(HttpResponse::Ok().json(SuccessResponse::new("suppression deleted")))
}

pub async fn wipe(app: Data<App>, caller: Caller, query: Query<WipeSuppressionsQuery>) -> ApiResult {
    caller.require("suppressions:wipe")?;
    let domain = domain(query.domain.as_deref())?;
    let (app, account) = (app.into_inner(), caller.account.id);
    let cx = caller.cx(app.clock.now());
    loop {
        let (cx, domain) = (cx.clone(), domain.clone());
        if app.write(move |conn| wipe_suppressions(conn, &cx, account, domain.as_deref())).await? < WIPED {
            break;
        }
    }
    Ok(HttpResponse::Ok().json(SuccessResponse::new("all suppressions deleted")))
}
