//! Entering what the pooled mail costs. A period is priced by the plan in force at its end, and no plan ever begins
//! before the running period: what has ended keeps its bill, whatever is entered later.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::audit::{self, Record};
use super::ensure_period::ensure_period;
use super::{ActionError, ActionResult, Cx};
use crate::domain::ids::Id;
use crate::domain::money::{Currency, Micros, Money, grouped};
use crate::domain::rating::{Plan, Tier};
use crate::models::AnyConnection;
use crate::models::accounts::{self, Account};
use crate::models::periods::Period;
use crate::models::plans::{self, PlanRow};

/// From when a plan applies. The first one of a parent applies from the running period, whichever is chosen: there is
/// nothing that it would change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Begins {
    /// With the next period.
    #[default]
    Next,
    /// With the running period, which is priced anew.
    Running,
}

/// What became of a plan that was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// It prices the running period.
    InForce,
    /// It begins at that instant.
    Planned(NaiveDateTime),
    /// It was in force, or planned, already.
    Unchanged,
}

/// The plan that prices a period of a parent, and from when it has been in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated {
    pub id: Id,
    pub plan: Plan,
    pub from: NaiveDateTime,
}

/// Enters `plan` for a parent. What was planned before is replaced where this one begins with the next period too.
///
/// # Errors
/// `NotFound` when `parent` is no live parent account, `Invalid` for a plan whose numbers do not fit together, or a
/// currency that the running period is not in.
pub fn set_plan(conn: &mut AnyConnection, cx: &Cx, parent: Id, plan: Plan, begins: Begins) -> ActionResult<Entered> {
    let account = locked(conn, parent)?;
    let plan = plan.validate().map_err(|refusal| ActionError::invalid("plan", refusal.message()))?;
    let period = ensure_period(conn, parent, cx.now)?;
    match (in_force(conn, parent, cx.at())?, begins) {
        (None, _) => {
            insert(conn, cx, parent, &plan, period.start_at)?;
            note(conn, cx, &account, "plan.set", None, Some(shown(&plan)))?;
            Ok(Entered::InForce)
        }
        (Some(before), Begins::Running) => reprice(conn, cx, &account, &plan, &period, before),
        (Some(before), Begins::Next) => plan_ahead(conn, cx, &account, &plan, &period, before),
    }
}

fn reprice(
    conn: &mut AnyConnection,
    cx: &Cx,
    account: &Account,
    plan: &Plan,
    period: &Period,
    before: Dated,
) -> ActionResult<Entered> {
    if before.plan == *plan {
        return Ok(Entered::Unchanged);
    }
    same_currency(&before.plan, plan)?;
    // Later than what it replaces, where that began within the period.
    let from = period.start_at.max(before.from + TimeDelta::microseconds(1));
    insert(conn, cx, account.id, plan, from)?;
    note(conn, cx, account, "plan.reprice", Some(shown(&before.plan)), Some(shown(plan)))?;
    Ok(Entered::InForce)
}

fn plan_ahead(
    conn: &mut AnyConnection,
    cx: &Cx,
    account: &Account,
    plan: &Plan,
    period: &Period,
    before: Dated,
) -> ActionResult<Entered> {
    let planned = planned(conn, account.id, cx.now)?;
    if planned.as_ref().map_or(&before.plan, |planned| &planned.plan) == plan {
        return Ok(Entered::Unchanged);
    }
    plans::remove_planned(conn, account.id, cx.at())?;
    if before.plan == *plan {
        // Back to what is in force: nothing is planned any more.
        note(conn, cx, account, "plan.withdraw", planned.map(|planned| dated(&planned.plan, planned.from)), None)?;
        return Ok(Entered::InForce);
    }
    insert(conn, cx, account.id, plan, period.end_at)?;
    let was = planned.map_or_else(|| dated(&before.plan, before.from), |planned| dated(&planned.plan, planned.from));
    note(conn, cx, account, "plan.schedule", Some(was), Some(dated(plan, period.end_at)))?;
    Ok(Entered::Planned(period.end_at))
}

/// Refuses a form whose dates are no longer true: `seen` is the period that ran when it was shown.
///
/// # Errors
/// `Invalid` when another period runs.
pub fn still_running(conn: &mut AnyConnection, cx: &Cx, parent: Id, seen: Id) -> ActionResult<()> {
    same_period(ensure_period(conn, parent, cx.now)?.id, seen)
}

/// The same of a period that was read already.
///
/// # Errors
/// As [`still_running`].
pub fn same_period(running: Id, seen: Id) -> ActionResult<()> {
    if running == seen {
        return Ok(());
    }
    let said = "A new billing period has begun since this page was opened. Look at the dates again, then save.";
    Err(ActionError::invalid("when", said))
}

/// Refuses to reprice the running period in another currency than it is in.
///
/// # Errors
/// `Invalid` where they differ.
pub fn same_currency(before: &Plan, plan: &Plan) -> ActionResult<()> {
    if before.currency == plan.currency {
        return Ok(());
    }
    let said = "The running period stays in its currency. Another one can begin with the next period.";
    Err(ActionError::invalid("currency", said))
}

