//! How the whole installation stands, over all parents: for whoever watches it. Everything is read by an index and
//! bounded, however much waits and however many accounts there are.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text, Timestamp};

use super::AnyConnection;
use super::schema::{account_queues, account_summaries, accounts, counters};
use super::summaries::Summary;
use super::{counters::Counter, periods};
use crate::domain::ids::Id;
use crate::domain::reputation::{Rate, left};
use crate::domain::waiting::State;

/// Messages of a state are counted up to here.
pub const MOST: i64 = 100_000;
/// Parents with something waiting that are looked into.
const PARENTS: usize = 1_000;
/// Parents whose accounts are watched, the oldest first.
const WATCHED_PARENTS: i64 = 50;
/// Accounts of a parent that are looked at for each order.
pub const LOOKED_AT: i64 = 200;
/// Accounts that are watched: a third each by bounce rate, complaint rate and volume.
pub const WATCHED: usize = 99;

/// What waits in a state: how many, up to [`MOST`], and the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    pub state: &'static str,
    pub messages: i64,
    pub oldest: Option<Id>,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    n: i64,
    #[diesel(sql_type = Nullable<Binary>)]
    first: Option<Id>,
}

#[derive(QueryableByName)]
struct Parent {
    #[diesel(sql_type = Binary)]
    parent_id: Id,
}

/// What waits, by how it stands: `waiting`, `scheduled`, `deferred`, `held` (at a cap) and `leaving` (being tried; these
/// are among the first three too). A state is counted up to `most`.
///
/// # Errors
/// Only the database's.
pub fn depths(conn: &mut AnyConnection, now: NaiveDateTime, most: i64) -> QueryResult<Vec<Depth>> {
    let mut all = Vec::new();
    let queued = parents(conn, "queue")?;
    for state in State::all() {
        let filter = format!("queue WHERE parent_id = $1 AND state = '{}'", state.as_str());
        all.push(depth(conn, state.as_str(), &filter, &queued, now, most)?);
    }
    let leaving = "queue_leases WHERE parent_id = $1 AND until_at > $2";
    all.push(depth(conn, "leaving", leaving, &queued, now, most)?);
    let held = parents(conn, "held_messages")?;
    all.push(depth(conn, "held", "held_messages WHERE parent_id = $1", &held, now, most)?);
    Ok(all)
}

/// The parents that a table has rows of: one step in its index for each.
fn parents(conn: &mut AnyConnection, table: &str) -> QueryResult<Vec<Id>> {
    let sql = format!("SELECT parent_id FROM {table} WHERE parent_id > $1 ORDER BY parent_id LIMIT 1");
    let mut found = Vec::new();
    let mut after = Id(uuid::Uuid::nil());
    while found.len() < PARENTS {
        let next: Option<Parent> = diesel::sql_query(&sql).bind::<Binary, _>(after).get_result(conn).optional()?;
        let Some(next) = next else { break };
        after = next.parent_id;
        found.push(after);
    }
    Ok(found)
}

fn depth(
    conn: &mut AnyConnection,
    state: &'static str,
    filter: &str,
    parents: &[Id],
    now: NaiveDateTime,
    most: i64,
) -> QueryResult<Depth> {
    let mut depth = Depth { state, messages: 0, oldest: None };
    // Where the filter asks for no time, a condition that always holds takes the value.
    let timed = if filter.contains("$2") { "" } else { " AND $2 = $2" };
    for parent in parents {
        let rest = most - depth.messages;
        let sql = format!(
            "SELECT (SELECT count(*) FROM (SELECT 1 FROM {filter}{timed} ORDER BY message_id LIMIT {rest}) few) AS n, \
             (SELECT message_id FROM {filter}{timed} ORDER BY message_id LIMIT 1) AS first"
        );
        let found: Found =
            diesel::sql_query(sql).bind::<Binary, _>(*parent).bind::<Timestamp, _>(now).get_result(conn)?;
        depth.messages += found.n;
        depth.oldest = [depth.oldest, found.first].into_iter().flatten().min();
    }
    Ok(depth)
}

/// When the account that is due longest became due. One on hold is due when its hold ends.
///
/// # Errors
/// Only the database's.
pub fn first_due(conn: &mut AnyConnection) -> QueryResult<Option<NaiveDateTime>> {
    let first = account_queues::table.order(account_queues::next_due_at).select(account_queues::next_due_at);
    first.first(conn).optional()
}

/// Until when the lease `name` is held.
///
/// # Errors
/// Only the database's.
pub fn lease_until(conn: &mut AnyConnection, name: &str) -> QueryResult<Option<NaiveDateTime>> {
    #[derive(QueryableByName)]
    struct Until {
        #[diesel(sql_type = Timestamp)]
        until_at: NaiveDateTime,
    }
    let found: Option<Until> = diesel::sql_query("SELECT until_at FROM leases WHERE name = $1")
        .bind::<Text, _>(name)
        .get_result(conn)
        .optional()?;
    Ok(found.map(|row| row.until_at))
}

