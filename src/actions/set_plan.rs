//! Entering what the pooled mail costs. A plan is in force from now on; earlier ones stay as history.

use serde_json::{Value, json};

use super::audit::{self, Record};
use super::{ActionError, ActionResult, Cx};
use crate::domain::ids::Id;
use crate::domain::money::{Currency, Micros, Money, grouped};
use crate::domain::rating::{Plan, Tier};
use crate::models::AnyConnection;
use crate::models::accounts;
use crate::models::plans::{self, PlanRow};

/// Puts `plan` in force for a parent. The same plan again changes nothing.
///
/// # Errors
/// `NotFound` when `parent` is no live parent account, `Invalid` for a plan whose numbers do not fit together.
pub fn set_plan(conn: &mut AnyConnection, cx: &Cx, parent: Id, plan: Plan) -> ActionResult<()> {
    accounts::lock(conn, &[], &[parent])?;
    let account = accounts::find(conn, parent)?
        .filter(|account| account.parent_id.is_none())
        .ok_or(ActionError::NotFound("parent account"))?;
    let plan = plan.validate().map_err(|refusal| ActionError::invalid("plan", refusal.message()))?;
    let before = plan_in_force(conn, parent, cx.at())?;
    if before.as_ref() == Some(&plan) {
        return Ok(());
    }
    let tiers = serde_json::to_string(&plan.tiers).map_err(|error| ActionError::Internal(error.to_string()))?;
    let row = PlanRow {
        id: Id::new(cx.now),
        account_id: parent,
        effective_from: cx.at(),
        currency: plan.currency.code().to_owned(),
        monthly_fee_minor: plan.monthly_fee_minor,
        included: plan.included,
        tiers,
        created_by: cx.actor.label.clone(),
        created_at: cx.at(),
    };
    plans::insert(conn, &row)?;
    let (before, after) = (before.as_ref().map(shown), Some(shown(&plan)));
    audit::record(conn, cx, &account, Record { action: "plan.set", target: account.name.clone(), before, after })
}

/// The plan of a parent at an instant: `None` while it has not entered what its mail costs.
///
/// # Errors
/// `Internal` for a stored plan that cannot be read.
pub fn plan_in_force(conn: &mut AnyConnection, parent: Id, at: chrono::NaiveDateTime) -> ActionResult<Option<Plan>> {
    plans::in_force(conn, parent, at)?.map(|row| read(&row)).transpose()
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
