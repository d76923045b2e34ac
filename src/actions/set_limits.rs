//! A parent sets what bounds a client beside its monthly cap, and what all its accounts may send together.

use chrono::DateTime;
use serde_json::{Value, json};

use super::accept_message::{hour_of, limits_of};
use super::audit::{self, Record};
use super::ensure_period::ensure_period;
use super::{ActionError, ActionResult, Cx};
use crate::domain::ids::Id;
use crate::domain::limits::{AlertPercents, Limits, MAX_LIMIT};
use crate::models::accounts::{self, Account};
use crate::models::limits::{self, LimitsRow};
use crate::models::{AnyConnection, counters, messages};

/// Sets the limits of a sub account of `parent`. They decide from this transaction's commit.
///
/// # Errors
/// `NotFound` for another's account, `Invalid` for a value out of its range.
pub fn set_limits(conn: &mut AnyConnection, cx: &Cx, parent: Id, child: Id, wanted: Limits) -> ActionResult<Account> {
    accounts::lock(conn, &[], &[child])?;
    let account = accounts::find_child(conn, parent, child)?.ok_or(ActionError::NotFound("sub account"))?;
    let wanted = wanted.validate().map_err(|refusal| ActionError::invalid("limits", refusal.message()))?;
    let row = limits::find(conn, child)?;
    let before = limits_of(row.as_ref())?;
    if before == wanted {
        return Ok(account);
    }
    if before.hourly == 0 && wanted.hourly > 0 {
        begin_hour(conn, cx, child)?;
    }
    limits::save(conn, &stored(cx, child, &wanted, row.map_or(0, |row| row.pool)))?;
    let period = ensure_period(conn, parent, cx.now)?;
    let used = counters::used(conn, child, period.id)?;
    let cap = period.part().cap(account.monthly_credit);
    limits::rearm(conn, child, period.id, &wanted.alerts.reached(cap, used))?;
    let (target, before, after) = (account.name.clone(), Some(shown(&before)), Some(shown(&wanted)));
    audit::record(conn, cx, &account, Record { action: "sub_account.set_limits", target, before, after })?;
    Ok(account)
}

/// Sets how many messages all accounts of `parent` may send together in a period (0 is no cap), and at which shares of
/// that its members are told.
///
/// # Errors
/// `NotFound` when `parent` is no live parent account, `Invalid` for a number out of range.
pub fn set_pool(conn: &mut AnyConnection, cx: &Cx, parent: Id, pool: i64, alerts: AlertPercents) -> ActionResult<()> {
    // Every sender of the family holds this lock shared: nobody accepts while the pool is counted.
    accounts::lock(conn, &[], &[parent])?;
    let account = accounts::find(conn, parent)?
        .filter(|account| account.parent_id.is_none())
        .ok_or(ActionError::NotFound("parent account"))?;
    if !(0..=MAX_LIMIT).contains(&pool) {
        return Err(ActionError::invalid("pool", "Enter a pool cap of at most 1,000,000,000,000 messages."));
    }
    let row = limits::find(conn, parent)?;
    let (cap, own) = (row.as_ref().map_or(0, |row| row.pool), limits_of(row.as_ref())?);
    if cap == pool && own.alerts == alerts {
        return Ok(());
    }
    let shown = |pool: i64, alerts: &AlertPercents| json!({ "pool_cap": pool, "alerts_percent": alerts.stored() });
    let (before, after) = (Some(shown(cap, &own.alerts)), Some(shown(pool, &alerts)));
    let wanted = Limits { alerts, ..own };
    limits::save(conn, &stored(cx, parent, &wanted, pool))?;
    let period = ensure_period(conn, parent, cx.now)?;
    let used = limits::recount_pool(conn, parent, period.id)?;
    limits::rearm(conn, parent, period.id, &wanted.alerts.reached(period.part().cap(pool), used))?;
    let record = Record { action: "account.set_pool", target: account.name.clone(), before, after };
    audit::record(conn, cx, &account, record)
}

/// What was accepted or released in the running hour before its cap began counts against it.
fn begin_hour(conn: &mut AnyConnection, cx: &Cx, account: Id) -> ActionResult<()> {
    let hour = hour_of(cx.now);
    let start = DateTime::from_timestamp(hour * 3600, 0).unwrap_or(cx.now).naive_utc();
    let accepted = messages::accepted_since(conn, account, start)? + limits::released_in_hour(conn, account, hour)?;
    Ok(limits::set_hour(conn, account, hour, accepted)?)
}

fn stored(cx: &Cx, account_id: Id, limits: &Limits, pool: i64) -> LimitsRow {
    LimitsRow {
        account_id,
        at_cap: limits.at_cap.as_str().into(),
        hold_days: limits.hold_days,
        daily: limits.daily,
        hourly: limits.hourly,
        sends_nothing: limits.sends_nothing,
        alerts: limits.alerts.stored(),
        pool,
        updated_at: cx.at(),
    }
}

/// Limits as the audit shows them.
pub fn shown(limits: &Limits) -> Value {
    json!({
        "at_cap": limits.at_cap.label(), "hold_days": limits.hold_days, "daily_cap": limits.daily,
        "hourly_cap": limits.hourly, "sends_nothing": limits.sends_nothing, "alerts_percent": limits.alerts.stored(),
    })
}
