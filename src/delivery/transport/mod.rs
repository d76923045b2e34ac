//! How a signed message leaves: through an SMTP relay, straight to the recipient's servers, or into a mailbox on this
//! machine. A transport makes one attempt and tells what became of it; when to try again is the queue's decision.

mod connect;
mod connection;
mod dial;
pub mod direct;
#[cfg(test)]
mod fake_server;
pub mod gate;
pub mod mailbox;
#[cfg(test)]
mod odd_server_tests;
mod pool;
#[cfg(test)]
mod real_server_tests;
pub mod relay;
mod session;
pub mod share;
pub mod transcript;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// Who sends and who receives, as SMTP sees it. Addresses are plain (`local@domain`, ASCII domain); an empty
/// `mail_from` is the null sender of bounces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    pub mail_from: String,
    pub rcpt_to: String,
}

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The other side has taken responsibility (2xx after the final dot).
    Accepted { code: u16, text: String },
    /// The other side answered no: 4xx means later, 5xx never. `enhanced` is the RFC 3463 code where one was given.
    Refused { code: u16, enhanced: Option<String>, text: String },
    /// No answer about this message: no connection, a lost one, or a relay that turns us away (sign-in, TLS).
    /// Says nothing about the recipient: try again later.
    Unreachable { text: String },
    /// Nothing was tried: there is no room for it just now. Says nothing about the recipient or the server.
    NotNow { after: Duration },
}

impl Outcome {
    /// Whether the recipient was refused for good.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Refused { code: 500..=599, .. })
    }
}

/// When the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TlsMode {
    /// Never: for a relay on this machine.
    None,
    /// By STARTTLS, with a verified certificate, or not at all.
    StartTls,
    /// By STARTTLS where offered, whatever the certificate (RFC 7435): better than nothing, no more.
    Opportunistic,
    /// From the first byte (port 465), with a verified certificate.
    Implicit,
}

/// A smarthost and how to use it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RelayConfig {
    pub host: String,
    pub port: u16,
    pub tls: TlsMode,
    /// User name and password for AUTH.
    pub auth: Option<(String, String)>,
    /// The name we give in EHLO.
    pub local_name: String,
    /// The address of ours that connections come from; the machine chooses when there is none.
    pub source: Option<IpAddr>,
    /// Of the operator's own configuration: it may be anywhere, on this machine and on private networks too.
    pub trusted: bool,
}

/// How mail goes straight to the recipients' servers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DirectConfig {
    /// The name we give in EHLO.
    pub local_name: String,
    /// The address of ours that connections come from; the machine chooses when there is none.
    pub source: Option<IpAddr>,
}

/// The way a message leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Kept on this machine.
    Mailbox,
    Relay(RelayConfig),
    Direct(DirectConfig),
}

impl fmt::Debug for RelayConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.auth.as_ref().map(|(user, _)| user);
        write!(f, "{}:{} ({:?}, user {user:?})", self.host, self.port, self.tls)
    }
}

impl Route {
    /// Where it leads, as a part of "Mail leaves through ...".
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Mailbox => "the mailbox on this machine: nothing leaves it".to_owned(),
            Self::Relay(relay) => format!("this installation's relay, {}:{}", relay.host, relay.port),
            Self::Direct(_) => "this installation, straight to the recipients' servers".to_owned(),
        }
    }
}
