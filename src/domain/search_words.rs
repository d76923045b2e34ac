//! Words that somebody searches for: bounded, visible, and literal where a database looks for them. SQLite refuses a
//! pattern of more than 50,000 bytes, and nobody reads what 200 characters did not find.

use super::refusal::Refusal;

/// Words to search for; never blank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchWords(String);

impl SearchWords {
    /// The most characters.
    pub const MAX: usize = 200;

    /// Trims and checks; `None` for blank ones.
    ///
    /// # Errors
    /// For more than [`SearchWords::MAX`] characters, or NUL.
    pub fn parse(text: &str) -> Result<Option<Self>, Refusal> {
        let text = text.trim();
        if text.chars().count() > Self::MAX {
            return Err(Refusal::new(format!("The search is too long. Use at most {} characters.", Self::MAX)));
        }
        if text.contains('\0') {
            return Err(Refusal::new("It contains a NUL character. Remove it."));
        }
        Ok(Some(text).filter(|text| !text.is_empty()).map(|text| Self(text.to_owned())))
    }

    /// The same for pages, which say nothing of it: what is too long is cut, and what does not show is left out.
    #[must_use]
    pub fn cut(text: &str) -> Option<Self> {
        let shown: String = text.trim().chars().filter(|letter| !letter.is_control()).take(Self::MAX).collect();
        Some(shown.trim()).filter(|text| !text.is_empty()).map(|text| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In lower case, for columns that are.
    #[must_use]
    pub fn lower(&self) -> Self {
        Self(self.0.to_lowercase())
    }

    /// The pattern for LIKE that finds them anywhere, with `\` as its escape.
    #[must_use]
    pub fn anywhere(&self) -> String {
        format!("%{}%", literal(&self.0))
    }
}

impl From<SearchWords> for String {
    fn from(words: SearchWords) -> Self {
        words.0
    }
}

/// Text as a literal part of a pattern for LIKE, with `\` as its escape.
#[must_use]
pub fn literal(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_bounded_and_literal() {
        let words = SearchWords::parse(" 100%_\\ ").expect("right").expect("words");
        assert_eq!((words.as_str(), words.anywhere().as_str()), ("100%_\\", "%100\\%\\_\\\\%"));
        assert_eq!(SearchWords::parse(" "), Ok(None));
        assert!(SearchWords::parse(&"é".repeat(200)).is_ok() && SearchWords::parse(&"é".repeat(201)).is_err());
        assert!(SearchWords::parse("a\0b").is_err());
    }

    #[test]
    fn a_page_looks_for_what_is_left() {
        let cut = |text: &str| SearchWords::cut(text).map(|words| words.as_str().to_owned());
        assert_eq!(cut("\0 a\0b\n "), Some("ab".to_owned()));
        assert_eq!((cut("\0"), cut("  ")), (None, None));
        assert_eq!(cut(&"é".repeat(60_000)).map(|text| text.chars().count()), Some(200));
    }
}
