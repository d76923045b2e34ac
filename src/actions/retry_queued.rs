//! Trying deferred messages again at once, without waiting for the next step of their schedule.

use std::collections::BTreeSet;

use super::queue_selection::{self, Done, QueueOf, Selection};
use super::{ActionResult, Cx};
use crate::domain::ids::Id;
use crate::domain::waiting::{Reason, State};
use crate::models::{AnyConnection, queue, queue_view};

/// Makes the deferred messages of a selection due now. Others are left alone: those never tried are due already, a
/// scheduled one leaves when its sender said, and one held at the cap waits for room.
///
/// # Errors
/// Only the database's. What is another's is not found, and so not changed.
pub fn retry_queued(conn: &mut AnyConnection, cx: &Cx, of: &QueueOf, selection: &Selection) -> ActionResult<Done> {
    let (ids, next) = queue_selection::ids(conn, cx, of, selection)?;
    let rows = queue_view::find_many(conn, of.whose, &ids)?;
    let deferred = || rows.iter().filter(|row| row.reason == Reason::Deferred && !row.is_leaving(cx.at()));
    let chosen: Vec<Id> = deferred().map(|row| row.message_id).collect();
    let accounts: BTreeSet<Id> = deferred().map(|row| row.account_id).collect();
    queue::wake(conn, &accounts.iter().map(|account| (*account, cx.at())).collect::<Vec<_>>())?;
    let changed = queue::hasten(conn, &chosen, State::Deferred, cx.at())?;
    queue_selection::note(conn, cx, &of.holder, "queue.retry", (changed, accounts.len()))?;
    Ok(Done { changed, looked: ids.len(), next })
}
