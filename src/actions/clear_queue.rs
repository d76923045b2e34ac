//! What is cleared from a queue: the mail of a domain that is an account's no more (it was removed, or is held by another
//! account now), and all that an account had when it was deleted. The deed itself only notes it; what waits in the queue,
//! for its hour, and at the cap then ends slice by slice, so that nobody else waits for a long queue. Until its slice
//! comes, nothing of it leaves: what is due ends where it is claimed, released or attempted.
//!
//! A domain that only failed its DNS checks keeps its messages: they were accepted while it was verified, are signed
//! with its key, and a name server that is away for an hour must lose nobody's mail.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use serde_json::json;

use super::audit::{self, Record};
use super::end_messages::{Ending, end_messages, end_uncounted};
use super::error::ActionResult;
use super::tally::Tally;
use super::{Cx, end_keys};
use crate::domain::ids::Id;
use crate::models::clearings::{self, Clearing, Step};
use crate::models::messages::{self, Message};
use crate::models::{AnyConnection, accounts, domains, held, queue};

/// What the story of such a message says.
pub const REMOVED: &str = "Cancelled: its domain was removed from the account before it left.";
/// The same of one whose account was deleted.
pub const DELETED: &str = "Cancelled: the account was deleted.";
const PASSED_ON: &str = "Cancelled: another account holds its domain now.";
const LAPSED: &str = "No answer was recorded: the server stopped in between. The message may have arrived.";

/// Where messages wait. What is held comes first: from there messages only go into the queue, never back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Held,
    Queue,
}

/// How far a clearing has come.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    clearing: Clearing,
    said: &'static str,
    part: Part,
    after: Option<Step>,
    /// Something was under way: it is looked for again.
    left_some: bool,
}

/// What one slice had.
#[derive(Debug)]
pub struct Slice {
    /// Messages that are to end.
    pub ids: Vec<Id>,
    /// Where the messages are.
    pub here: Place,
    /// Where to go on; `None` at the end.
    pub next: Option<Place>,
}

/// The clearing that is to go on, if there is one.
///
/// # Errors
/// Only the database's.
pub fn begin(conn: &mut AnyConnection) -> ActionResult<Option<Place>> {
    let Some(clearing) = clearings::oldest(conn)? else { return Ok(None) };
    let said = match clearing.domain_id {
        None => DELETED,
        Some(id) if domains::find_by_id(conn, id)?.is_some_and(|row| row.deleted_at.is_none()) => PASSED_ON,
        Some(_) => REMOVED,
    };
    Ok(Some(Place { clearing, said, part: Part::Held, after: None, left_some: false }))
}

/// Looks at the next slice of up to `rows`: a read, so that other messages cost no locks.
///
/// # Errors
/// Only the database's.
pub fn look(conn: &mut AnyConnection, place: Place, rows: i64) -> ActionResult<Slice> {
    let of = if place.part == Part::Held { clearings::held } else { clearings::queued };
    let steps = of(conn, place.clearing.account_id, place.after, rows)?;
    let Some(last) = steps.last() else {
        return match place.part {
            Part::Held => look(conn, Place { part: Part::Queue, after: None, ..place }, rows),
            Part::Queue => Ok(Slice { ids: Vec::new(), here: place, next: None }),
        };
    };
    let next = Some(Place { after: Some(*last), ..place });
    let through = place.clearing.through_id;
    let ids = steps.iter().map(|step| step.message_id);
    let mut ids: Vec<Id> = ids.filter(|id| through.is_none_or(|through| *id <= through)).collect();
    if let Some(domain) = place.clearing.domain_id {
        let of_domain = |message: &Message| message.domain_id == domain;
        ids = messages::find_many(conn, &ids)?.into_iter().filter(of_domain).map(|message| message.id).collect();
    }
    Ok(Slice { ids, here: place, next })
}

