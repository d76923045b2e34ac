//! A client's website: a bare host is stored, whether a bare host or a full URL was given.

use std::fmt;

use super::domain_name::DomainName;
use super::refusal::Refusal;

/// The host of a website, lower case, without scheme, port and path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Website(DomainName);

impl Website {
    /// Reads `example.com`, `https://www.example.com/about` and the like.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") => rest,
            Some(_) => return Err(Refusal::new("Enter a website that starts with https:// or a bare host.")),
            None => text,
        };
        let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(Refusal::new("Enter the website without a user name or an email address."));
        }
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.is_empty() || port.parse::<u16>().is_ok() => host,
            Some(_) => return Err(wrong()),
            None => authority,
        };
        DomainName::parse(host).map(Self).map_err(|_| wrong())
    }

    /// The stored form.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.as_str()
    }

    /// The form of the contract's Account object.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.0)
    }
}

fn wrong() -> Refusal {
    Refusal::new("Enter a website like example.com or https://www.example.com.")
}

impl fmt::Display for Website {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Website> for String {
    fn from(website: Website) -> Self {
        website.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_urls_become_the_bare_host() {
        for (given, host) in [
            ("example.com", "example.com"),
            (" HTTPS://WWW.Example.com/about?x=1#y ", "www.example.com"),
            ("http://example.com:8080", "example.com"),
            ("example.com/", "example.com"),
        ] {
            assert_eq!(Website::parse(given).map(String::from), Ok(host.to_owned()), "{given}");
        }
        assert_eq!(Website::parse("example.com").expect("valid").url(), "https://example.com");
    }

    #[test]
    fn other_schemes_and_nonsense_are_refused() {
        for text in [
            "",
            "javascript:alert(1)",
            "ftp://example.com",
            "https://",
            "me@example.com",
            "localhost",
            "https://1.2.3.4",
        ] {
            assert!(Website::parse(text).is_err(), "{text}");
        }
    }
}
