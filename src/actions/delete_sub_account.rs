//! Soft deletion: gone from lists at once, and from this commit nothing of it is accepted or leaves. Its queue and what
//! keys it has beyond the first end in slices afterwards (`clear_queue`); what billing and audit need stays.

use serde_json::json;

use super::audit::{self, Record};
use super::clear_queue::note_deletion;
use super::end_keys::end_keys;
use super::refresh_summary::refresh_summary;
use super::{ActionError, ActionResult, Cx};
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::accounts::{self, Account};

/// Deletes a sub account of `parent`. What is under way finishes as it ends.
///
/// # Errors
/// `NotFound` for another's account, or one deleted already.
pub fn delete_sub_account(conn: &mut AnyConnection, cx: &Cx, parent: Id, child: Id) -> ActionResult<Account> {
    accounts::lock(conn, &[], &[child])?;
    let mut account = accounts::find_child(conn, parent, child)?.ok_or(ActionError::NotFound("sub account"))?;
    account.deleted_at = Some(cx.at());
    account.updated_at = cx.at();
    accounts::save(conn, &account)?;
    let (keys, credentials) = end_keys(conn, cx, child)?;
    note_deletion(conn, cx, child)?;
    refresh_summary(conn, child, cx.now)?;
    let before = json!({ "name": account.name, "keys": keys, "smtp_credentials": credentials });
    let record =
        Record { action: "sub_account.delete", target: account.name.clone(), before: Some(before), after: None };
    audit::record(conn, cx, &account, record)?;
    Ok(account)
}
