//! Messages that were claimed and wait for a place: taken in their order, but for those of accounts that have their share
//! of the places already.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::actions::claim_deliveries::Claimed;
use crate::domain::ids::Id;

/// Nobody waits here longer: then another node may have it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Boxed, because they are moved about.
#[derive(Debug, Default)]
pub struct Ahead(VecDeque<(Instant, Box<Claimed>)>);

impl Ahead {
    pub fn push(&mut self, claimed: Vec<Claimed>, at: Instant) {
        self.0.extend(claimed.into_iter().map(|one| (at, Box::new(one))));
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many more may be claimed, where `free` places wait for somebody and `allowed` may wait for a place. Whoever waits
    /// while places are free belongs to an account with its share: that takes nothing from others.
    pub fn room(&self, free: usize, allowed: usize) -> usize {
        (free + allowed).saturating_sub(self.len()).max(free)
    }

    /// Takes up to `most`, and of each account as many as `per_account` leaves beside what it has in `busy`.
    pub fn take(&mut self, most: usize, per_account: usize, mut busy: HashMap<Id, usize>) -> Vec<Claimed> {
        let (mut taken, mut passed_over) = (Vec::new(), Vec::new());
        while taken.len() < most {
            let Some((since, one)) = self.0.pop_front() else { break };
            let places = busy.entry(one.message.account_id).or_default();
            if *places < per_account {
                *places += 1;
                taken.push(*one);
            } else {
                passed_over.push((since, one));
            }
        }
        for one in passed_over.into_iter().rev() {
            self.0.push_front(one);
        }
        taken
    }

    /// Takes those that waited too long.
    pub fn take_stale(&mut self, at: Instant) -> Vec<Claimed> {
        let stale = self.0.iter().take_while(|(since, _)| at.saturating_duration_since(*since) >= PATIENCE).count();
        self.0.drain(..stale).map(|(_, one)| *one).collect()
    }

    /// Takes all of them.
    pub fn take_all(&mut self) -> Vec<Claimed> {
        self.0.drain(..).map(|(_, one)| *one).collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Claimed> {
        self.0.iter().map(|(_, one)| one.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::messages::{Attempt, Message};

    /// A claimed message of `account`.
    fn of(account: Id) -> Claimed {
        let now = chrono::DateTime::UNIX_EPOCH;
        let message = Message { account_id: account, ..Message::sample(Id::new(now), now.naive_utc()) };
        let attempt = Attempt::started(&message, 1, now);
        Claimed { message, attempt, owner: Id::new(now), parent: account }
    }

    fn ids(claimed: &[Claimed]) -> Vec<Id> {
        claimed.iter().map(|one| one.message.id).collect()
    }

    #[test]
    fn an_account_with_its_share_of_places_is_passed_over_and_keeps_its_turn() {
        let (slow, swift) = (Id::new(chrono::DateTime::UNIX_EPOCH), Id::new(chrono::DateTime::UNIX_EPOCH));
        let claimed = vec![of(slow), of(slow), of(slow), of(swift), of(slow)];
        let all = ids(&claimed);
        let mut ahead = Ahead::default();
        ahead.push(claimed, Instant::now());
        let busy = HashMap::from([(slow, 11)]);
        assert_eq!(ids(&ahead.take(4, 12, busy)), [all[0], all[3]], "one place more for the slow one");
        assert_eq!(ids(&ahead.take(4, 12, HashMap::new())), [all[1], all[2], all[4]], "in their order");
        assert!(ahead.is_empty());
    }

    #[test]
    fn what_waits_ahead_of_an_account_with_its_share_takes_no_room_from_the_places_that_are_free() {
        let slow = Id::new(chrono::DateTime::UNIX_EPOCH);
        let mut ahead = Ahead::default();
        assert_eq!(ahead.room(16, 40), 56);
        ahead.push((0..60).map(|_| of(slow)).collect(), Instant::now());
        // Twelve of sixteen places are the slow one's, and its sixty wait for them: whoever comes has the other four.
        assert_eq!(ahead.take(4, 12, HashMap::from([(slow, 12)])).len(), 0);
        assert_eq!(ahead.room(4, 0), 4);
        assert_eq!(ahead.room(4, 60), 4, "sixty were allowed, and are there");
        assert_eq!(ahead.room(0, 0), 0, "no place, no room");
    }

    #[test]
    fn who_waited_too_long_is_given_back() {
        let (mut ahead, begun) = (Ahead::default(), Instant::now());
        let (old, new) = (of(Id::new(chrono::DateTime::UNIX_EPOCH)), of(Id::new(chrono::DateTime::UNIX_EPOCH)));
        let first = old.message.id;
        ahead.push(vec![old], begun);
        ahead.push(vec![new], begun + PATIENCE / 2);
        assert!(ahead.take_stale(begun + PATIENCE / 2).is_empty());
        assert_eq!(ids(&ahead.take_stale(begun + PATIENCE)), [first]);
        assert_eq!(ahead.len(), 1);
    }
}
