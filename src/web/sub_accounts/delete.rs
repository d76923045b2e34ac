//! Deleting a sub account: confirmed by typing its name, taken back within 30 days.

use actix_web::http::StatusCode;
use actix_web::web::Path as UrlPath;
use askama::Template;
use serde::Deserialize;

use super::suspend::Stops;
use super::{Path, child};
use crate::actions::delete_sub_account::delete_sub_account;
use crate::domain::role::Permission;
use crate::models::accounts::Account;
use crate::web::acting::Acting;
use crate::web::error::PageResult;
use crate::web::forms::{Errors, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::page::{html_with, see_other};

#[derive(Template)]
#[template(path = "sub_accounts/delete.html")]
struct DeletePage {
    shell: Shell,
    id: String,
    name: String,
    stops: Stops,
    may_suspend: bool,
    errors: Errors,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Form {
    typed: String,
}

/// `GET /sub-accounts/{id}/delete`
pub async fn show(acting: Acting, path: UrlPath<Path>) -> PageResult {
    let account = child(&acting, &path, Permission::DeleteSubAccounts).await?;
    page(&acting, account, Errors::none()).await
}

/// `POST /sub-accounts/{id}/delete`
pub async fn submit(acting: Acting, path: UrlPath<Path>, form: Posted<Form>) -> PageResult {
    let account = child(&acting, &path, Permission::DeleteSubAccounts).await?;
    if form.typed.trim() != account.name.trim() {
        let errors = Errors::one("typed", format!("Type the name exactly: {}", account.name));
        return page(&acting, account, errors).await;
    }
    let (cx, parent, id) = (acting.cx(), acting.account.id, account.id);
    acting.app.write(move |conn| delete_sub_account(conn, &cx, parent, id)).await?;
    acting.flash(&Flash {
        detail: "Its keys are gone and its queue is cancelled. The rest can be brought back for 30 days.".into(),
        link: Some(("Undelete".into(), format!("/sub-accounts/{id}/undelete"))),
        ..Flash::new(Tone::Good, format!("{} is deleted.", account.name))
    });
    Ok(see_other("/sub-accounts"))
}

async fn page(acting: &Acting, account: Account, errors: Errors) -> PageResult {
    let (now, shown) = (acting.now().naive_utc(), account.clone());
    let stops = acting.app.read(move |conn| Stops::of(conn, &shown, now)).await?;
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = DeletePage {
        shell: acting.shell(&format!("Delete {}", account.name)),
        id: account.id.to_string(),
        name: account.name,
        stops,
        may_suspend: acting.may(Permission::Suspend),
        errors,
    };
    html_with(status, &page)
}
