//! What waits to be delivered, and whose turn it is. Who has a message is in `lease`; an account's backlog never delays
//! another's.

mod ahead;
mod lease;

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use diesel::dsl::not;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text, Timestamp};

pub use ahead::{Turn, end_unchanged, leases_beyond, looked_at_too_late, put_off_beyond, serve_again, turns_after};
use lease::taken;
pub use lease::{Lease, give_back, leases_of, renew, take_lapsed, take_over};

use super::AnyConnection;
use super::kept::{bind, for_rows, load_each, load_rows, one_of};
use super::schema::{account_queues, accounts, queue};
use crate::domain::ids::Id;
use crate::domain::waiting::State;

#[derive(Clone, Debug, Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = queue)]
pub struct Queued {
    pub message_id: Id,
    pub account_id: Id,
    pub due_at: NaiveDateTime,
    /// Attempts that ended.
    pub attempts: i32,
    pub expires_at: NaiveDateTime,
    /// The account it is billed to.
    pub parent_id: Id,
    /// The recipient's domain, in lower case.
    pub destination: String,
    /// One of `domain::waiting::State`, as it is stored.
    pub state: String,
}

pub fn insert(conn: &mut AnyConnection, rows: &[Queued]) -> QueryResult<()> {
    let binds = |row: &Queued| {
        vec![
            bind::<Binary>(row.message_id),
            bind::<Binary>(row.account_id),
            bind::<Timestamp>(row.due_at),
            bind::<Integer>(row.attempts),
            bind::<Timestamp>(row.expires_at),
            bind::<Binary>(row.parent_id),
            bind::<Text>(&row.destination),
            bind::<Text>(&row.state),
        ]
    };
    for_rows(
        conn,
        "INSERT INTO queue (message_id, account_id, due_at, attempts, expires_at, parent_id, destination, state)",
        &rows.iter().map(binds).collect::<Vec<_>>(),
        "",
    )
}

/// Makes sure that a worker looks at each account, once and in their order, at its time or before.
pub fn wake(conn: &mut AnyConnection, accounts: &[(Id, NaiveDateTime)]) -> QueryResult<()> {
    let row = |(account, due): &(Id, NaiveDateTime)| {
        vec![bind::<Binary>(*account), bind::<Timestamp>(*due), bind::<Timestamp>(*due)]
    };
    for_rows(
        conn,
        "INSERT INTO account_queues (account_id, next_due_at, served_at)",
        &accounts.iter().map(row).collect::<Vec<_>>(),
        "ON CONFLICT (account_id) DO UPDATE SET next_due_at = excluded.next_due_at \
         WHERE account_queues.next_due_at > excluded.next_due_at",
    )
}

/// Makes workers look at accounts that were parked while on hold.
pub fn look_now(conn: &mut AnyConnection, accounts: &[Id], now: NaiveDateTime) -> QueryResult<()> {
    diesel::update(account_queues::table.filter(one_of(account_queues::account_id, accounts.to_vec())))
        .set(account_queues::next_due_at.eq(now))
        .execute(conn)
        .map(drop)
}

/// Accounts of a family that are looked at again at once; others are when their parking ends, a minute later.
const FAMILY: i64 = 500;

/// The same for an account and those of its sub accounts that have waited longest, however many it has.
pub fn look_at_family_now(conn: &mut AnyConnection, root: Id, now: NaiveDateTime) -> QueryResult<()> {
    let family = accounts::table.filter(accounts::id.eq(root).or(accounts::parent_id.eq(root))).select(accounts::id);
    let parked: Vec<Id> = account_queues::table
        .filter(account_queues::account_id.eq_any(family))
        .filter(account_queues::next_due_at.gt(now))
        .order((account_queues::served_at, account_queues::account_id))
        .limit(FAMILY)
        .select(account_queues::account_id)
        .load(conn)?;
    look_now(conn, &parked, now)
}

/// Accounts with something due at `now`, the one that waited longest first.
pub fn accounts_due(conn: &mut AnyConnection, now: NaiveDateTime, limit: i64) -> QueryResult<Vec<Id>> {
    account_queues::table
        .filter(account_queues::next_due_at.le(now))
        .order((account_queues::served_at, account_queues::account_id))
        .limit(limit)
        .select(account_queues::account_id)
        .load(conn)
}

