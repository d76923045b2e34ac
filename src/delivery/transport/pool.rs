//! Idle connections, kept for the next message.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::session::Session;

/// Shorter than servers commonly wait (Postfix: five minutes), so that a kept connection is mostly alive.
const IDLE: Duration = Duration::from_secs(60);
/// Messages on one connection before it is closed: balances load over a server's hosts.
const MESSAGES: u32 = 100;
/// Idle connections kept for one server: as many as deliveries are commonly under way, for they end in groups.
const KEPT: usize = 64;

struct Idle {
    session: Session,
    since: Instant,
    used: u32,
}

/// Keyed by everything that makes connections differ: host, port, TLS, credentials, source, the name we give.
pub(super) struct Pool<K> {
    idle: Mutex<HashMap<K, Vec<Idle>>>,
}

impl<K> Default for Pool<K> {
    fn default() -> Self {
        Self { idle: Mutex::default() }
    }
}

impl<K: Clone + Eq + Hash> Pool<K> {
    /// The most recently used connection to `key` and how many messages it has carried.
    pub(super) fn take(&self, key: &K) -> Option<(Session, u32)> {
        let (found, expired) = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let expired = drain_expired(&mut idle);
            (idle.get_mut(key).and_then(Vec::pop), expired)
        };
        say_goodbye(expired);
        found.map(|idle| (idle.session, idle.used))
    }

    /// Keeps `session`, which has carried `used` messages, unless it has done its part.
    pub(super) fn put(&self, key: &K, session: Session, used: u32) {
        if session.has_broken() {
            return;
        }
        let spent = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let mut spent = drain_expired(&mut idle);
            let entry = Idle { session, since: Instant::now(), used };
            let kept = idle.entry(key.clone()).or_default();
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

/// Takes out what has been idle too long, of every server, so that an unused one holds no connection.
fn drain_expired<K: Eq + Hash>(idle: &mut HashMap<K, Vec<Idle>>) -> Vec<Idle> {
    let mut expired = Vec::new();
    idle.retain(|_, kept| {
        expired.extend(kept.extract_if(.., |entry| entry.since.elapsed() >= IDLE));
        !kept.is_empty()
    });
    expired
}

/// Ends connections politely, without making anybody wait.
fn say_goodbye(sessions: Vec<Idle>) {
    for entry in sessions {
        tokio::spawn(async move {
            entry.session.quit().await;
        });
    }
}
