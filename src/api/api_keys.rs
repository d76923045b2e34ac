//! API keys of the own account. What the keys of a sub account share with them is here too.

use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::body::Body;
use super::error::{ApiError, ApiResult};
use super::idempotent::{self, Request};
use super::pagination::{List, ListObject, PageQuery, PageRequest};
use super::views::{ApiKey, SuccessResponse};
use crate::actions::create_api_key::{NewApiKey, create_api_key};
use crate::actions::delete_api_key::delete_api_key;
use crate::actions::key_grant::KeyHolder;
use crate::actions::update_api_key::{KeyChanges, update_api_key};
use crate::actions::{ActionError, ActionResult};
use crate::app::App;
use crate::domain::ids::Id;
use crate::domain::ip_allow_list::IpAllowList;
use crate::domain::refusal::Refusal;
use crate::domain::text::KeyLabel;
use crate::models::{AnyConnection, api_keys};

#[derive(Deserialize, ToSchema)]
#[schema(as = CreateAPIKeyRequest)]
pub struct CreateApiKeyRequest {
    #[schema(min_length = 1, max_length = 255)]
    label: String,
    #[schema(min_items = 1)]
    scopes: Vec<String>,
    /// CIDR blocks or single addresses, at most 100. Empty: any source.
    #[schema(max_items = 100)]
    ip_allow_list: Option<Vec<String>>,
}

/// Left out or null keeps a value. At least one value must differ from what is stored.
#[derive(Deserialize, ToSchema)]
#[schema(as = UpdateAPIKeyRequest)]
pub struct UpdateApiKeyRequest {
    #[schema(min_length = 1, max_length = 255)]
    label: Option<String>,
    /// The whole new set.
    #[schema(min_items = 1)]
    scopes: Option<Vec<String>>,
    /// The whole new list; empty lets any source in.
    #[schema(max_items = 100)]
    ip_allow_list: Option<Vec<String>>,
}

pub async fn list(app: Data<App>, caller: Caller, query: Query<PageQuery>) -> ApiResult {
    caller.require("api-keys:read")?;
    list_of(app, own(&caller), &query).await
}

pub async fn create(app: Data<App>, caller: Caller, request: HttpRequest, body: Body) -> ApiResult {
    caller.require("api-keys:write")?;
    create_for(app, &caller, own(&caller), &request, body).await
}

pub async fn get(app: Data<App>, caller: Caller, path: Path<(String, String)>) -> ApiResult {
    caller.require("api-keys:read")?;
    get_of(app, own(&caller), key_id(&path.1)?).await
}

pub async fn update(app: Data<App>, caller: Caller, path: Path<(String, String)>, body: Body) -> ApiResult {
    caller.require("api-keys:write")?;
    update_of(app, &caller, own(&caller), key_id(&path.1)?, &body).await
}

pub async fn delete(app: Data<App>, caller: Caller, path: Path<(String, String)>) -> ApiResult {
    caller.require("api-keys:delete")?;
    delete_of(app, &caller, own(&caller), key_id(&path.1)?).await
}

fn own(caller: &Caller) -> KeyHolder {
    KeyHolder::Own(caller.account.id)
}

pub(super) fn key_id(text: &str) -> Result<Id, ApiError> {
    text.parse().map_err(|_| ApiError::bad_request("key_id must be a UUID"))
}

fn at(field: &'static str) -> impl Fn(Refusal) -> ApiError {
    move |refusal| ApiError::bad_request(refusal.at(field).to_string())
}

pub(super) async fn list_of(app: Data<App>, holder: KeyHolder, query: &PageQuery) -> ApiResult {
    let page = query.read()?;
    let list = app.into_inner().read(move |conn| page_of(conn, holder, page)).await?;
    Ok(HttpResponse::Ok().json(list))
}

fn page_of(conn: &mut AnyConnection, holder: KeyHolder, page: PageRequest) -> ActionResult<List<ApiKey>> {
    let account = holder.account(conn)?;
    let rows = api_keys::page(conn, account.id, page.edge, page.ascending, page.fetch())?;
    let (rows, pagination) = page.finish(rows, |key| key.id);
    let ids: Vec<Id> = rows.iter().map(|key| key.id).collect();
    let scopes = api_keys::scopes_of(conn, &ids)?;
    let data = rows.iter().map(|key| ApiKey::new(key, &scopes)).collect();
    Ok(List { object: ListObject::List, data, pagination })
}

pub(super) async fn create_for(
    app: Data<App>,
    caller: &Caller,
    holder: KeyHolder,
    request: &HttpRequest,
    body: Body,
) -> ApiResult {
    let app = app.into_inner();
    let request = Request::read(request, &body)?.with_secret();
    idempotent::create(request, &app, caller, body, parse_new, move |conn, cx, new| {
        let created = create_api_key(conn, cx, holder, &new)?;
        Ok(ApiKey::new(&created.key, &created.scopes).with_secret(&created.secret))
    })
    .await
}

fn parse_new(body: &Body) -> Result<NewApiKey, ApiError> {
    let wanted: CreateApiKeyRequest = body.parse()?;
    Ok(NewApiKey {
        label: KeyLabel::parse(&wanted.label).map_err(at("label"))?,
        scopes: wanted.scopes,
        allowed: IpAllowList::parse(&wanted.ip_allow_list.unwrap_or_default()).map_err(at("ip_allow_list"))?,
    })
}

pub(super) async fn get_of(app: Data<App>, holder: KeyHolder, id: Id) -> ApiResult {
    let shown = app
        .into_inner()
        .read(move |conn| {
            let account = holder.account(conn)?;
            let key = api_keys::find(conn, account.id, id)?.ok_or(ActionError::NotFound("api key"))?;
            Ok(ApiKey::new(&key, &api_keys::scopes_of(conn, &[id])?))
        })
        .await?;
    Ok(HttpResponse::Ok().json(shown))
}

pub(super) async fn update_of(app: Data<App>, caller: &Caller, holder: KeyHolder, id: Id, body: &Body) -> ApiResult {
    let wanted: UpdateApiKeyRequest = body.parse()?;
    let changes = KeyChanges {
        label: wanted.label.map(|label| KeyLabel::parse(&label)).transpose().map_err(at("label"))?,
        scopes: wanted.scopes,
        allowed: wanted.ip_allow_list.map(|list| IpAllowList::parse(&list)).transpose().map_err(at("ip_allow_list"))?,
    };
    let app = app.into_inner();
    let cx = caller.cx(app.clock.now());
    let shown = app
        .write(move |conn| {
            let (key, scopes) = update_api_key(conn, &cx, holder, id, &changes)?;
            Ok(ApiKey::new(&key, &scopes))
        })
        .await?;
    Ok(HttpResponse::Ok().json(shown))
}

pub(super) async fn delete_of(app: Data<App>, caller: &Caller, holder: KeyHolder, id: Id) -> ApiResult {
    let app = app.into_inner();
    let cx = caller.cx(app.clock.now());
    let key = app.write(move |conn| delete_api_key(conn, &cx, holder, id)).await?;
    let message = format!("api key {} ({}) deleted successfully", key.id, key.label);
    Ok(HttpResponse::Ok().json(SuccessResponse::new(message)))
}
