//! API keys of a sub account, managed by its parent: it may give them any scope
//! that a child can have and its own maker may hold.

use actix_web::HttpRequest;
use actix_web::web::{Data, Path, Query};

use super::api_keys::{create_for, delete_of, get_of, key_id, list_of, update_of};
use super::auth::Caller;
use super::body::Body;
use super::error::{ApiError, ApiResult};
use super::pagination::PageQuery;
use super::sub_accounts::parse_child_id;
use crate::actions::key_grant::KeyHolder;
use crate::app::App;

type OfChild = Path<(String, String)>;
type OfKey = Path<(String, String, String)>;

pub async fn list(app: Data<App>, caller: Caller, path: OfChild, query: Query<PageQuery>) -> ApiResult {
    let holder = holder(&caller, "sub-account-api-keys:read", &path.1)?;
    list_of(app, holder, &query).await
}

pub async fn create(app: Data<App>, caller: Caller, path: OfChild, request: HttpRequest, body: Body) -> ApiResult {
    let holder = holder(&caller, "sub-account-api-keys:write", &path.1)?;
    create_for(app, &caller, holder, &request, body).await
}

pub async fn get(app: Data<App>, caller: Caller, path: OfKey) -> ApiResult {
    let holder = holder(&caller, "sub-account-api-keys:read", &path.1)?;
    get_of(app, holder, key_id(&path.2)?).await
}

pub async fn update(app: Data<App>, caller: Caller, path: OfKey, body: Body) -> ApiResult {
    let holder = holder(&caller, "sub-account-api-keys:write", &path.1)?;
    update_of(app, &caller, holder, key_id(&path.2)?, &body).await
}

pub async fn delete(app: Data<App>, caller: Caller, path: OfKey) -> ApiResult {
    let holder = holder(&caller, "sub-account-api-keys:delete", &path.1)?;
    delete_of(app, &caller, holder, key_id(&path.2)?).await
}

fn holder(caller: &Caller, scope: &'static str, child: &str) -> Result<KeyHolder, ApiError> {
    caller.require(scope)?;
    Ok(KeyHolder::Child { parent: caller.require_parent()?, child: parse_child_id(child)? })
}
