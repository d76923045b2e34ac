//! A page of the queue: the first rows of each state by an index of its own, then put together.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::{Filter, Waiting, Whose, held_accounts, stopped};
use crate::domain::ids::Id;
use crate::domain::waiting::{Reason, State};
use crate::models::AnyConnection;
use crate::models::schema::{held_messages, queue, queue_leases};

type Columns = (queue::message_id, queue::account_id, queue::destination, queue::state, queue::due_at, queue::attempts);
pub(super) const COLUMNS: Columns =
    (queue::message_id, queue::account_id, queue::destination, queue::state, queue::due_at, queue::attempts);
type HeldColumns =
    (held_messages::message_id, held_messages::account_id, held_messages::destination, held_messages::due_at);
pub(super) const HELD_COLUMNS: HeldColumns =
    (held_messages::message_id, held_messages::account_id, held_messages::destination, held_messages::due_at);

type Row = (Id, Id, String, String, NaiveDateTime, i32);

pub(super) fn queued(row: Row) -> Waiting {
    let (message_id, account_id, destination, state, due_at, attempts) = row;
    let reason = Reason::parse(&state).unwrap_or(Reason::Waiting);
    Waiting { message_id, account_id, destination, reason, due_at, leased_until: None, attempts }
}

pub(super) fn held((message_id, account_id, destination, due_at): (Id, Id, String, NaiveDateTime)) -> Waiting {
    Waiting { message_id, account_id, destination, reason: Reason::AtCap, due_at, leased_until: None, attempts: 0 }
}

/// Where a page begins, and how many rows it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Only rows after this message, or before it with `backwards`.
    pub edge: Option<Id>,
    /// The rows just before the edge, the nearest first.
    pub backwards: bool,
    pub limit: i64,
}

/// Which rows of the table `queue`.
#[derive(Clone, Copy)]
enum Which {
    Of(State),
    Leaving(NaiveDateTime),
}

/// What waits, the oldest first; with `backwards` the nearest to the edge first. A filter by account on hold looks
/// into 200 accounts at most. Rows of accounts on hold are among those of their own state too.
///
/// # Errors
/// Only the database's.
pub fn page(
    conn: &mut AnyConnection,
    whose: Whose,
    root: Id,
    filter: &Filter,
    page: Page,
    now: NaiveDateTime,
) -> QueryResult<Vec<Waiting>> {
    let destination = filter.destination.as_deref();
    let mut rows = match filter.reason {
        None => every(conn, whose, destination, page)?,
        Some(Reason::Waiting) => of_queue(conn, whose, destination, Which::Of(State::Waiting), page)?,
        Some(Reason::Deferred) => of_queue(conn, whose, destination, Which::Of(State::Deferred), page)?,
        Some(Reason::Scheduled) => of_queue(conn, whose, destination, Which::Of(State::Scheduled), page)?,
        Some(Reason::Sending) => of_queue(conn, whose, destination, Which::Leaving(now), page)?,
        Some(Reason::AtCap) => of_held(conn, whose, destination, page)?,
        Some(Reason::Suspended) if stopped(conn, root, now)? => every_queued(conn, whose, destination, page)?,
        Some(Reason::Suspended) => {
            let mut rows = Vec::new();
            for account in held_accounts(conn, whose, now)? {
                rows.extend(every_queued(conn, Whose::Account(account), destination, page)?);
                arrange(&mut rows, page);
            }
            rows
        }
    };
    arrange(&mut rows, page);
    with_leases(conn, &mut rows)?;
    Ok(rows)
}

/// Notes which of them are leaving, and counts the attempt that is under way.
pub(super) fn with_leases(conn: &mut AnyConnection, rows: &mut [Waiting]) -> QueryResult<()> {
    let ids: Vec<Id> = rows.iter().map(|row| row.message_id).collect();
    let leases = crate::models::queue::leases_of(conn, &ids)?;
    let leases: HashMap<Id, _> = leases.into_iter().map(|lease| (lease.message_id, lease)).collect();
    for row in rows {
        if let Some(lease) = leases.get(&row.message_id) {
            row.leased_until = Some(lease.until_at);
            row.attempts = lease.attempt;
        }
    }
    Ok(())
}

