//! What the navigation shows: the pages there are, and of them those that the role may open. A page that lands adds
//! its line here and its address in routes.rs.

use super::acting::Acting;
use super::layout::NavItem;
use super::scope::{AccountScope, Tab};
use crate::domain::role::Permission;

/// Label, address, icon, and what it takes; `None` is for everybody.
type Line = (&'static str, &'static str, &'static str, Option<Permission>);

/// For an agency.
const AGENCY: &[Line] = &[
    // In the order of the menu.
    ("Settings", "/settings", "settings", None),
];

/// For a client, and for whoever views as one.
const CLIENT: &[Line] = &[
    // In the order of the menu.
    ("Settings", "/settings", "settings", None),
];

/// Label, last part of the address ("" is the first page), and what it takes.
const TABS: &[(&str, &str, Permission)] = &[];

/// The tabs of Settings: as above, with whole addresses.
const SETTINGS: &[(&str, &str, Option<Permission>)] = &[
    ("Account", "/settings", Some(Permission::ManageSettings)),
    ("Profile", "/settings/profile", None),
    ("Signed-in devices", "/settings/sessions", None),
];

/// The navigation of a signed-in page.
#[must_use]
pub fn lines(acting: &Acting) -> Vec<NavItem> {
    let table = if acting.account.parent_id.is_some() { CLIENT } else { AGENCY };
    let allowed = |line: &&Line| line.3.is_none_or(|permission| acting.may(permission));
    let item = |line: &Line| NavItem::new(line.0, line.1, line.2).current_for(&acting.path);
    table.iter().filter(allowed).map(item).collect()
}

/// The tabs above a page about a sub account.
#[must_use]
pub fn tabs(scope: &AccountScope) -> Vec<Tab> {
    let path = &scope.acting.path;
    let tab = |(label, rest, _): &(&'static str, &str, Permission)| {
        let href = scope.path(rest);
        let current = *path == href || (!rest.is_empty() && path.starts_with(&format!("{href}/")));
        Tab { label, href, current }
    };
    TABS.iter().filter(|(_, _, permission)| scope.may(*permission)).map(tab).collect()
}

/// The tabs of Settings.
#[must_use]
pub fn settings(acting: &Acting) -> Vec<Tab> {
    let path = &acting.path;
    let tab = |(label, href, _): &(&'static str, &'static str, Option<Permission>)| {
        let current = path == href || (*href != "/settings" && path.starts_with(&format!("{href}/")));
        Tab { label, href: (*href).to_owned(), current }
    };
    SETTINGS.iter().filter(|line| line.2.is_none_or(|permission| acting.may(permission))).map(tab).collect()
}
