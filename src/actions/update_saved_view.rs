//! Changing a saved view: its name, what it shows, and who sees it.

use super::saved_view_rules::{Keeper, note, written};
use super::{ActionError, ActionResult, Cx};
use crate::domain::ids::Id;
use crate::domain::text::ViewName;
use crate::models::AnyConnection;
use crate::models::saved_views::{self, SavedView};

/// What is to be changed; `None` keeps what there is.
#[derive(Clone, Debug, Default)]
pub struct ViewChanges {
    pub name: Option<ViewName>,
    pub shared: Option<bool>,
    /// The list's address behind its question mark.
    pub query: Option<String>,
}

/// Changes a view; the same values once more change nothing.
///
/// # Errors
/// `NotFound` for a view that they do not see, `Forbidden` for one that is not theirs to change, or to share or keep for
/// themselves; `Invalid` and `Conflict` as for a new one.
pub fn update_saved_view(
    conn: &mut AnyConnection,
    cx: &Cx,
    keeper: Keeper,
    id: Id,
    changes: &ViewChanges,
) -> ActionResult<SavedView> {
    let before = keeper.changeable(conn, id)?;
    let mut row = before.clone();
    if let Some(name) = &changes.name {
        row.name = name.as_str().to_owned();
        row.name_lower = row.name.to_lowercase();
    }
    row.shared = changes.shared.unwrap_or(row.shared);
    row.query = changes.query.clone().unwrap_or(row.query);
    if row == before {
        return Ok(row);
    }
    if before.shared && !row.shared && before.user_id != keeper.user {
        let text = "Only who made a shared view can keep it for themselves again. Delete it instead.";
        return Err(ActionError::Forbidden(text.into()));
    }
    keeper.check(conn, &row, row.shared && !before.shared)?;
    row.updated_at = cx.at();
    written(&row, saved_views::save(conn, &row))?;
    match (before.shared, row.shared) {
        (false, false) => Ok(()),
        (false, true) => note(conn, cx, "saved_view.create", None, Some(&row)),
        (true, true) => note(conn, cx, "saved_view.update", Some(&before), Some(&row)),
        (true, false) => note(conn, cx, "saved_view.delete", Some(&before), None),
    }?;
    Ok(row)
}
