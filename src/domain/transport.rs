//! How mail leaves, as somebody sets it up: the kinds, when a connection is encrypted, and the host it goes to.

use std::fmt;
use std::net::IpAddr;

use super::destination::ends_in_a_number;
use super::domain_name::DomainName;
use super::refusal::Refusal;

/// The most connections at once, and the most messages a second, that may be asked for.
pub const MOST_CONNECTIONS: i32 = 1_000;
pub const MOST_PER_SECOND: i32 = 10_000;

/// What a transport does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportKind {
    /// Hands it to a mail server that sends it on.
    Relay,
    /// Takes it to the recipient's own mail servers.
    Direct,
    /// Keeps it on this machine.
    Mailbox,
}

impl TransportKind {
    pub const ALL: [Self; 3] = [Self::Relay, Self::Direct, Self::Mailbox];

    /// The stored form, which is the API's too.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Direct => "direct",
            Self::Mailbox => "mailbox",
        }
    }

    /// The name on screen, and what it means.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Relay => ("A relay", "A mail server that takes the messages and sends them on."),
            Self::Direct => ("Straight to the recipients", "To the mail servers that their domains name (MX)."),
            Self::Mailbox => ("The mailbox", "Nothing leaves: messages are kept on this machine, to look at."),
        }
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// A sentence that lists the kinds.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| Refusal::new("Choose a kind: relay, direct or mailbox."))
    }
}

/// When the connection to a relay is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    Required,
    Implicit,
    Opportunistic,
    None,
}

impl Tls {
    pub const ALL: [Self; 4] = [Self::Required, Self::Implicit, Self::Opportunistic, Self::None];

    /// The stored form, which is the API's too.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Implicit => "implicit",
            Self::Opportunistic => "opportunistic",
            Self::None => "none",
        }
    }

    /// The name on screen, and what it means.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Required => {
                ("STARTTLS", "Encrypted with a verified certificate, or nothing is sent. Usual on port 587.")
            }
            Self::Implicit => ("TLS from the first byte", "With a verified certificate. Usual on port 465."),
            Self::Opportunistic => {
                ("STARTTLS where offered", "Whatever the certificate, and in the clear where it is not offered.")
            }
            Self::None => ("None", "In the clear: only for a server on the same network."),
        }
    }

    /// How well it keeps a password to the server it is meant for: 2 is encrypted for a verified server, 0 in the clear.
    #[must_use]
    pub const fn secrecy(self) -> u8 {
        match self {
            Self::Required | Self::Implicit => 2,
            Self::Opportunistic => 1,
            Self::None => 0,
        }
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// A sentence that lists the modes.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let found = Self::ALL.into_iter().find(|tls| tls.as_str() == text);
        found.ok_or_else(|| {
            Refusal::new("Choose when the connection is encrypted: none, opportunistic, required or implicit.")
        })
    }
}

/// A host to connect to: a name, or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayHost(String);

impl RelayHost {
    /// Reads a name such as `smtp.example.com`, a single label such as `mailhost`, or an IP address in its usual form.
    ///
    /// # Errors
    /// A sentence for whoever typed it.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let wrong = || Refusal::new("Enter the server's name, for example smtp.example.com, without a port.");
        let text = text.trim();
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Ok(Self(ip.to_string()));
        }
        let label = !text.is_empty()
            && text.len() <= 63
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !text.starts_with('-');
        let name = match label {
            true => text.to_ascii_lowercase(),
            false => DomainName::parse(text).map_err(|_| wrong())?.into(),
        };
        // Resolvers take 127.1 and 0x7f000001 for addresses: whoever means one writes it as one.
        if ends_in_a_number(&name) { Err(wrong()) } else { Ok(Self(name)) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RelayHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_a_label_or_an_address_and_nothing_with_a_port() {
        for text in ["smtp.example.com", "mailhost", "127.0.0.1", "::1", "SMTP.Example.com"] {
            assert!(RelayHost::parse(text).is_ok(), "{text}");
        }
        for text in ["", "smtp.example.com:587", "smtp://x.example", "a b", "-x", "x\r\ny", "[::1]"] {
            assert!(RelayHost::parse(text).is_err(), "{text}");
        }
        assert_eq!(RelayHost::parse("::FFFF:10.0.0.1").expect("an address").as_str(), "::ffff:10.0.0.1");
    }

    #[test]
    fn an_address_in_disguise_is_no_host() {
        for text in
            ["127.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1", "127.0.0.1.", "①②⑦.⓪.⓪.①", "fe80::1%lo", "0"]
        {
            assert!(RelayHost::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn kinds_and_modes_survive_storage() {
        for kind in TransportKind::ALL {
            assert_eq!(TransportKind::parse(kind.as_str()), Ok(kind));
        }
        for tls in Tls::ALL {
            assert_eq!(Tls::parse(tls.as_str()), Ok(tls));
        }
        assert!(TransportKind::parse("smtp").is_err() && Tls::parse("starttls").is_err());
    }
}
