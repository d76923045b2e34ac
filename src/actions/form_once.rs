//! A form that was sent twice, by a double click or by loading its answer anew, does its work once.

use chrono::TimeDelta;

use super::{ActionResult, Cx};
use crate::domain::ids::Id;
use crate::models::{AnyConnection, idempotency};

/// How long a form that was sent once is known.
const KNOWN: TimeDelta = TimeDelta::hours(24);

/// Whether the form of `account` with the number `once` was not sent before; from now on it was. `what` names the kind of
/// form. Undone with the transaction.
///
/// # Errors
/// Only the database's.
pub fn first_time(conn: &mut AnyConnection, cx: &Cx, account: Id, what: &str, once: Id) -> ActionResult<bool> {
    let lease = idempotency::Lease {
        account_id: account,
        key: &format!("dashboard:{what}:{once}"),
        fingerprint: once.as_bytes(),
        owner: once,
        until: (cx.now + KNOWN).naive_utc(),
    };
    Ok(idempotency::take(conn, &lease, cx.at())?)
}
