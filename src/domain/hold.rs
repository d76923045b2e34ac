//! Holds stop an account from sending. A hold is a row with who, when and why; what follows from it is derived here.

use super::refusal::Refusal;

/// Why an account is on hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HoldKind {
    Manual,
    Abuse,
    Billing,
    Reputation,
}

impl HoldKind {
    #[must_use]
    pub const fn all() -> [Self; 4] {
        [Self::Manual, Self::Abuse, Self::Billing, Self::Reputation]
    }

    /// The stored form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Abuse => "abuse",
            Self::Billing => "billing",
            Self::Reputation => "reputation",
        }
    }

    /// Reads the stored form, which is also what forms send.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        Self::all()
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| Refusal::new("Choose the kind of hold: manual, abuse, billing or reputation."))
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Manual => "Manual",
            Self::Abuse => "Abuse",
            Self::Billing => "Billing",
            Self::Reputation => "Reputation",
        }
    }
}

/// Whether an account may send as far as holds go. Being at a cap is another thing: `CapState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountState {
    Active,
    Suspended,
    /// No hold of its own, but its parent has one.
    ParentSuspended,
    Deleted,
}

impl AccountState {
    #[must_use]
    pub const fn all() -> [Self; 4] {
        [Self::Active, Self::Suspended, Self::ParentSuspended, Self::Deleted]
    }

    /// What the facts add up to: deleted before own hold before the parent's.
    #[must_use]
    pub const fn derive(deleted: bool, on_hold: bool, parent_on_hold: bool) -> Self {
        if deleted {
            Self::Deleted
        } else if on_hold {
            Self::Suspended
        } else if parent_on_hold {
            Self::ParentSuspended
        } else {
            Self::Active
        }
    }

    /// The contract's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::ParentSuspended => "parent-suspended",
            Self::Deleted => "deleted",
        }
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Suspended => "Suspended",
            Self::ParentSuspended => "Parent suspended",
            Self::Deleted => "Deleted",
        }
    }

    #[must_use]
    pub const fn may_send(self) -> bool {
        matches!(self, Self::Active)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hold_kinds_survive_storage() {
        for kind in HoldKind::all() {
            assert_eq!(HoldKind::parse(kind.as_str()), Ok(kind));
        }
        assert!(HoldKind::parse("").is_err());
    }

    #[test]
    fn only_an_account_without_any_hold_sends() {
        for deleted in [false, true] {
            for own in [false, true] {
                for parent in [false, true] {
                    let state = AccountState::derive(deleted, own, parent);
                    assert_eq!(state.may_send(), !(deleted || own || parent));
                }
            }
        }
        assert_eq!(AccountState::derive(false, true, true).as_str(), "suspended");
        assert_eq!(AccountState::derive(false, false, true).as_str(), "parent-suspended");
    }
}
