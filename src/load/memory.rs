//! A node's budget of bytes for what others make it hold: bodies, forms, files, messages, and what is made of them. A share
//! grows as bytes arrive, and never waits: where there is no room it is refused, so that nobody waits for what somebody
//! holds who waits too. It is given back when it is dropped.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::owner::Owner;
use crate::actions::{ActionError, ActionResult};
use crate::models::health::Lack;

/// One owner may have this part of it, or one request alone what there is.
const PART: usize = 4;
/// All strangers together may have this part of it.
const STRANGERS: usize = 2;
/// This part more of it is for those who hold little: what others hold, however slowly they let go of it, keeps nobody from
/// signing in or from sending a short message.
const BESIDE: usize = 8;
/// What is little, in bytes of one owner.
const LITTLE: usize = 16 * 1024;

/// The budget.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    strangers: usize,
    /// Of each that has any.
    owners: HashMap<Owner, usize>,
}

impl Memory {
    #[must_use]
    pub fn new(megabytes: usize) -> Self {
        Self(Arc::new(Inner { most: megabytes.saturating_mul(1024 * 1024), taken: Mutex::default() }))
    }

    /// Nothing yet, to grow.
    #[must_use]
    pub fn share(&self, owner: Owner) -> Share {
        Share { memory: self.clone(), owner, bytes: 0 }
    }

    /// How many bytes are free.
    #[must_use]
    pub fn left(&self) -> usize {
        self.0.most.saturating_sub(self.0.taken.lock().all)
    }
}

/// What one request holds.
#[derive(Debug)]
pub struct Share {
    memory: Memory,
    owner: Owner,
    bytes: usize,
}

impl Share {
    /// Another of the same owner, of nothing yet.
    #[must_use]
    pub fn beside(&self) -> Self {
        self.memory.share(self.owner)
    }

    /// Takes as much as is missing to `bytes`; all or nothing.
    ///
    /// # Errors
    /// `Unavailable` where there is no room, for all or for this owner.
    pub fn reach(&mut self, bytes: usize) -> ActionResult<()> {
        let more = bytes.saturating_sub(self.bytes);
        if more == 0 {
            return Ok(());
        }
        let (most, mut taken) = (self.memory.0.most, self.memory.0.taken.lock());
        let (all, strangers) = (taken.all.saturating_add(more), taken.strangers.saturating_add(more));
        let own = taken.owners.get(&self.owner).copied().unwrap_or(0);
        let is_alone = own == self.bytes;
        let own = own.saturating_add(more);
        let beside = if own <= LITTLE { most / BESIDE } else { 0 };
        let fits = all <= most + beside
            && (is_alone || own <= most / PART)
            && (!self.owner.is_stranger() || strangers <= most / STRANGERS + beside);
        if !fits {
            return Err(ActionError::Unavailable(Lack::Memory));
        }
        taken.all = all;
        if self.owner.is_stranger() {
            taken.strangers = strangers;
        }
        *taken.owners.entry(self.owner).or_default() += more;
        self.bytes = bytes;
        Ok(())
    }

    /// Takes `more`.
    ///
    /// # Errors
    /// As [`Share::reach`].
    pub fn grow(&mut self, more: usize) -> ActionResult<()> {
        self.reach(self.bytes.saturating_add(more))
    }

    /// Takes room for `more` bytes at the end of `text`, of which it holds all that it can: twice as much each time, and
    /// no more than `limit`, so that what a text takes is known before it is taken.
    ///
    /// # Errors
    /// As [`Share::reach`].
    pub fn reserve(&mut self, text: &mut Vec<u8>, more: usize, limit: usize) -> ActionResult<()> {
        let needed = text.len().saturating_add(more);
        if needed <= text.capacity() {
            return Ok(());
        }
        let wanted = needed.max((text.capacity() * 2).min(limit));
        self.grow(wanted - text.capacity())?;
        text.reserve_exact(wanted - text.len());
        Ok(())
    }

    /// Gives all of it back.
    pub fn clear(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut taken = self.memory.0.taken.lock();
        taken.all -= self.bytes;
        if self.owner.is_stranger() {
            taken.strangers -= self.bytes;
        }
        if let Some(own) = taken.owners.get_mut(&self.owner) {
            *own -= self.bytes;
            if *own == 0 {
                taken.owners.remove(&self.owner);
            }
        }
        self.bytes = 0;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Id;

    const MB: usize = 1024 * 1024;

    fn account() -> Owner {
        Owner::Account(Id::new(chrono::DateTime::UNIX_EPOCH))
    }

    fn strangers(last: u8) -> Owner {
        Owner::stranger([192, 0, 2, last].into())
    }

    #[test]
    fn one_request_may_have_all_but_several_of_one_owner_a_quarter_together() {
        let (memory, owner) = (Memory::new(8), account());
        let mut alone = memory.share(owner);
        alone.reach(8 * MB).expect("it is alone");
        alone.grow(1).expect_err("there is no more");
        memory.share(account()).reach(LITTLE + 1).expect_err("for nobody who wants more than a little");
        drop(alone);
        let (mut one, mut two) = (memory.share(owner), memory.share(owner));
        one.reach(MB).expect("room");
        two.reach(MB).expect("a quarter together");
        two.grow(1).expect_err("more than a quarter");
        one.grow(1).expect_err("whichever asks");
        memory.share(account()).reach(6 * MB).expect("another's is not touched");
        drop((one, two));
        assert_eq!((memory.left(), memory.0.taken.lock().owners.len()), (8 * MB, 0), "nothing is left behind");
    }

    #[test]
    fn strangers_together_leave_half_to_those_we_know() {
        let memory = Memory::new(8);
        let mut all: Vec<Share> = (0..4).map(|last| memory.share(strangers(last))).collect();
        all.iter_mut().for_each(|share| share.reach(MB).expect("half together"));
        memory.share(strangers(9)).reach(LITTLE + 1).expect_err("more than half");
        memory.share(account()).reach(4 * MB).expect("the other half");
        all[0].clear();
        memory.share(strangers(9)).reach(MB).expect("given back");
    }

    #[test]
    fn whoever_holds_little_finds_room_though_others_hold_all_of_it() {
        let memory = Memory::new(8);
        let mut all: Vec<Share> = (0..8).map(|_| memory.share(account())).collect();
        all.iter_mut().for_each(|share| share.reach(MB).expect("an eighth each"));
        let many = 8 * MB / BESIDE / LITTLE;
        let mut little: Vec<Share> = (0..many).map(|_| memory.share(account())).collect();
        little.iter_mut().for_each(|share| share.reach(LITTLE).expect("a little"));
        memory.share(account()).reach(1).expect_err("that has an end, too");
        little[0].grow(1).expect_err("more than a little");
        all[0].grow(1).expect_err("nor for who has much");
        little.clear();
        memory.share(strangers(1)).reach(LITTLE).expect("for strangers as well");
    }

    #[test]
    fn a_text_that_grows_is_counted_by_what_it_takes() {
        let memory = Memory::new(1);
        let (mut share, mut text) = (memory.share(account()), Vec::new());
        for _ in 0..1000 {
            share.reserve(&mut text, 100, 200_000).expect("room");
            text.extend_from_slice(&[b'x'; 100]);
        }
        assert!(text.capacity() < 200_000 && share.bytes >= text.capacity(), "{} {}", share.bytes, text.capacity());
        share.reserve(&mut text, 2 * MB, 4 * MB).expect_err("more than there is");
        assert_eq!(text.len(), 100_000, "and what is there is whole");
    }
}
