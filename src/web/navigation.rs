//! What the navigation shows: the pages there are, and of them those that the role may open. A page that lands adds
//! its line here and its address in routes.rs.

use super::acting::Acting;
use super::layout::NavItem;
use super::scope::{AccountScope, Tab};
use crate::domain::role::Permission;
use crate::domain::standing::Standing;

/// Label, address, icon, and what it takes; `None` is for everybody.
type Line = (&'static str, &'static str, &'static str, Option<Permission>);

const USAGE_AND_COST: &str = "Usage & cost";

/// For an agency.
const AGENCY: &[Line] = &[
    ("Overview", "/", "layout-dashboard", Some(Permission::ViewOverview)),
    ("Sub accounts", "/sub-accounts", "building-2", Some(Permission::ViewSubAccounts)),
    (USAGE_AND_COST, "/usage", "chart-column", Some(Permission::ViewUsage)),
    ("Queue", "/queue", "clock", Some(Permission::ViewSubAccounts)),
    ("Own sending", "/account", "send", Some(Permission::ViewMessages)),
    ("Activity", "/activity", "history", Some(Permission::ViewActivity)),
    ("Settings", "/settings", "settings", None),
];

/// For a client, and for whoever views as one.
const CLIENT: &[Line] = &[
    ("Overview", "/account", "layout-dashboard", Some(Permission::ViewOverview)),
    ("Usage", "/account/usage", "chart-column", Some(Permission::ViewUsage)),
    ("Messages", "/account/messages", "send", Some(Permission::ViewMessages)),
    ("Queue", "/account/queue", "clock", Some(Permission::ViewOverview)),
    ("Domains", "/account/domains", "globe", Some(Permission::ViewDomains)),
    ("API keys", "/account/credentials", "key-round", Some(Permission::ViewKeys)),
    ("Suppressions", "/account/suppressions", "ban", Some(Permission::ViewSuppressions)),
    ("Members", "/account/members", "users", Some(Permission::ViewMembers)),
    ("Activity", "/account/activity", "history", Some(Permission::ViewActivity)),
    ("Settings", "/settings", "settings", None),
];

/// Label, last part of the address ("" is the first page), and what it takes.
const TABS: &[(&str, &str, Permission)] = &[
    ("Overview", "", Permission::ViewOverview),
    ("Usage", "/usage", Permission::ViewUsage),
    ("Messages", "/messages", Permission::ViewMessages),
    ("Queue", "/queue", Permission::ViewOverview),
    ("Domains", "/domains", Permission::ViewDomains),
    ("Credentials", "/credentials", Permission::ViewKeys),
    ("Suppressions", "/suppressions", Permission::ViewSuppressions),
    ("Members", "/members", Permission::ViewMembers),
    ("Activity", "/activity", Permission::ViewActivity),
    ("Settings", "/settings", Permission::EditSubAccounts),
];

/// Tabs that an agency has for itself elsewhere: its members, activity and settings.
const CLIENTS_ONLY: &[&str] = &["/activity", "/credentials", "/members", "/settings"];

/// Tabs of Settings that a client has in its navigation, or not at all.
const AGENCYS_SETTINGS: &[&str] = &[
    "/settings/plan",
    "/settings/limits",
    "/settings/members",
    "/settings/credentials",
    "/settings/transports",
    "/settings/health",
];

/// The tabs of Settings: as above, with whole addresses.
const SETTINGS: &[(&str, &str, Option<Permission>)] = &[
    ("Account", "/settings", Some(Permission::ManageSettings)),
    ("Plan", "/settings/plan", Some(Permission::ManagePlan)),
    ("Limits", "/settings/limits", Some(Permission::SetCap)),
    ("Members", "/settings/members", Some(Permission::ViewMembers)),
    ("API keys", "/settings/credentials", Some(Permission::ViewKeys)),
    ("Transports", "/settings/transports", Some(Permission::ManageSettings)),
    ("System health", "/settings/health", Some(Permission::ManageSettings)),
    ("Profile", "/settings/profile", None),
    ("Signed-in devices", "/settings/sessions", None),
];

/// The navigation of a signed-in page.
#[must_use]
pub fn lines(acting: &Acting) -> Vec<NavItem> {
    let table = if acting.account.parent_id.is_some() { CLIENT } else { AGENCY };
    let allowed = |line: &&Line| line.3.is_none_or(|permission| acting.may(permission));
    // Whoever sees no money reads no word of it either.
    let label = |label| if label == USAGE_AND_COST && !acting.may(Permission::ViewCost) { "Usage" } else { label };
    let item = |line: &Line| NavItem::new(label(line.0), line.1, line.2).current_for(&acting.path);
    let mut items: Vec<NavItem> = table.iter().filter(allowed).map(item).collect();
    // `/account/usage` is below `/account` too: the longest address is the page's own.
    let longest = items.iter().filter(|item| item.current).map(|item| item.href.len()).max();
    items.iter_mut().for_each(|item| item.current &= Some(item.href.len()) == longest);
    items
}

/// The tabs above a page about a sub account. What only the client sees has its tab too: it leads to View as.
#[must_use]
pub fn tabs(scope: &AccountScope) -> Vec<Tab> {
    let path = &scope.acting.path;
    let tab = |(label, rest, _): &(&'static str, &str, Permission)| {
        let href = scope.path(rest);
        let current = *path == href || (!rest.is_empty() && path.starts_with(&format!("{href}/")));
        Tab { label, href, current }
    };
    let inside = Standing::ViewAs { raised: true };
    let may = |permission: Permission| {
        scope.may(permission) || (scope.is_from_outside() && inside.may(scope.acting.role, permission))
    };
    let own = scope.standing == Standing::Member;
    TABS.iter()
        .filter(|(_, rest, permission)| may(*permission) && !(own && CLIENTS_ONLY.contains(rest)))
        .map(tab)
        .collect()
}

/// The tabs of Settings.
#[must_use]
pub fn settings(acting: &Acting) -> Vec<Tab> {
    let path = &acting.path;
    let tab = |(label, href, _): &(&'static str, &'static str, Option<Permission>)| {
        let current = path == href || (*href != "/settings" && path.starts_with(&format!("{href}/")));
        Tab { label, href: (*href).to_owned(), current }
    };
    let is_agency = acting.account.parent_id.is_none();
    SETTINGS
        .iter()
        .filter(|line| line.2.is_none_or(|permission| acting.may(permission)))
        .filter(|line| is_agency || !AGENCYS_SETTINGS.contains(&line.1))
        .map(tab)
        .collect()
}
