//! Idle connections to relays, kept for the next message.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lettre::transport::smtp::client::AsyncSmtpConnection;

use super::RelayConfig;

/// Shorter than servers commonly wait (Postfix: five minutes), so that a kept connection is mostly alive.
const IDLE: Duration = Duration::from_secs(60);
/// Messages on one connection before it is closed: balances load over a relay's hosts.
const MESSAGES: u32 = 100;
/// Idle connections kept for one relay: as many as deliveries are commonly under way, for they end in groups.
const KEPT: usize = 64;

struct Idle {
    connection: AsyncSmtpConnection,
    since: Instant,
    used: u32,
}

/// Keyed by everything that makes connections differ: host, port, TLS, credentials, the name we give.
#[derive(Default)]
pub(super) struct Pool {
    idle: Mutex<HashMap<RelayConfig, Vec<Idle>>>,
}

impl Pool {
    /// The most recently used connection to `config` and how many messages it has carried.
    pub(super) fn take(&self, config: &RelayConfig) -> Option<(AsyncSmtpConnection, u32)> {
        let (found, expired) = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let expired = drain_expired(&mut idle);
            (idle.get_mut(config).and_then(Vec::pop), expired)
        };
        say_goodbye(expired);
        found.map(|idle| (idle.connection, idle.used))
    }

    /// Keeps `connection`, which has carried `used` messages, unless it has done its part.
    pub(super) fn put(&self, config: &RelayConfig, connection: AsyncSmtpConnection, used: u32) {
        if connection.has_broken() {
            return;
        }
        let spent = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let mut spent = drain_expired(&mut idle);
            let entry = Idle { connection, since: Instant::now(), used };
            let kept = idle.entry(config.clone()).or_default();
            if used >= MESSAGES || kept.len() >= KEPT {
                spent.push(entry)
            } else {
                kept.push(entry)
            }
            spent
        };
        say_goodbye(spent);
    }
}

/// Takes out what has been idle too long, of every relay, so that an unused relay holds no connection.
fn drain_expired(idle: &mut HashMap<RelayConfig, Vec<Idle>>) -> Vec<Idle> {
    let mut expired = Vec::new();
    idle.retain(|_, kept| {
        expired.extend(kept.extract_if(.., |entry| entry.since.elapsed() >= IDLE));
        !kept.is_empty()
    });
    expired
}

/// Ends connections politely, without making anybody wait.
fn say_goodbye(connections: Vec<Idle>) {
    for mut entry in connections {
        tokio::spawn(async move {
            // A server that does not answer QUIT loses nothing by our closing the socket.
            let _ = tokio::time::timeout(Duration::from_secs(5), entry.connection.quit()).await;
        });
    }
}
