//! A node says that it runs, and that it ends.

use chrono::{DateTime, TimeDelta, Utc};

use super::error::ActionResult;
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::nodes::{self, Node};

/// A node that was not heard of for this long is taken for gone.
pub const GONE: TimeDelta = TimeDelta::seconds(20);
/// When nothing is left of it.
const FORGOTTEN: TimeDelta = TimeDelta::hours(1);

/// Says that `node` runs at `now`; answers all that do.
///
/// # Errors
/// Only the database's.
pub fn runs(conn: &mut AnyConnection, now: DateTime<Utc>, node: &Node) -> ActionResult<Vec<Node>> {
    nodes::seen(conn, &Node { seen_at: now.naive_utc(), ..node.clone() })?;
    nodes::forget(conn, None, (now - FORGOTTEN).naive_utc())?;
    // One that was seen in the future had a clock that was ahead, and may be gone: another beat tells.
    Ok(nodes::live(conn, (now - GONE).naive_utc(), (now + GONE).naive_utc())?)
}

/// Says that a node ends.
///
/// # Errors
/// Only the database's.
pub fn ends(conn: &mut AnyConnection, now: DateTime<Utc>, node: Id) -> ActionResult<()> {
    Ok(nodes::forget(conn, Some(node), (now - FORGOTTEN).naive_utc())?)
}
