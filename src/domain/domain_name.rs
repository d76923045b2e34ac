//! Domain names in the one form that we store and compare: lower case, punycode, no trailing dot.

use std::fmt;

use super::refusal::Refusal;

/// A domain of at least two labels, as ASCII in lower case (RFC 1035 section 2.3, RFC 5891 for other scripts).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainName(String);

impl DomainName {
    /// Reads what a person or a client sent: trimmed, a trailing dot dropped, other scripts turned into punycode.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() {
            return Err(Refusal::new("Enter a domain, for example example.com."));
        }
        // Longer than any name can be, before the work of IDNA is spent on it.
        if text.len() > 1024 {
            return Err(Refusal::new("The domain is too long. A domain has at most 253 characters."));
        }
        if text.contains("://") || text.contains(['/', '@', ':']) {
            return Err(Refusal::new("Enter the bare domain, for example example.com, without https:// or a path."));
        }
        let ascii = idna::domain_to_ascii(text).map_err(|_| not_a_domain(text))?;
        check(&ascii)?;
        Ok(Self(ascii))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name in the reader's script, for the screen.
    #[must_use]
    pub fn to_unicode(&self) -> String {
        match idna::domain_to_unicode(&self.0) {
            (name, Ok(())) => name,
            _ => self.0.clone(),
        }
    }

    /// Whether this name is `other` or lies beneath it.
    #[must_use]
    pub fn is_at_or_below(&self, other: &Self) -> bool {
        self.0.strip_suffix(other.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<DomainName> for String {
    fn from(name: DomainName) -> Self {
        name.0
    }
}

fn not_a_domain(text: &str) -> Refusal {
    let shown: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
    Refusal::new(format!("“{shown}” is not a domain. Use a name like example.com."))
}

fn check(ascii: &str) -> Result<(), Refusal> {
    if ascii.len() > 253 {
        return Err(Refusal::new("The domain is too long. A domain has at most 253 characters."));
    }
    if !ascii.contains('.') {
        return Err(Refusal::new("Enter a full domain with its ending, for example example.com."));
    }
    if !ascii.split('.').all(is_label) {
        return Err(not_a_domain(ascii));
    }
    // An IPv4 address passes the label rules, but no top-level domain is a number (RFC 3696 section 2).
    let last = ascii.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Refusal::new("Enter a domain name, not an IP address."));
    }
    Ok(())
}

/// Letters, digits and inner hyphens, 1 to 63 (RFC 1123 section 2.1).
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// A single label under a domain, such as the `track` of a tracking subdomain or a DKIM selector.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SubdomainLabel(String);

impl SubdomainLabel {
    /// Reads one label, in any case.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let label = text.trim().to_ascii_lowercase();
        if is_label(&label) {
            Ok(Self(label))
        } else {
            Err(Refusal::new("Use 1 to 63 letters, digits or inner hyphens, for example “mail”, without a dot."))
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SubdomainLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<SubdomainLabel> for String {
    fn from(label: SubdomainLabel) -> Self {
        label.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Option<String> {
        DomainName::parse(text).ok().map(String::from)
    }

    #[test]
    fn names_come_into_one_form() {
        assert_eq!(parsed(" Example.COM. ").as_deref(), Some("example.com"));
        assert_eq!(parsed("bücher.example").as_deref(), Some("xn--bcher-kva.example"));
        assert_eq!(DomainName::parse("bücher.example").expect("valid").to_unicode(), "bücher.example");
    }

    #[test]
    fn what_is_not_a_domain_is_refused() {
        let long = format!("{}.example", "a".repeat(64));
        let longer = format!("{}example", "abcdefg.".repeat(40));
        for text in [
            "",
            ".",
            "com",
            "a..b",
            "-a.example",
            "a-.example",
            "a b.example",
            "a_b.example",
            "https://a.example",
            "a.example/path",
            "me@a.example",
            "a.example:25",
            "10.0.0.1",
            "[10.0.0.1]",
            "a.\0example",
            &long,
            &longer,
        ] {
            assert!(DomainName::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn below_means_on_a_label_border() {
        let parent = DomainName::parse("example.com").expect("valid");
        assert!(DomainName::parse("mail.example.com").expect("valid").is_at_or_below(&parent));
        assert!(parent.is_at_or_below(&parent));
        assert!(!DomainName::parse("notexample.com").expect("valid").is_at_or_below(&parent));
    }

    #[test]
    fn a_label_is_one_label() {
        assert_eq!(SubdomainLabel::parse(" Mail ").map(String::from), Ok("mail".to_owned()));
        for text in ["", "a.b", "-a", "a_b", "é"] {
            assert!(SubdomainLabel::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_stable(text in "\\PC{0,80}") {
            if let Ok(name) = DomainName::parse(&text) {
                prop_assert_eq!(DomainName::parse(name.as_str()), Ok(name));
            }
        }
    }
}
