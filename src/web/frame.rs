//! Around every page: security headers, and errors as designed pages in the reader's colours.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web};

use super::error::PageError;
use super::headers;
use super::layout::Theme;
use crate::app::App;
use crate::telemetry::RequestInfo;

/// The colours asked for by cookie.
#[must_use]
pub fn theme(request: &HttpRequest) -> Theme {
    request.cookie("theme").map_or(Theme::Auto, |cookie| Theme::parse(cookie.value()))
}

/// The middleware.
///
/// # Errors
/// Only what a middleware inside it answered without a request to answer to.
pub async fn frame(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let theme = theme(request.request());
    let id = request.extensions().get::<RequestInfo>().map(|info| info.id.clone()).unwrap_or_default();
    let https = request.app_data::<web::Data<App>>().is_some_and(|app| app.config.is_https());
    let mut response = next.call(request).await.map_err(shown)?.map_into_boxed_body();
    if let Some(error) = response.response().error().map(page_of)
        && error.redirect.is_none()
    {
        let html = error.html(theme, &id);
        response = response.map_body(|head, _| {
            head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            if error.status == 429 {
                head.headers.insert(RETRY_AFTER, HeaderValue::from_static("60"));
            }
            BoxBody::new(html)
        });
    }
    headers::apply(response.headers_mut(), https);
    Ok(response)
}

/// An error of ours, or one of actix's own (a body too large, an address that does not parse), as ours.
fn page_of(error: &Error) -> PageError {
    if let Some(page) = error.as_error::<PageError>() {
        return page.clone();
    }
    let status = error.as_response_error().status_code().as_u16();
    if status >= 500 {
        log::error!("internal error: {error}");
    }
    PageError::new(status)
}

fn shown(error: Error) -> Error {
    page_of(&error).into()
}
