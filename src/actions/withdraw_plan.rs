//! Taking back a plan that has not begun: the one in force goes on.

use super::set_plan::{dated, locked, note, planned};
use super::{ActionError, ActionResult, Cx};
use crate::domain::ids::Id;
use crate::models::{AnyConnection, plans};

/// Takes back the plan `id`, which is to begin with the next period.
///
/// # Errors
/// `NotFound` when `parent` is no live parent account, `Conflict` when that plan is not planned (any more).
pub fn withdraw_plan(conn: &mut AnyConnection, cx: &Cx, parent: Id, id: Id) -> ActionResult<()> {
    let account = locked(conn, parent)?;
    let planned = planned(conn, parent, cx.now)?.filter(|planned| planned.id == id);
    let planned = planned.ok_or_else(|| ActionError::Conflict("This change is not planned any more.".into()))?;
    plans::remove_planned(conn, parent, cx.at())?;
    note(conn, cx, &account, "plan.withdraw", Some(dated(&planned.plan, planned.from)), None)
}
