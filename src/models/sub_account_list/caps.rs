//! What one cap would do to many accounts, counted before it is set.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::filter::Filter;
use super::sql::{Bind, Dialect, Sql};
use crate::domain::ids::Id;
use crate::models::AnyConnection;

/// Which accounts.
#[derive(Clone, Debug)]
pub enum Chosen {
    These(Vec<Id>),
    Matching(Filter),
}

/// How many accounts there are, by what their cap is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, QueryableByName)]
pub struct CapChange {
    #[diesel(sql_type = BigInt)]
    pub all: i64,
    /// Those that have this cap already.
    #[diesel(sql_type = BigInt)]
    pub same: i64,
    /// Those without any, where this is one.
    #[diesel(sql_type = BigInt)]
    pub uncapped: i64,
    #[diesel(sql_type = BigInt)]
    pub higher: i64,
    #[diesel(sql_type = BigInt)]
    pub lower: i64,
    /// Those that have been granted as many messages in this period already.
    #[diesel(sql_type = BigInt)]
    pub reached: i64,
}

/// Counts the live accounts of `parent` that are chosen, against a `cap` (0 for none). Linear in how many there are.
///
/// # Errors
/// Only the database's.
pub fn cap_change(
    conn: &mut AnyConnection,
    parent: Id,
    chosen: &Chosen,
    cap: i64,
    running: Option<(Id, i64)>,
    deleted_since: NaiveDateTime,
) -> QueryResult<CapChange> {
    let dialect = Dialect::of(conn);
    let filter = match chosen {
        Chosen::These(ids) if ids.is_empty() => return Ok(CapChange::default()),
        Chosen::These(_) => Filter::default(),
        Chosen::Matching(filter) => filter.clone(),
    };

    let sql = columns(cap, running).and(" FROM account_summaries s WHERE s.parent_id = ").bind(Bind::Id(parent));
    let mut sql = sql.and(" AND ").append(filter.live_test(dialect));
    for part in filter.parts(parent, deleted_since, dialect) {
        sql = sql.and(" AND ").append(part.test);
    }
    if let Chosen::These(ids) = chosen {
        sql = sql.and(" AND s.account_id IN (");
        for (place, id) in ids.iter().enumerate() {
            sql = sql.and(if place == 0 { "" } else { ", " }).bind(Bind::Id(*id));
        }
        sql = sql.and(")");
    }

    Ok(sql.load::<CapChange>(conn)?.into_iter().next().unwrap_or_default())
}

/// The counts. Each cap is compared as it stands in the summary, where 0 is none.
fn columns(cap: i64, running: Option<(Id, i64)>) -> Sql {
    let mut sql = Sql::text("SELECT count(*) AS \"all\"");
    let tests = [
        ("same", "s.monthly_credit = ", ""),
        ("uncapped", "s.monthly_credit = 0 AND 0 < ", ""),
        ("higher", "s.monthly_credit > ", ""),
        ("lower", "s.monthly_credit < ", " AND s.monthly_credit > 0"),
    ];
    for (name, before, after) in tests {
        sql = sql.and(", coalesce(sum(CASE WHEN ").and(before).bind(Bind::Int(cap)).and(after);
        sql = sql.and(&format!(" THEN 1 ELSE 0 END), 0) AS {name}"));
    }
    let Some((period, in_force)) = running.filter(|_| cap > 0) else {
        return sql.and(", CAST(0 AS BIGINT) AS reached");
    };
    let sql = sql.and(", coalesce(sum(CASE WHEN s.sent >= ").bind(Bind::Int(in_force));
    sql.and(" AND s.period_id = ").bind(Bind::Id(period)).and(" THEN 1 ELSE 0 END), 0) AS reached")
}
