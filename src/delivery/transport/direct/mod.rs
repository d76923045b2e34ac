//! Delivery straight to the recipient's mail servers: the hosts that its domain names, in their order, encrypted where
//! they offer it. Connections are kept and used again for every domain that the same server serves.
//!
//! MTA-STS (RFC 8461) is not looked up: encryption is opportunistic (RFC 7435).

mod exchanges;
mod patience;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::timeout;

use self::exchanges::{Exchange, Exchanges};
use self::patience::Patience;
use super::connect::{Connector, NotConnected, Wanted};
use super::gate::{Gates, Limits};
use super::pool::Pool;
use super::session::{Session, Timeouts, Tried, enhanced_code, unspeakable};
use super::transcript::Transcript;
use super::{DirectConfig, Envelope, Outcome, TlsMode};
use crate::delivery::wire;
use crate::dns::Dns;
use crate::domain::destination::Destinations;

/// Addresses tried for one message.
const TRIES: usize = 6;
/// How long one address may take until MAIL can follow: there are others, and other messages.
const CONNECT: Duration = Duration::from_secs(30);

/// A destination: whose address we come from, and the best of the servers that a domain names. Domains of one provider
/// are one destination.
type Destination = (DirectConfig, String);
/// A connection: whose it is, the server's name and its address.
type Line = (DirectConfig, String, SocketAddr);

/// Sends to recipients' servers. Clones share connections and what was learned.
#[derive(Clone)]
pub struct Direct {
    connector: Arc<Connector>,
    pool: Arc<Pool<Line>>,
    exchanges: Arc<Exchanges>,
    gates: Arc<Gates<Destination>>,
    patience: Arc<Patience<Destination>>,
    timeouts: Timeouts,
    port: u16,
    at_once: u32,
}

/// One address after the other, until one decides.
enum Step {
    Decided(Outcome),
    /// Nothing was begun here: another server of the domain may take it.
    Next(Outcome),
}

impl Direct {
    /// Asks `dns`, connects to `port` (25, but for tests) of addresses that are `allowed`, to one destination at most
    /// `at_once` times.
    #[must_use]
    pub fn new(dns: Dns, allowed: Destinations, port: u16, at_once: u32, timeouts: Timeouts) -> Self {
        Self {
            connector: Arc::default(),
            pool: Arc::default(),
            exchanges: Arc::new(Exchanges::new(dns, allowed)),
            gates: Arc::default(),
            patience: Arc::default(),
            timeouts: Timeouts { connect: timeouts.connect.min(CONNECT), ..timeouts },
            port,
            at_once,
        }
    }

    /// Tries once to hand `message` to the recipient's servers; answers who was asked last, and what came of it.
    pub async fn send(
        &self,
        config: &DirectConfig,
        envelope: &Envelope,
        message: &[u8],
        now: DateTime<Utc>,
    ) -> (String, Outcome) {
        let (domain, exchanges) = match self.servers(envelope, now).await {
            Ok(found) => found,
            Err(decided) => return decided,
        };
        let destination = (config.clone(), best(&exchanges).to_owned());
        if let Some(after) = self.patience.left(&destination, now) {
            return (domain, Outcome::NotNow { after });
        }
        let limits = Limits { at_once: self.at_once, per_second: 0 };
        let _pass = match self.gates.enter(destination.clone(), limits).await {
            Ok(pass) => pass,
            Err(after) => return (domain, Outcome::NotNow { after }),
        };
        let message = wire::to_crlf(message);
        let mut last = (domain, nowhere());
        for (host, address) in addresses(&exchanges, config.source).take(TRIES) {
            let line = (config.clone(), host.to_owned(), SocketAddr::new(address, self.port));
            let shown = format!("{host} [{address}]:{}", self.port);
            match self.attempt(line, envelope, &message).await {
                Step::Decided(outcome) => {
                    last = (shown, outcome);
                    break;
                }
                Step::Next(outcome) => last = (shown, outcome),
            }
        }
        self.learn(destination, &last.1, now);
        last
    }

    /// Sends `message` on a connection of its own and writes down what is said.
    pub async fn converse(
        &self,
        config: &DirectConfig,
        envelope: &Envelope,
        message: &[u8],
        now: DateTime<Utc>,
        transcript: &Transcript,
    ) -> Outcome {
        let exchanges = match self.servers(envelope, now).await {
            Ok((_, found)) => found,
            Err((_, outcome)) => return outcome,
        };
        let message = wire::to_crlf(message);
        let mut last = nowhere();
        for (host, address) in addresses(&exchanges, config.source).take(TRIES) {
            let line = (config.clone(), host.to_owned(), SocketAddr::new(address, self.port));
            match self.open(&line, transcript).await {
                Ok(mut session) => {
                    let tried = session.hand_over(envelope, &message, self.timeouts).await;
                    session.quit().await;
                    return tried.outcome();
                }
                Err(why) => last = turned_away(&line, why),
            }
        }
        last
    }

