//! Delivery through a smarthost. Connections are kept and used again (`pool.rs`); what is said on them is in
//! `session.rs`.

use std::fmt::Display;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use tokio::time::timeout;

use super::connect::{Connector, NotConnected, Wanted};
use super::dial::addresses;
use super::pool::Pool;
pub use super::session::Timeouts;
use super::session::{Session, Tried, unspeakable};
use super::transcript::Transcript;
use super::{Envelope, Outcome, RelayConfig};
use crate::delivery::wire;
use crate::domain::destination::Destinations;

/// Sends through relays, keeping connections between messages. Clones share them.
#[derive(Clone)]
pub struct Relay {
    connector: Arc<Connector>,
    pool: Arc<Pool<RelayConfig>>,
    timeouts: Timeouts,
    allowed: Arc<Destinations>,
}

impl Relay {
    /// Relays that are not the operator's own are reached on the public Internet only, until more is allowed.
    #[must_use]
    pub fn new(timeouts: Timeouts) -> Self {
        Self::with_roots(timeouts, Vec::new())
    }

    /// Trusts `roots` beside the system's certificates: a private CA of the operator.
    #[must_use]
    pub fn with_roots(timeouts: Timeouts, roots: Vec<CertificateDer<'static>>) -> Self {
        let connector = Arc::new(Connector::new(roots));
        Self { connector, pool: Arc::default(), timeouts, allowed: Arc::default() }
    }

    /// Reaches relays on these networks too.
    #[must_use]
    pub fn reaching(self, allowed: Destinations) -> Self {
        Self { allowed: Arc::new(allowed), ..self }
    }

    /// Tries once to hand `message` to the relay; a connection that turns out dead, or answers 421, before the message
    /// was begun is replaced once. The caller's bytes are sent in wire form ([`wire::to_crlf`]).
    pub async fn send(&self, config: &RelayConfig, envelope: &Envelope, message: &[u8]) -> Outcome {
        if let Some(refused) = unspeakable(envelope) {
            return refused;
        }
        let message = wire::to_crlf(message);
        match self.attempt(config, envelope, &message, true).await {
            Tried::Lost(_) => self.attempt(config, envelope, &message, false).await.outcome(),
            tried => tried.outcome(),
        }
    }

    /// Sends `message` on a connection of its own and writes down what is said.
    pub async fn converse(
        &self,
        config: &RelayConfig,
        envelope: &Envelope,
        message: &[u8],
        transcript: &Transcript,
    ) -> Outcome {
        if let Some(refused) = unspeakable(envelope) {
            return refused;
        }
        let mut session = match self.open(config, transcript).await {
            Ok(session) => session,
            Err(why) => return unreachable(config, why.why),
        };
        let tried = session.hand_over(envelope, &wire::to_crlf(message), self.timeouts).await;
        session.quit().await;
        tried.outcome()
    }

    /// Opens a connection as for a message (TLS, AUTH), and ends it.
    ///
    /// # Errors
    /// Why no message could follow, in the relay's words where it was the relay that said no.
    pub async fn sign_in(&self, config: &RelayConfig) -> Result<(), String> {
        let session = self.open(config, &Transcript::default()).await.map_err(|why| why.why)?;
        session.quit().await;
        Ok(())
    }

    async fn attempt(&self, config: &RelayConfig, envelope: &Envelope, message: &[u8], reuse: bool) -> Tried {
        let (mut session, used) = match self.session(config, reuse).await {
            Ok(found) => found,
            Err(why) => return Tried::Closing(unreachable(config, why.why)),
        };
        let tried = session.hand_over(envelope, message, self.timeouts).await;
        if matches!(tried, Tried::Answered(_)) {
            self.pool.put(config, session, used + 1);
        }
        tried
    }

    /// A connection ready for MAIL and how many messages it has carried: a kept one after RSET, or a new one.
    async fn session(&self, config: &RelayConfig, reuse: bool) -> Result<(Session, u32), NotConnected> {
        while let Some((mut kept, used)) = reuse.then(|| self.pool.take(config)).flatten() {
            if kept.reset(self.timeouts.command).await {
                return Ok((kept, used));
            }
        }
        Ok((self.open(config, &Transcript::default()).await?, 0))
    }

    async fn open(&self, config: &RelayConfig, transcript: &Transcript) -> Result<Session, NotConnected> {
        let opening = async {
            let wanted = Wanted {
                name: &config.host,
                addresses: addresses(config, &self.allowed).await.map_err(NotConnected::new)?,
                tls: config.tls,
                auth: config.auth.as_ref(),
                local_name: &config.local_name,
                source: config.source,
                transcript: transcript.clone(),
            };
            self.connector.connect(&wanted).await
        };
        let late = |_| NotConnected::new("it did not answer in time");
        timeout(self.timeouts.connect, opening).await.map_err(late)?
    }
}

fn unreachable(config: &RelayConfig, why: impl Display) -> Outcome {
    Outcome::Unreachable { text: format!("The relay {}:{} could not be used: {why}", config.host, config.port) }
}

#[cfg(test)]
#[path = "relay_tests.rs"]
pub(super) mod tests;
