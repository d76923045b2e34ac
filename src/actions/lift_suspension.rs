//! Letting a client send again: every hold the parent may lift ends, and its queue is looked at at once.

use serde_json::json;

use super::audit::{self, Record};
use super::refresh_summary::refresh_summary;
use super::{ActionError, ActionResult, Cx};
use crate::domain::ids::Id;
use crate::models::accounts::{self, Account};
use crate::models::{AnyConnection, queue, suspensions};

/// Lifts every open hold of a sub account of `parent`; one without a hold stays as it is.
///
/// # Errors
/// `NotFound` for another's account.
pub fn lift_suspension(conn: &mut AnyConnection, cx: &Cx, parent: Id, child: Id) -> ActionResult<Account> {
    accounts::lock(conn, &[], &[child])?;
    let account = accounts::find_child(conn, parent, child)?.ok_or(ActionError::NotFound("sub account"))?;
    let open = suspensions::open(conn, child, cx.at())?;
    if open.is_empty() {
        return Ok(account);
    }
    suspensions::lift_all(conn, child, &cx.actor.label, cx.at())?;
    queue::look_now(conn, &[child], cx.at())?;
    refresh_summary(conn, child, cx.now)?;
    let before = json!(open.iter().map(|hold| json!({ "kind": hold.kind, "reason": hold.reason })).collect::<Vec<_>>());
    let record = Record { action: "sub_account.lift", target: account.name.clone(), before: Some(before), after: None };
    audit::record(conn, cx, &account, record)?;
    Ok(account)
}

/// Ends the holds whose own date has come; answers how many.
///
/// # Errors
/// Only the database's.
pub fn end_due_suspensions(conn: &mut AnyConnection, cx: &Cx) -> ActionResult<usize> {
    let ended = suspensions::ended(conn, cx.at())?;
    let held: Vec<Id> = ended.iter().map(|hold| hold.account_id).collect();
    accounts::lock(conn, &[], &held)?;
    for hold in &ended {
        suspensions::end(conn, hold.id, &cx.actor.label, cx.at())?;
        // A parent's hold held its sub accounts too.
        queue::look_at_family_now(conn, hold.account_id, cx.at())?;
    }
    for hold in &ended {
        refresh_summary(conn, hold.account_id, cx.now)?;
        if let Some(account) = accounts::find_any(conn, hold.account_id)? {
            let before = Some(json!({ "kind": hold.kind, "reason": hold.reason, "until": hold.until_at }));
            let record = Record { action: "sub_account.hold_ended", target: account.name.clone(), before, after: None };
            audit::record(conn, cx, &account, record)?;
        }
    }
    Ok(ended.len())
}
