//! The menu of saved views beside the list's filters.

use super::opened;
use crate::actions::create_saved_view::Keeper;
use crate::models::saved_views::SavedView;
use crate::web::sub_accounts::params::Params;

/// A view in the menu.
pub struct Line {
    pub name: String,
    pub href: String,
    pub current: bool,
}

/// The view that the list was opened from.
pub struct Open {
    pub id: String,
    pub name: String,
    /// The list shows something else by now.
    pub changed: bool,
    pub may_change: bool,
}

/// The menu.
pub struct Menu {
    pub own: Vec<Line>,
    /// What others share.
    pub shared: Vec<Line>,
    pub open: Option<Open>,
    /// What the list shows, to be kept.
    pub query: String,
}

impl Menu {
    #[must_use]
    pub fn new(views: &[SavedView], params: &Params, keeper: Keeper, money: bool) -> Self {
        let query = params.saved();
        let line = |view: &SavedView| Line {
            name: view.name.clone(),
            href: opened(view, money).href(),
            current: view.id.to_string() == params.view,
        };
        let (own, shared): (Vec<&SavedView>, Vec<&SavedView>) =
            views.iter().partition(|view| view.user_id == keeper.user);
        let open = views.iter().find(|view| !params.view.is_empty() && view.id.to_string() == params.view);
        Self {
            own: own.into_iter().map(line).collect(),
            shared: shared.into_iter().map(line).collect(),
            open: open.map(|view| Open {
                id: params.view.clone(),
                name: view.name.clone(),
                changed: opened(view, money).saved() != query,
                may_change: keeper.may_change(view),
            }),
            query,
        }
    }

    /// Whether there is any view.
    #[must_use]
    pub fn any(&self) -> bool {
        !self.own.is_empty() || !self.shared.is_empty()
    }

    /// The address of the form that keeps what the list shows.
    #[must_use]
    pub fn keep(&self) -> String {
        let mark = if self.query.is_empty() { "" } else { "?" };
        format!("{}/new{mark}{}", super::PAGE, self.query)
    }

    /// The view that can be brought up to what the list shows.
    #[must_use]
    pub fn to_update(&self) -> Option<&Open> {
        self.open.as_ref().filter(|open| open.changed && open.may_change)
    }
}
