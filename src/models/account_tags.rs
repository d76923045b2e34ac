//! Tags that an agency puts on its sub accounts.

use diesel::prelude::*;
use diesel::sql_types::{Binary, Text};

use super::AnyConnection;
use super::schema::account_tags;
use crate::domain::ids::Id;

/// Adds a tag; one that is there stays.
pub fn add(conn: &mut AnyConnection, account: Id, parent: Id, tag: &str) -> QueryResult<()> {
    diesel::sql_query("INSERT INTO account_tags (account_id, tag, parent_id) VALUES ($1, $2, $3) ON CONFLICT (account_id, tag) DO NOTHING")
        .bind::<Binary, _>(account)
        .bind::<Text, _>(tag)
        .bind::<Binary, _>(parent)
        .execute(conn)
        .map(drop)
}

pub fn remove(conn: &mut AnyConnection, account: Id, tag: &str) -> QueryResult<()> {
    diesel::delete(account_tags::table.find((account, tag))).execute(conn).map(drop)
}

/// The tags of several accounts, by account and tag.
pub fn of_many(conn: &mut AnyConnection, accounts: &[Id]) -> QueryResult<Vec<(Id, String)>> {
    account_tags::table
        .filter(account_tags::account_id.eq_any(accounts.to_vec()))
        .order((account_tags::account_id, account_tags::tag))
        .select((account_tags::account_id, account_tags::tag))
        .load(conn)
}

/// Every tag that a parent uses, with how many accounts carry it.
pub fn used(conn: &mut AnyConnection, parent: Id) -> QueryResult<Vec<(String, i64)>> {
    account_tags::table
        .filter(account_tags::parent_id.eq(parent))
        .group_by(account_tags::tag)
        .order(account_tags::tag)
        .select((account_tags::tag, diesel::dsl::count_star()))
        .load(conn)
}
