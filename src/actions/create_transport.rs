//! A new named transport of a parent.

use super::audit::{self, Record};
use super::choose_transport::set_default;
use super::transport_changes::{TransportChanges, applied, shown};
use super::{ActionError, ActionResult, Cx, Services};
use crate::domain::ids::Id;
use crate::domain::transport::Tls;
use crate::models::transports::{self, Transport};
use crate::models::{AnyConnection, accounts};

/// As many transports as a parent may have.
const MOST: i64 = 100;

/// Creates a transport of `parent`.
///
/// # Errors
/// `NotFound` for an account that is deleted or has a parent, `Invalid` for what does not fit together, `Conflict` for
/// a name that is taken or one transport too many.
pub fn create_transport(
    conn: &mut AnyConnection,
    cx: &Cx,
    services: &Services,
    parent: Id,
    new: &TransportChanges,
) -> ActionResult<Transport> {
    accounts::lock(conn, &[], &[parent])?;
    let account = accounts::find(conn, parent)?.filter(|account| account.parent_id.is_none());
    let account = account.ok_or(ActionError::NotFound("account"))?;
    let row = applied(services, None, &fresh(cx, parent), new)?;
    if transports::find_named(conn, parent, &row.name)?.is_some() {
        return Err(ActionError::Conflict(format!("there is a transport named {} already", row.name)));
    }
    if transports::count(conn, parent)? >= MOST {
        return Err(ActionError::Conflict(format!("there are {MOST} transports already: delete one first")));
    }
    transports::insert(conn, &row)?;
    let record =
        Record { action: "transport.create", target: row.name.clone(), before: None, after: Some(shown(&row)) };
    audit::record(conn, cx, &account, record)?;
    if new.default == Some(true) {
        set_default(conn, cx, &account, Some(&row))?;
    }
    Ok(row)
}

/// What a new transport begins with.
fn fresh(cx: &Cx, parent: Id) -> Transport {
    Transport {
        id: Id::new(cx.now),
        account_id: parent,
        name: String::new(),
        kind: String::new(),
        host: String::new(),
        port: 0,
        tls: Tls::Required.as_str().into(),
        username: String::new(),
        password_sealed: None,
        source_ip: String::new(),
        helo: String::new(),
        max_connections: 0,
        messages_per_second: 0,
        created_at: cx.at(),
        updated_at: cx.at(),
    }
}