    /// The recipient's domain and its servers, or why there are none to ask.
    async fn servers(
        &self,
        envelope: &Envelope,
        now: DateTime<Utc>,
    ) -> Result<(String, Arc<Vec<Exchange>>), (String, Outcome)> {
        let domain = envelope.rcpt_to.rsplit_once('@').map_or("", |(_, domain)| domain).to_ascii_lowercase();
        if let Some(refused) = unspeakable(envelope) {
            return Err((domain, refused));
        }
        match self.exchanges.find(&domain, now).await {
            Ok(found) => Ok((domain, found)),
            Err(outcome) => Err((domain, outcome)),
        }
    }

    async fn attempt(&self, line: Line, envelope: &Envelope, message: &[u8]) -> Step {
        while let Some((mut kept, used)) = self.pool.take(&line) {
            if !kept.reset(self.timeouts.command).await {
                continue;
            }
            match kept.hand_over(envelope, message, self.timeouts).await {
                // A kept connection may die of age: the next one tells more.
                Tried::Lost(_) => continue,
                Tried::Closing(outcome) => return Step::Decided(outcome),
                Tried::Answered(outcome) => {
                    self.pool.put(&line, kept, used + 1);
                    return Step::Decided(outcome);
                }
            }
        }
        let mut session = match self.open(&line, &Transcript::default()).await {
            Ok(session) => session,
            Err(why) => return Step::Next(turned_away(&line, why)),
        };
        match session.hand_over(envelope, message, self.timeouts).await {
            Tried::Lost(outcome) => Step::Next(outcome),
            Tried::Closing(outcome) => Step::Decided(outcome),
            Tried::Answered(outcome) => {
                self.pool.put(&line, session, 1);
                Step::Decided(outcome)
            }
        }
    }

    async fn open(&self, (config, host, address): &Line, transcript: &Transcript) -> Result<Session, NotConnected> {
        let wanted = Wanted {
            name: host,
            addresses: vec![*address],
            tls: TlsMode::Opportunistic,
            auth: None,
            local_name: &config.local_name,
            source: config.source,
            transcript: transcript.clone(),
        };
        let late = |_| NotConnected::new("it did not answer in time");
        timeout(self.timeouts.connect, self.connector.connect(&wanted)).await.map_err(late)?
    }

    /// What the outcome says about the destination: whether others should wait before they ask it.
    fn learn(&self, destination: Destination, outcome: &Outcome, now: DateTime<Utc>) {
        match outcome {
            Outcome::Refused { code: 421, .. } | Outcome::Unreachable { .. } => {
                self.patience.lost(destination, now);
            }
            Outcome::Refused { code: 450, .. } => self.patience.tried(destination, now),
            Outcome::Accepted { .. } | Outcome::Refused { .. } => self.patience.restored(&destination),
            Outcome::NotNow { .. } => {}
        }
    }
}

/// The name that stands for all servers of a domain: of the most preferred ones, the first by name.
fn best(exchanges: &[Exchange]) -> &str {
    exchanges.iter().min_by_key(|one| (one.preference, &one.host)).map_or("", |one| one.host.as_str())
}

/// Every server with every address of the family of `source`.
fn addresses(exchanges: &[Exchange], source: Option<IpAddr>) -> impl Iterator<Item = (&str, IpAddr)> {
    let fits = move |address: &IpAddr| source.is_none_or(|source| source.is_ipv4() == address.is_ipv4());
    exchanges::in_order(exchanges)
        .into_iter()
        .flat_map(move |one| one.addresses.iter().copied().filter(fits).map(|address| (one.host.as_str(), address)))
}

fn nowhere() -> Outcome {
    Outcome::Unreachable { text: "The domain's servers have no address of the family of our source address".into() }
}

/// No conversation came about. What a server says before we said anything is about us, never about the recipient: even
/// a 5xx greeting is tried elsewhere, and later.
fn turned_away((_, host, address): &Line, why: NotConnected) -> Outcome {
    match why.reply {
        Some((code @ 400..=499, text)) => {
            let enhanced = enhanced_code(&text, code).map(str::to_owned);
            Outcome::Refused { code, enhanced, text }
        }
        Some((code, text)) => {
            Outcome::Unreachable { text: format!("{host} ({address}) greeted us with {code} {text}") }
        }
        None => Outcome::Unreachable { text: format!("{host} ({address}) could not be reached: {}", why.why) },
    }
}
