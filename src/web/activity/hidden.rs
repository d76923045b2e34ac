//! What of the audit is kept from whom: prices from roles that see no money, and from overviews what fills them.

/// The actions that tell what mail costs.
const MONEY: &[&str] = &["plan."];
/// The actions that every morning brings.
const DAILY: &[&str] = &["user.sign_"];
const MONEY_AND_DAILY: &[&str] = &["plan.", "user.sign_"];

/// Left out of lists and exports for whoever may see money, or may not.
#[must_use]
pub fn in_lists(sees_money: bool) -> &'static [&'static str] {
    if sees_money { &[] } else { MONEY }
}

/// Left out of the few lines of an overview.
#[must_use]
pub fn in_overviews(sees_money: bool) -> &'static [&'static str] {
    if sees_money { DAILY } else { MONEY_AND_DAILY }
}
