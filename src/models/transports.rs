//! How mail leaves: a parent's named transports, and which of them an account chose. A sub account without a choice
//! uses its parent's, a parent without one what the configuration says.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Timestamp};

use super::AnyConnection;
use super::kept::{kept, one_of};
use super::portable::delete_some;
use super::schema::{accounts, transport_choices, transports};
use crate::domain::ids::Id;

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = transports, treat_none_as_null = true)]
pub struct Transport {
    pub id: Id,
    /// The parent that it belongs to.
    pub account_id: Id,
    pub name: String,
    /// `relay`, `direct` or `mailbox`.
    pub kind: String,
    /// Of a relay; empty otherwise, as are port, user and password.
    pub host: String,
    pub port: i32,
    /// `required`, `implicit`, `opportunistic` or `none`.
    pub tls: String,
    /// Empty signs in nowhere.
    pub username: String,
    pub password_sealed: Option<Vec<u8>>,
    /// The address that connections come from; empty leaves it to the machine.
    pub source_ip: String,
    /// The name given in EHLO; empty is the node's.
    pub helo: String,
    /// At once on each node; 0 is no limit.
    pub max_connections: i32,
    /// On each node; 0 is no limit.
    pub messages_per_second: i32,
    pub created_at: NaiveDateTime,
    pub updated_at: NaiveDateTime,
}

pub fn insert(conn: &mut AnyConnection, row: &Transport) -> QueryResult<()> {
    diesel::insert_into(transports::table).values(row).execute(conn).map(drop)
}

/// Writes every column of a row that is there.
pub fn save(conn: &mut AnyConnection, row: &Transport) -> QueryResult<()> {
    diesel::update(transports::table.find(row.id)).set(row).execute(conn).map(drop)
}

/// A transport of `parent`.
pub fn find(conn: &mut AnyConnection, parent: Id, id: Id) -> QueryResult<Option<Transport>> {
    transports::table
        .find(id)
        .filter(transports::account_id.eq(parent))
        .select(Transport::as_select())
        .first(conn)
        .optional()
}

/// A transport of `parent` by its name.
pub fn find_named(conn: &mut AnyConnection, parent: Id, name: &str) -> QueryResult<Option<Transport>> {
    transports::table
        .filter(transports::account_id.eq(parent))
        .filter(transports::name.eq(name))
        .select(Transport::as_select())
        .first(conn)
        .optional()
}

/// Every transport of `parent`, by name.
pub fn all(conn: &mut AnyConnection, parent: Id) -> QueryResult<Vec<Transport>> {
    transports::table
        .filter(transports::account_id.eq(parent))
        .order((transports::name, transports::id))
        .select(Transport::as_select())
        .load(conn)
}

/// Transports of all parents, the oldest first.
pub fn first(conn: &mut AnyConnection, limit: i64) -> QueryResult<Vec<Transport>> {
    transports::table.order(transports::id).limit(limit).select(Transport::as_select()).load(conn)
}

/// A page of a parent's transports by id: newest first, or with `ascending` those just newer than `edge`.
pub fn page(
    conn: &mut AnyConnection,
    parent: Id,
    edge: Option<Id>,
    ascending: bool,
    limit: i64,
) -> QueryResult<Vec<Transport>> {
    let mut query =
        transports::table.filter(transports::account_id.eq(parent)).select(Transport::as_select()).into_boxed();
    match (edge, ascending) {
        (Some(edge), true) => query = query.filter(transports::id.gt(edge)),
        (Some(edge), false) => query = query.filter(transports::id.lt(edge)),
        (None, _) => {}
    }
    if ascending {
        query.order(transports::id.asc()).limit(limit).load(conn)
    } else {
        query.order(transports::id.desc()).limit(limit).load(conn)
    }
}

/// How many transports a parent has.
pub fn count(conn: &mut AnyConnection, parent: Id) -> QueryResult<i64> {
    transports::table.filter(transports::account_id.eq(parent)).count().get_result(conn)
}

/// Takes back up to `limit` choices of a transport; answers how many.
pub fn take_back(conn: &mut AnyConnection, id: Id, limit: i64) -> QueryResult<usize> {
    delete_some!(conn, "transport_choices", "transport_id = $1", Binary, id, limit)
}

/// Removes a transport that nobody chose.
pub fn delete(conn: &mut AnyConnection, id: Id) -> QueryResult<()> {
    diesel::delete(transports::table.find(id)).execute(conn).map(drop)
}

/// What an account chose; for a parent its default.
pub fn chosen(conn: &mut AnyConnection, account: Id) -> QueryResult<Option<Id>> {
    transport_choices::table.find(account).select(transport_choices::transport_id).first(conn).optional()
}

/// Writes what an account chose; `None` takes the choice back.
pub fn choose(conn: &mut AnyConnection, account: Id, transport: Option<Id>, now: NaiveDateTime) -> QueryResult<()> {
    let Some(transport) = transport else {
        return diesel::delete(transport_choices::table.find(account)).execute(conn).map(drop);
    };
    kept(
        "INSERT INTO transport_choices (account_id, transport_id, updated_at) VALUES ($1, $2, $3) \
         ON CONFLICT (account_id) DO UPDATE SET transport_id = excluded.transport_id, updated_at = excluded.updated_at",
    )
    .bind::<Binary, _>(account)
    .bind::<Binary, _>(transport)
    .bind::<Timestamp, _>(now)
    .execute(conn)
    .map(drop)
}

/// How many live sub accounts of `parent` chose each of its transports.
pub fn users(conn: &mut AnyConnection, parent: Id) -> QueryResult<Vec<(Id, i64)>> {
    let live = accounts::table
        .filter(accounts::parent_id.eq(parent))
        .filter(accounts::deleted_at.is_null())
        .select(accounts::id);
    transport_choices::table
        .filter(transport_choices::account_id.eq_any(live))
        .group_by(transport_choices::transport_id)
        .select((transport_choices::transport_id, diesel::dsl::count_star()))
        .load(conn)
}

/// What an account's mail leaves by: its own choice, else its parent's.
pub fn effective(conn: &mut AnyConnection, account: Id, parent: Option<Id>) -> QueryResult<Option<Transport>> {
    Ok(effective_of(conn, &[(account, parent)])?.remove(&account))
}

/// The same for several accounts with their parents; accounts without any are left out.
pub fn effective_of(conn: &mut AnyConnection, accounts: &[(Id, Option<Id>)]) -> QueryResult<HashMap<Id, Transport>> {
    let family: BTreeSet<Id> =
        accounts.iter().flat_map(|(account, parent)| [Some(*account), *parent]).flatten().collect();
    let chosen: HashMap<Id, Transport> = transport_choices::table
        .inner_join(transports::table)
        .filter(one_of(transport_choices::account_id, family))
        .select((transport_choices::account_id, Transport::as_select()))
        .load(conn)?
        .into_iter()
        .collect();
    let effective = |(account, parent): &(Id, Option<Id>)| {
        let row = chosen.get(account).or_else(|| chosen.get(parent.as_ref()?))?;
        Some((*account, row.clone()))
    };
    Ok(accounts.iter().filter_map(effective).collect())
}
