//! Short texts that people type: trimmed, bounded, visible, without characters that control a line or its direction.

use std::fmt;

use super::refusal::Refusal;

/// The rule all short texts share. `what` starts the sentence ("The name").
fn checked(text: &str, what: &str, max: usize) -> Result<String, Refusal> {
    // As it was sent: the API's document says so of the whole text, blanks at its ends included.
    let length = text.chars().count();
    let text = trimmed(text);
    if text.is_empty() {
        return Err(Refusal::new(format!("{what} is empty. Enter 1 to {max} characters.")));
    }
    if length > max {
        return Err(Refusal::new(format!("{what} is too long. Use at most {max} characters.")));
    }
    if text.chars().any(char::is_control) {
        return Err(Refusal::new(format!("{what} holds a line break or another control character. Remove it.")));
    }
    if text.chars().any(turns_direction) {
        return Err(Refusal::new(format!(
            "{what} holds a hidden character that turns the direction of the text around it. Remove it."
        )));
    }
    Ok(text.to_owned())
}

/// Without blanks at its ends, and without what shows nothing: a name of those alone could not be seen or clicked.
fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || is_unseen(c))
}

/// Signs that show nothing by themselves (Unicode's Default_Ignorable_Code_Point, and blank letters). Those that change
/// how their neighbours look, as in emoji, are not among them.
const fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
    )
}

/// Overrides, embeddings and isolates (UAX 9): one that is not ended turns what stands behind the text, on a page or in
/// the subject of a mail, into something else. The text itself needs none: its letters have their direction.
const fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
        let text = trimmed(text).replace("\r\n", "\n");
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
    fn a_text_that_shows_nothing_is_empty_and_none_turns_what_stands_behind_it() {
        for unseen in ["\u{200b}", " \u{feff}\u{2060} ", "\u{3164}", "\u{2800}\u{ad}"] {
            assert!(AccountName::parse(unseen).is_err_and(|refusal| refusal.message().contains("empty")), "{unseen:?}");
            assert!(SuspendReason::parse(unseen).is_err(), "{unseen:?}");
        }
        for turned in ["gpj.\u{202e}exe", "a\u{2067}b", "\u{202a}a\u{202c}"] {
            assert!(AccountName::parse(turned).is_err(), "{turned:?}");
        }
        for (name, kept) in [("\u{200b}Acme\u{feff}", "Acme"), ("❤\u{fe0f}", "❤\u{fe0f}"), ("שלום", "שלום")]
        {
            assert_eq!(AccountName::parse(name).map(String::from), Ok(kept.to_owned()));
        }
        let family = "👩\u{200d}👩\u{200d}👧";
        assert_eq!(AccountName::parse(family).map(String::from), Ok(family.to_owned()), "joiners inside stay");
    }

    #[test]
    fn a_reason_keeps_its_line_breaks() {
        assert_eq!(SuspendReason::parse(" one\r\ntwo ").map(String::from), Ok("one\ntwo".to_owned()));
        assert!(SuspendReason::parse(&"x".repeat(501)).is_err());
        assert!(SuspendReason::parse("a\0b").is_err());
    }
}
