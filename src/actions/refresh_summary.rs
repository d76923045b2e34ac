//! Brings an account's row in `account_summaries` up to what is true now.

use chrono::{DateTime, Utc};

use super::ensure_period::ensure_period;
use super::error::ActionResult;
use crate::domain::cap::{CapState, MonthlyCap};
use crate::domain::ids::Id;
use crate::domain::reputation;
use crate::models::accounts::Account;
use crate::models::counters::{self, Counter};
use crate::models::periods::Period;
use crate::models::summaries::{self, Summary};
use crate::models::{AnyConnection, accounts, domains, memberships, suspensions};

/// Recomputes one sub account's summary from its exact counter, holds, domains and members.
///
/// # Errors
/// Only the database's.
pub fn refresh_summary(conn: &mut AnyConnection, account_id: Id, now: DateTime<Utc>) -> ActionResult<()> {
    let Some(account) = accounts::find_any(conn, account_id)? else { return Ok(()) };
    let Some(parent_id) = account.parent_id else { return Ok(()) };
    let period = ensure_period(conn, parent_id, now)?;
    let counter = counters::find(conn, account_id, period.id)?;
    let previous = summaries::find(conn, account_id)?;
    let held = !suspensions::held(conn, &[account_id], now.naive_utc())?.is_empty();
    let mut row = computed(&account, parent_id, &period, counter.as_ref(), held);
    row.domain_count = domains::count(conn, account_id)?;
    row.member_count = memberships::count(conn, account_id)?;
    row.last_activity_at =
        counter.and_then(|counter| counter.last_activity_at).or(previous.as_ref().and_then(|row| row.last_activity_at));
    match previous {
        Some(_) => summaries::save(conn, &row)?,
        None => summaries::insert(conn, &[row])?,
    }
    Ok(())
}

/// The figures of a summary, without domains, members and last activity.
#[must_use]
pub fn computed(account: &Account, parent_id: Id, period: &Period, counter: Option<&Counter>, held: bool) -> Summary {
    let cap = MonthlyCap::new(account.monthly_credit).unwrap_or(MonthlyCap::NONE).in_part(period.part());
    let count = |field: fn(&Counter) -> i64| counter.map_or(0, field);
    let sent = count(|counter| counter.accepted);
    let left = reputation::left(count(|counter| counter.delivered), count(|counter| counter.bounced));
    let share = |part: i64, whole: i64, scale: i64| if whole > 0 { part.saturating_mul(scale) / whole } else { 0 };
    let state = match (account.deleted_at, held) {
        (Some(_), _) => "deleted",
        (None, true) => "suspended",
        (None, false) => "active",
    };
    Summary {
        account_id: account.id,
        parent_id,
        name_lower: account.name_lower.clone(),
        state: state.into(),
        cap_state: CapState::of(cap, sent).as_str().into(),
        monthly_credit: account.monthly_credit,
        period_id: Some(period.id),
        sent,
        used_permille: share(sent, cap.value(), 1000),
        delivered: count(|counter| counter.delivered),
        bounced: count(|counter| counter.bounced),
        complained: count(|counter| counter.complained),
        bounce_ppm: reputation::per_million(count(|counter| counter.bounced), left),
        complaint_ppm: reputation::per_million(count(|counter| counter.complained), left),
        domain_count: 0,
        member_count: 0,
        last_activity_at: counter.and_then(|counter| counter.last_activity_at),
        created_at: account.created_at,
    }
}
