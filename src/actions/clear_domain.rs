//! A domain is an account's no more: it was removed, or is held by another account now. What still waits from it ends,
//! in the queue, for its hour, and at the cap. Slice by slice, so that an account with a long queue goes on accepting
//! meanwhile; of a removed domain what is due before its slice ends at its attempt.
//!
//! A domain that only failed its DNS checks keeps its messages: they were accepted while it was verified, are signed
//! with its key, and a name server that is away for an hour must lose nobody's mail.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Utc};

use super::accept_message::end_held;
use super::end_messages::{Ending, end_messages};
use super::error::ActionResult;
use super::tally::Tally;
use crate::domain::ids::Id;
use crate::models::domains::Domain;
use crate::models::messages::{self, Message};
use crate::models::removed_domains::{self, RemovedDomain, Step};
use crate::models::{AnyConnection, accounts, domains, held, queue};

/// What the story of such a message says.
pub const REMOVED: &str = "Cancelled: its domain was removed from the account before it left.";
const PASSED_ON: &str = "Cancelled: another account holds its domain now.";
const LAPSED: &str = "No answer was recorded: the server stopped in between. The message may have arrived.";
/// Messages of one slice.
const SLICE: i64 = 500;

/// How far the clearing of a domain has come.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    domain: RemovedDomain,
    said: &'static str,
    /// What is held comes first: from there messages only go into the queue, never back.
    in_queue: bool,
    after: Option<Step>,
    /// Something was under way: it is looked for again.
    left_some: bool,
}

/// What one slice had.
#[derive(Debug)]
pub struct Slice {
    /// Messages of the domain.
    pub ids: Vec<Id>,
    /// Where to go on; `None` at the end.
    pub next: Option<Place>,
}

/// The domain to clear, if there is one.
///
/// # Errors
/// Only the database's.
pub fn begin(conn: &mut AnyConnection) -> ActionResult<Option<Place>> {
    let Some(domain) = removed_domains::oldest(conn)? else { return Ok(None) };
    let is_there = domains::find_by_id(conn, domain.domain_id)?.is_some_and(|row| row.deleted_at.is_none());
    let said = if is_there { PASSED_ON } else { REMOVED };
    Ok(Some(Place { domain, said, in_queue: false, after: None, left_some: false }))
}

/// Looks at the next slice: a read, so that messages of other domains cost no locks.
///
/// # Errors
/// Only the database's.
pub fn look(conn: &mut AnyConnection, place: Place) -> ActionResult<Slice> {
    let of = if place.in_queue { removed_domains::queued } else { removed_domains::held };
    let steps = of(conn, place.domain.account_id, place.after, SLICE)?;
    let next = match steps.last() {
        Some(last) => Some(Place { after: Some(*last), ..place }),
        None if place.in_queue => None,
        None => Some(Place { in_queue: true, after: None, ..place }),
    };
    let ids: Vec<Id> = steps.iter().map(|step| step.message_id).collect();
    let found = messages::find_many(conn, &ids)?.into_iter();
    let ids = found.filter(|message| message.domain_id == place.domain.domain_id).map(|message| message.id).collect();
    Ok(Slice { ids, next })
}

/// Ends those messages as failed; answers whether something was left alone, because it is under way.
///
/// # Errors
/// Only the database's.
pub fn end(conn: &mut AnyConnection, now: DateTime<Utc>, place: Place, ids: &[Id]) -> ActionResult<bool> {
    let account = place.domain.account_id;
    // No worker takes them and nothing releases them meanwhile: both hold the account's lock too.
    accounts::lock(conn, &[], &[account])?;
    if !place.in_queue {
        end_at_cap(conn, now, place, ids)?;
        return Ok(false);
    }
    let root = accounts::find_any(conn, account)?.map_or(account, |account| account.root_id());
    let taken = queue::take_free(conn, ids, now.naive_utc())?;
    messages::lapse_attempts(conn, &taken, now.naive_utc(), LAPSED)?;
    let mut tally = Tally::default();
    let ending = Ending { classification: "", log: place.said };
    let failed = messages::find_many(conn, &taken)?;
    end_messages(conn, now, &failed, |_| root, ending, &mut tally)?;
    tally.write(conn)?;
    Ok(!queue::find_many(conn, ids)?.is_empty())
}

/// Those still held: they were never counted, so nothing is.
fn end_at_cap(conn: &mut AnyConnection, now: DateTime<Utc>, place: Place, ids: &[Id]) -> ActionResult<()> {
    let still: Vec<Id> = held::find_many(conn, ids)?.into_iter().map(|row| row.message_id).collect();
    for message in messages::find_many(conn, &still)? {
        end_held(conn, now, &message, place.said)?;
    }
    held::remove(conn, &still)?;
    Ok(())
}

/// The end was reached: nothing waits from the domain any more, or what was under way is looked for again after others.
/// Answers whether it is done with.
///
/// # Errors
/// Only the database's.
pub fn done(conn: &mut AnyConnection, now: DateTime<Utc>, place: Place) -> ActionResult<bool> {
    if place.left_some {
        removed_domains::insert(conn, &RemovedDomain { removed_at: now.naive_utc(), ..place.domain })?;
    } else {
        removed_domains::remove(conn, place.domain.domain_id)?;
    }
    Ok(!place.left_some)
}

impl Place {
    /// The same, where something was left alone.
    #[must_use]
    pub fn leaving(self, some: bool) -> Self {
        Self { left_some: self.left_some || some, ..self }
    }
}

/// Notes that `domain` holds its name now: its messages stay, and those of others who had it end.
///
/// # Errors
/// Only the database's.
pub fn pass_on(conn: &mut AnyConnection, now: DateTime<Utc>, domain: &Domain) -> ActionResult<()> {
    removed_domains::remove(conn, domain.id)?;
    for other in domains::waiting_elsewhere(conn, domain.account_id, &domain.name)? {
        let removed_at = now.naive_utc();
        let row = RemovedDomain { domain_id: other.id, account_id: other.account_id, removed_at };
        removed_domains::insert(conn, &row)?;
    }
    Ok(())
}

/// Those of the messages' domains that were removed.
///
/// # Errors
/// Only the database's.
pub fn removed(conn: &mut AnyConnection, messages: &[Message]) -> ActionResult<HashSet<Id>> {
    let ids: BTreeSet<Id> = messages.iter().map(|message| message.domain_id).collect();
    let found = domains::find_many(conn, &ids.into_iter().collect::<Vec<_>>())?;
    Ok(found.into_iter().filter(|domain| domain.deleted_at.is_some()).map(|domain| domain.id).collect())
}
