//! What waits for the committer: a queue for each account, served in turn, so that nobody waits behind all that another
//! account sends. How much may wait is bounded, in requests and in bytes, for all and for each account.

use std::collections::{HashMap, VecDeque};

use crate::domain::ids::Id;

/// At most this many requests in one transaction; measured where the gain flattens.
const GROUP: usize = 512;
/// A transaction ends at this many recipients too: each is a row or more, and whoever comes next waits for all of them.
const RECIPIENTS: usize = 2_000;
/// One account may have this part of the line.
const PART: usize = 4;

/// How much may wait to be committed: what comes beyond is told at once to come again, so that memory stays bounded.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub requests: usize,
    pub megabytes: usize,
}

impl Line {
    fn kilobytes(self) -> usize {
        self.megabytes.max(1) * 1024
    }
}

/// Something that waits: whose it is, and how much.
pub trait Waits {
    fn account(&self) -> Id;
    /// Of memory, until it is answered.
    fn kilobytes(&self) -> usize;
    fn recipients(&self) -> usize;
}

/// What one account has here.
struct Queue<T> {
    waiting: VecDeque<T>,
    /// Of what waits and of what is being committed.
    kilobytes: usize,
}

/// The queues.
pub struct Queues<T> {
    most: Line,
    accounts: HashMap<Id, Queue<T>>,
    /// Accounts that have something waiting, whose turn it is first.
    turns: VecDeque<Id>,
    requests: usize,
    kilobytes: usize,
}

impl<T: Waits> Queues<T> {
    pub fn new(most: Line) -> Self {
        Self { most, accounts: HashMap::new(), turns: VecDeque::new(), requests: 0, kilobytes: 0 }
    }

    /// How many requests wait, and how many may.
    pub fn waiting(&self) -> (usize, usize) {
        (self.requests, self.most.requests.max(1))
    }

    /// How many kilobytes more may wait.
    pub fn kilobytes_left(&self) -> usize {
        self.most.kilobytes().saturating_sub(self.kilobytes)
    }

    /// Puts it at the end of its account's queue; gives it back where there is no room.
    pub fn push(&mut self, one: T) -> Result<(), T> {
        if !self.has_room(&one) {
            return Err(one);
        }
        let weight = self.weight(&one);
        let queue =
            self.accounts.entry(one.account()).or_insert_with(|| Queue { waiting: VecDeque::new(), kilobytes: 0 });
        if queue.waiting.is_empty() {
            self.turns.push_back(one.account());
        }
        queue.kilobytes += weight;
        queue.waiting.push_back(one);
        self.requests += 1;
        self.kilobytes += weight;
        Ok(())
    }

    /// One that is larger than all the room there is may come when it is alone, for all and for its account.
    fn has_room(&self, one: &T) -> bool {
        let (requests, weight) = (self.most.requests.max(1), self.weight(one));
        if self.requests >= requests || self.kilobytes + weight > self.most.kilobytes() {
            return false;
        }
        let Some(own) = self.accounts.get(&one.account()) else { return true };
        let fits = own.kilobytes == 0 || own.kilobytes + weight <= self.most.kilobytes() / PART;
        own.waiting.len() < (requests / PART).max(1) && fits
    }

    fn weight(&self, one: &T) -> usize {
        one.kilobytes().min(self.most.kilobytes())
    }

    /// The next transaction's: one of each account in turn.
    pub fn group(&mut self) -> Vec<T> {
        let (mut group, mut recipients) = (Vec::new(), 0);
        while group.len() < GROUP {
            let Some(account) = self.turns.front().copied() else { break };
            let Some(queue) = self.accounts.get_mut(&account) else { break };
            let more = queue.waiting.front().map_or(0, Waits::recipients);
            if !group.is_empty() && recipients + more > RECIPIENTS {
                break;
            }
            recipients += more;
            group.extend(queue.waiting.pop_front());
            self.turns.pop_front();
            if !queue.waiting.is_empty() {
                self.turns.push_back(account);
            }
        }
        self.requests -= group.len();
        group
    }

    /// What was taken by [`Queues::group`] is about to be answered: its room is free.
    pub fn answered(&mut self, account: Id, kilobytes: usize) {
        let weight = kilobytes.min(self.most.kilobytes());
        self.kilobytes -= weight;
        if let Some(queue) = self.accounts.get_mut(&account) {
            queue.kilobytes -= weight;
            if queue.kilobytes == 0 && queue.waiting.is_empty() {
                self.accounts.remove(&account);
            }
        }
    }

    /// Drops all that waits.
    pub fn clear(&mut self) {
        *self = Self::new(self.most);
    }
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
