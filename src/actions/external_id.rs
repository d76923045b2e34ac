//! An external ID names one live sub account of its parent: whoever looks for a client by the number of their own books
//! must find one.

use std::slice;

use super::{ActionError, ActionResult};
use crate::models::AnyConnection;
use crate::models::accounts::{self, Account};

/// Refuses the external ID of `account`, as it was just written, where another account has it too. Call it after the audit's
/// entry: the end of the parent's chain is locked from there to the commit, so that of two who give the same ID at once the
/// later one sees the earlier.
///
/// # Errors
/// `Invalid` for an ID that another live sub account of the parent has.
pub(super) fn refuse_second(conn: &mut AnyConnection, account: &Account) -> ActionResult<()> {
    let (Some(id), Some(parent)) = (&account.external_id, account.parent_id) else { return Ok(()) };

    if accounts::external_ids_taken(conn, parent, slice::from_ref(id))?.len() > 1 {
        let text = format!("Another sub account has the external ID {id}. Choose another, or change that one first.");
        return Err(ActionError::invalid("external_id", text));
    }
    Ok(())
}
