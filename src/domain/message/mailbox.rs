//! An address with a display name, as it stands in From, To, Cc and Reply-To.

use serde::{Deserialize, Serialize};

use super::super::email_address::EmailAddress;
use super::super::refusal::Refusal;
use super::input::AddressInput;

/// The longest display name in characters.
pub const MAX_NAME: usize = 255;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    pub address: EmailAddress,
    pub name: Option<String>,
}

impl Mailbox {
    #[must_use]
    pub const fn bare(address: EmailAddress) -> Self {
        Self { address, name: None }
    }

    /// Reads a request's address.
    pub fn parse(input: &AddressInput) -> Result<Self, Refusal> {
        let address = EmailAddress::parse(input.email.as_deref().unwrap_or_default())?;
        Ok(Self { address, name: parse_name(input.name.as_deref())? })
    }
}

/// A display name: trimmed, absent when empty, no control characters (they would break the header).
pub fn parse_name(name: Option<&str>) -> Result<Option<String>, Refusal> {
    let name = name.unwrap_or_default().trim();
    if name.chars().any(char::is_control) {
        return Err(Refusal::new("The name holds a line break or another control character. Remove it."));
    }
    if name.chars().count() > MAX_NAME {
        return Err(Refusal::new(format!("The name is too long. Use at most {MAX_NAME} characters.")));
    }
    Ok((!name.is_empty()).then(|| name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_optional_but_never_breaks_a_header() {
        assert_eq!(parse_name(Some("  ")), Ok(None));
        assert_eq!(parse_name(Some(" Ann ")), Ok(Some("Ann".to_owned())));
        assert!(parse_name(Some("Ann\r\nBcc: x@y.example")).is_err());
        assert!(parse_name(Some(&"n".repeat(256))).is_err());
    }
}
