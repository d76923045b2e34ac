//! The numbers above the queue. What is counted is bounded, so that a page never reads a long queue to its end.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Text, Timestamp};

use super::{Whose, held_accounts, stopped};
use crate::domain::ids::Id;
use crate::domain::waiting::{Reason, State};
use crate::models::AnyConnection;

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// A recipients' domain, and how many wait for it.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Destination {
    #[diesel(sql_type = Text)]
    pub destination: String,
    #[diesel(sql_type = BigInt)]
    pub waiting: i64,
}

/// How many wait for each reason, each counted up to one more than [`Counts::MOST`]. A message of an account on hold
/// is counted under its own state too: the numbers do not add up, and are not meant to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(Vec<(Reason, i64)>);

impl Counts {
    /// Beyond this a number reads "more than 10,000".
    pub const MOST: i64 = 10_000;

    #[must_use]
    pub fn of(&self, reason: Reason) -> i64 {
        self.0.iter().find(|(known, _)| *known == reason).map_or(0, |(_, count)| *count)
    }

    /// Everything that waits, as far as it was counted.
    #[must_use]
    pub fn all(&self) -> i64 {
        [Reason::Waiting, Reason::Deferred, Reason::Scheduled, Reason::AtCap].map(|reason| self.of(reason)).iter().sum()
    }
}

/// Counts for the chips.
///
/// # Errors
/// Only the database's.
pub fn counts(conn: &mut AnyConnection, whose: Whose, root: Id, now: NaiveDateTime) -> QueryResult<Counts> {
    let mut all = Vec::new();
    for state in State::all() {
        all.push((Reason::from(state), of_state(conn, whose, state, Counts::MOST + 1)?));
    }
    let (column, id) = column(whose);
    let held: Counted = diesel::sql_query(format!(
        "SELECT count(*) AS n FROM (SELECT 1 FROM held_messages WHERE {column} = $1 LIMIT {}) few",
        Counts::MOST + 1
    ))
    .bind::<Binary, _>(id)
    .get_result(conn)?;
    all.push((Reason::AtCap, held.n));
    let leaving: Counted = diesel::sql_query(format!(
        "SELECT count(*) AS n FROM (SELECT 1 FROM queue_leases WHERE {column} = $1 AND until_at > $2 LIMIT {}) few",
        Counts::MOST + 1
    ))
    .bind::<Binary, _>(id)
    .bind::<Timestamp, _>(now)
    .get_result(conn)?;
    all.push((Reason::Sending, leaving.n));
    all.push((Reason::Suspended, suspended(conn, whose, root, now, &all)?));
    Ok(Counts(all))
}

fn suspended(
    conn: &mut AnyConnection,
    whose: Whose,
    root: Id,
    now: NaiveDateTime,
    counted: &[(Reason, i64)],
) -> QueryResult<i64> {
    let most = Counts::MOST + 1;
    if stopped(conn, root, now)? {
        let queued = |reason: &Reason| matches!(reason, Reason::Waiting | Reason::Deferred | Reason::Scheduled);
        return Ok(counted.iter().filter(|(reason, _)| queued(reason)).map(|(_, n)| n).sum::<i64>().min(most));
    }
    let mut found = 0;
    for account in held_accounts(conn, whose, now)? {
        for state in State::all() {
            if found >= most {
                return Ok(most);
            }
            found += of_state(conn, Whose::Account(account), state, most - found)?;
        }
    }
    Ok(found)
}

fn column(whose: Whose) -> (&'static str, Id) {
    match whose {
        Whose::Family(root) => ("parent_id", root),
        Whose::Account(id) => ("account_id", id),
    }
}

fn of_state(conn: &mut AnyConnection, whose: Whose, state: State, most: i64) -> QueryResult<i64> {
    let (column, id) = column(whose);
    // In the order of an index, so that it is taken whatever the database thinks of how many there are.
    let sql = format!(
        "SELECT count(*) AS n FROM (SELECT 1 FROM queue WHERE {column} = $1 AND state = $2 \
         ORDER BY message_id LIMIT {most}) few"
    );
    let counted: Counted =
        diesel::sql_query(sql).bind::<Binary, _>(id).bind::<Text, _>(state.as_str()).get_result(conn)?;
    Ok(counted.n)
}

/// The domains for which most wait, of the first [`Counts::MOST`] rows: the deferred ones before the others.
///
/// # Errors
/// Only the database's.
pub fn destinations(conn: &mut AnyConnection, whose: Whose, limit: usize) -> QueryResult<Vec<Destination>> {
    let (column, id) = column(whose);
    let mut rows: Vec<Destination> = diesel::sql_query(format!(
        "SELECT destination, count(*) AS waiting FROM (SELECT destination FROM queue WHERE {column} = $1 \
         ORDER BY state, message_id LIMIT {}) few GROUP BY destination",
        Counts::MOST
    ))
    .bind::<Binary, _>(id)
    .get_results(conn)?;
    rows.sort_by(|a, b| b.waiting.cmp(&a.waiting).then_with(|| a.destination.cmp(&b.destination)));
    rows.truncate(limit);
    Ok(rows)
}
