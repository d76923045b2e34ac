//! What a clock that was far ahead left in the queue: leases, turns and attempts that would be waited for until its time.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Timestamp};

use super::lease::Lease;
use super::{Queued, next_dues};
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::kept::{bind, load_each, one_of};
use crate::models::portable::with_row_locks;
use crate::models::schema::{account_queues, queue_leases};

/// Up to `limit` leases that end after `latest`.
pub fn leases_beyond(conn: &mut AnyConnection, latest: NaiveDateTime, limit: i64) -> QueryResult<Vec<Lease>> {
    queue_leases::table
        .filter(queue_leases::until_at.gt(latest))
        .order(queue_leases::message_id)
        .limit(limit)
        .select(Lease::as_select())
        .load(conn)
}

/// Ends those of `seen` at `now` that are still as they were seen; answers how many. One that is being given back or
/// lengthened at this moment is passed over.
pub fn end_unchanged(conn: &mut AnyConnection, seen: &[Lease], now: NaiveDateTime) -> QueryResult<usize> {
    let of = |messages: Vec<Id>| {
        queue_leases::table.filter(one_of(queue_leases::message_id, messages)).order(queue_leases::message_id)
    };
    let mut messages: Vec<Id> = seen.iter().map(|lease| lease.message_id).collect();
    if let Some(conn) = with_row_locks(conn) {
        messages = of(messages).select(queue_leases::message_id).for_update().skip_locked().load(conn)?;
    }
    let held: Vec<Lease> = of(messages).select(Lease::as_select()).load(conn)?;

    let unchanged = |now: &Lease| seen.iter().any(|then| now.is_same(then));
    let lost: Vec<Id> = held.iter().filter(|lease| unchanged(lease)).map(|lease| lease.message_id).collect();
    diesel::update(queue_leases::table.filter(one_of(queue_leases::message_id, lost)))
        .set(queue_leases::until_at.eq(now))
        .execute(conn)
}

/// An account that is looked at later, and when it was served.
#[derive(Clone, Copy, Debug, Queryable)]
pub struct Turn {
    pub account_id: Id,
    pub next_due_at: NaiveDateTime,
    pub served_at: NaiveDateTime,
}

/// Up to `limit` accounts with something in the queue, from the first or after `after`.
pub fn turns_after(conn: &mut AnyConnection, after: Option<Id>, limit: i64) -> QueryResult<Vec<Turn>> {
    let mut turns = account_queues::table
        .order(account_queues::account_id)
        .limit(limit)
        .select((account_queues::account_id, account_queues::next_due_at, account_queues::served_at))
        .into_boxed();
    if let Some(after) = after {
        turns = turns.filter(account_queues::account_id.gt(after));
    }
    turns.load(conn)
}

/// Those of `turns` that have something due before they are looked at, and when.
pub fn looked_at_too_late(conn: &mut AnyConnection, turns: &[Turn]) -> QueryResult<Vec<(Id, NaiveDateTime)>> {
    let accounts: Vec<Id> = turns.iter().map(|turn| turn.account_id).collect();
    let due = next_dues(conn, &accounts)?;
    let late = turns.iter().filter_map(|turn| Some((turn.account_id, *due.get(&turn.account_id)?, turn.next_due_at)));
    Ok(late.filter(|(_, due, looked_at)| due < looked_at).map(|(account, due, _)| (account, due)).collect())
}

/// Accounts that were served after `now`, by a clock that was ahead, were served then.
pub fn serve_again(conn: &mut AnyConnection, accounts: &[Id], now: NaiveDateTime) -> QueryResult<()> {
    diesel::update(account_queues::table.filter(one_of(account_queues::account_id, accounts.to_vec())))
        .set(account_queues::served_at.eq(now))
        .execute(conn)
        .map(drop)
}

/// Up to `limit` messages of each account that are due after `latest`, though nobody asked for a time: an attempt put
/// them off, or they were accepted, by a clock that was ahead.
pub fn put_off_beyond(
    conn: &mut AnyConnection,
    accounts: &[Id],
    latest: NaiveDateTime,
    limit: i64,
) -> QueryResult<Vec<Queued>> {
    let row = |account: &Id| vec![bind::<Binary>(*account), bind::<Timestamp>(latest), bind::<BigInt>(limit)];
    load_each(
        conn,
        "SELECT queue.* FROM queue WHERE account_id = $1 AND due_at > $2 AND state <> 'scheduled' \
         ORDER BY due_at, message_id LIMIT $3",
        &accounts.iter().map(row).collect::<Vec<_>>(),
    )
}