/// What an account did in its running period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    pub account: Id,
    pub sent: i64,
    pub delivered: i64,
    pub bounced: i64,
    pub complained: i64,
}

impl Rates {
    fn left(&self) -> i64 {
        left(self.delivered, self.bounced)
    }

    /// `count` of a thousand million that left, where enough left for a rate to say something.
    fn rate(&self, rate: Rate, count: i64) -> i64 {
        if self.left() < rate.minimum() { 0 } else { count.saturating_mul(1_000_000_000) / self.left() }
    }
}

/// The accounts to watch, at most [`WATCHED`]: those with the highest bounce rates and complaint rates of enough mail to
/// tell, and those that sent most. Looks at the first `looked_at` of each order of the 50 oldest parents, and at the
/// parents themselves.
///
/// # Errors
/// Only the database's.
pub fn watched(conn: &mut AnyConnection, now: NaiveDateTime, looked_at: i64) -> QueryResult<Vec<Rates>> {
    let roots: Vec<Id> = accounts::table
        .filter(accounts::parent_id.is_null())
        .order(accounts::id)
        .limit(WATCHED_PARENTS)
        .select(accounts::id)
        .load(conn)?;
    let mut all = Vec::new();
    for root in roots {
        all.extend(of_parent(conn, root, now)?);
        for order in ["bounce_ppm", "complaint_ppm", "sent"] {
            all.extend(first_by(conn, root, order, looked_at)?);
        }
    }
    all.retain(|rates| rates.sent > 0 || rates.left() > 0);
    all.sort_by_key(|rates| rates.account);
    all.dedup_by_key(|rates| rates.account);
    Ok(chosen(all))
}

fn first_by(conn: &mut AnyConnection, root: Id, order: &str, limit: i64) -> QueryResult<Vec<Rates>> {
    let query = account_summaries::table
        .filter(account_summaries::parent_id.eq(root))
        .limit(limit)
        .select(Summary::as_select())
        .into_boxed();
    let query = match order {
        "bounce_ppm" => query.order((account_summaries::bounce_ppm.desc(), account_summaries::account_id.desc())),
        "complaint_ppm" => query.order((account_summaries::complaint_ppm.desc(), account_summaries::account_id.desc())),
        _ => query.order((account_summaries::sent.desc(), account_summaries::account_id.desc())),
    };
    let rows: Vec<Summary> = query.load(conn)?;
    let rates = |row: Summary| Rates {
        account: row.account_id,
        sent: row.sent,
        delivered: row.delivered,
        bounced: row.bounced,
        complained: row.complained,
    };
    Ok(rows.into_iter().map(rates).collect())
}

/// A parent's own sending, which no summary has.
fn of_parent(conn: &mut AnyConnection, root: Id, now: NaiveDateTime) -> QueryResult<Option<Rates>> {
    let Some(period) = periods::containing(conn, root, now)? else { return Ok(None) };
    let row: Option<Counter> =
        counters::table.find((root, period.id)).select(Counter::as_select()).first(conn).optional()?;
    Ok(row.map(|row| Rates {
        account: root,
        sent: row.accepted,
        delivered: row.delivered,
        bounced: row.bounced,
        complained: row.complained,
    }))
}

/// A third of the places each by bounces, complaints and volume; a place that is not needed goes to the next order.
fn chosen(mut all: Vec<Rates>) -> Vec<Rates> {
    let orders: [fn(&Rates) -> i64; 3] = [
        |rates| rates.rate(Rate::Bounces, rates.bounced),
        |rates| rates.rate(Rate::Complaints, rates.complained),
        |rates| rates.sent.max(1),
    ];
    let mut chosen = Vec::new();
    for (turn, order) in (1..).zip(orders) {
        all.sort_by_key(|rates| (std::cmp::Reverse(order(rates)), rates.account));
        let places = WATCHED * turn / orders.len() - chosen.len();
        let wanted = all.iter().take_while(|rates| order(rates) > 0).count().min(places);
        chosen.extend(all.drain(..wanted));
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(number: u128, delivered: i64, bounced: i64, complained: i64) -> Rates {
        let account = Id(uuid::Uuid::from_u128(number));
        Rates { account, sent: delivered + bounced, delivered, bounced, complained }
    }

    #[test]
    fn the_worst_and_the_largest_are_watched_and_one_bounce_of_one_message_crowds_nobody_out() {
        let mut all: Vec<Rates> = (0..500).map(|number| account(number, 0, 1, 0)).collect();
        all.push(account(1000, 90, 10, 0));
        all.push(account(1001, 1_999, 1, 8));
        all.push(account(1002, 900_000, 9, 0));
        let chosen = chosen(all);
        assert_eq!(chosen.len(), WATCHED);
        for number in [1000, 1001, 1002] {
            assert!(chosen.iter().any(|rates| rates.account == Id(uuid::Uuid::from_u128(number))), "{number}");
        }
        let mut ids: Vec<Id> = chosen.iter().map(|rates| rates.account).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), chosen.len(), "each once");
    }
}
