//! Short texts that people type: trimmed, bounded, without control characters.

use std::fmt;

use super::refusal::Refusal;

/// The rule all short texts share. `what` starts the sentence ("The name").
fn checked(text: &str, what: &str, max: usize) -> Result<String, Refusal> {
    // As it was sent: the API's document says so of the whole text, blanks at its ends included.
    let length = text.chars().count();
    let text = text.trim();
    if text.is_empty() {
        return Err(Refusal::new(format!("{what} is empty. Enter 1 to {max} characters.")));
    }
    if length > max {
        return Err(Refusal::new(format!("{what} is too long. Use at most {max} characters.")));
    }
    if text.chars().any(char::is_control) {
        return Err(Refusal::new(format!("{what} holds a line break or another control character. Remove it.")));
    }
    Ok(text.to_owned())
}

macro_rules! short_text {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The most characters it may have.
            pub const MAX: usize = $max;

            /// Trims and checks.
            pub fn parse(text: &str) -> Result<Self, Refusal> {
                checked(text, $what, $max).map(Self)
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }
    };
}

short_text!(
    /// An account's name.
    AccountName,
    "The name",
    255
);
short_text!(
    /// An API key's label.
    KeyLabel,
    "The label",
    255
);
short_text!(
    /// What SMTP credentials are known by.
    CredentialName,
    "The name",
    255
);
short_text!(
    /// A transport's name.
    TransportName,
    "The name",
    100
);
short_text!(
    /// What a saved view of the list of sub accounts is called.
    ViewName,
    "The name",
    60
);
short_text!(
    /// A person's name.
    PersonName,
    "The name",
    255
);
short_text!(
    /// A tag on an account or a message.
    Tag,
    "The tag",
    64
);
short_text!(
    /// The agency's own number for a sub account.
    ExternalId,
    "The external ID",
    64
);
short_text!(
    /// Any other text of one line.
    ShortText,
    "The text",
    255
);

/// Why an account was suspended: 1 to 500 characters, line breaks allowed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SuspendReason(String);

impl SuspendReason {
    /// The most characters it may have.
    pub const MAX: usize = 500;

    /// Trims, turns line endings into `\n` and checks.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim().replace("\r\n", "\n");
        let one_line = text.replace(['\n', '\t'], " ");
        checked(&one_line, "The reason", Self::MAX).map(|_| Self(text))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SuspendReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<SuspendReason> for String {
    fn from(reason: SuspendReason) -> Self {
        reason.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_bounded_in_characters() {
        assert_eq!(AccountName::parse("  Acme & Söhne ").map(String::from), Ok("Acme & Söhne".to_owned()));
        assert!(AccountName::parse(" \t ").is_err());
        assert!(AccountName::parse(&"é".repeat(255)).is_ok());
        assert!(AccountName::parse(&"é".repeat(256)).is_err());
    }

    #[test]
    fn control_characters_are_refused() {
        for text in ["a\nb", "a\rb", "a\0b", "a\u{7f}b"] {
            assert!(AccountName::parse(text).is_err());
            assert!(Tag::parse(text).is_err());
        }
    }

    #[test]
    fn a_reason_keeps_its_line_breaks() {
        assert_eq!(SuspendReason::parse(" one\r\ntwo ").map(String::from), Ok("one\ntwo".to_owned()));
        assert!(SuspendReason::parse(&"x".repeat(501)).is_err());
        assert!(SuspendReason::parse("a\0b").is_err());
    }
}
