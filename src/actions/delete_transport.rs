//! Deleting a transport. One that mail leaves by is kept: what its accounts use instead is somebody's decision.

use super::audit::{self, Record};
use super::transport_changes::shown;
use super::{ActionError, ActionResult, Cx};
use crate::domain::ids::Id;
use crate::models::transports::{self, Transport};
use crate::models::{AnyConnection, accounts};

/// Choices that one transaction takes back.
const CHOICES: i64 = 500;

/// Deletes a transport of `parent`. Deleted sub accounts that chose it fall back to the default when they come back: where
/// more than one transaction takes back had, it answers `None`, and whoever wants it gone comes again.
///
/// # Errors
/// `NotFound`; `Conflict` while it is the default, or the choice of a sub account.
pub fn delete_transport(conn: &mut AnyConnection, cx: &Cx, parent: Id, id: Id) -> ActionResult<Option<Transport>> {
    accounts::lock(conn, &[], &[parent])?;
    let account = accounts::find(conn, parent)?.ok_or(ActionError::NotFound("transport"))?;
    let row = transports::find(conn, parent, id)?.ok_or(ActionError::NotFound("transport"))?;
    if transports::chosen(conn, parent)? == Some(id) {
        return Err(ActionError::Conflict(format!(
            "{} is the default: make another transport the default, or none, before you delete it",
            row.name
        )));
    }
    let users = transports::users(conn, parent)?.into_iter().find(|(transport, _)| *transport == id);
    if let Some((_, users)) = users {
        let who = if users == 1 { "one sub account uses".to_owned() } else { format!("{users} sub accounts use") };
        return Err(ActionError::Conflict(format!("{who} {}: choose another for them before you delete it", row.name)));
    }
    if transports::take_back(conn, id, CHOICES)? as i64 == CHOICES {
        return Ok(None);
    }
    transports::delete(conn, id)?;
    let record =
        Record { action: "transport.delete", target: row.name.clone(), before: Some(shown(&row)), after: None };
    audit::record(conn, cx, &account, record)?;
    Ok(Some(row))
}
