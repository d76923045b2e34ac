//! The one error of the domain's parsers: a plain sentence for the person who typed the value.

use std::fmt;

/// Why a value was not taken, and how to mend it. Fit to be shown beside a form field or in a JSON body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    message: String,
}

impl Refusal {
    /// `message` is a whole sentence in sentence case that says what is wrong and what would be right.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }

    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The same refusal with the field's name in front, for surfaces that have no place beside the field.
    #[must_use]
    pub fn at(self, field: &str) -> Self {
        Self { message: format!("{field}: {}", self.message) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for String {
    fn from(refusal: Refusal) -> Self {
        refusal.message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_can_name_its_field() {
        let refusal = Refusal::new("Enter a name.").at("name");
        assert_eq!(refusal.message(), "name: Enter a name.");
        assert_eq!(refusal.to_string(), String::from(refusal));
    }
}
