//! Tags that an agency puts on its sub accounts.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Text};

use super::AnyConnection;
use super::kept::{kept, one_of};
use super::schema::account_tags;
use crate::domain::ids::Id;

/// Adds a tag; one that is there stays.
pub fn add(conn: &mut AnyConnection, account: Id, parent: Id, tag: &str) -> QueryResult<()> {
    kept("INSERT INTO account_tags (account_id, tag, parent_id) VALUES ($1, $2, $3) ON CONFLICT (account_id, tag) DO NOTHING")
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
        .filter(one_of(account_tags::account_id, accounts.to_vec()))
        .order((account_tags::account_id, account_tags::tag))
        .select((account_tags::account_id, account_tags::tag))
        .load(conn)
}

#[derive(QueryableByName)]
struct Used {
    #[diesel(sql_type = Text)]
    tag: String,
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Tags shown of a parent.
const TAGS: i64 = 100;

/// The first hundred tags that a parent uses, by name, with how many accounts carry each, counted up to `most`. Goes
/// from tag to tag in the index: the work is bounded by tags, not by accounts.
pub fn used(conn: &mut AnyConnection, parent: Id, most: i64) -> QueryResult<Vec<(String, i64)>> {
    let rows: Vec<Used> = diesel::sql_query(format!(
        "WITH RECURSIVE tags (tag) AS (SELECT min(t.tag) FROM account_tags t WHERE t.parent_id = $1 \
         UNION ALL SELECT (SELECT min(t.tag) FROM account_tags t WHERE t.parent_id = $1 AND t.tag > tags.tag) \
         FROM tags WHERE tags.tag IS NOT NULL) \
         SELECT tag, (SELECT count(*) FROM (SELECT 1 FROM account_tags t WHERE t.parent_id = $1 AND t.tag = tags.tag \
         LIMIT {most}) few) AS n FROM tags WHERE tag IS NOT NULL LIMIT {TAGS}"
    ))
    .bind::<Binary, _>(parent)
    .load(conn)?;
    Ok(rows.into_iter().map(|row| (row.tag, row.n)).collect())
}
