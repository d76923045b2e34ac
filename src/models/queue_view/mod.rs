//! The queue as people look at it: what waits of a family or of one account, oldest first, by destination and reason.
//! Message ids rise with the time of acceptance, so that every list is read in the order of an index.

mod count;
mod page;

pub use count::{Counts, Destination, counts, destinations};
pub use page::{Page, oldest, page};

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::AnyConnection;
use super::schema::{account_queues, accounts, held_messages, queue, suspensions};
use crate::domain::ids::Id;
use crate::domain::waiting::Reason;

/// Whose queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// A parent's and that of all its sub accounts.
    Family(Id),
    Account(Id),
}

/// What a list is narrowed by. Empty fields do not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The recipients' domain, whole and in lower case.
    pub destination: Option<String>,
    pub reason: Option<Reason>,
}

/// One message that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub message_id: Id,
    pub account_id: Id,
    pub destination: String,
    /// As it is stored: waiting, deferred, scheduled, or at the cap.
    pub reason: Reason,
    /// When it is to be tried; of one held at the cap, when it was to leave.
    pub due_at: NaiveDateTime,
    pub leased_until: Option<NaiveDateTime>,
    pub attempts: i32,
}

impl Waiting {
    /// Whether an attempt is under way at `now`.
    #[must_use]
    pub fn is_leaving(&self, now: NaiveDateTime) -> bool {
        self.leased_until.is_some_and(|until| until > now)
    }
}

/// Accounts on hold that are looked into for what waits on them.
const HELD_ACCOUNTS: i64 = 200;

/// Accounts of the family (or the one account) from which nothing leaves because of a hold at `now`, and that have
/// something waiting: the 200 oldest of them. A parent's own hold stops all: see `stopped`.
///
/// # Errors
/// Only the database's.
pub fn held_accounts(conn: &mut AnyConnection, whose: Whose, now: NaiveDateTime) -> QueryResult<Vec<Id>> {
    let open = suspensions::lifted_at.is_null();
    let running = suspensions::until_at.is_null().or(suspensions::until_at.gt(now));
    let mut query = suspensions::table
        .inner_join(accounts::table.on(accounts::id.eq(suspensions::account_id)))
        .filter(open)
        .filter(running)
        .select(suspensions::account_id)
        .distinct()
        .into_boxed();
    query = match whose {
        Whose::Family(root) => query.filter(accounts::parent_id.eq(root)),
        Whose::Account(id) => query.filter(accounts::id.eq(id)),
    };
    let queued = account_queues::table.select(account_queues::account_id);
    query.filter(suspensions::account_id.eq_any(queued)).order(suspensions::account_id).limit(HELD_ACCOUNTS).load(conn)
}

/// Whether `root` itself is on hold, so that nothing of its family leaves.
///
/// # Errors
/// Only the database's.
pub fn stopped(conn: &mut AnyConnection, root: Id, now: NaiveDateTime) -> QueryResult<bool> {
    Ok(!super::suspensions::held(conn, &[root], now)?.is_empty())
}

/// The rows of these messages, those alone that are `whose`. What is another's, or waits no more, is not among them.
///
/// # Errors
/// Only the database's.
pub fn find_many(conn: &mut AnyConnection, whose: Whose, ids: &[Id]) -> QueryResult<Vec<Waiting>> {
    let mut queued = queue::table.filter(queue::message_id.eq_any(ids.to_vec())).into_boxed();
    let mut held = held_messages::table.filter(held_messages::message_id.eq_any(ids.to_vec())).into_boxed();
    match whose {
        Whose::Family(root) => {
            queued = queued.filter(queue::parent_id.eq(root));
            held = held.filter(held_messages::parent_id.eq(root));
        }
        Whose::Account(id) => {
            queued = queued.filter(queue::account_id.eq(id));
            held = held.filter(held_messages::account_id.eq(id));
        }
    }
    let mut rows: Vec<Waiting> = queued.select(page::COLUMNS).load(conn)?.into_iter().map(page::queued).collect();
    rows.extend(held.select(page::HELD_COLUMNS).load(conn)?.into_iter().map(page::held));
    rows.sort_by_key(|row| row.message_id);
    page::with_leases(conn, &mut rows)?;
    Ok(rows)
}
