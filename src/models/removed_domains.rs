//! Domains that are an account's no more, while messages may still wait from them, and what waits of these accounts,
//! slice by slice.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Timestamp};

use super::AnyConnection;
use super::schema::removed_domains;
use crate::domain::ids::Id;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = removed_domains)]
pub struct RemovedDomain {
    pub domain_id: Id,
    pub account_id: Id,
    pub removed_at: NaiveDateTime,
}

/// A message that waits: in the queue by when it is due, at the cap by when it was held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct Step {
    #[diesel(sql_type = Binary)]
    pub message_id: Id,
    #[diesel(sql_type = Timestamp)]
    pub at: NaiveDateTime,
}

/// Notes one, whether or not it was noted before.
pub fn insert(conn: &mut AnyConnection, row: &RemovedDomain) -> QueryResult<()> {
    remove(conn, row.domain_id)?;
    diesel::insert_into(removed_domains::table).values(row).execute(conn).map(drop)
}

/// The one that was noted first.
pub fn oldest(conn: &mut AnyConnection) -> QueryResult<Option<RemovedDomain>> {
    removed_domains::table
        .order((removed_domains::removed_at, removed_domains::domain_id))
        .select(RemovedDomain::as_select())
        .first(conn)
        .optional()
}

/// Takes one out: nothing waits from it any more, or it is the account's again.
pub fn remove(conn: &mut AnyConnection, domain: Id) -> QueryResult<()> {
    diesel::delete(removed_domains::table.find(domain)).execute(conn).map(drop)
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
