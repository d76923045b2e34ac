//! View as: say why, go inside a client, allow changes, leave.

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::acting::Acting;
use super::error::{PageError, PageResult};
use super::forms::{Errors, Nothing, Posted};
use super::layout::{Flash, Shell, Tone};
use super::page::{html_with, see_other};
use super::scope::AccountScope;
use super::session;
use crate::actions::view_as::{begin_view_as, end_view_as, raise_view_as};
use crate::domain::role::Permission;
use crate::domain::text::SuspendReason;

#[derive(Template)]
#[template(path = "view_as.html")]
struct ViewAsPage {
    shell: Shell,
    name: String,
    base: String,
    reason: String,
    errors: Errors,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Reason {
    reason: String,
}

fn page(scope: &AccountScope, reason: String, errors: Errors) -> PageResult {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let (name, base) = (scope.account.name.clone(), scope.base.clone());
    html_with(status, &ViewAsPage { shell: scope.shell("View as"), name, base, reason, errors })
}

/// `GET /sub-accounts/{id}/view-as`
pub async fn ask(scope: AccountScope) -> PageResult {
    scope.acting.require(Permission::ViewAs)?;
    page(&scope, String::new(), Errors::none())
}

/// `POST /sub-accounts/{id}/view-as`
pub async fn begin(scope: AccountScope, form: Posted<Reason>) -> PageResult {
    scope.acting.require(Permission::ViewAs)?;
    let reason = match SuspendReason::parse(&form.reason) {
        Ok(reason) => reason,
        Err(refusal) => return page(&scope, form.reason.clone(), Errors::one("reason", refusal.message())),
    };
    let (cx, parent, child) = (scope.acting.cx(), scope.acting.home.id, scope.account.id);
    let grant = scope.acting.app.write(move |conn| begin_view_as(conn, &cx, parent, child, &reason)).await?;
    session::set_view_as(&scope.acting.session, Some(grant.id));
    Ok(see_other("/"))
}

/// `POST /view-as/raise`
pub async fn raise(acting: Acting, _: Posted<Nothing>) -> PageResult {
    acting.require(Permission::ViewAsWrite)?;
    let grant = acting.grant.as_ref().ok_or_else(PageError::not_found)?.id;
    let cx = acting.cx();
    acting.app.write(move |conn| raise_view_as(conn, &cx, grant)).await?;
    let text = format!("Changes are allowed now. They are noted in the activity of {}.", acting.account.name);
    acting.flash(&Flash::new(Tone::Warn, text));
    Ok(see_other("/"))
}

/// `POST /view-as/leave`
pub async fn leave(acting: Acting, _: Posted<Nothing>) -> PageResult {
    let Some(grant) = session::view_as(&acting.session) else { return Ok(see_other("/")) };
    let cx = acting.cx();
    acting.app.write(move |conn| end_view_as(conn, &cx, grant)).await?;
    session::set_view_as(&acting.session, None);
    Ok(see_other(&acting.grant.map_or_else(|| "/".to_owned(), |grant| format!("/sub-accounts/{}", grant.account_id))))
}
