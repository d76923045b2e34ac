//! A forgotten password: ask for a link, and choose a new one by it.

use actix_session::Session;
use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;
use serde::Deserialize;

use super::{bare, cx, dead_link, hashed, welcome};
use crate::actions::reset_password::{find_reset, request_reset, reset_password};
use crate::app::App;
use crate::domain::password::NewPassword;
use crate::web::error::{PageError, PageResult};
use crate::web::forms::{Errors, Posted};
use crate::web::layout::Bare;
use crate::web::page::{html, html_with};

#[derive(Template)]
#[template(path = "auth/forgot.html")]
struct ForgotPage {
    shell: Bare,
    /// Whom a link was sent to, if they are known.
    sent: Option<String>,
}

/// `GET /forgot`
pub async fn ask(request: HttpRequest, current: Session) -> PageResult {
    html(&ForgotPage { shell: bare(&request, &current, "Forgot your password?"), sent: None })
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Forgot {
    email: String,
}

/// `POST /forgot`: the answer waits for nothing, so that its time tells nothing.
pub async fn send(request: HttpRequest, app: Data<App>, current: Session, form: Posted<Forgot>) -> PageResult {
    let (app, email) = (app.into_inner(), form.email.trim().to_owned());
    let (cx, wanted) = (cx(&app, &request), email.clone());
    actix_web::rt::spawn(async move {
        let services = app.services.clone();
        let done = app.write(move |conn| request_reset(conn, &cx, &services, &wanted)).await;
        if let Err(error) = done {
            log::error!("a password reset could not be prepared: {error:?}");
        }
    });
    html(&ForgotPage { shell: bare(&request, &current, "Look into your mail"), sent: Some(email) })
}

#[derive(Template)]
#[template(path = "auth/reset.html")]
struct ResetPage {
    shell: Bare,
    email: String,
    token: String,
    errors: Errors,
}

fn dead(error: crate::actions::ActionError) -> PageError {
    dead_link(error, "Ask for a new one.").back_to("Ask for a new link", "/forgot")
}

/// `GET /reset/{token}`
pub async fn show(request: HttpRequest, app: Data<App>, current: Session, token: Path<String>) -> PageResult {
    let (now, token) = (app.clock.now().naive_utc(), token.into_inner());
    let wanted = token.clone();
    let user = app.into_inner().read(move |conn| find_reset(conn, now, &wanted)).await.map_err(dead)?;
    let shell = bare(&request, &current, "Choose a new password");
    html(&ResetPage { shell, email: user.email, token, errors: Errors::none() })
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct NewOne {
    password: String,
}

/// `POST /reset/{token}`
pub async fn submit(
    request: HttpRequest,
    app: Data<App>,
    current: Session,
    token: Path<String>,
    form: Posted<NewOne>,
) -> PageResult {
    let (app, token) = (app.into_inner(), token.into_inner());
    let (now, wanted) = (app.clock.now().naive_utc(), token.clone());
    let user = app.read(move |conn| find_reset(conn, now, &wanted)).await.map_err(dead)?;
    let password = match NewPassword::parse(&form.password, &user.email) {
        Ok(password) => password.as_str().to_owned(),
        Err(refusal) => {
            let shell = bare(&request, &current, "Choose a new password");
            let errors = Errors::one("password", refusal.message());
            let page = ResetPage { shell, email: user.email, token, errors };
            return html_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
    };
    let (hash, cx) = (hashed(&app, &request, password).await?, cx(&app, &request));
    let user = app.write(move |conn| reset_password(conn, &cx, &token, &hash)).await.map_err(dead)?;
    let text = "Your new password is set. Every other device was signed out.";
    Ok(welcome(&app, &request, &current, &user, text))
}
