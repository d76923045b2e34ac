//! Which transport an account's mail leaves by: a parent's default, a sub account's choice.

use serde_json::json;

use super::audit::{self, Record};
use super::{ActionError, ActionResult, Cx};
use crate::domain::ids::Id;
use crate::models::accounts::Account;
use crate::models::transports::{self, Transport};
use crate::models::{AnyConnection, accounts};

/// Chooses one of `parent`'s transports for a sub account, or for itself: its default. `None` takes the choice back: a
/// sub account then uses its parent's default, a parent what the configuration says.
///
/// # Errors
/// `NotFound` for an account or a transport that is not the parent's.
pub fn choose_transport(
    conn: &mut AnyConnection,
    cx: &Cx,
    parent: Id,
    account: Id,
    transport: Option<Id>,
) -> ActionResult<Option<Transport>> {
    let own = parent == account;
    // Deleting a transport locks its parent: what is chosen here stays until this commits.
    let shared: &[Id] = if own { &[] } else { &[parent] };
    accounts::lock(conn, shared, &[account])?;
    let account = if own { accounts::find(conn, parent)? } else { accounts::find_child(conn, parent, account)? };
    let account = account.ok_or(ActionError::NotFound("sub account"))?;
    let row = match transport {
        Some(id) => Some(transports::find(conn, parent, id)?.ok_or(ActionError::NotFound("transport"))?),
        None => None,
    };
    if own {
        set_default(conn, cx, &account, row.as_ref())?;
    } else {
        write(conn, cx, &account, row.as_ref(), "transport.choose")?;
    }
    Ok(row)
}

/// Makes a transport of `parent` its default.
pub(super) fn set_default(
    conn: &mut AnyConnection,
    cx: &Cx,
    parent: &Account,
    row: Option<&Transport>,
) -> ActionResult<()> {
    write(conn, cx, parent, row, "transport.set_default")
}

fn write(
    conn: &mut AnyConnection,
    cx: &Cx,
    account: &Account,
    row: Option<&Transport>,
    action: &str,
) -> ActionResult<()> {
    let before = transports::chosen(conn, account.id)?;
    let wanted = row.map(|row| row.id);
    if before == wanted {
        return Ok(());
    }
    let before = match before {
        Some(id) => transports::find(conn, account.root_id(), id)?.map(|row| row.name),
        None => None,
    };
    transports::choose(conn, account.id, wanted, cx.at())?;
    let name = row.map(|row| row.name.clone());
    let record = Record {
        action,
        target: account.name.clone(),
        before: Some(json!({ "transport": before })),
        after: Some(json!({ "transport": name })),
    };
    audit::record(conn, cx, account, record)
}
