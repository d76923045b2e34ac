//! What decides whether accounts may accept mail, in one statement: the accounts, their holds, limits, period and use.

use chrono::NaiveDateTime;
use diesel::dsl::exists;
use diesel::expression::functions::define_sql_function;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Nullable};

use super::AnyConnection;
use super::accounts::Account;
use super::kept::one_of;
use super::limits::LimitsRow;
use super::periods::Period;
use super::schema::{accounts, counters, periods, sending_limits, suspensions};
use crate::domain::ids::Id;

define_sql_function! {
    /// The first that is not NULL.
    fn coalesce(first: Nullable<Binary>, second: Binary) -> Binary;
}

diesel::alias!(sending_limits as above: Above);

/// A live account, and what bounds it.
#[derive(Clone, Debug)]
pub struct Sender {
    pub account: Account,
    pub held: bool,
    pub parent_held: bool,
    pub limits: Option<LimitsRow>,
    /// Those of its parent; `None` where it is one.
    pub parent_limits: Option<LimitsRow>,
    /// The running one, unless it was not begun yet, or is closed already.
    pub period: Option<Period>,
    /// What it accepted in that period, where it accepted anything.
    pub used: Option<i64>,
}

/// The live ones of `accounts`, as they stand at `now`. What was locked before does not change any more.
pub fn find_many(conn: &mut AnyConnection, accounts: &[Id], now: NaiveDateTime) -> QueryResult<Vec<Sender>> {
    type Row = (Account, bool, bool, Option<LimitsRow>, Option<LimitsRow>, Option<Period>, Option<i64>);
    let running = periods::account_id
        .eq(coalesce(accounts::parent_id, accounts::id))
        .and(periods::start_at.le(now))
        .and(periods::end_at.gt(now))
        .and(periods::closed_at.is_null());
    let open = || {
        let until = suspensions::until_at.is_null().or(suspensions::until_at.gt(now));
        suspensions::table.filter(suspensions::lifted_at.is_null()).filter(until)
    };
    let of_parent = above.field(sending_limits::account_id).nullable().eq(accounts::parent_id);
    let counted = counters::account_id.eq(accounts::id).and(counters::period_id.eq(periods::id));
    let mut rows: Vec<Row> = accounts::table
        .left_join(sending_limits::table.on(sending_limits::account_id.eq(accounts::id)))
        .left_join(above.on(of_parent))
        .left_join(periods::table.on(running))
        .left_join(counters::table.on(counted))
        .filter(one_of(accounts::id, accounts.to_vec()))
        .filter(accounts::deleted_at.is_null())
        .select((
            Account::as_select(),
            exists(open().filter(suspensions::account_id.eq(accounts::id))),
            exists(open().filter(suspensions::account_id.nullable().eq(accounts::parent_id))),
            Option::<LimitsRow>::as_select(),
            above
                .fields((
                    sending_limits::account_id,
                    sending_limits::at_cap,
                    sending_limits::hold_days,
                    sending_limits::daily,
                    sending_limits::hourly,
                    sending_limits::sends_nothing,
                    sending_limits::alerts,
                    sending_limits::pool,
                    sending_limits::updated_at,
                ))
                .nullable(),
            Option::<Period>::as_select(),
            counters::accepted.nullable(),
        ))
        .load(conn)?;
    // Here and not by the database, which would sort for it: should two periods run, the later counts.
    rows.sort_by_key(|row| (row.0.id, row.5.as_ref().map(|period| period.start_at)));
    let sender = |(account, held, parent_held, limits, parent_limits, period, used): Row| Sender {
        account,
        held,
        parent_held,
        limits,
        parent_limits,
        period,
        used,
    };
    Ok(rows.into_iter().map(sender).collect())
}
