//! One account's share of its parent's pooled bill so far: the figure that the usage report has for it, without the
//! report of everybody else.

use chrono::{DateTime, Utc};

use super::ActionResult;
use super::set_plan::plan_of;
use crate::domain::allocation::allocate;
use crate::domain::ids::Id;
use crate::domain::money::Money;
use crate::domain::rating::rate;
use crate::models::periods::Period;
use crate::models::{AnyConnection, counters};

/// The share of `account` in the bill of `parent` for `period`; `None` until a plan is entered.
///
/// # Errors
/// Only the database's.
pub fn allocated_cost(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    parent: Id,
    account: Id,
    period: &Period,
) -> ActionResult<Option<Money>> {
    let Some(plan) = plan_of(conn, parent, period, now)? else { return Ok(None) };
    let volumes = counters::volumes(conn, parent, period.id)?;
    let total = rate(&plan, volumes.iter().map(|(_, volume)| volume).sum()).total_minor;
    let shares = allocate(total, &volumes, parent);
    let minor = shares.into_iter().find(|(id, _)| *id == account).map_or(0, |(_, minor)| minor);
    Ok(Some(Money::new(minor, plan.currency)))
}
