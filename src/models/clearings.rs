//! What is to end of that which waits: of a domain that is an account's no more, or everything that an account had when it
//! was deleted. And what waits of these accounts, slice by slice.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Timestamp};

use super::AnyConnection;
use super::kept::kept;
use super::schema::clearings;
use crate::domain::ids::Id;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = clearings)]
pub struct Clearing {
    /// The domain, or the account.
    pub id: Id,
    pub account_id: Id,
    /// `None` is every domain.
    pub domain_id: Option<Id>,
    /// The newest message that it is about; `None` is every message.
    pub through_id: Option<Id>,
    /// Messages that it ended so far.
    pub cleared: i64,
    pub noted_at: NaiveDateTime,
}

impl Clearing {
    /// What waits from a domain that is no more an account's.
    #[must_use]
    pub const fn of_domain(domain: Id, account: Id, noted_at: NaiveDateTime) -> Self {
        let domain_id = Some(domain);
        Self { id: domain, account_id: account, domain_id, through_id: None, cleared: 0, noted_at }
    }

    /// What waits of a deleted account, up to a message.
    #[must_use]
    pub const fn of_account(account: Id, through: Id, noted_at: NaiveDateTime) -> Self {
        let through_id = Some(through);
        Self { id: account, account_id: account, domain_id: None, through_id, cleared: 0, noted_at }
    }
}

/// A message that waits: in the queue by when it is due, at the cap by when it was held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct Step {
    #[diesel(sql_type = Binary)]
    pub message_id: Id,
    #[diesel(sql_type = Timestamp)]
    pub at: NaiveDateTime,
}

/// Notes one, whether or not it was noted before; what it ended so far stays counted.
pub fn note(conn: &mut AnyConnection, row: &Clearing) -> QueryResult<()> {
    kept(
        "INSERT INTO clearings (id, account_id, domain_id, through_id, cleared, noted_at) VALUES ($1, $2, $3, $4, 0, $5) \
         ON CONFLICT (id) DO UPDATE SET through_id = excluded.through_id, noted_at = excluded.noted_at",
    )
    .bind::<Binary, _>(row.id)
    .bind::<Binary, _>(row.account_id)
    .bind::<Nullable<Binary>, _>(row.domain_id)
    .bind::<Nullable<Binary>, _>(row.through_id)
    .bind::<Timestamp, _>(row.noted_at)
    .execute(conn)
    .map(drop)
}

/// The one that was noted first.
pub fn oldest(conn: &mut AnyConnection) -> QueryResult<Option<Clearing>> {
    clearings::table.order((clearings::noted_at, clearings::id)).select(Clearing::as_select()).first(conn).optional()
}

/// The clearing of a domain or of an account.
pub fn find(conn: &mut AnyConnection, id: Id) -> QueryResult<Option<Clearing>> {
    clearings::table.find(id).select(Clearing::as_select()).first(conn).optional()
}

/// Adds to what one ended.
pub fn add(conn: &mut AnyConnection, id: Id, messages: usize) -> QueryResult<()> {
    let messages = i64::try_from(messages).unwrap_or(i64::MAX);
    kept("UPDATE clearings SET cleared = cleared + $2 WHERE id = $1")
        .bind::<Binary, _>(id)
        .bind::<BigInt, _>(messages)
        .execute(conn)
        .map(drop)
}

/// Lets others go first.
pub fn put_off(conn: &mut AnyConnection, id: Id, at: NaiveDateTime) -> QueryResult<()> {
    diesel::update(clearings::table.find(id)).set(clearings::noted_at.eq(at)).execute(conn).map(drop)
}

/// Takes one out: nothing that it is about waits any more, or is to end.
pub fn remove(conn: &mut AnyConnection, id: Id) -> QueryResult<()> {
    diesel::delete(clearings::table.find(id)).execute(conn).map(drop)
}

/// Up to `limit` messages in the queue of an account, from the first or after `after`.
pub fn queued(conn: &mut AnyConnection, account: Id, after: Option<Step>, limit: i64) -> QueryResult<Vec<Step>> {
    match after {
        None => diesel::sql_query(
            "SELECT message_id, due_at AS at FROM queue WHERE account_id = $1 ORDER BY due_at, message_id LIMIT $2",
        )
        .bind::<Binary, _>(account)
        .bind::<BigInt, _>(limit)
        .load(conn),
        Some(after) => diesel::sql_query(
            "SELECT message_id, due_at AS at FROM queue WHERE account_id = $1 AND (due_at, message_id) > ($2, $3) \
             ORDER BY due_at, message_id LIMIT $4",
        )
        .bind::<Binary, _>(account)
        .bind::<Timestamp, _>(after.at)
        .bind::<Binary, _>(after.message_id)
        .bind::<BigInt, _>(limit)
        .load(conn),
    }
}

/// The same of what is held at its cap.
pub fn held(conn: &mut AnyConnection, account: Id, after: Option<Step>, limit: i64) -> QueryResult<Vec<Step>> {
    match after {
        None => diesel::sql_query(
            "SELECT message_id, held_at AS at FROM held_messages WHERE account_id = $1 \
             ORDER BY held_at, message_id LIMIT $2",
        )
        .bind::<Binary, _>(account)
        .bind::<BigInt, _>(limit)
        .load(conn),
        Some(after) => diesel::sql_query(
            "SELECT message_id, held_at AS at FROM held_messages WHERE account_id = $1 \
             AND (held_at, message_id) > ($2, $3) ORDER BY held_at, message_id LIMIT $4",
        )
        .bind::<Binary, _>(account)
        .bind::<Timestamp, _>(after.at)
        .bind::<Binary, _>(after.message_id)
        .bind::<BigInt, _>(limit)
        .load(conn),
    }
}
