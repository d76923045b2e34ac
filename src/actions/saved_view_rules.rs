//! What holds for every saved view: whose it is, how many there may be, that a name means one view to whoever sees it.

use diesel::result::{DatabaseErrorKind, Error};
use serde_json::{Value, json};

use super::audit::{self, Record};
use super::{ActionError, ActionResult, Cx};
use crate::domain::ids::Id;
use crate::models::saved_views::{self, SavedView};
use crate::models::{AnyConnection, accounts};

/// As many as one person may keep, and as many as an account's members may share.
pub const MOST: usize = 50;
/// Characters of the longest address that is kept.
const LONGEST: usize = 2_000;

/// Who keeps views, and where.
#[derive(Clone, Copy, Debug)]
pub struct Keeper {
    pub account: Id,
    pub user: Id,
    /// Whether their role may change what all members see.
    pub shares: bool,
}

impl Keeper {
    /// The view that they see; unknown ones, other accounts' and other people's own are told apart nowhere.
    pub(super) fn seen(self, conn: &mut AnyConnection, id: Id) -> ActionResult<SavedView> {
        saved_views::find(conn, self.account, self.user, id)?.ok_or(ActionError::NotFound("view"))
    }

    /// The same when it is theirs to change: their own, or with `shares` what all see.
    pub(super) fn changeable(self, conn: &mut AnyConnection, id: Id) -> ActionResult<SavedView> {
        let view = self.seen(conn, id)?;
        if self.may_change(&view) {
            return Ok(view);
        }
        Err(ActionError::Forbidden("Your role may use this shared view, but not change it.".into()))
    }

    /// Whether a view that they see is theirs to change.
    #[must_use]
    pub fn may_change(self, view: &SavedView) -> bool {
        view.user_id == self.user || (view.shared && self.shares)
    }

    /// Holds `row`, which replaces nothing or the row of its id, against what is there.
    pub(super) fn check(self, conn: &mut AnyConnection, row: &SavedView, newly_shared: bool) -> ActionResult<()> {
        if newly_shared && !self.shares {
            return Err(ActionError::Forbidden("Your role may keep views for itself, but not share them.".into()));
        }
        if row.query.chars().count() > LONGEST {
            return Err(ActionError::invalid("query", "This search is too long to be kept. Shorten it."));
        }
        let seen = saved_views::seen_by(conn, self.account, self.user)?;
        let others: Vec<&SavedView> = seen.iter().filter(|view| view.id != row.id).collect();
        if others.iter().any(|view| view.name_lower == row.name_lower) {
            return Err(taken(&row.name));
        }
        let own = others.iter().filter(|view| view.user_id == row.user_id).count();
        if own >= MOST {
            return Err(ActionError::Conflict(format!("You keep {MOST} views, which is the most. Delete one first.")));
        }
        if newly_shared && others.iter().filter(|view| view.shared).count() >= MOST {
            let text = format!("{MOST} views are shared here, which is the most. Stop sharing one first.");
            return Err(ActionError::Conflict(text));
        }
        Ok(())
    }
}

fn taken(name: &str) -> ActionError {
    ActionError::Conflict(format!(
        "There is a view called “{name}” already. Choose another name, or open that one and update it."
    ))
}

/// A write of `row`: whoever was quicker with the same name wins.
pub(super) fn written(row: &SavedView, done: diesel::QueryResult<()>) -> ActionResult<()> {
    match done {
        Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Err(taken(&row.name)),
        other => Ok(other?),
    }
}

/// A view as its audit entry tells it.
fn shown(view: &SavedView) -> Value {
    json!({ "name": view.name, "shared": view.shared, "query": view.query })
}

/// Notes what became of a view that all members see; what somebody keeps for themselves is their own.
pub(super) fn note(
    conn: &mut AnyConnection,
    cx: &Cx,
    action: &'static str,
    before: Option<&SavedView>,
    after: Option<&SavedView>,
) -> ActionResult<()> {
    let Some(view) = after.or(before) else { return Ok(()) };
    let account = accounts::find(conn, view.account_id)?.ok_or(ActionError::NotFound("account"))?;
    let record = Record { action, target: view.name.clone(), before: before.map(shown), after: after.map(shown) };
    audit::record(conn, cx, &account, record)
}
