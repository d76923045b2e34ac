//! One submission of every form of the dashboard that is taken, in an order in which each finds what it needs: what the
//! route tables mount and this table does not have fails the tests.

mod accounts;
mod agency;
mod walk;

pub use walk::{Told, told};

/// Who submits it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The agency's, at its own account or at its client.
    Owner,
    /// Somebody of the client.
    Client,
    /// Nobody who is signed in; a new browser each time.
    Stranger,
}

/// How many entries it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    One,
    /// More, because it does so many things that are each told alone.
    Each(usize, &'static str),
    /// None, and why.
    None(&'static str),
    /// It is refused to everybody from this address, and why.
    Refused(&'static str),
}

impl Writes {
    pub const fn entries(self) -> usize {
        match self {
            Self::One => 1,
            Self::Each(number, _) => number,
            Self::None(_) | Self::Refused(_) => 0,
        }
    }
}

/// One submission. `{name}` in a field's value is filled in like in an address.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub who: Who,
    /// As the route tables have it.
    pub path: &'static str,
    pub fields: &'static [(&'static str, &'static str)],
    pub writes: Writes,
}

const fn one(who: Who, path: &'static str, fields: &'static [(&'static str, &'static str)]) -> Case {
    Case { who, path, fields, writes: Writes::One }
}

const fn none(
    who: Who,
    path: &'static str,
    fields: &'static [(&'static str, &'static str)],
    why: &'static str,
) -> Case {
    Case { who, path, fields, writes: Writes::None(why) }
}

const fn each(
    who: Who,
    path: &'static str,
    fields: &'static [(&'static str, &'static str)],
    (number, why): (usize, &'static str),
) -> Case {
    Case { who, path, fields, writes: Writes::Each(number, why) }
}

const fn refused(who: Who, path: &'static str, why: &'static str) -> Case {
    Case { who, path, fields: &[], writes: Writes::Refused(why) }
}

/// Before there is anybody.
pub const FIRST: Case = each(
    Who::Stranger,
    "/setup/{token}",
    &[
        ("account", "Harbor"),
        ("website", "harbor.example"),
        ("name", "Maya"),
        ("email", "maya@harbor.example"),
        ("password", "a brand new pass phrase"),
    ],
    (3, "the account, its first member, and that they came by the link"),
);

/// All of them, in their order.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    [agency::BEFORE, accounts::ALL, agency::AFTER].into_iter().flatten()
}
