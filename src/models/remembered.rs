//! What a node keeps of its reads while nothing changes: what is long to read and the same for everybody who looks.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;

/// What another node or a worker wrote shows on lists after this long; what this node's pages and API wrote, at once.
const LISTS: TimeDelta = TimeDelta::seconds(3);
/// Keys that are kept at most.
const KEPT: usize = 1_000;

struct Kept<V> {
    at: DateTime<Utc>,
    changes: u64,
    value: Arc<V>,
}

/// What a node remembers by key.
pub struct Remembered<K, V> {
    /// How long something is kept at most.
    span: TimeDelta,
    changes: AtomicU64,
    kept: Mutex<HashMap<K, Kept<V>>>,
}

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self::lasting(LISTS)
    }
}

impl<K, V> Remembered<K, V> {
    /// Keeps what it reads for `span` at most.
    #[must_use]
    pub fn lasting(span: TimeDelta) -> Self {
        Self { span, changes: AtomicU64::new(0), kept: Mutex::new(HashMap::new()) }
    }
}

impl<K: Hash + Eq, V> Remembered<K, V> {
    /// Says that this node wrote something: everything is read again.
    pub fn changed(&self) {
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// What is kept of `key`, when it is fresh.
    pub fn fresh(&self, key: &K, now: DateTime<Utc>) -> Option<Arc<V>> {
        let changes = self.changes.load(Ordering::Acquire);
        let fresh = |kept: &&Kept<V>| kept.changes == changes && kept.at <= now && now - kept.at < self.span;
        self.kept.lock().get(key).filter(fresh).map(|kept| Arc::clone(&kept.value))
    }

    /// What is kept of `key`, or what `read` answers, which is kept then.
    ///
    /// # Errors
    /// Whatever `read` answers.
    pub fn of<E>(&self, key: K, now: DateTime<Utc>, read: impl FnOnce() -> Result<V, E>) -> Result<Arc<V>, E> {
        let changes = self.changes.load(Ordering::Acquire);
        if let Some(value) = self.fresh(&key, now) {
            return Ok(value);
        }
        let value = Arc::new(read()?);
        let mut kept = self.kept.lock();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key, Kept { at: now, changes, value: Arc::clone(&value) });
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_is_kept_for_three_seconds_and_until_something_is_written() {
        let memory = Remembered::<u8, u8>::default();
        let now = DateTime::UNIX_EPOCH;
        let read = |at, value| memory.of(1, at, || Ok::<_, ()>(value)).map(|kept| *kept);
        assert_eq!(read(now, 10), Ok(10));
        assert_eq!(read(now + TimeDelta::milliseconds(2_999), 11), Ok(10));
        assert_eq!(read(now + TimeDelta::seconds(3), 12), Ok(12));
        assert_eq!(read(now, 13), Ok(13), "a clock that went back makes nothing last longer");
        memory.changed();
        assert_eq!(read(now, 14), Ok(14));
        assert_eq!(memory.of(2, now, || Err::<u8, _>("gone")), Err("gone"));
        assert!(memory.fresh(&2, now).is_none());
    }
}
