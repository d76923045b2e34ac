//! View as: a parent's member goes inside a child for a stated reason, read-only unless raised, for an hour.
//! Beginning, raising and leaving are in the child's activity, under the name of whoever did it.

use chrono::TimeDelta;
use serde_json::json;

use super::audit::{self, Record};
use super::{ActionError, ActionResult, Cx};
use crate::domain::ids::Id;
use crate::domain::text::SuspendReason;
use crate::models::AnyConnection;
use crate::models::accounts::{self, Account};
use crate::models::view_as::{self, Grant};

const LASTS: TimeDelta = TimeDelta::hours(1);

/// Begins. The caller has checked that the role may.
///
/// # Errors
/// `NotFound` for an account that is no live child of `parent`.
pub fn begin_view_as(
    conn: &mut AnyConnection,
    cx: &Cx,
    parent: Id,
    child: Id,
    reason: &SuspendReason,
) -> ActionResult<Grant> {
    let child = accounts::find_child(conn, parent, child)?.ok_or(ActionError::NotFound("sub account"))?;
    let user_id = cx.actor.id.ok_or_else(|| ActionError::Forbidden("only a person can view as a client".into()))?;
    let grant = Grant {
        id: Id::new(cx.now),
        user_id,
        account_id: child.id,
        reason: reason.as_str().to_owned(),
        raised: false,
        started_at: cx.at(),
        expires_at: (cx.now + LASTS).naive_utc(),
        ended_at: None,
    };
    view_as::insert(conn, &grant)?;
    note(conn, cx, &child, "view_as.begin", &grant)?;
    Ok(grant)
}

/// Allows changes for the rest of the hour. The caller has checked that the role may.
///
/// # Errors
/// `NotFound` when it is over.
pub fn raise_view_as(conn: &mut AnyConnection, cx: &Cx, grant: Id) -> ActionResult<()> {
    let (grant, child) = live(conn, cx, grant)?;
    view_as::raise(conn, grant.id)?;
    note(conn, cx, &child, "view_as.raise", &grant)
}

/// Ends it. Where it is over already, nothing happens.
///
/// # Errors
/// Only the database's.
pub fn end_view_as(conn: &mut AnyConnection, cx: &Cx, grant: Id) -> ActionResult<()> {
    match live(conn, cx, grant) {
        Ok((grant, child)) => {
            view_as::end(conn, grant.id, cx.at())?;
            note(conn, cx, &child, "view_as.end", &grant)
        }
        Err(ActionError::NotFound(_)) => Ok(()),
        Err(other) => Err(other),
    }
}

fn live(conn: &mut AnyConnection, cx: &Cx, grant: Id) -> ActionResult<(Grant, Account)> {
    let gone = || ActionError::NotFound("view as");
    let user = cx.actor.id.ok_or_else(gone)?;
    let grant = view_as::find_live(conn, grant, user, cx.at())?.ok_or_else(gone)?;
    let child = accounts::find_any(conn, grant.account_id)?.ok_or_else(gone)?;
    Ok((grant, child))
}

fn note(conn: &mut AnyConnection, cx: &Cx, child: &Account, action: &str, grant: &Grant) -> ActionResult<()> {
    let mut cx = cx.clone();
    cx.actor.on_behalf_of = Some(child.id);
    let after = Some(json!({ "reason": grant.reason }));
    audit::record(conn, &cx, child, Record { action, target: child.name.clone(), before: None, after })
}
