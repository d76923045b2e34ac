//! A new parent account: an agency, with no client yet.

use serde_json::json;

use super::audit::{self, Record};
use super::{ActionResult, Cx};
use crate::domain::ids::Id;
use crate::domain::text::AccountName;
use crate::domain::website::Website;
use crate::models::AnyConnection;
use crate::models::accounts::{self, Account};

/// Creates a parent account; its owner is added afterwards (`add_user`).
///
/// # Errors
/// Only the database's.
pub fn create_account(
    conn: &mut AnyConnection,
    cx: &Cx,
    name: &AccountName,
    website: &Website,
) -> ActionResult<Account> {
    let account = Account::new(Id::new(cx.now), None, name.as_str(), website.host(), cx.at());
    accounts::insert(conn, &account)?;
    accounts::refresh_search_text(conn, account.id)?;
    let after = Some(json!({ "name": account.name, "website": account.website }));
    let record = Record { action: "account.create", target: account.name.clone(), before: None, after };
    audit::record(conn, cx, &account, record)?;
    Ok(account)
}
