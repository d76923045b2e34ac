//! Effective-dated prices of a parent account.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::AnyConnection;
use super::schema::plans;
use crate::domain::ids::Id;

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = plans)]
pub struct PlanRow {
    pub id: Id,
    pub account_id: Id,
    pub effective_from: NaiveDateTime,
    pub currency: String,
    pub monthly_fee_minor: i64,
    /// Messages covered by the fee.
    pub included: i64,
    /// JSON of the graduated price per thousand beyond.
    pub tiers: String,
    pub created_by: String,
    pub created_at: NaiveDateTime,
}

pub fn insert(conn: &mut AnyConnection, plan: &PlanRow) -> QueryResult<()> {
    diesel::insert_into(plans::table).values(plan).execute(conn).map(drop)
}

/// The plan in force at `at`: `None` until the agency enters its own costs.
pub fn in_force(conn: &mut AnyConnection, account: Id, at: NaiveDateTime) -> QueryResult<Option<PlanRow>> {
    plans::table
        .filter(plans::account_id.eq(account))
        .filter(plans::effective_from.le(at))
        .order((plans::effective_from.desc(), plans::id.desc()))
        .select(PlanRow::as_select())
        .first(conn)
        .optional()
}

/// The plan that begins after `at`: there is one at most.
pub fn planned(conn: &mut AnyConnection, account: Id, at: NaiveDateTime) -> QueryResult<Option<PlanRow>> {
    plans::table
        .filter(plans::account_id.eq(account))
        .filter(plans::effective_from.gt(at))
        .order((plans::effective_from, plans::id.desc()))
        .select(PlanRow::as_select())
        .first(conn)
        .optional()
}

/// Takes away what begins after `at`. What has begun stays for good.
pub fn remove_planned(conn: &mut AnyConnection, account: Id, at: NaiveDateTime) -> QueryResult<()> {
    diesel::delete(plans::table.filter(plans::account_id.eq(account)).filter(plans::effective_from.gt(at)))
        .execute(conn)
        .map(drop)
}

/// Every plan there was, and the one planned, newest first.
pub fn history(conn: &mut AnyConnection, account: Id) -> QueryResult<Vec<PlanRow>> {
    plans::table
        .filter(plans::account_id.eq(account))
        .order((plans::effective_from.desc(), plans::id.desc()))
        .limit(50)
        .select(PlanRow::as_select())
        .load(conn)
}
