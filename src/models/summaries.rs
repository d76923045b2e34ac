//! What a list of sub accounts shows and sorts by: one row an account, flushed from exact counters.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text, Timestamp};

use super::AnyConnection;
use super::kept::{bind, for_rows, one_of};
use super::portable::insert_many;
use super::schema::account_summaries;
use crate::domain::cap::CapState;
use crate::domain::ids::Id;

#[derive(Clone, Debug, Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = account_summaries)]
pub struct Summary {
    pub account_id: Id,
    pub parent_id: Id,
    pub name_lower: String,
    /// `active`, `suspended` or `deleted`; the parent's hold is derived.
    pub state: String,
    /// `none`, `under`, `near`, `at`.
    pub cap_state: String,
    pub monthly_credit: i64,
    pub period_id: Option<Id>,
    /// Accepted this period, per recipient, sandbox not counted.
    pub sent: i64,
    /// Use of the cap in thousandths; 0 without one.
    pub used_permille: i64,
    pub delivered: i64,
    pub bounced: i64,
    pub complained: i64,
    /// Bounces per million that left.
    pub bounce_ppm: i64,
    /// Complaints per million that left.
    pub complaint_ppm: i64,
    pub domain_count: i64,
    pub member_count: i64,
    pub last_activity_at: Option<NaiveDateTime>,
    pub created_at: NaiveDateTime,
}

pub fn insert(conn: &mut AnyConnection, rows: &[Summary]) -> QueryResult<()> {
    insert_many!(conn, account_summaries::table, rows)
}

pub fn find(conn: &mut AnyConnection, account: Id) -> QueryResult<Option<Summary>> {
    account_summaries::table.find(account).select(Summary::as_select()).first(conn).optional()
}

pub fn find_many(conn: &mut AnyConnection, accounts: &[Id]) -> QueryResult<Vec<Summary>> {
    account_summaries::table
        .filter(one_of(account_summaries::account_id, accounts.to_vec()))
        .select(Summary::as_select())
        .load(conn)
}

/// Writes every column of `row` back but its key, parent and age.
pub fn save(conn: &mut AnyConnection, row: &Summary) -> QueryResult<()> {
    diesel::update(account_summaries::table.find(row.account_id))
        .set((
            account_summaries::name_lower.eq(&row.name_lower),
            account_summaries::state.eq(&row.state),
            account_summaries::cap_state.eq(&row.cap_state),
            account_summaries::monthly_credit.eq(row.monthly_credit),
            account_summaries::period_id.eq(row.period_id),
            account_summaries::sent.eq(row.sent),
            account_summaries::used_permille.eq(row.used_permille),
            account_summaries::delivered.eq(row.delivered),
            account_summaries::bounced.eq(row.bounced),
            account_summaries::complained.eq(row.complained),
            account_summaries::bounce_ppm.eq(row.bounce_ppm),
            account_summaries::complaint_ppm.eq(row.complaint_ppm),
            account_summaries::domain_count.eq(row.domain_count),
            account_summaries::member_count.eq(row.member_count),
            account_summaries::last_activity_at.eq(row.last_activity_at),
        ))
        .execute(conn)
        .map(drop)
}

/// Writes what comes from counters, holds and caps into rows that are there.
pub fn set_figures(conn: &mut AnyConnection, rows: &[Summary]) -> QueryResult<()> {
    let figures = |row: &Summary| {
        vec![
            bind::<Binary>(row.account_id),
            bind::<Text>(&row.state),
            bind::<Text>(&row.cap_state),
            bind::<BigInt>(row.monthly_credit),
            bind::<Nullable<Binary>>(row.period_id),
            bind::<BigInt>(row.sent),
            bind::<BigInt>(row.used_permille),
            bind::<BigInt>(row.delivered),
            bind::<BigInt>(row.bounced),
            bind::<BigInt>(row.complained),
            bind::<BigInt>(row.bounce_ppm),
            bind::<BigInt>(row.complaint_ppm),
            bind::<Nullable<Timestamp>>(row.last_activity_at),
        ]
    };
    for_rows(
        conn,
        "WITH f (account_id, state, cap_state, monthly_credit, period_id, sent, used_permille, delivered, bounced, \
         complained, bounce_ppm, complaint_ppm, last_activity_at) AS (",
        &rows.iter().map(figures).collect::<Vec<_>>(),
        ") UPDATE account_summaries SET state = f.state, cap_state = f.cap_state, monthly_credit = f.monthly_credit, \
         period_id = f.period_id, sent = f.sent, used_permille = f.used_permille, delivered = f.delivered, \
         bounced = f.bounced, complained = f.complained, bounce_ppm = f.bounce_ppm, complaint_ppm = f.complaint_ppm, \
         last_activity_at = f.last_activity_at FROM f WHERE account_summaries.account_id = f.account_id",
    )
}

/// The sub accounts of `parent` whose summaries speak of another period than `period`.
pub fn of_other_periods(conn: &mut AnyConnection, parent: Id, period: Id) -> QueryResult<Vec<Id>> {
    account_summaries::table
        .filter(account_summaries::parent_id.eq(parent))
        .filter(account_summaries::period_id.is_null().or(account_summaries::period_id.ne(period)))
        .select(account_summaries::account_id)
        .load(conn)
}

/// Sets the figures of `accounts` to those of a period in which nothing was sent, unless they speak of it already.
pub fn start_anew(conn: &mut AnyConnection, accounts: &[Id], period: Id) -> QueryResult<usize> {
    use diesel::dsl::case_when;
    let cap_state =
        case_when::<_, _, diesel::sql_types::Text>(account_summaries::monthly_credit.eq(0), CapState::NoCap.as_str())
            .otherwise(CapState::Under.as_str());
    diesel::update(account_summaries::table)
        .filter(one_of(account_summaries::account_id, accounts.to_vec()))
        .filter(account_summaries::period_id.is_null().or(account_summaries::period_id.ne(period)))
        .set((
            account_summaries::period_id.eq(Some(period)),
            account_summaries::cap_state.eq(cap_state),
            account_summaries::sent.eq(0),
            account_summaries::used_permille.eq(0),
            account_summaries::delivered.eq(0),
            account_summaries::bounced.eq(0),
            account_summaries::complained.eq(0),
            account_summaries::bounce_ppm.eq(0),
            account_summaries::complaint_ppm.eq(0),
        ))
        .execute(conn)
}

/// Which of these lower-case names live sub accounts of `parent` have.
pub fn names_taken(conn: &mut AnyConnection, parent: Id, names: &[String]) -> QueryResult<Vec<String>> {
    let mut taken = Vec::new();
    for chunk in names.chunks(500) {
        let found: Vec<String> = account_summaries::table
            .filter(account_summaries::parent_id.eq(parent))
            .filter(account_summaries::state.ne("deleted"))
            .filter(one_of(account_summaries::name_lower, chunk.to_vec()))
            .select(account_summaries::name_lower)
            .load(conn)?;
        taken.extend(found);
    }
    Ok(taken)
}
