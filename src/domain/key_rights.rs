//! What a member must be allowed to do so that a key of theirs may hold a scope: the one table of scope by permission.
//! Together with the table of roles it says which scopes a role may put into a key, for its own account or a client's.

use super::role::{Permission, Role};
use super::scopes::{Family, Scope};

use Permission as P;

/// For a scope that the table does not know: nobody but who may do everything holds it.
const EVERYTHING: [Permission; P::all().len()] = P::all();

impl Scope {
    /// Every permission that a role needs for it.
    #[must_use]
    pub fn takes(&self) -> &'static [Permission] {
        match self {
            Self::Plain(name) => plain(name),
            Self::All(family) | Self::Domain(family, _) => of_family(*family),
        }
    }
}

impl Role {
    /// Whether a key made by a member with this role may hold `scope`.
    #[must_use]
    pub fn may_hold(self, scope: &Scope) -> bool {
        scope.takes().iter().all(|permission| self.may(*permission))
    }

    /// Whether this role may do all that `other` may: nobody gives a role that is above their own.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        Permission::all().into_iter().all(|permission| self.may(permission) || !other.may(permission))
    }
}

fn plain(name: &str) -> &'static [Permission] {
    match name {
        "accounts:read" => &[P::ViewOverview],
        "accounts:write" => &[P::ManageSettings],
        "accounts:billing" => &[P::ManagePlan, P::ViewCost],
        "accounts:members:read" => &[P::ViewMembers],
        "accounts:members:add" | "accounts:members:update" | "accounts:members:remove" => {
            &[P::ViewMembers, P::ManageMembers]
        }
        "domains:read" => &[P::ViewDomains],
        "domains:write" => &[P::ManageDomains],
        "suppressions:read" => &[P::ViewSuppressions],
        "suppressions:write" | "suppressions:delete" | "suppressions:wipe" => &[P::ManageSuppressions],
        "api-keys:read" => &[P::ViewKeys],
        "api-keys:write" | "api-keys:delete" => &[P::ManageKeys],
        "sub-accounts:read" => &[P::ViewSubAccounts],
        // Its operations create, edit, cap and route: one scope for all of them.
        "sub-accounts:write" => &[P::CreateSubAccounts, P::EditSubAccounts, P::SetCap, P::ManageSettings],
        "sub-accounts:delete" => &[P::DeleteSubAccounts],
        "sub-accounts:suspend" => &[P::Suspend],
        // Usage comes with what it cost.
        "sub-accounts:usage" => &[P::ViewUsage, P::ViewCost],
        "sub-account-api-keys:read" => &[P::ViewSubAccounts, P::ViewKeys],
        "sub-account-api-keys:write" | "sub-account-api-keys:delete" => &[P::ViewSubAccounts, P::ManageKeys],
        _ => &EVERYTHING,
    }
}

const fn of_family(family: Family) -> &'static [Permission] {
    match family {
        Family::MessagesSend | Family::MessagesCancel => &[P::SendTest],
        Family::MessagesRead => &[P::ViewMessages],
        Family::WebhooksRead
        | Family::WebhooksWrite
        | Family::WebhooksDelete
        | Family::RoutesRead
        | Family::RoutesWrite
        | Family::RoutesDelete => &[P::ManageSettings],
        Family::SmtpCredentialsRead => &[P::ViewKeys],
        // Whoever makes credentials sends by them.
        Family::SmtpCredentialsWrite => &[P::ManageKeys, P::SendTest],
        Family::SmtpCredentialsDelete => &[P::ManageKeys],
        Family::StatisticsRead => &[P::ViewUsage],
        Family::DomainsDelete => &[P::ManageDomains],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::scopes::all_static_names;

    fn beyond(role: Role) -> Vec<String> {
        let scopes = all_static_names().into_iter().map(|name| Scope::parse(&name).expect("a scope"));
        scopes.filter(|scope| !role.may_hold(scope)).map(|scope| scope.to_string()).collect()
    }

    #[test]
    fn a_developers_key_touches_no_member_no_money_and_no_deletion_of_clients() {
        assert_eq!(
            beyond(Role::Developer),
            [
                "accounts:billing",
                "accounts:members:add",
                "accounts:members:update",
                "accounts:members:remove",
                "sub-accounts:delete",
                "sub-accounts:usage",
            ]
        );
        assert!(beyond(Role::Owner).is_empty() && beyond(Role::Administrator).is_empty());
    }

    #[test]
    fn no_role_without_keys_or_content_holds_a_scope_that_makes_keys_sends_or_reads() {
        for role in [Role::Analyst, Role::BillingManager, Role::Support] {
            let beyond = beyond(role);
            for scope in ["api-keys:write", "messages:send:all", "messages:read:all", "smtp-credentials:write:all"] {
                assert!(beyond.iter().any(|one| one == scope), "{role:?} {scope}");
            }
        }
    }

    #[test]
    fn every_scope_has_a_line_of_its_own_and_a_domain_changes_nothing() {
        for name in all_static_names() {
            let scope = Scope::parse(&name).expect("a scope");
            assert!(scope.takes().len() < EVERYTHING.len(), "{name}");
            if let Scope::All(family) = scope {
                assert_eq!(Scope::Domain(family, "a.example".into()).takes(), scope.takes(), "{name}");
            }
        }
    }

    #[test]
    fn a_role_covers_itself_and_what_is_below_it_alone() {
        for role in Role::all() {
            assert!(role.covers(role) && Role::Owner.covers(role) && Role::Administrator.covers(role));
        }
        assert!(Role::Developer.covers(Role::Support) && !Role::Developer.covers(Role::Administrator));
        assert!(!Role::Developer.covers(Role::Analyst), "an Analyst sees money");
    }
}