/// Ends those messages as failed; answers whether something was left alone, because it is under way.
///
/// # Errors
/// Only the database's.
pub fn end(conn: &mut AnyConnection, now: DateTime<Utc>, place: Place, ids: &[Id]) -> ActionResult<bool> {
    let account = place.clearing.account_id;
    // No worker takes them and nothing releases them meanwhile: both hold the account's lock too.
    accounts::lock(conn, &[], &[account])?;
    if clearings::find(conn, place.clearing.id)?.is_none() {
        // The name is the account's again.
        return Ok(false);
    }
    let ended = match place.part {
        Part::Held => end_at_cap(conn, now, place, ids)?,
        Part::Queue => end_queued(conn, now, place, ids)?,
    };
    clearings::add(conn, place.clearing.id, ended)?;
    Ok(place.part == Part::Queue && ended < ids.len() && !queue::find_many(conn, ids)?.is_empty())
}

/// Those still held: they were never counted, so nothing is.
fn end_at_cap(conn: &mut AnyConnection, now: DateTime<Utc>, place: Place, ids: &[Id]) -> ActionResult<usize> {
    let still: Vec<Id> = held::find_many(conn, ids)?.into_iter().map(|row| row.message_id).collect();
    held::remove(conn, &still)?;
    let ended = messages::find_many(conn, &still)?;
    end_uncounted(conn, now, &ended, Ending { classification: "", log: place.said })?;
    Ok(ended.len())
}

/// Those in the queue that no worker has.
fn end_queued(conn: &mut AnyConnection, now: DateTime<Utc>, place: Place, ids: &[Id]) -> ActionResult<usize> {
    let account = place.clearing.account_id;
    let root = accounts::find_any(conn, account)?.map_or(account, |account| account.root_id());
    let taken = queue::take_free(conn, ids, now.naive_utc())?;
    messages::lapse_attempts(conn, &taken, now.naive_utc(), LAPSED)?;
    let mut tally = Tally::default();
    let failed = messages::find_many(conn, &taken)?;
    end_messages(conn, now, &failed, |_| root, Ending { classification: "", log: place.said }, &mut tally)?;
    tally.write(conn)?;
    Ok(failed.len())
}

/// The end was reached: nothing waits any more of what was to end, or what was under way is looked for again after
/// others. Answers whether it is done with.
///
/// # Errors
/// Only the database's.
pub fn done(conn: &mut AnyConnection, cx: &Cx, place: Place) -> ActionResult<bool> {
    let account = place.clearing.account_id;
    accounts::lock(conn, &[], &[account])?;
    let Some(row) = clearings::find(conn, place.clearing.id)? else { return Ok(true) };
    let (changed, keys_left) = (row.through_id != place.clearing.through_id, keys_left(conn, cx, &row, place)?);
    // Who hurried a message meanwhile may have put it where was looked already.
    let some_left = row.through_id.map_or(Ok(place.left_some), |through| queue::has_until(conn, account, through))?;
    if changed || keys_left || some_left {
        clearings::put_off(conn, row.id, cx.at())?;
        return Ok(false);
    }
    clearings::remove(conn, row.id)?;
    if row.domain_id.is_none()
        && let Some(account) = accounts::find_any(conn, account)?
    {
        let after = Some(json!({ "messages": row.cleared }));
        let record = Record { action: "sub_account.cleared", target: account.name.clone(), before: None, after };
        audit::record(conn, cx, &account, record)?;
    }
    Ok(true)
}

/// Whether there may be keys left that end with the account, or name the domain, once some more were seen to.
fn keys_left(conn: &mut AnyConnection, cx: &Cx, row: &Clearing, place: Place) -> ActionResult<bool> {
    match row.domain_id {
        None => end_keys::go_on(conn, cx, row.account_id),
        Some(domain) if place.said == REMOVED => Ok(end_keys::forget_domain(conn, domain)? != (0, 0)),
        Some(_) => Ok(false),
    }
}

impl Place {
    /// The same, where something was left alone.
    #[must_use]
    pub fn leaving(self, some: bool) -> Self {
        Self { left_some: self.left_some || some, ..self }
    }
}

/// Notes that all ends which waits of an account by now; its lock is held, so that nothing is accepted meanwhile.
///
/// # Errors
/// Only the database's.
pub fn note_deletion(conn: &mut AnyConnection, cx: &Cx, account: Id) -> ActionResult<()> {
    let newest = queue::newest(conn, account)?.max(held::newest(conn, account)?);
    // Where nothing waits no message is that old.
    let through = newest.unwrap_or_else(|| Id::first_at(cx.now));
    Ok(clearings::note(conn, &Clearing::of_account(account, through, cx.at()))?)
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
