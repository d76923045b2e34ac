//! The selector of a DKIM key: the label before `._domainkey` (RFC 6376, section 3.1).

use std::fmt;

use super::domain_name::SubdomainLabel;
use super::refusal::Refusal;

/// The selector of a domain that asked for no other.
pub const DEFAULT_SELECTOR: &str = "canopy";

/// The contract's limit, one less than a label's.
const LONGEST: usize = 62;

/// A selector asked for: one label of at most 62 characters, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DkimSelector(String);

impl DkimSelector {
    /// Reads what was sent: trimmed, in any case. `None` when nothing is left: the default is meant.
    pub fn parse(text: &str) -> Result<Option<Self>, Refusal> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let label = SubdomainLabel::parse(text).ok().filter(|label| label.as_str().len() <= LONGEST);
        label.map(|label| Some(Self(label.into()))).ok_or_else(|| {
            Refusal::new("Use 1 to 62 letters, digits or inner hyphens, without a dot, or leave it empty.")
        })
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DkimSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_one_short_label_and_blank_means_the_default() {
        assert_eq!(DkimSelector::parse(" Mail1 ").map(|one| one.map(|one| one.0)), Ok(Some("mail1".to_owned())));
        assert_eq!(DkimSelector::parse(" \t"), Ok(None));
        assert!(DkimSelector::parse(&"a".repeat(62)).is_ok());
        for text in ["a.b", "-a", "a-", "a_b", "é", &"a".repeat(63)] {
            assert!(DkimSelector::parse(text).is_err(), "{text}");
        }
    }
}
