//! From where a person acts on an account, and what that leaves of their role. Pure; `web::acting` asks it.

use super::role::{Permission, Role};

/// How somebody stands to the account they look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A member of a parent account, looking at it.
    Member,
    /// A member of a sub account, looking at it: what is the agency's business is not theirs.
    Client,
    /// A member of its parent, managing it from outside.
    Parent,
    /// A member of its parent, inside it for a stated reason.
    ViewAs {
        /// Raised so that it may write.
        raised: bool,
    },
}

impl Standing {
    /// May a person with `role` (in the account they are a member of) do this here?
    ///
    /// Only View as shows a child's message content and members: read-only unless raised. Support gets that too, as
    /// evidence; Analyst and Billing Manager never see content, because they may not view as.
    #[must_use]
    pub const fn may(self, role: Role, permission: Permission) -> bool {
        use Permission as P;
        match self {
            Self::Member => role.may(permission),
            Self::Client => role.may(permission) && !is_the_agencys(permission),
            Self::Parent => {
                let inside = matches!(permission, P::ViewMessages | P::SendTest | P::ViewMembers | P::ManagePlan);
                role.may(permission) && !inside
            }
            Self::ViewAs { raised } => match permission {
                P::ViewMessages | P::ViewMembers => role.may(P::ViewAs),
                P::ViewAsWrite => role.may(permission),
                _ if is_the_agencys(permission) => false,
                _ if reads(permission) => role.may(permission),
                _ => raised && role.may(P::ViewAsWrite) && role.may(permission),
            },
        }
    }
}

/// What an agency does with its clients, and its money: no client does it, in whatever role.
const fn is_the_agencys(permission: Permission) -> bool {
    use Permission as P;
    matches!(
        permission,
        P::ViewSubAccounts
            | P::CreateSubAccounts
            | P::EditSubAccounts
            | P::SetCap
            | P::Suspend
            | P::DeleteSubAccounts
            | P::ViewCost
            | P::ManagePlan
            | P::ViewAs
            | P::ViewAsWrite
    )
}

const fn reads(permission: Permission) -> bool {
    use Permission as P;
    matches!(
        permission,
        P::ViewOverview
            | P::ViewUsage
            | P::ViewKeys
            | P::ViewDomains
            | P::ViewSuppressions
            | P::ViewMessages
            | P::ViewMembers
            | P::ViewActivity
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Standing = Standing::ViewAs { raised: false };
    const RAISED: Standing = Standing::ViewAs { raised: true };

    #[test]
    fn a_parents_member_sees_a_childs_messages_and_members_only_by_view_as() {
        for role in Role::all() {
            for permission in [Permission::ViewMessages, Permission::ViewMembers] {
                assert!(!Standing::Parent.may(role, permission), "{role:?}");
                assert_eq!(READ.may(role, permission), role.may(Permission::ViewAs), "{role:?}");
            }
        }
    }

    #[test]
    fn view_as_changes_nothing_unless_raised_by_a_role_that_may() {
        for role in Role::all() {
            for permission in Permission::all() {
                let writes = !reads(permission) && !matches!(permission, Permission::ViewAs | Permission::ViewAsWrite);
                assert!(!(writes && READ.may(role, permission)), "{role:?} {permission:?}");
                if writes && RAISED.may(role, permission) {
                    assert!(role.may(Permission::ViewAsWrite), "{role:?} {permission:?}");
                }
            }
        }
        assert!(RAISED.may(Role::Administrator, Permission::ManageSuppressions));
    }

    #[test]
    fn no_client_lifts_its_own_suspension_or_cap_or_sees_the_agencys_money() {
        for permission in [Permission::Suspend, Permission::SetCap, Permission::ViewCost, Permission::ManagePlan] {
            for standing in [Standing::Client, READ, RAISED] {
                assert!(!standing.may(Role::Owner, permission), "{standing:?} {permission:?}");
            }
        }
    }

    #[test]
    fn nobody_gains_money_or_keys_by_standing() {
        for role in Role::all() {
            for permission in [Permission::ViewCost, Permission::ViewKeys, Permission::ManageKeys] {
                for standing in [Standing::Member, Standing::Client, Standing::Parent, READ, RAISED] {
                    assert!(role.may(permission) || !standing.may(role, permission), "{role:?} {standing:?}");
                }
            }
        }
    }
}
