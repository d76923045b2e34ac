//! Lines of accounts that are named: what a page shows of them may have changed since it was read.

use diesel::prelude::*;

use super::page::{LINE, Line, Lines, Row, with_open_days};
use super::sql::{Bind, Dialect, Sql};
use crate::domain::ids::Id;
use crate::models::AnyConnection;

/// As many lines as a page has.
pub const MOST: usize = 50;
/// Statements are kept for so many ids each: fewer are filled up with the last.
const LENGTHS: [usize; 3] = [1, 10, MOST];

/// The live ones of `ids` that are sub accounts of `parent`, at most [`MOST`], in no order.
///
/// # Errors
/// Only the database's.
pub fn some(conn: &mut AnyConnection, parent: Id, ids: &[Id]) -> QueryResult<Vec<Line>> {
    let ids = &ids[..ids.len().min(MOST)];
    let Some(last) = ids.last() else { return Ok(Vec::new()) };
    let dialect = Dialect::of(conn);
    let length = LENGTHS.into_iter().find(|length| *length >= ids.len()).unwrap_or(MOST);
    let mut sql = Sql::text(LINE)
        .and("account_summaries s CROSS JOIN accounts a WHERE a.id = s.account_id AND ")
        .and(&dialect.quiet("s.state"))
        .and(" <> 'deleted' AND ")
        .and(&dialect.quiet("s.parent_id"))
        .and(" = ")
        .bind(Bind::Id(parent))
        .and(" AND s.account_id IN (");
    for place in 0..length {
        sql = sql.and(if place == 0 { "" } else { ", " }).bind(Bind::Id(*ids.get(place).unwrap_or(last)));
    }
    let sql = with_open_days(sql.and(")"), &[]).steady().kept_by(conn);
    Ok(Lines(sql).load::<Row>(conn)?.into_iter().map(Line::of).collect())
}
