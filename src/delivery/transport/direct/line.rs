//! A server at one of its addresses, as connections are kept by it, and what it means when none comes about.

use std::net::{IpAddr, SocketAddr};

use super::exchanges::{self, Exchange};
use crate::delivery::transport::connect::NotConnected;
use crate::delivery::transport::connection::reply::enhanced_code;
use crate::delivery::transport::{DirectConfig, Outcome, TlsMode};

/// Everything that makes connections differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Line {
    pub(super) config: DirectConfig,
    pub(super) host: String,
    pub(super) address: SocketAddr,
    /// Encrypted, under a certificate for the host's name, or not at all.
    pub(super) strict: bool,
}

impl Line {
    /// How it is written down who was asked.
    pub(super) fn shown(&self) -> String {
        format!("{} [{}]:{}", self.host, self.address.ip(), self.address.port())
    }

    pub(super) fn tls(&self) -> TlsMode {
        if self.strict { TlsMode::StartTls } else { TlsMode::Opportunistic }
    }

    /// No conversation came about. What a server says before we said anything is about us, never about the recipient:
    /// even a 5xx greeting is tried elsewhere, and later.
    pub(super) fn turned_away(&self, why: NotConnected) -> Outcome {
        let Self { host, address, .. } = self;
        let wanted = if self.strict { " as the domain's MTA-STS policy asks for" } else { "" };
        match why.reply {
            Some((code @ 400..=499, text)) => {
                let enhanced = enhanced_code(&text, code).map(str::to_owned);
                Outcome::Refused { code, enhanced, text }
            }
            Some((code, text)) => {
                Outcome::Unreachable { text: format!("{host} ({address}) greeted us with {code} {text}") }
            }
            None => {
                Outcome::Unreachable { text: format!("{host} ({address}) could not be reached{wanted}: {}", why.why) }
            }
        }
    }
}

/// The name that stands for all servers of a domain: of the most preferred ones, the first by name.
pub(super) fn best(exchanges: &[Exchange]) -> &str {
    exchanges.iter().min_by_key(|one| (one.preference, &one.host)).map_or("", |one| one.host.as_str())
}

/// Every server with every address of the family of `source`, in the order they are asked in.
pub(super) fn addresses(exchanges: &[Exchange], source: Option<IpAddr>) -> impl Iterator<Item = (&str, IpAddr)> {
    let fits = move |address: &IpAddr| source.is_none_or(|source| source.is_ipv4() == address.is_ipv4());
    exchanges::in_order(exchanges)
        .into_iter()
        .flat_map(move |one| one.addresses.iter().copied().filter(fits).map(|address| (one.host.as_str(), address)))
}

pub(super) fn nowhere() -> Outcome {
    Outcome::Unreachable { text: "The domain's servers have no address of the family of our source address".into() }
}
