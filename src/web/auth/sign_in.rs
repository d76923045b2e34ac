//! Signing in and out.

use std::sync::Arc;

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::{bare, begin, busy, cx, device};
use crate::actions::sign_in::{self as action, Attempt, Outcome, note_guessing, sign_in};
use crate::app::App;
use crate::load::Owner;
use crate::models::users::User;
use crate::telemetry;
use crate::web::error::{PageError, PageResult};
use crate::web::forms::{Errors, Nothing, Posted};
use crate::web::layout::Bare;
use crate::web::page::{html_with, own_path, see_other};
use crate::web::resend::Resend;
use crate::web::session;

#[derive(Template)]
#[template(path = "auth/sign_in.html")]
struct SignInPage {
    shell: Bare,
    email: String,
    next: String,
    carried: String,
    errors: Errors,
}

/// What the form holds.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct SignInForm {
    email: String,
    password: String,
    /// Where to go afterwards.
    next: String,
    /// A form that met a lost session, to be sent after signing in.
    carried: String,
}

#[derive(Deserialize)]
pub struct Next {
    next: Option<String>,
}

/// `GET /sign-in`
pub async fn show(request: HttpRequest, current: Session, query: Query<Next>) -> PageResult {
    let next = own_path(query.next.as_deref().unwrap_or("/")).to_owned();
    if session::user(&current).is_some() && query.next.is_none() {
        return Ok(see_other("/"));
    }
    page(&request, &current, SignInForm { next, ..SignInForm::default() }, Errors::none(), StatusCode::OK)
}

fn page(request: &HttpRequest, current: &Session, form: SignInForm, errors: Errors, status: StatusCode) -> PageResult {
    let shell = bare(request, current, "Sign in");
    let SignInForm { email, next, carried, .. } = form;
    html_with(status, &SignInPage { shell, email, next, carried, errors })
}

/// `POST /sign-in`
pub async fn submit(request: HttpRequest, app: Data<App>, current: Session, form: Posted<SignInForm>) -> PageResult {
    let app = app.into_inner();
    let form = form.into_inner();
    match attempt(&app, &request, &form).await? {
        Outcome::Welcome(user) => enter(&app, &request, &current, &user, &form),
        Outcome::Refused { guessed } => {
            if let Some(user) = guessed {
                note(&app, &request, *user);
            }
            let errors = Errors::one("email", "E-mail address or password is not right. Check both and try again.");
            page(&request, &current, form, errors, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Outcome::Throttled => {
            let text = "Too many tries. Wait a quarter of an hour, or set a new password by mail.";
            page(&request, &current, form, Errors::one("email", text), StatusCode::TOO_MANY_REQUESTS)
        }
    }
}

/// Notes that somebody guesses at a person's password; the answer does not wait for it.
fn note(app: &Arc<App>, request: &HttpRequest, user: User) {
    let mut cx = cx(app, request);
    cx.actor.label = "sign-in".into();
    let app = Arc::clone(app);
    actix_web::rt::spawn(async move {
        if let Err(error) = app.write(move |conn| note_guessing(conn, &cx, &user)).await {
            log::error!("guessing could not be noted: {error:?}");
        }
    });
}

async fn attempt(app: &Arc<App>, request: &HttpRequest, form: &SignInForm) -> Result<Outcome, PageError> {
    let info = telemetry::info(request);
    let attempt = Attempt {
        keys: Arc::clone(&app.services.secrets),
        now: app.clock.now(),
        email: form.email.clone(),
        password: form.password.clone(),
        address: info.ip.to_string(),
        request_id: info.id,
        device: device::read(app, request),
    };
    let (db, owner) = (Arc::clone(&app.db), Owner::stranger(info.ip));
    app.load.hash(owner, move || sign_in(&db, &attempt)).await.map_err(busy)
}

fn enter(app: &Arc<App>, request: &HttpRequest, current: &Session, user: &User, form: &SignInForm) -> PageResult {
    let mut cookies = HttpResponse::Ok().finish();
    begin(app, request, current, user, &mut cookies);
    let next = own_path(&form.next).to_owned();
    let mut answer = if form.carried.is_empty() {
        see_other(&next)
    } else {
        // Drawn after the session began: its form needs the new token.
        Resend::carried(request, current, next, &form.carried).answer()?
    };
    for (name, value) in cookies.headers() {
        answer.headers_mut().append(name.clone(), value.clone());
    }
    Ok(answer)
}

/// `POST /sign-out`
pub async fn sign_out(request: HttpRequest, app: Data<App>, current: Session, _: Posted<Nothing>) -> PageResult {
    if let Some(user) = session::user(&current) {
        let cx = cx(&app, &request);
        app.write(move |conn| action::sign_out(conn, &cx, user)).await?;
    }
    current.purge();
    Ok(see_other("/sign-in"))
}
