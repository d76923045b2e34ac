//! What waits to be delivered, and whose turn it is. Claims are leases; an account's backlog never delays another's.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text, Timestamp};

use super::AnyConnection;
use super::kept::{bind, for_rows, load_each, one_of};
use super::schema::{account_queues, accounts, queue};
use crate::domain::ids::Id;
use crate::domain::waiting::State;

#[derive(Clone, Debug, Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = queue)]
pub struct Queued {
    pub message_id: Id,
    pub account_id: Id,
    pub due_at: NaiveDateTime,
    pub leased_until: Option<NaiveDateTime>,
    pub lease_owner: Option<Id>,
    /// Attempts made so far.
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
            bind::<Nullable<Timestamp>>(row.leased_until),
            bind::<Nullable<Binary>>(row.lease_owner),
            bind::<Integer>(row.attempts),
            bind::<Timestamp>(row.expires_at),
            bind::<Binary>(row.parent_id),
            bind::<Text>(&row.destination),
            bind::<Text>(&row.state),
        ]
    };
    for_rows(
        conn,
        "INSERT INTO queue (message_id, account_id, due_at, leased_until, lease_owner, attempts, expires_at, \
         parent_id, destination, state)",
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

/// The same for an account and all its sub accounts.
pub fn look_at_family_now(conn: &mut AnyConnection, root: Id, now: NaiveDateTime) -> QueryResult<()> {
    let family = accounts::table.filter(accounts::id.eq(root).or(accounts::parent_id.eq(root))).select(accounts::id);
    diesel::update(account_queues::table.filter(account_queues::account_id.eq_any(family)))
        .set(account_queues::next_due_at.eq(now))
        .execute(conn)
        .map(drop)
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

/// Up to `limit` messages of each account that are due and not leased, those of an account in the order of their time.
pub fn due(conn: &mut AnyConnection, accounts: &[Id], now: NaiveDateTime, limit: i64) -> QueryResult<Vec<Queued>> {
    let row = |account: &Id| vec![bind::<Binary>(*account), bind::<Timestamp>(now), bind::<BigInt>(limit)];
    load_each(
        conn,
        "SELECT * FROM queue WHERE account_id = $1 AND due_at <= $2 AND (leased_until IS NULL OR leased_until <= $2) \
         ORDER BY due_at, message_id LIMIT $3",
        &accounts.iter().map(row).collect::<Vec<_>>(),
    )
}

/// Up to `limit` messages of an account that waited too long and are not leased.
pub fn expired(conn: &mut AnyConnection, account: Id, now: NaiveDateTime, limit: i64) -> QueryResult<Vec<Queued>> {
    queue::table
        .filter(queue::account_id.eq(account))
        .filter(queue::expires_at.le(now))
        .filter(queue::leased_until.is_null().or(queue::leased_until.le(now)))
        .order((queue::due_at, queue::message_id))
        .limit(limit)
        .select(Queued::as_select())
        .load(conn)
}

/// Leases messages to `owner` until `until`: one attempt more for each.
pub fn lease(conn: &mut AnyConnection, ids: &[Id], owner: Id, until: NaiveDateTime) -> QueryResult<()> {
    diesel::update(queue::table.filter(one_of(queue::message_id, ids.to_vec())))
        .set((
            queue::leased_until.eq(Some(until)),
            queue::lease_owner.eq(Some(owner)),
            queue::attempts.eq(queue::attempts + 1),
        ))
        .execute(conn)
        .map(drop)
}

/// Lengthens the leases of attempts that are still under way.
pub fn renew(conn: &mut AnyConnection, ids: &[Id], owners: &[Id], until: NaiveDateTime) -> QueryResult<()> {
    diesel::update(
        queue::table
            .filter(one_of(queue::message_id, ids.to_vec()))
            .filter(one_of(queue::lease_owner, owners.iter().copied().map(Some).collect::<Vec<_>>())),
    )
    .set(queue::leased_until.eq(Some(until)))
    .execute(conn)
    .map(drop)
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
        "SELECT account_id, due_at FROM queue WHERE account_id = $1 AND leased_until IS NULL \
         ORDER BY due_at, message_id LIMIT 1",
        "SELECT account_id, leased_until AS due_at FROM queue WHERE account_id = $1 AND leased_until IS NOT NULL \
         ORDER BY leased_until LIMIT 1",
    ] {
        for found in load_each::<Next>(conn, each, &rows)? {
            next.entry(found.account_id).and_modify(|due| *due = found.due_at.min(*due)).or_insert(found.due_at);
        }
    }
    Ok(next)
}

/// The queue rows of messages, whoever holds them.
pub fn find_many(conn: &mut AnyConnection, messages: &[Id]) -> QueryResult<Vec<Queued>> {
    queue::table.filter(one_of(queue::message_id, messages.to_vec())).select(Queued::as_select()).load(conn)
}

/// A message that is given back.
#[derive(Clone, Copy, Debug)]
pub struct Back {
    pub message_id: Id,
    /// When it is tried again.
    pub due_at: NaiveDateTime,
    /// How often it was tried.
    pub attempts: i32,
}

/// Gives messages back, to be tried again.
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
        ") UPDATE queue SET due_at = back.due_at, attempts = back.attempts, state = back.state, leased_until = NULL, \
         lease_owner = NULL FROM back WHERE queue.message_id = back.message_id",
    )
}

/// Takes messages out of the queue.
pub fn remove_many(conn: &mut AnyConnection, messages: &[Id]) -> QueryResult<()> {
    if messages.is_empty() {
        return Ok(());
    }
    diesel::delete(queue::table.filter(one_of(queue::message_id, messages.to_vec()))).execute(conn).map(drop)
}

/// Takes a message out of the queue; answers whether it was there.
pub fn remove(conn: &mut AnyConnection, message: Id) -> QueryResult<bool> {
    Ok(diesel::delete(queue::table.find(message)).execute(conn)? > 0)
}

/// A queued message of an account that no worker holds.
pub fn find_free(conn: &mut AnyConnection, message: Id, now: NaiveDateTime) -> QueryResult<Option<Queued>> {
    queue::table
        .find(message)
        .filter(queue::leased_until.is_null().or(queue::leased_until.le(now)))
        .select(Queued::as_select())
        .first(conn)
        .optional()
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

/// Makes deferred messages that no worker holds due at `now`; answers how many.
pub fn hasten(conn: &mut AnyConnection, messages: &[Id], now: NaiveDateTime) -> QueryResult<usize> {
    diesel::update(
        queue::table
            .filter(one_of(queue::message_id, messages.to_vec()))
            .filter(queue::state.eq(State::Deferred.as_str()))
            .filter(queue::leased_until.is_null().or(queue::leased_until.le(now))),
    )
    .set(queue::due_at.eq(now))
    .execute(conn)
}

/// Takes messages out of the queue, those alone that no worker holds; answers which they were.
pub fn take_free(conn: &mut AnyConnection, messages: &[Id], now: NaiveDateTime) -> QueryResult<Vec<Id>> {
    let free: Vec<Id> = queue::table
        .filter(one_of(queue::message_id, messages.to_vec()))
        .filter(queue::leased_until.is_null().or(queue::leased_until.le(now)))
        .select(queue::message_id)
        .load(conn)?;
    diesel::delete(queue::table.filter(one_of(queue::message_id, free.clone()))).execute(conn)?;
    Ok(free)
}
