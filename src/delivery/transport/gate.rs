//! How many deliveries may be under way at once, and how many may begin in a second, on this node. Whoever finds no
//! room is sent back to the queue soon, so that places of the node are not spent on waiting.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout};

/// As long as somebody waits in place, where room comes about often enough.
const PATIENCE: Duration = Duration::from_millis(250);
/// The first return to the queue is for this long; the more are sent back, the longer.
const BACK: Duration = Duration::from_secs(1);
const LONGEST_BACK: Duration = Duration::from_secs(30);
/// Gates kept before those that nobody uses are let go.
const KEPT: usize = 10_000;

/// What a gate lets pass; 0 is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub at_once: u32,
    pub per_second: u32,
}

/// Gates by what they stand before. One whose limits changed is replaced.
#[derive(Debug)]
pub struct Gates<K>(Mutex<HashMap<K, Arc<Gate>>>);

impl<K> Default for Gates<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Gates<K> {
    /// Waits for room, shortly.
    ///
    /// # Errors
    /// After how long to ask again, where there is none soon.
    pub async fn enter(&self, key: K, limits: Limits) -> Result<Pass, Duration> {
        if limits == Limits::default() {
            return Ok(Pass(None));
        }
        self.gate(key, limits).enter().await
    }

    fn gate(&self, key: K, limits: Limits) -> Arc<Gate> {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if gates.len() >= KEPT {
            gates.retain(|_, gate| Arc::strong_count(gate) > 1);
        }
        let gate = gates.entry(key).or_insert_with(|| Arc::new(Gate::new(limits)));
        if gate.limits != limits {
            *gate = Arc::new(Gate::new(limits));
        }
        Arc::clone(gate)
    }
}

#[derive(Debug)]
struct Gate {
    limits: Limits,
    room: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When somebody last left.
    left: Option<Instant>,
    /// How many were sent back since.
    sent_back: u32,
    /// When the next may begin.
    next: Instant,
    /// When the last of those sent back is expected.
    last_back: Instant,
}

/// Room for one delivery, until it is dropped.
#[derive(Debug)]
pub struct Pass(Option<(Arc<Gate>, Option<OwnedSemaphorePermit>)>);

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some((gate, _)) = &self.0 {
            let mut state = gate.state();
            (state.left, state.sent_back) = (Some(Instant::now()), 0);
        }
    }
}

impl Gate {
    fn new(limits: Limits) -> Self {
        let now = Instant::now();
        let room = usize::try_from(limits.at_once).unwrap_or(Semaphore::MAX_PERMITS);
        let state = State { left: None, sent_back: 0, next: now, last_back: now };
        Self { limits, room: Arc::new(Semaphore::new(room)), state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn enter(self: Arc<Self>) -> Result<Pass, Duration> {
        let permit = if self.limits.at_once == 0 { None } else { Some(self.permit().await?) };
        if let Some(at) = self.turn()? {
            sleep_until(at).await;
        }
        Ok(Pass(Some((self, permit))))
    }

    /// Waits in place only where somebody left just now: where all are slow, waiting would cost places for nothing.
    async fn permit(&self) -> Result<OwnedSemaphorePermit, Duration> {
        if let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() {
            return Ok(permit);
        }
        let moving = self.state().left.is_some_and(|left| left.elapsed() < PATIENCE);
        if moving && let Ok(Ok(permit)) = timeout(PATIENCE, Arc::clone(&self.room).acquire_owned()).await {
            return Ok(permit);
        }
        let mut state = self.state();
        state.sent_back += 1;
        Err((BACK + BACK * (state.sent_back / 8)).min(LONGEST_BACK))
    }

    /// When this one may begin; none is at once.
    fn turn(&self) -> Result<Option<Instant>, Duration> {
        if self.limits.per_second == 0 {
            return Ok(None);
        }
        let (now, each) = (Instant::now(), Duration::from_secs(1) / self.limits.per_second);
        let mut state = self.state();
        let at = state.next.max(now);
        if at > now + each.max(Duration::from_millis(100)) {
            state.last_back = state.last_back.max(at) + each;
            return Err(state.last_back - now);
        }
        state.next = at + each;
        Ok(Some(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Limits = Limits { at_once: 2, per_second: 0 };

    #[tokio::test]
    async fn as_many_enter_as_there_is_room_for_and_the_rest_is_sent_back_for_longer_and_longer() {
        let gates = Gates::default();
        let first = gates.enter("a", TWO).await.expect("room");
        let _second = gates.enter("a", TWO).await.expect("room");
        let waits: Vec<Duration> = {
            let mut waits = Vec::new();
            for _ in 0..300 {
                waits.push(gates.enter("a", TWO).await.expect_err("full"));
            }
            waits
        };
        assert_eq!((waits[0], waits[299]), (BACK, LONGEST_BACK));
        assert!(waits.is_sorted(), "{waits:?}");
        assert!(gates.enter("b", TWO).await.is_ok(), "each has its own");
        drop(first);
        assert!(gates.enter("a", TWO).await.is_ok());
    }

    #[tokio::test]
    async fn where_others_leave_quickly_one_waits_in_place() {
        let gates = Arc::new(Gates::default());
        let limits = Limits { at_once: 1, per_second: 0 };
        drop(gates.enter("a", limits).await.expect("room"));
        let held = gates.enter("a", limits).await.expect("room");
        let waiting = tokio::spawn({
            let gates = Arc::clone(&gates);
            async move { gates.enter("a", limits).await.map(drop) }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(held);
        assert_eq!(waiting.await.expect("it ends"), Ok(()));
    }

    #[tokio::test]
    async fn no_second_sees_more_beginnings_than_allowed() {
        let gates = Gates::default();
        let limits = Limits { at_once: 0, per_second: 20 };
        let start = Instant::now();
        let mut begun = 0;
        while start.elapsed() < Duration::from_secs(1) {
            match gates.enter("a", limits).await {
                Ok(_) => begun += 1,
                Err(after) => tokio::time::sleep(after).await,
            }
        }
        assert!((2..=22).contains(&begun), "{begun} in a second at twenty a second");
    }

    #[tokio::test]
    async fn those_who_come_too_early_are_spread_over_the_time_to_come() {
        let gates = Arc::new(Gates::default());
        let limits = Limits { at_once: 0, per_second: 1 };
        let mut tasks = Vec::new();
        for _ in 0..10 {
            let gates = Arc::clone(&gates);
            tasks.push(tokio::spawn(async move { gates.enter("a", limits).await.map(drop) }));
        }
        let mut backs = Vec::new();
        for task in tasks {
            backs.extend(task.await.expect("it ends").err());
        }
        backs.sort();
        assert_eq!(backs.len(), 8, "one begins, one waits: {backs:?}");
        let apart = backs.windows(2).all(|pair| pair[1] - pair[0] > Duration::from_millis(900));
        assert!(apart, "{backs:?}");
    }
}
