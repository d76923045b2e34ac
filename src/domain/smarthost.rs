//! The server that an account hands its mail to (RFC 5321's relay), as a person enters it.

use std::net::Ipv6Addr;

use super::domain_name::DomainName;
use super::refusal::Refusal;

/// When the connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// From the first byte, certificate verified (port 465, RFC 8314).
    Implicit,
    /// By STARTTLS, certificate verified, or not at all (port 587, RFC 3207).
    StartTls,
    /// By STARTTLS where offered, whatever the certificate (RFC 7435).
    Opportunistic,
    None,
}

impl Tls {
    /// Every mode, the safest first.
    #[must_use]
    pub const fn all() -> [Self; 4] {
        [Self::Implicit, Self::StartTls, Self::Opportunistic, Self::None]
    }

    /// The stored form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Implicit => "implicit",
            Self::StartTls => "starttls",
            Self::Opportunistic => "opportunistic",
            Self::None => "none",
        }
    }

    /// What a person chooses by.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Implicit => "TLS from the first byte (port 465)",
            Self::StartTls => "STARTTLS, required (port 587)",
            Self::Opportunistic => "STARTTLS where offered, certificate not checked",
            Self::None => "None: only for a server on this machine or network",
        }
    }

    /// Whether it is certain whom a password is told.
    #[must_use]
    pub const fn is_verified(self) -> bool {
        matches!(self, Self::Implicit | Self::StartTls)
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        Self::all()
            .into_iter()
            .find(|tls| tls.as_str() == text)
            .ok_or_else(|| Refusal::new("Choose one of the listed."))
    }
}

/// Host, port, encryption and user. The password is kept apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smarthost {
    /// A name in lower case, or an IP address.
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    /// Empty signs in nowhere.
    pub username: String,
}

/// Reads a host: a name, `localhost`, or an IP address.
pub fn parse_host(text: &str) -> Result<String, Refusal> {
    let refusal = || Refusal::new("Enter the name of a server, for example smtp.example.com.");
    let text = text.trim().trim_start_matches('[').trim_end_matches(']');
    if text.parse::<std::net::Ipv4Addr>().is_ok() || text.parse::<Ipv6Addr>().is_ok() {
        return Ok(text.to_ascii_lowercase());
    }
    if text.eq_ignore_ascii_case("localhost") {
        return Ok("localhost".to_owned());
    }
    DomainName::parse(text).map(|name| name.to_string()).map_err(|_| refusal())
}

/// Reads a port.
pub fn parse_port(text: &str) -> Result<u16, Refusal> {
    let refusal = || Refusal::new("Enter a port from 1 to 65535, usually 587 or 465.");
    text.trim().parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(refusal)
}

/// Reads a user name: anything without control characters, at most 255 bytes.
pub fn parse_username(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if text.len() > 255 || text.chars().any(char::is_control) {
        return Err(Refusal::new("Enter a user name of at most 255 characters on one line."));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses_and_nothing_that_could_end_a_line() {
        for (given, read) in [
            (" SMTP.Example.com ", "smtp.example.com"),
            ("127.0.0.1", "127.0.0.1"),
            ("[2001:DB8::1]", "2001:db8::1"),
            ("LOCALHOST", "localhost"),
        ] {
            assert_eq!(parse_host(given).as_deref(), Ok(read));
        }
        for wrong in ["", "smtp://a.example", "a.example:25", "a b.example", "a.example\r\nRCPT", "user@a.example"] {
            assert!(parse_host(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn ports_and_modes_outside_the_list_are_refused() {
        for wrong in ["0", "65536", "-1", "smtp", ""] {
            assert!(parse_port(wrong).is_err(), "{wrong}");
        }
        for tls in Tls::all() {
            assert_eq!(Tls::parse(tls.as_str()), Ok(tls));
        }
        assert!(Tls::parse("ssl").is_err() && parse_username("a\nb").is_err());
    }
}
