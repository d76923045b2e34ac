//! `GET /v2/ping`: needs a key, no scope.

use actix_web::HttpResponse;

use super::auth::Caller;
use super::error::ApiResult;
use super::views::SuccessResponse;

pub async fn ping(_: Caller) -> ApiResult {
    Ok(HttpResponse::Ok().json(SuccessResponse::new("pong")))
}
