//! What a new password must be: long enough, and not the address it belongs to. No rules about kinds of characters:
//! they make passwords worse (NIST SP 800-63B, section 3.1.1.2).

use std::fmt;

use super::refusal::Refusal;

/// A password somebody chose, checked. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct NewPassword(String);

impl NewPassword {
    /// The fewest characters.
    pub const MIN: usize = 10;
    /// The most: hashing must stay cheap.
    pub const MAX: usize = 200;

    /// Checks `text` as the password of the person with address `email`.
    pub fn parse(text: &str, email: &str) -> Result<Self, Refusal> {
        let length = text.chars().count();
        if length < Self::MIN {
            return Err(Refusal::new(format!("Choose a password of at least {} characters.", Self::MIN)));
        }
        if length > Self::MAX {
            return Err(Refusal::new(format!("Choose a password of at most {} characters.", Self::MAX)));
        }
        let same = |one: &str| text.to_lowercase().contains(&one.to_lowercase());
        if !email.is_empty() && same(email) {
            return Err(Refusal::new("Choose a password that does not hold your e-mail address."));
        }
        let first = text.chars().next();
        if text.chars().all(|letter| Some(letter) == first) {
            return Err(Refusal::new("Choose a password of more than one character repeated."));
        }
        Ok(Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewPassword(****)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_and_is_not_the_address() {
        for weak in
            ["", "ninechars", "aaaaaaaaaaaaaa", "maya@harbor.example", "Maya@Harbor.example1", &"x1".repeat(101)]
        {
            assert!(NewPassword::parse(weak, "maya@harbor.example").is_err(), "{weak}");
        }
        let good = NewPassword::parse("correct horse battery", "maya@harbor.example").expect("long enough");
        assert_eq!(format!("{good:?}"), "NewPassword(****)");
    }
}
