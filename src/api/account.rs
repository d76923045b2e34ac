//! The caller's own account: reading and editing it.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Deserialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::body::Body;
use super::error::{ApiError, ApiResult};
use super::views::Account;
use crate::actions::ActionResult;
use crate::actions::update_account::{AccountChanges, update_account};
use crate::app::App;
use crate::domain::ids::Id;
use crate::domain::text::AccountName;
use crate::domain::website::Website;
use crate::models::{AnyConnection, accounts};

/// Left out or null keeps a value.
#[derive(Deserialize, ToSchema)]
pub struct UpdateAccountRequest {
    #[schema(min_length = 1, max_length = 255)]
    name: Option<String>,
    /// A URL or a bare host.
    website: Option<String>,
    about: Option<String>,
    track_opens: Option<bool>,
    track_clicks: Option<bool>,
    reject_bad_recipients: Option<bool>,
    reject_mistyped_recipients: Option<bool>,
    /// Days.
    #[schema(minimum = 1, maximum = 30)]
    message_metadata_retention: Option<i64>,
    /// Days.
    #[schema(minimum = 0, maximum = 30)]
    message_data_retention: Option<i64>,
}

pub async fn get(app: Data<App>, caller: Caller) -> ApiResult {
    caller.require("accounts:read")?;
    let shown = app.into_inner().read(move |conn| view(conn, &caller.account)).await?;
    Ok(HttpResponse::Ok().json(shown))
}

pub async fn update(app: Data<App>, caller: Caller, body: Body) -> ApiResult {
    caller.require("accounts:write")?;
    let wanted: UpdateAccountRequest = body.parse()?;
    let name = wanted.name.map(|name| AccountName::parse(&name)).transpose();
    let website = wanted.website.map(|website| Website::parse(&website)).transpose();
    let changes = AccountChanges {
        name: name.map_err(|refusal| ApiError::bad_request(refusal.at("name").to_string()))?,
        website: website.map_err(|refusal| ApiError::bad_request(refusal.at("website").to_string()))?,
        about: wanted.about,
        track_opens: wanted.track_opens,
        track_clicks: wanted.track_clicks,
        reject_bad_recipients: wanted.reject_bad_recipients,
        reject_mistyped_recipients: wanted.reject_mistyped_recipients,
        metadata_retention: wanted.message_metadata_retention,
        data_retention: wanted.message_data_retention,
        ..AccountChanges::default()
    };
    let app = app.into_inner();
    let (id, cx) = (caller.account.id, caller.cx(app.clock.now()));
    let shown = app
        .write(move |conn| {
            let account = update_account(conn, &cx, id, &changes)?;
            view(conn, &account)
        })
        .await?;
    Ok(HttpResponse::Ok().json(shown))
}

fn view(conn: &mut AnyConnection, account: &accounts::Account) -> ActionResult<Account> {
    let mut owner = account.owner_id;
    if let (None, Some(parent)) = (owner, account.parent_id) {
        owner = accounts::find(conn, parent)?.and_then(|parent| parent.owner_id);
    }
    // Set-up gives every parent its owner; should the row have lost it, the field keeps its form.
    let owner = owner.unwrap_or(Id(uuid::Uuid::nil()));
    Ok(Account::new(account, owner))
}
