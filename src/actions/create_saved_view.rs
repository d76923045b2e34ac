//! Keeping a search of the list of sub accounts under a name.

pub use super::saved_view_rules::{Keeper, MOST};
use super::saved_view_rules::{note, written};
use super::{ActionResult, Cx};
use crate::domain::ids::Id;
use crate::domain::text::ViewName;
use crate::models::AnyConnection;
use crate::models::saved_views::{self, SavedView};

/// What is to be kept.
#[derive(Clone, Debug)]
pub struct NewView {
    pub name: ViewName,
    /// All members see it.
    pub shared: bool,
    /// The list's address behind its question mark.
    pub query: String,
}

/// Keeps a view.
///
/// # Errors
/// `Forbidden` for sharing without the role for it, `Invalid` for an address that is too long, `Conflict` for a name
/// that is taken or one view too many.
pub fn create_saved_view(conn: &mut AnyConnection, cx: &Cx, keeper: Keeper, new: &NewView) -> ActionResult<SavedView> {
    let row = SavedView {
        id: Id::new(cx.now),
        account_id: keeper.account,
        user_id: keeper.user,
        name: new.name.as_str().to_owned(),
        name_lower: new.name.as_str().to_lowercase(),
        shared: new.shared,
        query: new.query.clone(),
        created_at: cx.at(),
        updated_at: cx.at(),
    };
    keeper.check(conn, &row, new.shared)?;
    written(&row, saved_views::insert(conn, &row))?;
    if row.shared {
        note(conn, cx, "saved_view.create", None, Some(&row))?;
    }
    Ok(row)
}
