//! How many accounts a chip stands for: counted in an index, up to a limit, so that it never depends on the total.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::filter::{Filter, HIGH_BOUNCE_PPM, HIGH_COMPLAINT_PPM};
use super::sql::{Bind, Dialect, Sql};
use crate::domain::ids::Id;
use crate::models::AnyConnection;

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// How many ids `source` has, counted up to `most`.
pub(super) fn at_most(conn: &mut AnyConnection, source: Sql, most: i64) -> QueryResult<i64> {
    let sql = Sql::text("SELECT count(*) AS n FROM (").append(source).and(&format!(" LIMIT {most}) few"));
    Ok(sql.load::<Counted>(conn)?.first().map_or(0, |row| row.n))
}

/// The numbers on the chips, each counted up to [`Counts::MOST`]. Being held and being at a cap are different things:
/// they do not add up, and are not meant to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, QueryableByName)]
pub struct Counts {
    #[diesel(sql_type = BigInt)]
    pub active: i64,
    #[diesel(sql_type = BigInt)]
    pub suspended: i64,
    #[diesel(sql_type = BigInt)]
    pub near: i64,
    #[diesel(sql_type = BigInt)]
    pub at: i64,
    #[diesel(sql_type = BigInt)]
    pub high_bounce: i64,
    #[diesel(sql_type = BigInt)]
    pub high_complaint: i64,
    #[diesel(sql_type = BigInt)]
    pub deleted: i64,
}

impl Counts {
    /// Beyond this a number reads "10,000+".
    pub const MOST: i64 = 10_000;

    /// Every live account.
    #[must_use]
    pub fn all(&self) -> i64 {
        self.active + self.suspended
    }
}

/// Counts for the chips.
///
/// # Errors
/// Only the database's.
pub fn counts(conn: &mut AnyConnection, parent: Id, deleted_since: chrono::NaiveDateTime) -> QueryResult<Counts> {
    let most = Counts::MOST + 1;
    let live = " AND state <> 'deleted'";
    let one = |sql: Sql, name: &str, test: &str, first: bool| {
        sql.and(if first { "SELECT " } else { ", " })
            .and("(SELECT count(*) FROM (SELECT 1 FROM account_summaries WHERE parent_id = ")
            .bind(Bind::Id(parent))
            .and(&format!(" AND {test} LIMIT {most}) few) AS {name}"))
    };
    let mut sql = one(Sql::text(""), "active", "state = 'active'", true);
    for (name, test) in [
        ("suspended", "state = 'suspended'".to_owned()),
        ("near", format!("cap_state = 'near'{live}")),
        ("at", format!("cap_state = 'at'{live}")),
        ("high_bounce", format!("bounce_ppm > {HIGH_BOUNCE_PPM}{live}")),
        ("high_complaint", format!("complaint_ppm > {HIGH_COMPLAINT_PPM}{live}")),
    ] {
        sql = one(sql, name, &test, false);
    }
    sql = sql
        .and(", (SELECT count(*) FROM (SELECT 1 FROM accounts WHERE deleted_at IS NOT NULL AND parent_id = ")
        .bind(Bind::Id(parent))
        .and(" AND deleted_at >= ")
        .bind(Bind::Time(deleted_since))
        .and(&format!(" LIMIT {most}) few) AS deleted"));
    Ok(sql.load::<Counts>(conn)?.into_iter().next().unwrap_or_default())
}

/// How many accounts pass `filter`, exactly. Linear in how many there are: for a selection that is being frozen, not
/// for a page.
///
/// # Errors
/// Only the database's.
pub fn total(
    conn: &mut AnyConnection,
    parent: Id,
    filter: &Filter,
    deleted_since: chrono::NaiveDateTime,
) -> QueryResult<i64> {
    let dialect = Dialect::of(conn);
    let mut sql = Sql::text("SELECT count(*) AS n FROM account_summaries s WHERE s.parent_id = ")
        .bind(Bind::Id(parent))
        .and(" AND ")
        .append(filter.live_test(dialect));
    for part in filter.parts(parent, deleted_since, dialect) {
        sql = sql.and(" AND ").append(part.test);
    }
    Ok(sql.load::<Counted>(conn)?.first().map_or(0, |row| row.n))
}
