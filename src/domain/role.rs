//! Who may do what: the roles of members and the one table of permission by role.
//! Where a permission applies (own account, child, View as) is the business of `Acting`, not of this table.

use super::refusal::Refusal;

/// A member's role in one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Owner,
    Administrator,
    Developer,
    Analyst,
    BillingManager,
    Support,
}

impl Role {
    /// Every role, the most powerful first.
    #[must_use]
    pub const fn all() -> [Self; 6] {
        [Self::Owner, Self::Administrator, Self::Developer, Self::Analyst, Self::BillingManager, Self::Support]
    }

    /// The stored form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Administrator => "administrator",
            Self::Developer => "developer",
            Self::Analyst => "analyst",
            Self::BillingManager => "billing_manager",
            Self::Support => "support",
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        Self::all().into_iter().find(|role| role.as_str() == text).ok_or_else(|| unknown(text))
    }

    /// The roles that the contract knows.
    #[must_use]
    pub const fn given_over_api() -> [Self; 4] {
        [Self::Administrator, Self::Developer, Self::Analyst, Self::BillingManager]
    }

    /// Reads the contract's name (`Billing Manager`). Owner and Support have none: they cannot be given over the API.
    pub fn parse_api(text: &str) -> Result<Self, Refusal> {
        Self::given_over_api().into_iter().find(|role| role.label() == text).ok_or_else(|| unknown_api(text))
    }

    /// The name on screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Owner => "Owner",
            Self::Administrator => "Administrator",
            Self::Developer => "Developer",
            Self::Analyst => "Analyst",
            Self::BillingManager => "Billing Manager",
            Self::Support => "Support",
        }
    }

    /// The nearest of the four roles that the contract knows.
    #[must_use]
    pub const fn api_name(self) -> &'static str {
        match self {
            Self::Owner => Self::Administrator.label(),
            Self::Support => Self::Analyst.label(),
            other => other.label(),
        }
    }

    /// What the role is for, in one sentence for whoever invites a member.
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::Owner => "Everything, and cannot be removed.",
            Self::Administrator => "Everything.",
            Self::Developer => "Sub accounts, keys, domains and messages. No members, plan, money or deletion.",
            Self::Analyst => "Looks at usage, cost, domains and suppressions. No keys, no message content.",
            Self::BillingManager => "Usage, cost and the plan. No keys, no message content.",
            Self::Support => "Sees sub accounts, suspends and lifts, mends suppressions. No keys, no money.",
        }
    }

    /// The permission table: may a member with this role do that?
    #[must_use]
    pub const fn may(self, permission: Permission) -> bool {
        use Permission as P;
        match self {
            Self::Owner | Self::Administrator => true,
            Self::Developer => !matches!(
                permission,
                P::ManageMembers | P::ManagePlan | P::ViewCost | P::DeleteSubAccounts | P::ViewAsWrite
            ),
            Self::Analyst => matches!(
                permission,
                P::ViewOverview
                    | P::ViewSubAccounts
                    | P::ViewUsage
                    | P::ViewCost
                    | P::ViewDomains
                    | P::ViewSuppressions
                    | P::ViewActivity
            ),
            Self::BillingManager => matches!(
                permission,
                P::ViewOverview | P::ViewSubAccounts | P::ViewUsage | P::ViewCost | P::ManagePlan | P::ViewActivity
            ),
            Self::Support => matches!(
                permission,
                P::ViewOverview
                    | P::ViewSubAccounts
                    | P::Suspend
                    | P::ViewUsage
                    | P::ViewDomains
                    | P::ViewSuppressions
                    | P::ManageSuppressions
                    | P::ViewActivity
                    | P::ViewAs
            ),
        }
    }
}

fn unknown(text: &str) -> Refusal {
    Refusal::new(format!("“{text}” is not a role. Choose one of the listed roles."))
}

fn unknown_api(text: &str) -> Refusal {
    Refusal::new(format!("“{text}” is not a role. Use Administrator, Developer, Analyst or Billing Manager."))
}

/// One thing that a member may or may not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    ViewOverview,
    ViewSubAccounts,
    CreateSubAccounts,
    /// Name, website, tags and external id.
    EditSubAccounts,
    SetCap,
    /// Suspend and lift.
    Suspend,
    /// Delete and undelete.
    DeleteSubAccounts,
    ViewUsage,
    /// Money anywhere: pages, exports, sort orders.
    ViewCost,
    ViewKeys,
    ManageKeys,
    ViewDomains,
    ManageDomains,
    ViewSuppressions,
    ManageSuppressions,
    /// Message content of the member's own account.
    ViewMessages,
    SendTest,
    ViewMembers,
    ManageMembers,
    ViewActivity,
    /// Account, transport and branding.
    ManageSettings,
    ManagePlan,
    /// Act inside a child, read-only.
    ViewAs,
    /// Raise View as so that it may write.
    ViewAsWrite,
}

impl Permission {
    /// Every permission, in the order of the table.
    #[must_use]
    pub const fn all() -> [Self; 24] {
        [
            Self::ViewOverview,
            Self::ViewSubAccounts,
            Self::CreateSubAccounts,
            Self::EditSubAccounts,
            Self::SetCap,
            Self::Suspend,
            Self::DeleteSubAccounts,
            Self::ViewUsage,
            Self::ViewCost,
            Self::ViewKeys,
            Self::ManageKeys,
            Self::ViewDomains,
            Self::ManageDomains,
            Self::ViewSuppressions,
            Self::ManageSuppressions,
            Self::ViewMessages,
            Self::SendTest,
            Self::ViewMembers,
            Self::ManageMembers,
            Self::ViewActivity,
            Self::ManageSettings,
            Self::ManagePlan,
            Self::ViewAs,
            Self::ViewAsWrite,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(role: Role) -> usize {
        Permission::all().into_iter().filter(|permission| role.may(*permission)).count()
    }

    #[test]
    fn roles_survive_storage() {
        for role in Role::all() {
            assert_eq!(Role::parse(role.as_str()), Ok(role));
        }
        assert!(Role::parse("Owner").is_err());
    }

    #[test]
    fn the_api_knows_four_roles() {
        assert_eq!(Role::Owner.api_name(), "Administrator");
        assert_eq!(Role::Support.api_name(), "Analyst");
        assert_eq!(Role::parse_api("Billing Manager"), Ok(Role::BillingManager));
        assert!(Role::parse_api("Owner").is_err());
        assert!(Role::parse_api("Support").is_err());
    }

    #[test]
    fn the_table_grants_as_many_permissions_as_was_decided() {
        let counts = Role::all().map(granted);
        assert_eq!(counts, [24, 24, 19, 7, 6, 9]);
    }

    #[test]
    fn support_sees_no_money_and_no_keys() {
        for permission in [Permission::ViewCost, Permission::ViewKeys, Permission::ManageKeys, Permission::ManagePlan] {
            assert!(!Role::Support.may(permission), "{permission:?}");
        }
        assert!(Role::Support.may(Permission::Suspend));
    }

    #[test]
    fn only_who_may_see_content_sees_it() {
        for role in [Role::Analyst, Role::BillingManager, Role::Support] {
            assert!(!role.may(Permission::ViewMessages), "{role:?}");
        }
        for role in [Role::Analyst, Role::BillingManager] {
            assert!(!role.may(Permission::ViewAs), "{role:?}");
        }
    }

    #[test]
    fn only_the_administrators_raise_view_as() {
        for role in Role::all() {
            let administrates = matches!(role, Role::Owner | Role::Administrator);
            assert_eq!(role.may(Permission::ViewAsWrite), administrates, "{role:?}");
        }
    }
}
