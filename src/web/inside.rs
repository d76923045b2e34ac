//! Errors of somebody who is signed in keep their navigation, and the banner while they view as a client: whoever took a
//! wrong turn goes on from there.

use actix_session::SessionExt as _;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::CONTENT_TYPE;
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest as _, HttpRequest, HttpResponse};
use askama::Template;

use super::acting::Acting;
use super::error::PageError;
use super::error_page::ErrorPage;
use super::layout::Shell;
use super::page::html_with;
use super::session;

#[derive(Template)]
#[template(path = "errors/inside.html")]
struct InsidePage {
    shell: Shell,
    page: ErrorPage,
}

/// The middleware, inside that of sessions.
///
/// # Errors
/// Those of what is inside it.
pub async fn inside(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let response = next.call(request).await?.map_into_boxed_body();
    let error = response.response().error().and_then(|error| error.as_error::<PageError>()).cloned();
    match error.filter(|error| error.redirect.is_none() && (400..500).contains(&error.status)) {
        Some(error) => match drawn(response.request(), &error).await {
            Some(mut answer) => {
                // What the error has to say beside its page: `Allow`, cookies.
                for (name, value) in response.headers().iter().filter(|(name, _)| **name != CONTENT_TYPE) {
                    answer.headers_mut().append(name.clone(), value.clone());
                }
                Ok(response.into_response(answer))
            }
            None => Ok(response),
        },
        None => Ok(response),
    }
}

/// The error in the frame of whoever is signed in; `None` for nobody.
async fn drawn(request: &HttpRequest, error: &PageError) -> Option<HttpResponse> {
    session::user(&request.get_session())?;
    let acting = Acting::from_request(request, &mut Payload::None).await.ok()?;
    let page = error.page();
    html_with(actix_web::ResponseError::status_code(error), &InsidePage { shell: acting.shell(&page.heading), page })
        .ok()
}
