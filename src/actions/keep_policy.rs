//! The MTA-STS policy of a recipient's domain was fetched: it is kept for all nodes until it is over.

use super::error::ActionResult;
use crate::models::AnyConnection;
use crate::models::mta_sts::{self, StoredPolicy};

/// Keeps `policy` in place of what was known of its domain.
///
/// # Errors
/// Only the database's.
pub fn keep_policy(conn: &mut AnyConnection, policy: &StoredPolicy) -> ActionResult<()> {
    Ok(mta_sts::keep(conn, policy)?)
}
