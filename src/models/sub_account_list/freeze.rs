//! A selection that holds still: the accounts that match now become the rows of a job.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::filter::Filter;
use super::sql::{Bind, Dialect, Sql};
use crate::domain::ids::Id;
use crate::models::AnyConnection;

/// Writes a row of `job` for every account of `parent` that passes `filter`, by name; answers how many.
///
/// # Errors
/// Only the database's.
pub fn freeze(
    conn: &mut AnyConnection,
    job: Id,
    parent: Id,
    filter: &Filter,
    deleted_since: NaiveDateTime,
) -> QueryResult<usize> {
    let dialect = Dialect::of(conn);
    let id = match dialect {
        Dialect::Postgres => "encode(s.account_id, 'hex')",
        Dialect::Sqlite => "lower(hex(s.account_id))",
    };
    let mut sql = Sql::text("INSERT INTO job_rows (job_id, position, payload, state, result) SELECT ")
        .bind(Bind::Id(job))
        .and(&format!(
            ", CAST(row_number() OVER (ORDER BY s.name_lower, s.account_id) AS INTEGER) - 1, {id}, 'waiting', '' \
             FROM account_summaries s WHERE s.parent_id = "
        ))
        .bind(Bind::Id(parent))
        .and(" AND ")
        .append(filter.live_test(dialect));
    for part in filter.parts(parent, deleted_since, dialect) {
        sql = sql.and(" AND ").append(part.test);
    }
    sql.execute(conn)
}
