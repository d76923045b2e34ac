//! What the last look found, by who asked: kept in this node's memory, and gone with it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

use super::Finding;
use crate::domain::ids::Id;

/// Accounts whose last look is kept; a node with more of them starts over.
const KEPT: usize = 1000;

/// A look that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub at: DateTime<Utc>,
    pub findings: Vec<Finding>,
}

/// The last looks of a node.
#[derive(Default)]
pub struct Runs {
    last: Mutex<HashMap<Id, Arc<Run>>>,
    /// Looks connect to many places: one at a time on a node.
    turn: tokio::sync::Mutex<()>,
}

impl Runs {
    /// What the last look for `account` found.
    #[must_use]
    pub fn last(&self, account: Id) -> Option<Arc<Run>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).get(&account).cloned()
    }

    /// Runs `look` for `account` and keeps what it found; false when another is under way.
    pub async fn run(&self, account: Id, at: DateTime<Utc>, look: impl Future<Output = Vec<Finding>>) -> bool {
        let Ok(_turn) = self.turn.try_lock() else { return false };
        let run = Run { at, findings: look.await };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() >= KEPT && !last.contains_key(&account) {
            last.clear();
        }
        last.insert(account, Arc::new(run));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_look_is_kept_for_whoever_asked_and_two_never_run_at_once() {
        let (runs, at) = (Runs::default(), DateTime::UNIX_EPOCH);
        let (one, other) = (Id::new(at), Id::new(at));
        assert!(runs.run(one, at, async { vec![Finding::ok("x", "First.")] }).await);
        let within = runs.run(one, at, async {
            assert!(!runs.run(other, at, async { Vec::new() }).await, "one at a time");
            vec![Finding::ok("x", "Second.")]
        });
        assert!(within.await);
        assert_eq!(runs.last(one).expect("kept").findings[0].found, "Second.");
        assert_eq!(runs.last(other), None);
    }
}