/// The live parent account, locked.
///
/// # Errors
/// `NotFound` when it is none.
pub(super) fn locked(conn: &mut AnyConnection, parent: Id) -> ActionResult<Account> {
    accounts::lock(conn, &[], &[parent])?;
    let account = accounts::find(conn, parent)?.filter(|account| account.parent_id.is_none());
    account.ok_or(ActionError::NotFound("parent account"))
}

fn insert(conn: &mut AnyConnection, cx: &Cx, parent: Id, plan: &Plan, from: NaiveDateTime) -> ActionResult<()> {
    let tiers = serde_json::to_string(&plan.tiers).map_err(|error| ActionError::Internal(error.to_string()))?;
    let row = PlanRow {
        id: Id::new(cx.now),
        account_id: parent,
        effective_from: from,
        currency: plan.currency.code().to_owned(),
        monthly_fee_minor: plan.monthly_fee_minor,
        included: plan.included,
        tiers,
        created_by: cx.actor.label.clone(),
        created_at: cx.at(),
    };
    Ok(plans::insert(conn, &row)?)
}

/// One audit entry about a plan.
///
/// # Errors
/// Only the database's.
pub(super) fn note(
    conn: &mut AnyConnection,
    cx: &Cx,
    account: &Account,
    action: &str,
    before: Option<Value>,
    after: Option<Value>,
) -> ActionResult<()> {
    audit::record(conn, cx, account, Record { action, target: account.name.clone(), before, after })
}

/// The plan of a parent that prices the period of `at`: `None` while it has not entered what its mail costs.
///
/// # Errors
/// `Internal` for a stored plan that cannot be read.
pub fn in_force(conn: &mut AnyConnection, parent: Id, at: NaiveDateTime) -> ActionResult<Option<Dated>> {
    plans::in_force(conn, parent, at)?.map(|row| Dated::of(&row)).transpose()
}

/// The plan that begins after `now`.
///
/// # Errors
/// `Internal` for a stored plan that cannot be read.
pub fn planned(conn: &mut AnyConnection, parent: Id, now: DateTime<Utc>) -> ActionResult<Option<Dated>> {
    plans::planned(conn, parent, now.naive_utc())?.map(|row| Dated::of(&row)).transpose()
}

/// The plan of a parent at an instant, without its date.
///
/// # Errors
/// As [`in_force`].
pub fn plan_in_force(conn: &mut AnyConnection, parent: Id, at: NaiveDateTime) -> ActionResult<Option<Plan>> {
    Ok(in_force(conn, parent, at)?.map(|dated| dated.plan))
}

/// The plan that prices a period of a parent, at `now` while it runs: a short period has its part of fee and included.
///
/// # Errors
/// As [`in_force`].
pub fn plan_of(
    conn: &mut AnyConnection,
    parent: Id,
    period: &Period,
    now: DateTime<Utc>,
) -> ActionResult<Option<Plan>> {
    let last_instant = period.end_at - TimeDelta::microseconds(1);
    let plan = plan_in_force(conn, parent, now.naive_utc().min(last_instant))?;
    Ok(plan.map(|plan| plan.for_part(period.part())))
}

impl Dated {
    fn of(row: &PlanRow) -> ActionResult<Self> {
        Ok(Self { id: row.id, plan: read(row)?, from: row.effective_from })
    }
}

/// A stored plan.
///
/// # Errors
/// `Internal` for one that cannot be read.
pub fn read(row: &PlanRow) -> ActionResult<Plan> {
    Ok(Plan {
        currency: Currency::parse(&row.currency).map_err(|refusal| ActionError::Internal(refusal.to_string()))?,
        monthly_fee_minor: row.monthly_fee_minor,
        included: row.included,
        tiers: serde_json::from_str(&row.tiers).map_err(|error| ActionError::Internal(error.to_string()))?,
    })
}

/// A plan with its first instant.
pub(super) fn dated(plan: &Plan, from: NaiveDateTime) -> Value {
    let mut told = shown(plan);
    told["applies_from"] = json!(from.and_utc().to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
    told
}

/// A plan as the audit tells it: amounts and prices as people write them.
#[must_use]
pub fn shown(plan: &Plan) -> Value {
    let step = |tier: &Tier| match tier.up_to {
        Some(up_to) => {
            format!("{} per 1,000 up to {}", Micros(tier.micros_per_thousand), grouped(up_to.unsigned_abs()))
        }
        None => format!("{} per 1,000 beyond", Micros(tier.micros_per_thousand)),
    };
    json!({
        "currency": plan.currency.code(),
        "monthly_fee": Money::new(plan.monthly_fee_minor, plan.currency).amount(),
        "included": plan.included,
        "prices": plan.tiers.iter().map(step).collect::<Vec<_>>(),
    })
}
