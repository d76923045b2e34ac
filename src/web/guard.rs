//! Every request passes here, before any handler: its address may hold nothing that no text may (`domain::outside`). One
//! that changes something must come from our own pages and carry the session's token; one that does not gets a page that
//! holds what was typed, to be sent again.

use std::rc::Rc;

use actix_session::{Session, SessionExt};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::ORIGIN;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web};

use super::error::PageError;
use super::fields::{self, Fields};
use super::resend::Resend;
use super::{routes, session};
use crate::app::App;
use crate::domain::outside;
use crate::load::Owner;
use crate::telemetry::{self, path_of};

/// The name of the hidden field (`ui::csrf`).
pub const FIELD: &str = "csrf_token";
/// The header for script.
const HEADER: &str = "x-csrf-token";

/// The largest form: an import of some thousand clients.
const LARGEST: usize = 10 * 1024 * 1024;
/// For whoever has not signed in.
const LARGEST_ANONYMOUS: usize = 64 * 1024;

/// The middleware.
///
/// # Errors
/// Those of what is inside it.
pub async fn guard(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if let Err(refusal) = outside::address(path_of(request.request()), request.query_string()) {
        return Ok(request.error_response(PageError::new(400).saying(refusal.message())));
    }
    if request.method().is_safe() {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    }
    if is_foreign(request.request()) {
        return Ok(request.error_response(foreign()));
    }
    let session = request.get_session();
    let Some(app) = request.app_data::<web::Data<App>>().cloned() else {
        return Ok(request.error_response(PageError::new(500)));
    };
    let (limit, owner) = poster(request.request(), &session);
    let (payload, mut share) = (request.take_payload(), app.load.memory.share(owner));
    let posted = match fields::read(request.headers(), payload, limit, &mut share).await {
        Ok(posted) => posted,
        Err(error) => return Ok(request.error_response(error)),
    };
    let header = request.headers().get(HEADER).and_then(|value| value.to_str().ok());
    let token = posted.get(FIELD).or(header).unwrap_or_default();
    if !session::csrf_matches(&app.services.secrets, &session, token) {
        let open = routes::is_open(path_of(request.request()));
        let page = Resend::stale(request.request(), &session, &posted, open);
        return Ok(match page.answer() {
            Ok(answer) => request.into_response(answer),
            Err(error) => request.error_response(error),
        });
    }
    // Held as long as what was posted.
    request.extensions_mut().insert(share);
    request.extensions_mut().insert(Rc::new(posted));
    next.call(request).await.map(ServiceResponse::map_into_boxed_body)
}

/// How much whoever posts may send, and on whose behalf it is held.
fn poster(request: &HttpRequest, session: &Session) -> (usize, Owner) {
    match session::user(session) {
        Some(user) => (LARGEST, Owner::Person(user)),
        None => (LARGEST_ANONYMOUS, Owner::stranger(telemetry::info(request).ip)),
    }
}

fn foreign() -> PageError {
    PageError::forbidden().saying("That form was sent from another site, so nothing was changed. Open the page here.")
}

/// Whether the browser says that the form is not one of ours. What it does not say, the token decides.
fn is_foreign(request: &HttpRequest) -> bool {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    if header("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none") {
        return true;
    }
    let Some(origin) = header(ORIGIN.as_str()) else { return false };
    let public = request.app_data::<web::Data<App>>().map(|app| app.config.public_url.as_str()).unwrap_or_default();
    let here = header("host").unwrap_or_default();
    origin != public && origin.split_once("://").is_none_or(|(_, authority)| authority != here)
}

/// What was posted, after the guard let it through.
#[must_use]
pub fn posted(request: &HttpRequest) -> Rc<Fields> {
    request.extensions().get::<Rc<Fields>>().cloned().unwrap_or_default()
}
