//! What a parent and its clients used in a billing period, and each one's share of the pooled bill.
//!
//! Every number comes from the exact counters that messages were accepted by; nothing is estimated or recomputed.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDateTime, Utc};

use super::ensure_period::ensure_period;
use super::set_plan::plan_of;
use super::{ActionError, ActionResult};
use crate::domain::allocation::allocate;
use crate::domain::ids::Id;
use crate::domain::rating::{Bill, Plan, rate};
use crate::models::AnyConnection;
use crate::models::accounts::{self, Named};
use crate::models::counters::{self, Counter, Delta};
use crate::models::periods::{self, Period};

/// Usage and cost of a parent's period.
pub struct UsageReport {
    pub period: Period,
    /// The plan that prices the period: the one in force at its end, or now while it runs, and its part of it where the
    /// period is a short one. `None`: costs are not set.
    pub plan: Option<Plan>,
    /// The pooled bill so far.
    pub bill: Option<Bill>,
    /// The parent's own mail.
    pub parent: UsageLine,
    /// Live sub accounts, oldest first, those that sent nothing included.
    pub children: Vec<UsageLine>,
    /// Sub accounts deleted since, with what they had used.
    pub removed: Vec<UsageLine>,
    /// The sum of all of them: its cost is the bill's total.
    pub total: Counted,
}

/// One account's part.
#[derive(Clone, Debug)]
pub struct UsageLine {
    pub account_id: Id,
    pub name: String,
    pub external_id: Option<String>,
    pub deleted_at: Option<NaiveDateTime>,
    pub counted: Counted,
}

/// Messages and what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub messages: Delta,
    /// In minor units of the plan's currency; `None` without a plan.
    pub cost_minor: Option<i64>,
}

impl UsageReport {
    /// The removed sub accounts as one.
    #[must_use]
    pub fn removed_sum(&self) -> Counted {
        sum(self.removed.iter())
    }
}

/// The report of `period`, or of the one that runs now.
///
/// # Errors
/// `NotFound` when `parent` is no live parent account, or the period is not its.
pub fn usage_report(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    parent: Id,
    period: Option<Id>,
) -> ActionResult<UsageReport> {
    let account = accounts::find(conn, parent)?
        .filter(|account| account.parent_id.is_none())
        .ok_or(ActionError::NotFound("parent account"))?;
    let period = match period {
        Some(id) => periods::find(conn, parent, id)?.ok_or(ActionError::NotFound("billing period"))?,
        None => ensure_period(conn, parent, now)?,
    };
    let counted: HashMap<Id, Counter> =
        counters::of_period(conn, parent, period.id)?.into_iter().map(|row| (row.account_id, row)).collect();
    let live = accounts::named_children(conn, parent)?;
    let children = live.len();
    let removed = removed(conn, parent, &live, &counted)?;
    let itself: Named = (account.id, account.name, account.external_id, None);
    let mut lines: Vec<UsageLine> =
        std::iter::once(itself).chain(live).chain(removed).map(|named| line(named, &counted)).collect();
    let plan = plan_of(conn, parent, &period, now)?;
    let bill = plan.as_ref().map(|plan| share(plan, &mut lines, parent));
    let total = sum(lines.iter());
    let removed = lines.split_off(1 + children);
    let children = lines.split_off(1);
    let parent = lines.remove(0);
    Ok(UsageReport { period, plan, bill, parent, children, removed, total })
}

/// The accounts that were counted in the period and are neither the parent nor live.
fn removed(
    conn: &mut AnyConnection,
    parent: Id,
    live: &[Named],
    counted: &HashMap<Id, Counter>,
) -> ActionResult<Vec<Named>> {
    let known: std::collections::HashSet<Id> = live.iter().map(|(id, ..)| *id).chain(std::iter::once(parent)).collect();
    let gone: Vec<Id> = counted.keys().filter(|id| !known.contains(id)).copied().collect();
    let mut rows = Vec::with_capacity(gone.len());
    // In bounded batches: a statement takes a limited number of values.
    for ids in gone.chunks(500) {
        rows.extend(accounts::named(conn, ids)?);
    }
    rows.sort_by_key(|(id, ..)| *id);
    Ok(rows)
}

fn line((account_id, name, external_id, deleted_at): Named, counted: &HashMap<Id, Counter>) -> UsageLine {
    let messages = counted.get(&account_id).map_or_else(Delta::default, |row| Delta {
        accepted: row.accepted,
        delivered: row.delivered,
        deferred: row.deferred,
        bounced: row.bounced,
        failed: row.failed,
        suppressed: row.suppressed,
        complained: row.complained,
    });
    UsageLine { account_id, name, external_id, deleted_at, counted: Counted { messages, cost_minor: None } }
}

/// Bills the pooled volume and gives each line its part; the parts add up to the bill exactly.
fn share(plan: &Plan, lines: &mut [UsageLine], parent: Id) -> Bill {
    let volumes: Vec<(Id, i64)> = lines.iter().map(|line| (line.account_id, line.counted.messages.accepted)).collect();
    let bill = rate(plan, volumes.iter().map(|(_, volume)| volume).sum());
    // In the order of `volumes`, which holds the parent: nothing is added at the end.
    for (line, (_, cost)) in lines.iter_mut().zip(allocate(bill.total_minor, &volumes, parent)) {
        line.counted.cost_minor = Some(cost);
    }
    bill
}

fn sum<'a>(lines: impl Iterator<Item = &'a UsageLine>) -> Counted {
    lines.fold(Counted::default(), |mut sum, line| {
        sum.messages += line.counted.messages;
        if let Some(cost) = line.counted.cost_minor {
            sum.cost_minor = Some(sum.cost_minor.unwrap_or(0) + cost);
        }
        sum
    })
}
