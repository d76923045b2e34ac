//! A selection that holds still: the accounts that match at this moment, read once.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::Binary;

use super::filter::Filter;
use super::sql::{Bind, Dialect, Sql};
use crate::domain::ids::Id;
use crate::models::AnyConnection;

#[derive(QueryableByName)]
struct Matching {
    #[diesel(sql_type = Binary)]
    account_id: Id,
}

/// Every account of `parent` that passes `filter`, by name, in one statement. Linear in how many there are: read it outside
/// a transaction that writes.
///
/// # Errors
/// Only the database's.
pub fn matching(
    conn: &mut AnyConnection,
    parent: Id,
    filter: &Filter,
    deleted_since: NaiveDateTime,
) -> QueryResult<Vec<Id>> {
    let dialect = Dialect::of(conn);
    let mut sql = Sql::text("SELECT s.account_id FROM account_summaries s WHERE s.parent_id = ")
        .bind(Bind::Id(parent))
        .and(" AND ")
        .append(filter.live_test(dialect));
    for part in filter.parts(parent, deleted_since, dialect) {
        sql = sql.and(" AND ").append(part.test);
    }
    let rows: Vec<Matching> = sql.and(" ORDER BY s.name_lower, s.account_id").load(conn)?;
    Ok(rows.into_iter().map(|row| row.account_id).collect())
}
