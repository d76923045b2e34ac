//! Email addresses, with the limits of RFC 5321 section 4.5.3.1 and a look-up form.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::domain_name::DomainName;
use super::refusal::Refusal;

/// A mailbox that mail can be sent from or to. The local part keeps its case, the domain is lower-case punycode.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress {
    local: String,
    domain: DomainName,
}

impl EmailAddress {
    /// Reads `local@domain`. Quoted local parts, address literals and non-ASCII local parts are refused: hardly
    /// anybody has one, and each is a way to smuggle something past a reader that is less careful.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Refusal::new("Enter an email address, for example name@example.com."));
        }
        if text.chars().any(char::is_control) {
            return Err(Refusal::new("The email address holds a line break or another control character. Remove it."));
        }
        let Some((local, domain)) = text.rsplit_once('@') else {
            return Err(Refusal::new(format!("“{}” has no @. Use an address like name@example.com.", shown(text))));
        };
        check_local(local, text)?;
        let domain = DomainName::parse(domain)
            .map_err(|_| Refusal::new(format!("The domain of “{}” is not a valid domain name.", shown(text))))?;
        let address = Self { local: local.to_owned(), domain };
        if address.local.len() + 1 + address.domain.as_str().len() > 254 {
            return Err(Refusal::new("The email address is too long. An address has at most 254 characters."));
        }
        Ok(address)
    }

    /// The part before the `@`, as it was given.
    #[must_use]
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The domain in its stored form.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.domain.as_str()
    }

    #[must_use]
    pub const fn domain_name(&self) -> &DomainName {
        &self.domain
    }

    /// The form for case-insensitive look-ups (suppressions, sign-in): in practice no host tells cases apart.
    #[must_use]
    pub fn lower(&self) -> String {
        format!("{}@{}", self.local.to_ascii_lowercase(), self.domain)
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = Refusal;

    fn try_from(text: String) -> Result<Self, Refusal> {
        Self::parse(&text)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.to_string()
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

/// A dot-atom of at most 64 octets (RFC 5321 section 4.1.2).
fn check_local(local: &str, whole: &str) -> Result<(), Refusal> {
    if local.is_empty() {
        return Err(Refusal::new(format!("“{}” has nothing before the @.", shown(whole))));
    }
    if local.len() > 64 {
        return Err(Refusal::new("The part before the @ is too long. It has at most 64 characters."));
    }
    if local.starts_with('"') {
        return Err(Refusal::new("Addresses with a quoted part before the @ are not supported."));
    }
    if !local.is_ascii() {
        return Err(Refusal::new("Only plain letters, digits and signs are supported before the @."));
    }
    let dot_atom = local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atext));
    if dot_atom {
        Ok(())
    } else {
        Err(Refusal::new(format!("“{}” is not a valid email address. Check the part before the @.", shown(whole))))
    }
}

const fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'/'
                | b'='
                | b'?'
                | b'^'
                | b'_'
                | b'`'
                | b'{'
                | b'|'
                | b'}'
                | b'~'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_local_part_keeps_its_case_and_the_look_up_form_does_not() {
        let address = EmailAddress::parse(" Jane.Doe+news@Bücher.Example ").expect("valid");
        assert_eq!(address.to_string(), "Jane.Doe+news@xn--bcher-kva.example");
        assert_eq!(address.lower(), "jane.doe+news@xn--bcher-kva.example");
        assert_eq!((address.local(), address.domain()), ("Jane.Doe+news", "xn--bcher-kva.example"));
    }

    #[test]
    fn the_limits_of_the_rfc_hold() {
        assert!(EmailAddress::parse(&format!("{}@a.example", "x".repeat(64))).is_ok());
        assert!(EmailAddress::parse(&format!("{}@a.example", "x".repeat(65))).is_err());
        let domain = format!("{}example", "abcdefg.".repeat(28));
        assert!(EmailAddress::parse(&format!("{}@{domain}", "x".repeat(22))).is_ok());
        assert!(EmailAddress::parse(&format!("{}@{domain}", "x".repeat(23))).is_err());
    }

    #[test]
    fn hostile_and_broken_addresses_are_refused() {
        for text in [
            "",
            "@",
            "a",
            "a@",
            "@a.example",
            "a@b",
            "a..b@a.example",
            ".a@a.example",
            "a.@a.example",
            "a b@a.example",
            "\"a b\"@a.example",
            "a@b@c.example",
            "a@[10.0.0.1]",
            "a\r\nRCPT TO:<x@y.example>@a.example",
            "a\0@a.example",
            "<a@a.example>",
            "é@a.example",
            "a,b@a.example",
            "Jane <a@a.example>",
        ] {
            assert!(EmailAddress::parse(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_fit_for_an_smtp_command(text in "\\PC{0,40}@\\PC{0,40}") {
            if let Ok(address) = EmailAddress::parse(&text) {
                let shown = address.to_string();
                prop_assert!(shown.len() <= 254 && shown.bytes().all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>'));
                prop_assert_eq!(EmailAddress::parse(&shown), Ok(address));
            }
        }
    }
}
