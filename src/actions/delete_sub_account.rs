//! Soft deletion: gone from lists at once, keys ended, the queue cancelled; what billing and audit need stays.

use serde_json::json;

use super::audit::{self, Record};
use super::refresh_summary::refresh_summary;
use super::{ActionError, ActionResult, Cx, cancel_message};
use crate::domain::ids::Id;
use crate::models::accounts::{self, Account};
use crate::models::{AnyConnection, api_keys, smtp_credentials};

/// Deletes a sub account of `parent`.
///
/// # Errors
/// `NotFound` for another's account, or one deleted already.
pub fn delete_sub_account(conn: &mut AnyConnection, cx: &Cx, parent: Id, child: Id) -> ActionResult<Account> {
    accounts::lock(conn, &[], &[child])?;
    let mut account = accounts::find_child(conn, parent, child)?.ok_or(ActionError::NotFound("sub account"))?;
    account.deleted_at = Some(cx.at());
    account.updated_at = cx.at();
    accounts::save(conn, &account)?;
    let keys = api_keys::delete_all(conn, child, cx.at())?;
    let credentials = smtp_credentials::delete_all(conn, child, cx.at())?;
    let cancelled = cancel_message::cancel_queue(conn, cx, child, "Cancelled: the account was deleted.")?;
    refresh_summary(conn, child, cx.now)?;
    let before = json!({ "name": account.name, "keys": keys, "smtp_credentials": credentials, "cancelled": cancelled });
    let record =
        Record { action: "sub_account.delete", target: account.name.clone(), before: Some(before), after: None };
    audit::record(conn, cx, &account, record)?;
    Ok(account)
}
