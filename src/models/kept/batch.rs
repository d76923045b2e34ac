//! One statement over many rows.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::Untyped;

use super::bind::{Bind, Values};
use super::columns::Columns;
use super::numbered;
use crate::models::AnyConnection;
use crate::models::portable::postgres;

/// Rows of one statement at most.
const ROWS: usize = 64;
/// The same where a statement's text does not grow with them.
const COLUMN_ROWS: usize = 512;
/// Queries made one at most: planning them costs, and grows with their number.
const EACH: usize = 16;

/// A query a row.
struct Each<'a> {
    each: &'static str,
    rows: &'a [Vec<Bind>],
}

/// A statement over several rows, for SQLite: its text depends on how many alone.
struct Batch<'a> {
    before: &'static str,
    rows: &'a [Vec<Bind>],
    after: &'static str,
}

/// Runs `before`, a query that answers `rows`, and `after`: inserts, also those that meet what is there, and with `before`
/// opening a `WITH`, updates of many rows at once. On SQLite the rows are written out, in parts of 64, 32, 16 and so on
/// down to one, so that there are few texts; on PostgreSQL several are [`Columns`], and one is written out: an array of one
/// would be planned anew each time, because the plan for any number looks dearer.
///
/// # Errors
/// Only the database's.
pub fn for_rows(
    conn: &mut AnyConnection,
    before: &'static str,
    rows: &[Vec<Bind>],
    after: &'static str,
) -> QueryResult<()> {
    if rows.len() > 1
        && let Some(conn) = postgres(conn)
    {
        for rows in rows.chunks(COLUMN_ROWS) {
            Columns::of(before, rows, after)?.execute(conn)?;
        }
        return Ok(());
    }
    let mut rest = rows;
    while !rest.is_empty() {
        let (now, later) = part(rest, ROWS);
        Batch { before, rows: now, after }.execute(conn)?;
        rest = later;
    }
    Ok(())
}

/// The same for a query: everything that it finds for the rows.
///
/// # Errors
/// Only the database's.
pub fn load_rows<T>(
    conn: &mut AnyConnection,
    before: &'static str,
    rows: &[Vec<Bind>],
    after: &'static str,
) -> QueryResult<Vec<T>>
where
    T: diesel::deserialize::FromSqlRow<Untyped, <AnyConnection as Connection>::Backend>
        + diesel::deserialize::FromSqlRow<Untyped, Pg>
        + 'static,
{
    let (mut found, mut rest) = (Vec::new(), rows);
    if rows.len() > 1
        && let Some(conn) = postgres(conn)
    {
        for rows in rows.chunks(COLUMN_ROWS) {
            found.extend(Columns::of(before, rows, after)?.load::<T>(conn)?);
        }
        return Ok(found);
    }
    while !rest.is_empty() {
        let (now, later) = part(rest, ROWS);
        found.extend(Batch { before, rows: now, after }.load::<T>(conn)?);
        rest = later;
    }
    Ok(found)
}

/// Everything that `each` finds for any of `rows`: as many queries as rows, made one by `UNION ALL` on SQLite and by
/// `LATERAL` on PostgreSQL. `each` has the values of its row as `$1`, `$2` and so on. For what has to stop early for every
/// row, as `LIMIT` does.
///
/// # Errors
/// Only the database's.
pub fn load_each<T>(conn: &mut AnyConnection, each: &'static str, rows: &[Vec<Bind>]) -> QueryResult<Vec<T>>
where
    T: diesel::deserialize::FromSqlRow<Untyped, <AnyConnection as Connection>::Backend>
        + diesel::deserialize::FromSqlRow<Untyped, Pg>
        + 'static,
{
    let (mut found, mut rest) = (Vec::new(), rows);
    if let Some(conn) = postgres(conn) {
        for rows in rows.chunks(COLUMN_ROWS) {
            found.extend(Columns::each(each, rows)?.load::<T>(conn)?);
        }
        return Ok(found);
    }
    while !rest.is_empty() {
        let (now, later) = part(rest, EACH);
        found.extend(Each { each, rows: now }.load::<T>(conn)?);
        rest = later;
    }
    Ok(found)
}

/// As many rows as one statement takes, and the others.
fn part(rows: &[Vec<Bind>], most: usize) -> (&[Vec<Bind>], &[Vec<Bind>]) {
    let most = rows.len().min(most);
    rows.split_at(most.next_power_of_two() >> usize::from(!most.is_power_of_two()))
}

impl Query for Batch<'_> {
    type SqlType = Untyped;
}

impl<DB: Values> QueryFragment<DB> for Batch<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(self.before);
        out.push_sql(" VALUES ");
        for (place, row) in self.rows.iter().enumerate() {
            out.push_sql(if place == 0 { "(" } else { ", (" });
            for (column, bind) in row.iter().enumerate() {
                if column > 0 {
                    out.push_sql(", ");
                }
                DB::push(bind, &mut out)?;
            }
            out.push_sql(")");
        }
        out.push_sql(" ");
        out.push_sql(self.after);
        Ok(())
    }
}

impl QueryId for Batch<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Conn> RunQueryDsl<Conn> for Batch<'_> {}

impl Query for Each<'_> {
    type SqlType = Untyped;
}

impl<DB: Values> QueryFragment<DB> for Each<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        for (place, row) in self.rows.iter().enumerate() {
            out.push_sql(if place == 0 { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" });
            numbered(self.each, row, out.reborrow())?;
            out.push_sql(") AS found");
        }
        Ok(())
    }
}

impl QueryId for Each<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Conn> RunQueryDsl<Conn> for Each<'_> {}
