//! The scopes of an API key as its form offers them: in groups, each in plain words.

use crate::domain::role::Role;
use crate::domain::scopes::Scope;

/// A group: its heading, and scopes with what they allow.
type Group = (&'static str, &'static [(&'static str, &'static str)]);

const GROUPS: &[Group] = &[
    (
        "Messages, from every domain",
        &[
            ("messages:send:all", "Send"),
            ("messages:read:all", "Read messages and what became of them"),
            ("messages:cancel:all", "Cancel scheduled messages"),
        ],
    ),
    (
        "Domains",
        &[
            ("domains:read", "See domains and their records"),
            ("domains:write", "Add, edit and check domains"),
            ("domains:delete:all", "Remove domains"),
        ],
    ),
    (
        "Suppressions",
        &[
            ("suppressions:read", "See suppressed addresses"),
            ("suppressions:write", "Add addresses"),
            ("suppressions:delete", "Let addresses go"),
            ("suppressions:wipe", "Let all of them go at once"),
        ],
    ),
    (
        "Account and members",
        &[
            ("accounts:read", "See the account"),
            ("accounts:write", "Change its settings"),
            ("accounts:members:read", "See members"),
            ("accounts:members:add", "Invite members"),
            ("accounts:members:update", "Change roles"),
            ("accounts:members:remove", "Remove members"),
        ],
    ),
    (
        "API keys",
        &[
            ("api-keys:read", "See API keys"),
            ("api-keys:write", "Make and edit API keys"),
            ("api-keys:delete", "Delete API keys"),
        ],
    ),
    (
        "Sub accounts",
        &[
            ("sub-accounts:read", "See sub accounts"),
            ("sub-accounts:write", "Create and edit sub accounts"),
            ("sub-accounts:delete", "Delete sub accounts"),
            ("sub-accounts:suspend", "Suspend and lift"),
            ("sub-accounts:usage", "See usage and cost"),
            ("sub-account-api-keys:read", "See the keys of sub accounts"),
            ("sub-account-api-keys:write", "Make and edit keys of sub accounts"),
            ("sub-account-api-keys:delete", "Delete keys of sub accounts"),
        ],
    ),
];

/// What can be limited to one domain.
const BY_DOMAIN: &[(&str, &str)] =
    &[("messages:send", "Send"), ("messages:read", "Read messages"), ("messages:cancel", "Cancel scheduled messages")];

/// One checkbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub scope: String,
    pub label: String,
    pub chosen: bool,
}

/// Checkboxes under a heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choices {
    pub heading: String,
    pub list: Vec<Choice>,
}

/// Every scope that somebody with `role` can give a key of this account, those of `chosen` ticked. One that it has and that is
/// not offered stays choosable under its own name, so that saving the form takes nothing away unasked.
#[must_use]
pub fn choices(chosen: &[String], domains: &[String], role: Role, for_parent: bool) -> Vec<Choices> {
    let has = |scope: &str| chosen.iter().any(|one| one == scope);
    let fits = |scope: &str| {
        Scope::parse(scope).is_ok_and(|scope| role.may_hold(&scope) && (for_parent || !scope.is_for_parents_only()))
    };
    let mut groups: Vec<Choices> = GROUPS
        .iter()
        .map(|(heading, scopes)| Choices {
            heading: (*heading).to_owned(),
            list: scopes
                .iter()
                .filter(|(scope, _)| fits(scope))
                .map(|(scope, label)| choice(scope, label, &has))
                .collect(),
        })
        .filter(|group| !group.list.is_empty())
        .collect();
    groups.extend(domains.iter().map(|domain| Choices {
        heading: format!("Messages, only from {domain}"),
        list: BY_DOMAIN.iter().map(|(family, label)| choice(&format!("{family}:{{{domain}}}"), label, &has)).collect(),
    }));
    let offered = |scope: &String| groups.iter().any(|group| group.list.iter().any(|one| one.scope == *scope));
    let others: Vec<Choice> =
        chosen.iter().filter(|scope| !offered(scope)).map(|scope| choice(scope, scope, &has)).collect();
    if !others.is_empty() {
        groups.push(Choices { heading: "Others that it has".into(), list: others });
    }
    groups
}

fn choice(scope: &str, label: &str, has: &impl Fn(&str) -> bool) -> Choice {
    Choice { scope: scope.to_owned(), label: label.to_owned(), chosen: has(scope) }
}

/// What a key may do, short: the first words, and how many more.
#[must_use]
pub fn summary(scopes: &[String]) -> String {
    let words = |scope: &String| {
        let known = GROUPS.iter().flat_map(|(_, list)| list.iter()).find(|(name, _)| name == scope);
        known.map_or_else(|| scope.clone(), |(_, label)| (*label).to_owned())
    };
    let shown: Vec<String> = scopes.iter().take(2).map(words).collect();
    match scopes.len() {
        0 => "Nothing".to_owned(),
        1 | 2 => shown.join(", "),
        more => format!("{} and {} more", shown.join(", "), more - 2),
    }
}

/// What a new key may do unless told otherwise: what a program that sends needs.
#[must_use]
pub fn usual() -> Vec<String> {
    ["messages:send:all", "messages:read:all", "domains:read"].map(str::to_owned).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_offered_scope_is_one_and_a_child_is_offered_none_of_a_parents() {
        let domains = ["a.example".to_owned()];
        for group in choices(&[], &domains, Role::Owner, true) {
            for one in group.list {
                assert!(Scope::parse(&one.scope).is_ok(), "{}", one.scope);
            }
        }
        let child = choices(&[], &domains, Role::Owner, false);
        assert!(child.iter().flat_map(|group| &group.list).all(|one| !one.scope.starts_with("sub-account")));
    }

    #[test]
    fn a_developer_is_offered_nothing_that_a_developer_may_not_do() {
        let offered = choices(&[], &[], Role::Developer, true);
        let offered: Vec<&str> = offered.iter().flat_map(|group| &group.list).map(|one| one.scope.as_str()).collect();
        assert!(offered.contains(&"api-keys:write") && offered.contains(&"sub-accounts:suspend"), "{offered:?}");
        for beyond in ["accounts:members:add", "sub-accounts:usage", "sub-accounts:delete"] {
            assert!(!offered.contains(&beyond), "{beyond}");
        }
    }

    #[test]
    fn a_scope_that_is_not_offered_is_kept_and_can_be_unticked() {
        let chosen = ["webhooks:read:all".to_owned(), "messages:send:all".to_owned()];
        let groups = choices(&chosen, &[], Role::Owner, false);
        let ticked: Vec<&str> = groups
            .iter()
            .flat_map(|group| &group.list)
            .filter(|one| one.chosen)
            .map(|one| one.scope.as_str())
            .collect();
        assert_eq!(ticked, ["messages:send:all", "webhooks:read:all"]);
    }
}
