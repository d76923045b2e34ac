//! Pages without a signed-in person: sign-in, reset, invitation, first set-up.

mod device;
pub mod invite;
pub mod reset;
pub mod set_up;
pub mod sign_in;

use std::sync::Arc;

use actix_session::Session;
use actix_web::http::header::{HeaderValue, SET_COOKIE, USER_AGENT};
use actix_web::{HttpRequest, HttpResponse};

use super::error::PageError;
use super::layout::{Bare, Flash, Tone};
use super::page::see_other;
use super::{frame, session};
use crate::actions::{ActionError, Cx};
use crate::app::App;
use crate::load::Owner;
use crate::models::health::Lack;
use crate::models::users::User;
use crate::secrets::hash_password;
use crate::telemetry;

/// The frame of a page without navigation that holds a form.
fn bare(request: &HttpRequest, current: &Session, title: &str) -> Bare {
    Bare {
        title: title.to_owned(),
        theme: frame::theme(request),
        csrf: session::csrf_of(request, current),
        flash: session::take_flash(current),
        ..Bare::default()
    }
}

/// The circumstances of somebody who came by a link.
fn cx(app: &App, request: &HttpRequest) -> Cx {
    let info = telemetry::info(request);
    let mut cx = app.cx("link");
    (cx.actor.address, cx.actor.request_id) = (info.ip.to_string(), info.id);
    cx
}

/// Begins the session of whoever has shown who they are, and marks the device as theirs on `answer`.
fn begin(app: &Arc<App>, request: &HttpRequest, current: &Session, user: &User, answer: &mut HttpResponse) {
    let agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    session::begin(current, user.id, &telemetry::info(request), agent);
    if let Ok(cookie) = HeaderValue::from_str(&device::cookie(app, user.id).to_string()) {
        answer.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// Signed in by a link: to the overview, with a word about what happened.
fn welcome(app: &Arc<App>, request: &HttpRequest, current: &Session, user: &User, text: &str) -> HttpResponse {
    let mut answer = see_other("/");
    begin(app, request, current, user, &mut answer);
    session::flash(current, &Flash::new(Tone::Good, text));
    answer
}

/// Hashes off the async threads, where there is a place: it takes some 20 ms of a processor.
async fn hashed(app: &App, request: &HttpRequest, password: String) -> Result<String, PageError> {
    let owner = Owner::stranger(telemetry::info(request).ip);
    app.load.hash(owner, move || Ok(hash_password(&password))).await.map_err(busy)
}

/// Too many sign in at once, or whatever else went wrong.
fn busy(error: ActionError) -> PageError {
    match error {
        ActionError::Unavailable(Lack::Places) => PageError::new(503)
            .saying("Very many people are signing in at this moment. Wait a few seconds, then try again.")
            .back_to("To sign in", "/sign-in"),
        other => other.into(),
    }
}

/// A link that no longer works, whatever the reason.
fn dead_link(error: ActionError, next: &str) -> PageError {
    // A link that could not be looked for is not dead.
    if matches!(error, ActionError::Unavailable(_) | ActionError::Internal(_)) {
        return error.into();
    }
    PageError::not_found()
        .saying(format!("This link was used already, is too old, or was taken back. {next}"))
        .back_to("To sign in", "/sign-in")
}
