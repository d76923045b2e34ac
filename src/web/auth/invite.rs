//! Accepting an invitation: somebody new chooses a name and a password, somebody known only says yes.

use std::sync::Arc;

use actix_session::Session;
use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;
use serde::Deserialize;

use super::{bare, cx, dead_link, hashed, welcome};
use crate::actions::ActionError;
use crate::actions::accept_invitation::{Credentials, Invitation, accept_invitation, find_invitation};
use crate::app::App;
use crate::domain::password::NewPassword;
use crate::domain::text::PersonName;
use crate::web::acting;
use crate::web::error::{PageError, PageResult};
use crate::web::forms::{Errors, Posted};
use crate::web::layout::{Bare, Brand, Flash, Tone};
use crate::web::page::{html_with, see_other};
use crate::web::session;

#[derive(Template)]
#[template(path = "auth/invite.html")]
struct InvitePage {
    shell: Bare,
    invitation: Invitation,
    name: String,
    token: String,
    errors: Errors,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Accept {
    name: String,
    password: String,
}

fn dead(error: ActionError) -> PageError {
    dead_link(error, "Ask whoever invited you for a new one.")
}

async fn find(app: &Arc<App>, token: &str) -> Result<(Invitation, Brand), PageError> {
    let (now, token) = (app.clock.now().naive_utc(), token.to_owned());
    let found = app.read(move |conn| {
        let invitation = find_invitation(conn, now, &token)?;
        let brand = acting::brand_of(conn, &invitation.account)?;
        Ok((invitation, brand))
    });
    found.await.map_err(dead)
}

fn page(shell: Bare, found: (Invitation, Brand), token: String, name: String, errors: Errors) -> PageResult {
    let (invitation, brand) = found;
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    html_with(status, &InvitePage { shell: Bare { brand, ..shell }, invitation, name, token, errors })
}

/// `GET /invite/{token}`
pub async fn show(request: HttpRequest, app: Data<App>, current: Session, token: Path<String>) -> PageResult {
    let found = find(&app.into_inner(), &token).await?;
    let name = found.0.user.name.clone();
    page(bare(&request, &current, "Your invitation"), found, token.into_inner(), name, Errors::none())
}

/// `POST /invite/{token}`
pub async fn submit(
    request: HttpRequest,
    app: Data<App>,
    current: Session,
    token: Path<String>,
    form: Posted<Accept>,
) -> PageResult {
    let (app, token) = (app.into_inner(), token.into_inner());
    let found = find(&app, &token).await?;
    let new = found.0.needs_password();
    let credentials = match credentials(&found.0, &form) {
        Ok(credentials) => credentials,
        Err(errors) => {
            let shell = bare(&request, &current, "Your invitation");
            return page(shell, found, token, form.name.clone(), errors);
        }
    };
    let credentials = match credentials {
        Some((name, password)) => Some(Credentials { name, password_hash: hashed(&app, &request, password).await? }),
        None => None,
    };
    let cx = cx(&app, &request);
    let accepted = app.write(move |conn| accept_invitation(conn, &cx, &token, credentials)).await.map_err(dead)?;
    let text = format!("You are a member of {} now.", accepted.account.name);
    if new {
        return Ok(welcome(&app, &request, &current, &accepted.user, &text));
    }
    // The link shows that the mailbox is theirs, not that they know the password: they sign in as always.
    session::flash(&current, &Flash::new(Tone::Good, text));
    Ok(see_other("/sign-in?next=%2F"))
}

type NameAndPassword = (PersonName, String);

fn credentials(invitation: &Invitation, form: &Accept) -> Result<Option<NameAndPassword>, Errors> {
    if !invitation.needs_password() {
        return Ok(None);
    }
    let mut errors = Errors::none();
    let name = errors.take("name", PersonName::parse(&form.name));
    let password = errors.take("password", NewPassword::parse(&form.password, &invitation.user.email));
    match (name, password) {
        (Some(name), Some(password)) => Ok(Some((name, password.as_str().to_owned()))),
        _ => Err(errors),
    }
}