/// Whether any account has something due at `now`.
pub fn any_due(conn: &mut AnyConnection, now: NaiveDateTime) -> QueryResult<bool> {
    let first: Option<Id> = account_queues::table
        .filter(account_queues::next_due_at.le(now))
        .select(account_queues::account_id)
        .first(conn)
        .optional()?;
    Ok(first.is_some())
}

/// Takes the turn of as many of `accounts` as no other node holds; answers those.
pub fn take_turns(conn: &mut AnyConnection, accounts: &[Id]) -> QueryResult<Vec<Id>> {
    match conn {
        AnyConnection::Pg(conn) => account_queues::table
            .filter(one_of(account_queues::account_id, accounts.to_vec()))
            .order(account_queues::account_id)
            .select(account_queues::account_id)
            .for_update()
            .skip_locked()
            .load(conn),
        AnyConnection::Sqlite(_) => Ok(accounts.to_vec()),
    }
}

/// A message that may be taken.
#[derive(Clone, Debug, QueryableByName)]
pub struct Due {
    #[diesel(embed)]
    pub queued: Queued,
    /// The attempt of whoever had it before and did not say how it ended.
    #[diesel(sql_type = Nullable<Integer>)]
    pub lapsed: Option<i32>,
}

impl Due {
    /// The number of its next attempt.
    #[must_use]
    pub fn next_attempt(&self) -> i32 {
        self.lapsed.unwrap_or(self.queued.attempts) + 1
    }
}

/// Up to `limit` messages of each account that are due and that nobody has, those of an account in the order of their
/// time. Leases are asked for row by row, so that the order of the index is kept, however much waits.
pub fn due(conn: &mut AnyConnection, accounts: &[Id], now: NaiveDateTime, limit: i64) -> QueryResult<Vec<Due>> {
    let row = |account: &Id| vec![bind::<Binary>(*account), bind::<Timestamp>(now), bind::<BigInt>(limit)];
    load_each(
        conn,
        "SELECT queue.*, (SELECT attempt FROM queue_leases WHERE queue_leases.message_id = queue.message_id) AS lapsed \
         FROM queue WHERE account_id = $1 AND due_at <= $2 AND COALESCE((SELECT until_at FROM queue_leases \
         WHERE queue_leases.message_id = queue.message_id), due_at) <= $2 ORDER BY due_at, message_id LIMIT $3",
        &accounts.iter().map(row).collect::<Vec<_>>(),
    )
}

/// Up to `limit` messages of an account that waited too long and that nobody has.
pub fn expired(conn: &mut AnyConnection, account: Id, now: NaiveDateTime, limit: i64) -> QueryResult<Vec<Queued>> {
    queue::table
        .filter(queue::account_id.eq(account))
        .filter(queue::expires_at.le(now))
        .filter(not(taken(now)))
        .order((queue::due_at, queue::message_id))
        .limit(limit)
        .select(Queued::as_select())
        .load(conn)
}

/// After a turn: when each account has something due again. A lease counts as due when it ends.
pub fn end_turns(conn: &mut AnyConnection, accounts: &[Id], now: NaiveDateTime) -> QueryResult<()> {
    let next = next_dues(conn, accounts)?;
    park(conn, &next.iter().map(|(account, due)| (*account, *due)).collect::<Vec<_>>(), now)?;
    let idle: Vec<Id> = accounts.iter().copied().filter(|account| !next.contains_key(account)).collect();
    if idle.is_empty() {
        return Ok(());
    }
    diesel::delete(account_queues::table.filter(one_of(account_queues::account_id, idle))).execute(conn).map(drop)
}

