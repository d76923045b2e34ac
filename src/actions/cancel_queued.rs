//! Taking messages out of the queue that have not left: they fail, and are counted as failed.

use std::collections::BTreeSet;

use super::end_messages::{Ending, end_messages, end_uncounted};
use super::queue_selection::{self, Done, QueueOf, Selection};
use super::tally::Tally;
use super::{ActionResult, Cx};
use crate::domain::ids::Id;
use crate::domain::waiting::Reason;
use crate::models::messages::{self, Message};
use crate::models::{AnyConnection, accounts, held, queue, queue_view};

const ENDING: Ending<'static> = Ending { classification: "", log: "Cancelled in the queue, before it left." };
const LAPSED: &str = "No answer was recorded: the server stopped in between. The message may have arrived.";

/// Cancels the messages of a selection. One whose attempt is under way is left alone: it may have arrived. Those held
/// at the cap end too, and are counted nowhere, since they never were.
///
/// # Errors
/// Only the database's. What is another's is not found, and so not changed.
pub fn cancel_queued(conn: &mut AnyConnection, cx: &Cx, of: &QueueOf, selection: &Selection) -> ActionResult<Done> {
    let (ids, next) = queue_selection::ids(conn, cx, of, selection)?;
    let accounts: BTreeSet<Id> =
        queue_view::find_many(conn, of.whose, &ids)?.into_iter().map(|row| row.account_id).collect();
    // No worker takes them and nothing releases them while we look: both hold the accounts' locks too.
    accounts::lock(conn, &[], &accounts.into_iter().collect::<Vec<_>>())?;
    let rows = queue_view::find_many(conn, of.whose, &ids)?;
    let (at_cap, queued): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.reason == Reason::AtCap);
    let queued: Vec<Id> = queued.into_iter().map(|row| row.message_id).collect();
    let at_cap: Vec<Id> = at_cap.into_iter().map(|row| row.message_id).collect();
    let taken = queue::take_free(conn, &queued, cx.at())?;
    messages::lapse_attempts(conn, &taken, cx.at(), LAPSED)?;
    held::remove(conn, &at_cap)?;
    let never_counted = messages::find_many(conn, &at_cap)?;
    end_uncounted(conn, cx.now, &never_counted, ENDING)?;
    let mut touched: BTreeSet<Id> = never_counted.iter().map(|message| message.account_id).collect();
    let failed = messages::find_many(conn, &taken)?;
    touched.extend(failed.iter().map(|message| message.account_id));
    fail(conn, cx, of.holder.root_id(), &failed)?;
    let changed = taken.len() + at_cap.len();
    queue_selection::note(conn, cx, &of.holder, "queue.cancel", (changed, touched.len()))?;
    Ok(Done { changed, looked: ids.len(), next })
}

/// Ends messages as failed, and counts them where they were accepted.
fn fail(conn: &mut AnyConnection, cx: &Cx, root: Id, failed: &[Message]) -> ActionResult<()> {
    let mut tally = Tally::default();
    end_messages(conn, cx.now, failed, |_| root, ENDING, &mut tally)?;
    tally.write(conn)
}
