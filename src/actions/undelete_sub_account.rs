//! Taking a deletion back within 30 days: everything returns but the keys, and what waited to leave by then.

use chrono::TimeDelta;

use super::audit::{self, Record};
use super::external_id::refuse_second;
use super::refresh_summary::refresh_summary;
use super::{ActionError, ActionResult, Cx, end_keys};
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::accounts::{self, Account};

/// How long a deletion can be taken back.
pub const UNDELETE_WITHIN: TimeDelta = TimeDelta::days(30);

/// Brings a deleted sub account of `parent` back.
///
/// # Errors
/// `NotFound` for another's account, `Conflict` when it is not deleted, or was too long ago, or its keys are still being
/// ended, or another client has its external ID by now.
pub fn undelete_sub_account(conn: &mut AnyConnection, cx: &Cx, parent: Id, child: Id) -> ActionResult<Account> {
    accounts::lock(conn, &[], &[child])?;
    let mut account = accounts::find_child_any(conn, parent, child)?.ok_or(ActionError::NotFound("sub account"))?;
    let Some(deleted_at) = account.deleted_at else {
        return Err(ActionError::Conflict("This sub account is not deleted.".into()));
    };
    if cx.at() - deleted_at > UNDELETE_WITHIN {
        return Err(ActionError::Conflict("A deletion can be taken back for 30 days. This one is older.".into()));
    }
    end_keys::none_left(conn, child)?;
    account.deleted_at = None;
    account.updated_at = cx.at();
    accounts::save(conn, &account)?;
    refresh_summary(conn, child, cx.now)?;
    let record = Record { action: "sub_account.undelete", target: account.name.clone(), before: None, after: None };
    audit::record(conn, cx, &account, record)?;

    refuse_second(conn, &account).map_err(|_| {
        let id = account.external_id.as_deref().unwrap_or_default();
        let text = format!("Another sub account has its external ID {id} by now. Change that one first.");
        ActionError::Conflict(text)
    })?;
    Ok(account)
}
