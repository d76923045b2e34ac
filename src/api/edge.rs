//! Around every answer of the API: no cache keeps it, and an address that no text of ours can be is refused before
//! anything reads it.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError as _};

use super::error::ApiError;
use crate::domain::outside;
use crate::telemetry::path_of;

/// The middleware.
///
/// # Errors
/// Those of what is inside it.
pub async fn edge(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let checked = outside::address(path_of(request.request()), request.query_string());
    let mut response = match checked {
        Ok(()) => next.call(request).await?.map_into_boxed_body(),
        Err(refusal) => request.into_response(ApiError::bad_request(refusal.message()).error_response()),
    };
    // Answers hold what only the key's owner may read; some of them a secret that is shown once.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