/// The messages that are leaving at `now`: never many.
fn leaving(conn: &mut AnyConnection, whose: Whose, now: NaiveDateTime) -> QueryResult<Vec<Id>> {
    let query =
        queue_leases::table.filter(queue_leases::until_at.gt(now)).select(queue_leases::message_id).into_boxed();
    match whose {
        Whose::Family(root) => query.filter(queue_leases::parent_id.eq(root)),
        Whose::Account(id) => query.filter(queue_leases::account_id.eq(id)),
    }
    .load(conn)
}

/// The message that waits longest.
///
/// # Errors
/// Only the database's.
pub fn oldest(conn: &mut AnyConnection, whose: Whose) -> QueryResult<Option<Waiting>> {
    let first = Page { limit: 1, ..Page::default() };
    let mut rows = every(conn, whose, None, first)?;
    arrange(&mut rows, first);
    Ok(rows.pop())
}

fn arrange(rows: &mut Vec<Waiting>, page: Page) {
    rows.sort_by_key(|row| row.message_id);
    if page.backwards {
        rows.reverse();
    }
    rows.truncate(usize::try_from(page.limit).unwrap_or(0));
}

fn every(conn: &mut AnyConnection, whose: Whose, destination: Option<&str>, page: Page) -> QueryResult<Vec<Waiting>> {
    let mut rows = every_queued(conn, whose, destination, page)?;
    rows.extend(of_held(conn, whose, destination, page)?);
    Ok(rows)
}

fn every_queued(
    conn: &mut AnyConnection,
    whose: Whose,
    destination: Option<&str>,
    page: Page,
) -> QueryResult<Vec<Waiting>> {
    let mut rows = Vec::new();
    for state in State::all() {
        rows.extend(of_queue(conn, whose, destination, Which::Of(state), page)?);
    }
    Ok(rows)
}

fn of_queue(
    conn: &mut AnyConnection,
    whose: Whose,
    destination: Option<&str>,
    which: Which,
    page: Page,
) -> QueryResult<Vec<Waiting>> {
    let mut query = queue::table.select(COLUMNS).limit(page.limit).into_boxed();
    query = match whose {
        Whose::Family(root) => query.filter(queue::parent_id.eq(root)),
        Whose::Account(id) => query.filter(queue::account_id.eq(id)),
    };
    query = match which {
        Which::Of(state) => query.filter(queue::state.eq(state.as_str())),
        Which::Leaving(now) => query.filter(queue::message_id.eq_any(leaving(conn, whose, now)?)),
    };
    if let Some(destination) = destination {
        query = query.filter(queue::destination.eq(destination.to_owned()));
    }
    query = match (page.edge, page.backwards) {
        (Some(edge), true) => query.filter(queue::message_id.lt(edge)),
        (Some(edge), false) => query.filter(queue::message_id.gt(edge)),
        (None, _) => query,
    };
    query = if page.backwards { query.order(queue::message_id.desc()) } else { query.order(queue::message_id.asc()) };
    Ok(query.load(conn)?.into_iter().map(queued).collect())
}

fn of_held(conn: &mut AnyConnection, whose: Whose, destination: Option<&str>, page: Page) -> QueryResult<Vec<Waiting>> {
    let mut query = held_messages::table.select(HELD_COLUMNS).limit(page.limit).into_boxed();
    query = match whose {
        Whose::Family(root) => query.filter(held_messages::parent_id.eq(root)),
        Whose::Account(id) => query.filter(held_messages::account_id.eq(id)),
    };
    if let Some(destination) = destination {
        query = query.filter(held_messages::destination.eq(destination.to_owned()));
    }
    query = match (page.edge, page.backwards) {
        (Some(edge), true) => query.filter(held_messages::message_id.lt(edge)),
        (Some(edge), false) => query.filter(held_messages::message_id.gt(edge)),
        (None, _) => query,
    };
    query = if page.backwards {
        query.order(held_messages::message_id.desc())
    } else {
        query.order(held_messages::message_id.asc())
    };
    Ok(query.load(conn)?.into_iter().map(held).collect())
}
