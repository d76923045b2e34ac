//! Taking a deletion back.

use actix_web::web::Path as UrlPath;
use askama::Template;

use super::Path;
use crate::actions::undelete_sub_account::{UNDELETE_WITHIN, undelete_sub_account};
use crate::domain::ids::Id;
use crate::domain::role::Permission;
use crate::models::accounts::{self, Account};
use crate::web::acting::Acting;
use crate::web::error::{PageError, PageResult};
use crate::web::format::When;
use crate::web::forms::{Nothing, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::page::{html, see_other};

#[derive(Template)]
#[template(path = "sub_accounts/undelete.html")]
struct UndeletePage {
    shell: Shell,
    id: String,
    name: String,
    /// When it was deleted, and until when that can be taken back; `None` when it is not deleted.
    times: Option<(When, When)>,
    too_late: bool,
}

async fn find(acting: &Acting, path: &Path) -> Result<Account, PageError> {
    acting.require(Permission::DeleteSubAccounts)?;
    let id: Id = path.id.parse().map_err(|_| PageError::not_found())?;
    let parent = acting.account.id;
    let found = acting.app.read(move |conn| Ok(accounts::find_child_any(conn, parent, id)?)).await?;
    found.ok_or_else(PageError::not_found)
}

/// `GET /sub-accounts/{id}/undelete`
pub async fn show(acting: Acting, path: UrlPath<Path>) -> PageResult {
    let account = find(&acting, &path).await?;
    let (now, tz) = (acting.now().naive_utc(), acting.time_zone());
    let when = |at| When::new(at, now, tz);
    html(&UndeletePage {
        shell: acting.shell(&format!("Undelete {}", account.name)),
        id: account.id.to_string(),
        too_late: account.deleted_at.is_some_and(|at| now - at > UNDELETE_WITHIN),
        times: account.deleted_at.map(|at| (when(at), when(at + UNDELETE_WITHIN))),
        name: account.name,
    })
}

/// `POST /sub-accounts/{id}/undelete`
pub async fn submit(acting: Acting, path: UrlPath<Path>, _: Posted<Nothing>) -> PageResult {
    let account = find(&acting, &path).await?;
    let (cx, parent, id) = (acting.cx(), acting.account.id, account.id);
    acting.app.write(move |conn| undelete_sub_account(conn, &cx, parent, id)).await?;
    let detail = "Its old keys stay gone: create a new one before it sends.".to_owned();
    acting.flash(&Flash { detail, ..Flash::new(Tone::Good, format!("{} is back.", account.name)) });
    Ok(see_other(&format!("/sub-accounts/{id}")))
}
