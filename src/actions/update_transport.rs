//! Changing a transport: messages that wait use it as it is now, from their next attempt.

use super::audit::{self, Record};
use super::choose_transport::set_default;
use super::transport_changes::{TransportChanges, applied, shown};
use super::{ActionError, ActionResult, Cx, Services};
use crate::domain::ids::Id;
use crate::models::transports::{self, Transport};
use crate::models::{AnyConnection, accounts};

/// Changes a transport of `parent`; the same values once more change nothing.
///
/// # Errors
/// `NotFound`, `Invalid` for what does not fit together or a password that would be lost, `Conflict` for a name that is
/// taken.
pub fn update_transport(
    conn: &mut AnyConnection,
    cx: &Cx,
    services: &Services,
    parent: Id,
    id: Id,
    changes: &TransportChanges,
) -> ActionResult<Transport> {
    accounts::lock(conn, &[], &[parent])?;
    let account = accounts::find(conn, parent)?.ok_or(ActionError::NotFound("transport"))?;
    let before = transports::find(conn, parent, id)?.ok_or(ActionError::NotFound("transport"))?;
    let mut row = applied(services, Some(&before), &before, changes)?;
    if transports::find_named(conn, parent, &row.name)?.is_some_and(|other| other.id != id) {
        return Err(ActionError::Conflict(format!("there is a transport named {} already", row.name)));
    }
    if row != before {
        row.updated_at = cx.at();
        transports::save(conn, &row)?;
        let (old, new) = (shown(&before), shown(&row));
        let record =
            Record { action: "transport.update", target: row.name.clone(), before: Some(old), after: Some(new) };
        audit::record(conn, cx, &account, record)?;
    }
    let is_default = transports::chosen(conn, parent)? == Some(id);
    match changes.default {
        Some(true) if !is_default => set_default(conn, cx, &account, Some(&row))?,
        Some(false) if is_default => set_default(conn, cx, &account, None)?,
        _ => {}
    }
    Ok(row)
}
