//! Takes back what a clock that was far ahead put into the queue for its own time: the lease of a node that died, the next
//! look at an account, the next attempt of a message. A time that a sender asked for is left alone.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::claim_deliveries::{LEASE, PARKED};
use super::error::ActionResult;
use crate::domain::clocks::farthest;
use crate::domain::ids::Id;
use crate::domain::retry::LONGEST;
use crate::domain::waiting::State;
use crate::models::AnyConnection;
use crate::models::queue::{self, Lease, Turn};

/// Leases looked at together: more than nodes hold at once, as a rule.
const LEASES: i64 = 2_000;
/// Accounts looked at together.
const ACCOUNTS: i64 = 200;
/// Messages of an account recalled at once.
const MESSAGES: i64 = 100;

/// The leases that end later than any that this node's clock would write. Whose clock is wrong nobody knows, so they are
/// lost only if their holders do not lengthen them ([`end_lost`]).
///
/// # Errors
/// Only the database's.
pub fn leases_from_ahead(conn: &mut AnyConnection, now: DateTime<Utc>) -> ActionResult<Vec<Lease>> {
    Ok(queue::leases_beyond(conn, farthest(now.naive_utc(), LEASE), LEASES)?)
}

/// Ends leases whose holders were not heard of for as long as a lease lasts, and makes workers look at their accounts;
/// answers how many. A holder that was heard of meanwhile keeps its own.
///
/// # Errors
/// Only the database's.
pub fn end_lost(conn: &mut AnyConnection, now: DateTime<Utc>, lost: &[Lease]) -> ActionResult<usize> {
    let accounts: BTreeSet<Id> = lost.iter().map(|lease| lease.account_id).collect();
    queue::wake(conn, &at(accounts, now.naive_utc()))?;
    Ok(queue::end_unchanged(conn, lost, now.naive_utc())?)
}

/// What is to be recalled of some accounts.
#[derive(Debug, Default)]
pub struct Recall {
    /// Accounts that are looked at too late, and when they are to be.
    wake: Vec<(Id, NaiveDateTime)>,
    /// Accounts that nobody serves before others, because they were served in the future.
    served: Vec<Id>,
    /// Messages that are tried too late.
    messages: Vec<Id>,
}

impl Recall {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.wake.is_empty() && self.served.is_empty() && self.messages.is_empty()
    }
}

/// Looks at some accounts, the first or those after `after`: a read. Answers what is to be recalled, and where to go on,
/// which is at the beginning after the last.
///
/// # Errors
/// Only the database's.
pub fn look(conn: &mut AnyConnection, now: DateTime<Utc>, after: Option<Id>) -> ActionResult<(Recall, Option<Id>)> {
    let now = now.naive_utc();
    let turns = queue::turns_after(conn, after, ACCOUNTS)?;
    let next = turns.last().filter(|_| i64::try_from(turns.len()) == Ok(ACCOUNTS)).map(|turn| turn.account_id);

    let is_far = |turn: &&Turn| turn.next_due_at > farthest(now, PARKED);
    let far: Vec<Turn> = turns.iter().filter(is_far).copied().collect();
    let mut wake = queue::looked_at_too_late(conn, &far)?;
    let ahead = |turn: &&Turn| turn.served_at > farthest(now, TimeDelta::zero());
    let served = turns.iter().filter(ahead).map(|turn| turn.account_id).collect();

    let accounts: Vec<Id> = turns.iter().map(|turn| turn.account_id).collect();
    let put_off = queue::put_off_beyond(conn, &accounts, farthest(now, LONGEST), MESSAGES)?;
    wake.extend(at(put_off.iter().map(|row| row.account_id).collect(), now));
    wake.sort();
    wake.dedup_by_key(|(account, _)| *account);
    let messages = put_off.into_iter().map(|row| row.message_id).collect();
    Ok((Recall { wake, served, messages }, next))
}

/// Recalls it.
///
/// # Errors
/// Only the database's.
pub fn recall(conn: &mut AnyConnection, now: DateTime<Utc>, recall: &Recall) -> ActionResult<()> {
    let now = now.naive_utc();
    queue::wake(conn, &recall.wake)?;
    queue::serve_again(conn, &recall.served, now)?;
    for state in [State::Deferred, State::Waiting] {
        queue::hasten(conn, &recall.messages, state, now)?;
    }
    Ok(())
}

fn at(accounts: BTreeSet<Id>, now: NaiveDateTime) -> Vec<(Id, NaiveDateTime)> {
    accounts.into_iter().map(|account| (account, now)).collect()
}
