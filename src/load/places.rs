//! Places for work that takes long, so many at once and so many of one owner. Whoever finds none waits, for a while and in
//! turn: one of each owner after the other, so that nobody waits behind all that another asks for.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::owner::Owner;
use crate::actions::{ActionError, ActionResult};
use crate::models::health::Lack;

/// How many.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub at_once: usize,
    /// Of one owner.
    pub each: usize,
    /// Who may wait, in all.
    pub waiting: usize,
    pub patience: Duration,
}

/// The places of one kind of work.
#[derive(Clone, Debug)]
pub struct Places(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bounds: Bounds,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    inside: usize,
    waiting: usize,
    owners: HashMap<Owner, Own>,
    /// Owners of whom somebody waits, whose turn it is first.
    turns: VecDeque<Owner>,
}

#[derive(Debug, Default)]
struct Own {
    inside: usize,
    waiting: VecDeque<oneshot::Sender<Place>>,
}

/// One that is taken; free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    of: Arc<Inner>,
    owner: Owner,
}

impl Places {
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self(Arc::new(Inner { bounds, state: Mutex::default() }))
    }

    /// How many are taken, and how many wait.
    #[must_use]
    pub fn taken(&self) -> (usize, usize) {
        let mut state = self.0.state.lock();
        state.forget();
        (state.inside, state.waiting)
    }

    /// Waits for a place.
    ///
    /// # Errors
    /// `Unavailable` where too many wait, or for too long.
    pub async fn enter(&self, owner: Owner) -> ActionResult<Place> {
        let busy = ActionError::Unavailable(Lack::Places);
        let (sender, turn) = oneshot::channel();
        {
            let mut state = self.0.state.lock();
            if state.may_enter(owner, &self.0.bounds) {
                state.inside += 1;
                state.owners.entry(owner).or_default().inside += 1;
                return Ok(Place { of: Arc::clone(&self.0), owner });
            }
            if !state.wait(owner, sender, self.0.bounds.waiting) {
                return Err(busy);
            }
        }
        match timeout(self.0.bounds.patience, turn).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(busy),
        }
    }
}

impl State {
    /// Whether there is a place for `owner` now. Where one is free, whoever waits has all that an owner may have.
    fn may_enter(&self, owner: Owner, bounds: &Bounds) -> bool {
        let own = self.owners.get(&owner);
        self.inside < bounds.at_once && own.is_none_or(|own| own.inside < bounds.each && own.waiting.is_empty())
    }

    /// Lets somebody wait, behind their own; false where too many do. Room is made by whoever has most waiting, unless
    /// that is `owner`.
    fn wait(&mut self, owner: Owner, sender: oneshot::Sender<Place>, most: usize) -> bool {
        if self.waiting >= most {
            self.forget();
        }
        if self.waiting >= most {
            let own = self.owners.get(&owner).map_or(0, |own| own.waiting.len());
            let longest = self.owners.values_mut().max_by_key(|own| own.waiting.len());
            match longest.filter(|longest| longest.waiting.len() > own + 1) {
                Some(longest) => drop(longest.waiting.pop_back()),
                None => return false,
            }
            self.waiting -= 1;
        }
        let own = self.owners.entry(owner).or_default();
        if own.waiting.is_empty() {
            self.turns.push_back(owner);
        }
        own.waiting.push_back(sender);
        self.waiting += 1;
        true
    }

    /// Drops those that wait no more.
    fn forget(&mut self) {
        for own in self.owners.values_mut() {
            own.waiting.retain(|sender| !sender.is_closed());
        }
        self.owners.retain(|_, own| own.inside > 0 || !own.waiting.is_empty());
        let owners = &self.owners;
        self.turns.retain(|owner| owners.get(owner).is_some_and(|own| !own.waiting.is_empty()));
        self.waiting = owners.values().map(|own| own.waiting.len()).sum();
    }

    /// Who is next.
    fn next(&mut self, bounds: &Bounds) -> Option<(Owner, oneshot::Sender<Place>)> {
        if self.inside >= bounds.at_once {
            return None;
        }
        for _ in 0..self.turns.len() {
            let owner = self.turns.pop_front()?;
            let Some(own) = self.owners.get_mut(&owner) else { continue };
            if own.inside >= bounds.each {
                self.turns.push_back(owner);
                continue;
            }
            let mut next = None;
            while let Some(sender) = own.waiting.pop_front() {
                self.waiting -= 1;
                if !sender.is_closed() {
                    next = Some(sender);
                    break;
                }
            }
            if !own.waiting.is_empty() {
                self.turns.push_back(owner);
            }
            if let Some(sender) = next {
                own.inside += 1;
                self.inside += 1;
                return Some((owner, sender));
            }
            if own.inside == 0 && own.waiting.is_empty() {
                self.owners.remove(&owner);
            }
        }
        None
    }

    fn leave(&mut self, owner: Owner) {
        self.inside -= 1;
        if let Some(own) = self.owners.get_mut(&owner) {
            own.inside -= 1;
            if own.inside == 0 && own.waiting.is_empty() {
                self.owners.remove(&owner);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let next = {
            let mut state = self.of.state.lock();
            state.leave(self.owner);
            state.next(&self.of.bounds)
        };
        if let Some((owner, sender)) = next {
            // Who went away at this very moment gives it back.
            drop(sender.send(Self { of: Arc::clone(&self.of), owner }));
        }
    }
}

#[cfg(test)]
#[path = "places_tests.rs"]
mod tests;