/// Ends the turns of accounts that are looked at again at their times.
pub fn park(conn: &mut AnyConnection, accounts: &[(Id, NaiveDateTime)], now: NaiveDateTime) -> QueryResult<()> {
    let row = |(account, until): &(Id, NaiveDateTime)| {
        vec![bind::<Binary>(*account), bind::<Timestamp>(*until), bind::<Timestamp>(now)]
    };
    for_rows(
        conn,
        "WITH ended (account_id, next_due_at, at) AS (",
        &accounts.iter().map(row).collect::<Vec<_>>(),
        ") UPDATE account_queues SET next_due_at = ended.next_due_at, served_at = ended.at FROM ended \
         WHERE account_queues.account_id = ended.account_id",
    )
}

#[derive(QueryableByName)]
struct Next {
    #[diesel(sql_type = Binary)]
    account_id: Id,
    #[diesel(sql_type = Timestamp)]
    due_at: NaiveDateTime,
}

/// When each of those accounts that have anything in the queue has something due.
fn next_dues(conn: &mut AnyConnection, accounts: &[Id]) -> QueryResult<BTreeMap<Id, NaiveDateTime>> {
    let rows: Vec<_> = accounts.iter().map(|account| vec![bind::<Binary>(*account)]).collect();
    let mut next: BTreeMap<Id, NaiveDateTime> = BTreeMap::new();
    for each in [
        "SELECT account_id, due_at FROM queue WHERE account_id = $1 AND (SELECT attempt FROM queue_leases \
         WHERE queue_leases.message_id = queue.message_id) IS NULL ORDER BY due_at, message_id LIMIT 1",
        "SELECT account_id, until_at AS due_at FROM queue_leases WHERE account_id = $1 ORDER BY until_at LIMIT 1",
    ] {
        for found in load_each::<Next>(conn, each, &rows)? {
            next.entry(found.account_id).and_modify(|due| *due = found.due_at.min(*due)).or_insert(found.due_at);
        }
    }
    Ok(next)
}

/// The queue rows of messages, whoever has them.
pub fn find_many(conn: &mut AnyConnection, messages: &[Id]) -> QueryResult<Vec<Queued>> {
    queue::table.filter(one_of(queue::message_id, messages.to_vec())).select(Queued::as_select()).load(conn)
}

/// A message that is put back.
#[derive(Clone, Copy, Debug)]
pub struct Back {
    pub message_id: Id,
    /// When it is tried again.
    pub due_at: NaiveDateTime,
    /// How often it was tried.
    pub attempts: i32,
}

/// Puts messages back, to be tried again.
pub fn retry(conn: &mut AnyConnection, back: &[Back]) -> QueryResult<()> {
    let row = |one: &Back| {
        vec![
            bind::<Binary>(one.message_id),
            bind::<Timestamp>(one.due_at),
            bind::<Integer>(one.attempts),
            bind::<Text>(State::after(one.attempts).as_str()),
        ]
    };
    for_rows(
        conn,
        "WITH back (message_id, due_at, attempts, state) AS (",
        &back.iter().map(row).collect::<Vec<_>>(),
        ") UPDATE queue SET due_at = back.due_at, attempts = back.attempts, state = back.state FROM back \
         WHERE queue.message_id = back.message_id",
    )
}

/// Takes messages out of the queue, whoever has them.
pub fn remove_many(conn: &mut AnyConnection, messages: &[Id]) -> QueryResult<()> {
    if messages.is_empty() {
        return Ok(());
    }
    lease::forget(conn, messages)?;
    remove_given_back(conn, messages)
}

/// Takes messages out of the queue whose leases were ended before.
pub fn remove_given_back(conn: &mut AnyConnection, messages: &[Id]) -> QueryResult<()> {
    if messages.is_empty() {
        return Ok(());
    }
    diesel::delete(queue::table.filter(one_of(queue::message_id, messages.to_vec()))).execute(conn).map(drop)
}

/// Takes a message out of the queue, if no worker has it; answers whether it was there to be taken.
pub fn take(conn: &mut AnyConnection, message: Id, now: NaiveDateTime) -> QueryResult<bool> {
    Ok(!take_free(conn, &[message], now)?.is_empty())
}

/// Up to `limit` messages of an account's queue, whatever their state.
pub fn of_account(conn: &mut AnyConnection, account: Id, limit: i64) -> QueryResult<Vec<Id>> {
    queue::table
        .filter(queue::account_id.eq(account))
        .order((queue::due_at, queue::message_id))
        .limit(limit)
        .select(queue::message_id)
        .load(conn)
}

