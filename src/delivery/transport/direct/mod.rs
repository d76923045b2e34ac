//! Delivery straight to the recipient's mail servers: the hosts that its domain names, in their order, encrypted where
//! they offer it (RFC 7435), or as the domain's MTA-STS policy has it (RFC 8461). Connections are kept and used again
//! for every domain that the same server serves.

mod exchanges;
mod line;
mod patience;
mod policies;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustls::pki_types::CertificateDer;
use tokio::time::timeout;

use self::exchanges::{Exchange, Exchanges};
use self::line::{Line, addresses, best, nowhere};
use self::patience::Patience;
use self::policies::{Allowed, Policies};
use super::connect::{Connector, NotConnected, Wanted};
use super::gate::{Gates, Limits};
use super::pool::Pool;
use super::session::{Session, Timeouts, Tried, unspeakable};
use super::transcript::Transcript;
use super::{DirectConfig, Envelope, Outcome};
use crate::delivery::wire;
use crate::dns::Dns;
use crate::domain::conversation::Speaker;
use crate::domain::destination::Destinations;
use crate::models::Db;

/// Addresses tried for one message.
const TRIES: usize = 6;
/// How long one address may take until MAIL can follow: there are others, and other messages.
const CONNECT: Duration = Duration::from_secs(30);

/// A destination: whose address we come from, and the best of the servers that a domain names. Domains of one provider
/// are one destination.
type Destination = (DirectConfig, String);

/// What sending straight needs of the installation.
pub struct Means {
    pub dns: Dns,
    /// Where MTA-STS policies are kept.
    pub db: Arc<Db>,
    /// Addresses that may be connected to.
    pub allowed: Destinations,
    /// Of mail servers: 25, but for tests.
    pub port: u16,
    /// Of hosts of MTA-STS policies: 443, but for tests.
    pub policy_port: u16,
    /// Trusted beside the system's certificates.
    pub roots: Vec<CertificateDer<'static>>,
    /// Deliveries to one destination at a time.
    pub at_once: u32,
}

/// Sends to recipients' servers. Clones share connections and what was learned.
#[derive(Clone)]
pub struct Direct {
    connector: Arc<Connector>,
    pool: Arc<Pool<Line>>,
    exchanges: Arc<Exchanges>,
    policies: Arc<Policies>,
    gates: Arc<Gates<Destination>>,
    /// Who does not take strict connections may take others, which other domains go by.
    patience: Arc<Patience<(Destination, bool)>>,
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
    #[must_use]
    pub fn new(means: Means, timeouts: Timeouts) -> Self {
        Self {
            connector: Arc::new(Connector::new(means.roots.clone())),
            pool: Arc::default(),
            policies: Arc::new(Policies::new(&means)),
            exchanges: Arc::new(Exchanges::new(means.dns, means.allowed)),
            gates: Arc::default(),
            patience: Arc::default(),
            timeouts: Timeouts { connect: timeouts.connect.min(CONNECT), ..timeouts },
            port: means.port,
            at_once: means.at_once,
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
        let limits = Limits { at_once: self.at_once, per_second: 0 };
        // Before the policy is asked for: a slow host of one takes no more places than a slow server.
        let _pass = match self.gates.enter((config.clone(), best(&exchanges).to_owned()), limits).await {
            Ok(pass) => pass,
            Err(after) => return (domain, Outcome::NotNow { after }),
        };
        let Allowed { exchanges, strict } = match self.policies.apply(&domain, exchanges, now).await {
            Ok(allowed) => allowed,
            Err(outcome) => return (domain, outcome),
        };
        let destination = ((config.clone(), best(&exchanges).to_owned()), strict);
        if let Some(after) = self.patience.left(&destination, now) {
            return (domain, Outcome::NotNow { after });
        }
        let message = wire::to_crlf(message);
        let mut last = (domain, nowhere());
        for (host, address) in addresses(&exchanges, config.source).take(TRIES) {
            let line = self.line(config, host, address, strict);
            let shown = line.shown();
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
        let (domain, exchanges) = match self.servers(envelope, now).await {
            Ok(found) => found,
            Err((_, outcome)) => return outcome,
        };
        let Allowed { exchanges, strict } = match self.policies.apply(&domain, exchanges, now).await {
            Ok(allowed) => allowed,
            Err(outcome) => return outcome,
        };
        if strict {
            transcript.note(Speaker::Note, &format!("{domain} enforces MTA-STS: nothing goes out in the clear."));
        }
        let message = wire::to_crlf(message);
        let mut last = nowhere();
        for (host, address) in addresses(&exchanges, config.source).take(TRIES) {
            let line = self.line(config, host, address, strict);
            match self.open(&line, transcript).await {
                Ok(mut session) => {
                    let tried = session.hand_over(envelope, &message, self.timeouts).await;
                    session.quit().await;
                    return tried.outcome();
                }
                Err(why) => last = line.turned_away(why),
            }
        }
        last
    }

    fn line(&self, config: &DirectConfig, host: &str, address: IpAddr, strict: bool) -> Line {
        Line { config: config.clone(), host: host.to_owned(), address: SocketAddr::new(address, self.port), strict }
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
            Err(why) => return Step::Next(line.turned_away(why)),
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

    async fn open(&self, line: &Line, transcript: &Transcript) -> Result<Session, NotConnected> {
        let wanted = Wanted {
            name: &line.host,
            addresses: vec![line.address],
            tls: line.tls(),
            auth: None,
            local_name: &line.config.local_name,
            source: line.config.source,
            transcript: transcript.clone(),
        };
        let late = |_| NotConnected::new("it did not answer in time");
        timeout(self.timeouts.connect, self.connector.connect(&wanted)).await.map_err(late)?
    }

    /// What the outcome says about the destination: whether others should wait before they ask it.
    fn learn(&self, destination: (Destination, bool), outcome: &Outcome, now: DateTime<Utc>) {
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
