//! Deleting a saved view. The accounts that it listed are not touched.

use super::saved_view_rules::{Keeper, note};
use super::{ActionResult, Cx};
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::saved_views::{self, SavedView};

/// Deletes a view and answers what it was.
///
/// # Errors
/// `NotFound` for a view that they do not see, `Forbidden` for one that is not theirs to change.
pub fn delete_saved_view(conn: &mut AnyConnection, cx: &Cx, keeper: Keeper, id: Id) -> ActionResult<SavedView> {
    let view = keeper.changeable(conn, id)?;
    saved_views::delete(conn, id)?;
    if view.shared {
        note(conn, cx, "saved_view.delete", Some(&view), None)?;
    }
    Ok(view)
}