/// The newest message of an account's queue: one step in an index for each state.
pub fn newest(conn: &mut AnyConnection, account: Id) -> QueryResult<Option<Id>> {
    let mut newest: Option<Id> = None;
    for state in State::all() {
        let of_state = queue::table.filter(queue::account_id.eq(account)).filter(queue::state.eq(state.as_str()));
        let last: Option<Id> =
            of_state.order(queue::message_id.desc()).select(queue::message_id).first(conn).optional()?;
        newest = newest.max(last);
    }
    Ok(newest)
}

/// Whether an account's queue has a message as old as that one, or older.
pub fn has_until(conn: &mut AnyConnection, account: Id, message: Id) -> QueryResult<bool> {
    for state in State::all() {
        let of_state = queue::table.filter(queue::account_id.eq(account)).filter(queue::state.eq(state.as_str()));
        let first: Option<Id> =
            of_state.order(queue::message_id.asc()).select(queue::message_id).first(conn).optional()?;
        if first.is_some_and(|first| first <= message) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How many messages wait: those due by `now`, and those scheduled for later.
pub fn depth(conn: &mut AnyConnection, account: Id, now: NaiveDateTime) -> QueryResult<(i64, i64)> {
    let due =
        queue::table.filter(queue::account_id.eq(account)).filter(queue::due_at.le(now)).count().get_result(conn)?;
    let later =
        queue::table.filter(queue::account_id.eq(account)).filter(queue::due_at.gt(now)).count().get_result(conn)?;
    Ok((due, later))
}

/// How many messages of an account were tried at least once and wait to be tried again.
pub fn tried(conn: &mut AnyConnection, account: Id) -> QueryResult<i64> {
    queue::table.filter(queue::account_id.eq(account)).filter(queue::attempts.gt(0)).count().get_result(conn)
}

/// Makes messages of that state that no worker has due at `now`; answers how many.
pub fn hasten(conn: &mut AnyConnection, messages: &[Id], state: State, now: NaiveDateTime) -> QueryResult<usize> {
    let of_state = |of: &[Id]| {
        queue::table
            .filter(one_of(queue::message_id, of.to_vec()))
            .filter(queue::state.eq(state.as_str()))
            .filter(not(taken(now)))
    };
    let mut free: Vec<Id> = of_state(messages).select(queue::message_id).load(conn)?;
    if let AnyConnection::Pg(conn) = conn {
        // What another moves on or ends at this moment needs no haste, and waiting for it could be waiting in a circle.
        let rows = queue::table.filter(one_of(queue::message_id, free)).order(queue::message_id);
        free = rows.select(queue::message_id).for_update().skip_locked().load(conn)?;
    }
    diesel::update(of_state(&free)).set(queue::due_at.eq(now)).execute(conn)
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Binary)]
    message_id: Id,
}

/// Takes messages out of the queue, those alone that no worker has; answers which they were. The caller holds the locks
/// of their accounts, so that no worker gets one meanwhile. A worker whose lease ran out loses it first, or is just
/// finishing and keeps its message; whoever takes the row out of the queue has the message, and nobody else.
pub fn take_free(conn: &mut AnyConnection, messages: &[Id], now: NaiveDateTime) -> QueryResult<Vec<Id>> {
    let lapsed = take_lapsed(conn, messages, now)?;
    if !lapsed.is_empty() {
        lease::forget(conn, &lapsed)?;
    }
    let rows: Vec<_> = messages.iter().map(|message| vec![bind::<Binary>(*message)]).collect();
    let taken: Vec<Taken> = load_rows(
        conn,
        "WITH free (message_id) AS (",
        &rows,
        ") DELETE FROM queue WHERE message_id IN (SELECT message_id FROM free) AND NOT EXISTS (SELECT 1 FROM \
         queue_leases WHERE queue_leases.message_id = queue.message_id) RETURNING message_id",
    )?;
    Ok(taken.into_iter().map(|row| row.message_id).collect())
}
