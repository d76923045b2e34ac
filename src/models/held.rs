//! Messages that wait at the cap: accepted, kept, not yet counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

use super::AnyConnection;
use super::kept::one_of;
use super::portable::insert_many;
use super::remembered::Remembered;
use super::schema::held_messages;
use crate::domain::ids::Id;

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = held_messages)]
pub struct Held {
    pub message_id: Id,
    pub account_id: Id,
    pub held_at: NaiveDateTime,
    /// Given up after this.
    pub expires_at: NaiveDateTime,
    /// When it was to leave.
    pub due_at: NaiveDateTime,
    /// The account it is billed to.
    pub parent_id: Id,
    /// The recipient's domain, in lower case.
    pub destination: String,
}

pub fn insert(conn: &mut AnyConnection, rows: &[Held]) -> QueryResult<()> {
    insert_many!(conn, held_messages::table, rows)
}

/// Up to `limit` accounts after `after` that have held messages, by id: one step in the index for each, however many
/// messages it has.
pub fn accounts(conn: &mut AnyConnection, after: Option<Id>, limit: usize) -> QueryResult<Vec<Id>> {
    let mut found: Vec<Id> = Vec::new();
    while found.len() < limit {
        let mut query = held_messages::table.select(held_messages::account_id).into_boxed();
        if let Some(last) = found.last().copied().or(after) {
            query = query.filter(held_messages::account_id.gt(last));
        }
        match query.order((held_messages::account_id, held_messages::held_at)).limit(1).first(conn).optional()? {
            Some(account) => found.push(account),
            None => break,
        }
    }
    Ok(found)
}

/// Up to `limit` held messages of an account, the oldest first.
pub fn oldest(conn: &mut AnyConnection, account: Id, limit: i64) -> QueryResult<Vec<Held>> {
    held_messages::table
        .filter(held_messages::account_id.eq(account))
        .order((held_messages::held_at, held_messages::message_id))
        .limit(limit)
        .select(Held::as_select())
        .load(conn)
}

/// Up to `limit` held messages of an account whose time is over.
pub fn expired(conn: &mut AnyConnection, account: Id, now: NaiveDateTime, limit: i64) -> QueryResult<Vec<Held>> {
    held_messages::table
        .filter(held_messages::account_id.eq(account))
        .filter(held_messages::expires_at.le(now))
        .order(held_messages::expires_at)
        .limit(limit)
        .select(Held::as_select())
        .load(conn)
}

/// Those of `messages` that are held.
pub fn find_many(conn: &mut AnyConnection, messages: &[Id]) -> QueryResult<Vec<Held>> {
    held_messages::table
        .filter(one_of(held_messages::message_id, messages.to_vec()))
        .select(Held::as_select())
        .load(conn)
}

/// The newest held message of an account.
pub fn newest(conn: &mut AnyConnection, account: Id) -> QueryResult<Option<Id>> {
    held_messages::table
        .filter(held_messages::account_id.eq(account))
        .order(held_messages::message_id.desc())
        .select(held_messages::message_id)
        .first(conn)
        .optional()
}

/// How many messages of an account are held.
pub fn count(conn: &mut AnyConnection, account: Id) -> QueryResult<i64> {
    held_messages::table.filter(held_messages::account_id.eq(account)).count().get_result(conn)
}

/// Takes messages out; answers how many there were.
pub fn remove(conn: &mut AnyConnection, messages: &[Id]) -> QueryResult<usize> {
    diesel::delete(held_messages::table.filter(one_of(held_messages::message_id, messages.to_vec()))).execute(conn)
}

/// How many messages accounts may hold, and how many they do as a node remembers it: counted anew after three seconds,
/// and gone on with what it adds itself. Several nodes may so pass the bound by what they accept meanwhile.
pub struct Shelves {
    most: i64,
    known: Remembered<Id, AtomicI64>,
}

/// What one account may still hold.
#[derive(Clone)]
pub struct Shelf {
    most: i64,
    held: Arc<AtomicI64>,
}

impl Shelves {
    #[must_use]
    pub fn of(most: u32) -> Self {
        Self { most: most.into(), known: Remembered::default() }
    }

    /// The one of an account.
    ///
    /// # Errors
    /// Only the database's.
    pub fn shelf(&self, conn: &mut AnyConnection, account: Id, now: DateTime<Utc>) -> QueryResult<Shelf> {
        let held = self.known.of(account, now, || count(conn, account).map(AtomicI64::new))?;
        Ok(Shelf { most: self.most, held })
    }
}

impl Shelf {
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.held.load(Ordering::Relaxed) >= self.most
    }

    /// One more is held.
    pub fn add(&self) {
        self.held.fetch_add(1, Ordering::Relaxed);
    }
}
