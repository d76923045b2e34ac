//! How an account's mail leaves. A sub account without a row uses its parent's, a parent without one the default.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Integer, Nullable, Text, Timestamp};

use super::AnyConnection;
use super::schema::transports;
use crate::domain::ids::Id;

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = transports)]
pub struct Transport {
    pub account_id: Id,
    /// `mailbox` or `smtp`.
    pub kind: String,
    pub host: String,
    pub port: i32,
    /// `none`, `starttls`, `opportunistic` or `implicit`.
    pub tls: String,
    /// Empty signs in nowhere.
    pub username: String,
    pub password_sealed: Option<Vec<u8>>,
    pub updated_at: NaiveDateTime,
}

/// The account's own row.
pub fn find(conn: &mut AnyConnection, account: Id) -> QueryResult<Option<Transport>> {
    transports::table.find(account).select(Transport::as_select()).first(conn).optional()
}

/// The row that an account's mail leaves by: its own, else its parent's.
pub fn effective(conn: &mut AnyConnection, account: Id, parent: Option<Id>) -> QueryResult<Option<Transport>> {
    let family: Vec<Id> = std::iter::once(account).chain(parent).collect();
    let mut rows: Vec<Transport> =
        transports::table.filter(transports::account_id.eq_any(family)).select(Transport::as_select()).load(conn)?;
    rows.sort_by_key(|row| row.account_id != account);
    Ok(rows.into_iter().next())
}

/// Writes the account's row, new or not.
pub fn upsert(conn: &mut AnyConnection, row: &Transport) -> QueryResult<()> {
    diesel::sql_query(
        "INSERT INTO transports (account_id, kind, host, port, tls, username, password_sealed, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (account_id) DO UPDATE SET kind = excluded.kind, host = excluded.host, port = excluded.port, \
         tls = excluded.tls, username = excluded.username, password_sealed = excluded.password_sealed, \
         updated_at = excluded.updated_at",
    )
    .bind::<Binary, _>(row.account_id)
    .bind::<Text, _>(&row.kind)
    .bind::<Text, _>(&row.host)
    .bind::<Integer, _>(row.port)
    .bind::<Text, _>(&row.tls)
    .bind::<Text, _>(&row.username)
    .bind::<Nullable<Binary>, _>(row.password_sealed.as_deref())
    .bind::<Timestamp, _>(row.updated_at)
    .execute(conn)
    .map(drop)
}

/// Goes back to what the account would use without a row; answers whether there was one.
pub fn delete(conn: &mut AnyConnection, account: Id) -> QueryResult<bool> {
    Ok(diesel::delete(transports::table.find(account)).execute(conn)? > 0)
}
