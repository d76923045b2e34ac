//! Saved views of the list: a search, filters, order and columns under a name. The list's address says all that a view
//! shows, so that it can be sent to somebody; its `view` only says which one it was opened from.

pub mod change;
pub mod form;
pub mod list;
pub mod menu;

use super::params::Params;
use crate::actions::create_saved_view::Keeper;
use crate::domain::ids::Id;
use crate::domain::role::Permission;
use crate::models::saved_views::{self, SavedView};
use crate::models::sub_account_list::Sort;
use crate::web::acting::Acting;
use crate::web::error::PageError;

/// The page that lists them.
pub const PAGE: &str = "/sub-accounts/views";

/// Whoever looks at the list, and what they may do with views.
pub fn keeper(acting: &Acting) -> Keeper {
    Keeper { account: acting.account.id, user: acting.user.id, shares: acting.may(Permission::EditSubAccounts) }
}

/// The list as a view shows it; whoever sees no money reads no word of it in there either.
#[must_use]
pub fn opened(view: &SavedView, money: bool) -> Params {
    let mut list = Params { view: view.id.to_string(), ..Params::of_saved(&view.query) };
    if !money && Sort::parse(&list.sort) == Some(Sort::Cost) {
        list.sort.clear();
        list.dir.clear();
    }
    if money || list.shows("cost") { list } else { list.turned("cost") }
}

/// The view that an address names. Unknown, malformed, other people's and other agencies' are refused alike.
async fn named(acting: &Acting, text: &str) -> Result<SavedView, PageError> {
    acting.require(Permission::ViewSubAccounts)?;
    let id: Id = text.parse().map_err(|_| PageError::not_found())?;
    let (account, user) = (acting.account.id, acting.user.id);
    let found = acting.app.read(move |conn| Ok(saved_views::find(conn, account, user, id)?)).await?;
    found.ok_or_else(PageError::not_found)
}
