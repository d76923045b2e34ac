//! One's own name, address and password.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use serde::Deserialize;

use crate::actions::ActionError;
use crate::actions::change_email::{confirm_email, request_email};
use crate::actions::change_password::{change_password, confirm_password};
use crate::actions::update_profile::update_profile;
use crate::domain::email_address::EmailAddress;
use crate::domain::password::NewPassword;
use crate::domain::text::PersonName;
use crate::load::Owner;
use crate::secrets::{hash_password, unhex};
use crate::web::acting::Acting;
use crate::web::error::{PageError, PageResult};
use crate::web::forms::{Errors, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::page::{html_with, see_other};
use crate::web::scope::Tab;
use crate::web::{navigation, session};

const PAGE: &str = "/settings/profile";

#[derive(Template)]
#[template(path = "settings/profile.html")]
struct ProfilePage {
    shell: Shell,
    tabs: Vec<Tab>,
    name: String,
    email: String,
    current_email: String,
    errors: Errors,
}

fn page(acting: &Acting, name: String, email: String, errors: Errors) -> PageResult {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let current_email = acting.user.email.clone();
    let (shell, tabs) = (acting.shell("Profile"), navigation::settings(acting));
    html_with(status, &ProfilePage { shell, tabs, name, email, current_email, errors })
}

/// `GET /settings/profile`
pub async fn show(acting: Acting) -> PageResult {
    page(&acting, acting.user.name.clone(), String::new(), Errors::none())
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Name {
    name: String,
}

/// `POST /settings/profile`
pub async fn rename(acting: Acting, form: Posted<Name>) -> PageResult {
    let name = match PersonName::parse(&form.name) {
        Ok(name) => name,
        Err(refusal) => {
            return page(&acting, form.name.clone(), String::new(), Errors::one("name", refusal.message()));
        }
    };
    let (cx, user) = (acting.cx(), acting.user.id);
    acting.app.write(move |conn| update_profile(conn, &cx, user, &name)).await?;
    acting.flash(&Flash::new(Tone::Good, "Your name is saved."));
    Ok(see_other(PAGE))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Email {
    email: String,
    current_password: String,
}

/// `POST /settings/profile/email`
pub async fn change_address(acting: Acting, form: Posted<Email>) -> PageResult {
    let mut errors = Errors::none();
    let new = errors.take("email", EmailAddress::parse(&form.email));
    if let Some(wrong) = not_confirmed(&acting, &form.current_password).await? {
        errors.add("current_password", wrong);
    }
    let Some(new) = new.filter(|_| errors.is_empty()) else {
        return page(&acting, acting.user.name.clone(), form.email.clone(), errors);
    };
    let (cx, user, services) = (acting.cx(), acting.user.id, Arc::clone(&acting.app.services));
    let text = format!("A link is on its way to {new}. The address changes when you open it.");
    if let Err(error) = acting.app.write(move |conn| request_email(conn, &cx, &services, user, &new)).await {
        return page(&acting, acting.user.name.clone(), form.email.clone(), Errors::from_action(error, "email")?);
    }
    acting.flash(&Flash::new(Tone::Info, text));
    Ok(see_other(PAGE))
}

/// `GET /settings/profile/email/{token}`: opened from the mail, by whoever is signed in as the person.
pub async fn confirm_address(acting: Acting, token: Path<String>) -> PageResult {
    let (cx, user, services) = (acting.cx(), acting.user.id, Arc::clone(&acting.app.services));
    let done = acting.app.write(move |conn| confirm_email(conn, &cx, &services, user, &token)).await;
    let user = done.map_err(|error| match error {
        ActionError::NotFound(_) => PageError::not_found()
            .saying("This link was used already, is too old, or was taken back. Ask for a new one.")
            .back_to("To your profile", PAGE),
        other => other.into(),
    })?;
    acting.flash(&Flash::new(Tone::Good, format!("You sign in with {} from now on.", user.email)));
    Ok(see_other(PAGE))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Password {
    current_password: String,
    new_password: String,
}

/// `POST /settings/profile/password`
pub async fn change_own_password(acting: Acting, form: Posted<Password>) -> PageResult {
    let mut errors = Errors::none();
    let new = errors.take("new_password", NewPassword::parse(&form.new_password, &acting.user.email));
    if let Some(wrong) = not_confirmed(&acting, &form.current_password).await? {
        errors.add("old_password", wrong);
    }
    let Some(new) = new.filter(|_| errors.is_empty()) else {
        return page(&acting, acting.user.name.clone(), String::new(), errors);
    };
    let (cx, user, keep) = (acting.cx(), acting.user.id, session::own_digest(&acting.session));
    let keep = keep.and_then(|text| unhex(&text));
    let db = Arc::clone(&acting.app.db);
    let changed = acting.app.load.hash(Owner::Person(user), move || {
        let hash = hash_password(new.as_str());
        db.write(|conn| change_password(conn, &cx, user, &hash, keep.as_deref()))
    });
    changed.await?;
    acting.session.renew();
    acting.flash(&Flash::new(Tone::Good, "Your password is changed. Every other device was signed out."));
    Ok(see_other(PAGE))
}

/// Why the current password was not accepted, if it was not.
async fn not_confirmed(acting: &Acting, password: &str) -> Result<Option<String>, PageError> {
    let (cx, user, password) = (acting.cx(), acting.user.id, password.to_owned());
    let db = Arc::clone(&acting.app.db);
    let confirmed =
        acting.app.load.hash(Owner::Person(user), move || confirm_password(&db, &cx, user, &password)).await;
    match confirmed {
        Ok(()) => Ok(None),
        Err(ActionError::Invalid(fields)) => Ok(fields.into_iter().next().map(|field| field.message)),
        Err(other) => Err(other.into()),
    }
}
