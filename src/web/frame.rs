//! Around every page: security headers, and errors as designed pages in the reader's colours.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
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
    let app = request.app_data::<web::Data<App>>().cloned();
    let lack = || app.as_ref().and_then(|app| app.db.health.lack());
    // Sessions have errors of their own kind: without a database there are none.
    let page = |error: &Error| match page_of(error) {
        page if page.status == 500 && lack().is_some() => PageError::new(503),
        page => page,
    };
    let mut response = next.call(request).await.map_err(|error| page(&error))?.map_into_boxed_body();
    if let Some(error) = response.response().error().map(page)
        && error.redirect.is_none()
    {
        let html = error.html(theme, &id);
        response = response.map_body(|head, _| {
            head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            if let Some(seconds) = retry_after(error.status) {
                head.headers.insert(RETRY_AFTER, HeaderValue::from_static(seconds));
            }
            head.status = StatusCode::from_u16(error.status).unwrap_or(head.status);
            BoxBody::new(html)
        });
    }
    headers::apply(response.headers_mut(), https);
    Ok(response)
}

/// How long to wait before another try, in seconds.
#[must_use]
pub const fn retry_after(status: u16) -> Option<&'static str> {
    match status {
        429 => Some("60"),
        503 => Some("5"),
        _ => None,
    }
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
