//! Messages held at the cap go on once there is room, the oldest first; those whose time is over are given up.

use chrono::{DateTime, NaiveDateTime, Utc};

use super::bounds::hour_of;
use super::group::{self, Group, Sender};
use super::ledger::Ledger;
use super::rows::LIFETIME;
use crate::actions::claim_deliveries::{SUPPRESSED, suppressed};
use crate::actions::clear_queue::{DELETED, REMOVED, removed};
use crate::actions::end_messages::{Ending, end_uncounted};
use crate::actions::ensure_period::running;
use crate::actions::error::ActionResult;
use crate::actions::services::Services;
use crate::domain::ids::Id;
use crate::domain::message::status::MessageStatus;
use crate::domain::period::{local_day, parse_time_zone};
use crate::domain::waiting::State;
use crate::models::counters::Delta;
use crate::models::held::{self, Held};
use crate::models::messages::{self, Event, Message, Release};
use crate::models::queue::{self, Queued};
use crate::models::{AnyConnection, accounts, clearings, counters, limits, suspensions};

const GIVEN_UP: &str = "Given up: it was held at the cap for as long as the account keeps such messages.";
const RELEASED: &str = "Released: there is room under the cap again.";

/// Whether something of an account's held messages can move: a read without locks, so that waiting costs no writes.
///
/// # Errors
/// Only the database's.
pub fn has_room(conn: &mut AnyConnection, now: DateTime<Utc>, account: Id) -> ActionResult<bool> {
    if !held::expired(conn, account, now.naive_utc(), 1)?.is_empty() {
        return Ok(true);
    }
    let Some(account) = accounts::find(conn, account)? else { return Ok(false) };
    let root = account.root_id();
    if !suspensions::held(conn, &[account.id, root], now.naive_utc())?.is_empty() {
        return Ok(false);
    }
    // Without a period the first message of the new one has yet to come: there is room for it.
    let Some(period) = running(conn, root, now)? else { return Ok(true) };
    let rows = limits::find_many(conn, &[account.id, root])?;
    let row = |id: Id| rows.iter().find(|row| row.account_id == id);
    let used = counters::used(conn, account.id, period.id)?;
    let bounds = super::bounds::Bounds::read(conn, now, &account, &period, row(account.id), used)?;
    let cap = row(root).map_or(0, |row| period.part().cap(row.pool));
    let used = if cap > 0 { limits::pool_used(conn, root, period.id)? } else { 0 };
    Ok(bounds.room(super::bounds::PoolUse { cap, used }, 1).messages > 0)
}

/// Releases up to `limit` held messages of an account, as far as there is room; answers how many moved, those given
/// up included.
///
/// # Errors
/// Only the database's.
pub fn release_held(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    services: &Services,
    account: Id,
    limit: i64,
) -> ActionResult<usize> {
    let mut group = group::lock(conn, now, services, &[account])?;
    let expired = held::expired(conn, account, now.naive_utc(), limit)?;
    let given_up = give_up(conn, now, &expired)?;
    if given_up > 0 {
        // The time of others may be over too, and they come first.
        return Ok(given_up);
    }
    let Group { senders, pools } = &mut group;
    let Some(sender) = senders.get_mut(&account).filter(|sender| !sender.held && !sender.parent_held) else {
        return Ok(0);
    };
    let root = sender.account.root_id();
    let room = sender.bounds.room(pools.of(root), limit).messages;
    let rows = held::oldest(conn, account, room)?;
    let mut ledger = Ledger::default();
    let went = go_on(conn, now, sender, &rows, &mut ledger)?;
    let released = count_of(&went, |_| true);
    note_hour(conn, now, account, &went)?;
    sender.bounds.grant(released);
    pools.grant(root, released);
    group::finish(conn, now, services, &group, &ledger)?;
    Ok(rows.len())
}

/// Keeps how many of an hour's releases were accepted before it.
fn note_hour(conn: &mut AnyConnection, now: DateTime<Utc>, account: Id, went: &[NaiveDateTime]) -> ActionResult<()> {
    let hour = hour_of(now);
    let start = DateTime::from_timestamp(hour * 3600, 0).unwrap_or(now).naive_utc();
    let older = count_of(went, |accepted| *accepted < start);
    if older > 0 {
        limits::add_released(conn, account, hour, older)?;
    }
    Ok(())
}

fn count_of(went: &[NaiveDateTime], wanted: impl Fn(&NaiveDateTime) -> bool) -> i64 {
    i64::try_from(went.iter().filter(|at| wanted(at)).count()).unwrap_or(i64::MAX)
}

/// Queues what has room, counts it in the period of its release, and writes it into its story; answers when each was
/// accepted. What is not to be sent any more ends.
fn go_on(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    sender: &Sender,
    rows: &[Held],
    ledger: &mut Ledger,
) -> ActionResult<Vec<NaiveDateTime>> {
    let ids: Vec<Id> = rows.iter().map(|row| row.message_id).collect();
    if let Some(due) = rows.iter().map(|row| row.due_at.max(now.naive_utc())).min() {
        queue::wake(conn, &[(sender.account.id, due)])?;
    }
    held::remove(conn, &ids)?;
    let messages = messages::find_many(conn, &ids)?;
    let messages = live(conn, now, sender, messages)?;
    let (mut queued, mut events, mut went) = (Vec::new(), Vec::new(), Vec::new());
    for message in messages {
        let Some(row) = rows.iter().find(|row| row.message_id == message.id) else { continue };
        let (place, status) = place(row, &message, now);
        release(conn, now, sender, &place, status)?;
        queued.push(place);
        events.push(event(now, &message, status, RELEASED));
        went.push(message.created_at);
        let tags: Vec<String> = serde_json::from_str(&message.tags).unwrap_or_default();
        ledger.add(sender, &tags, message.domain_id, Delta { accepted: 1, ..Delta::default() }, now);
    }
    queue::insert(conn, &queued)?;
    messages::insert_events(conn, &events)?;
    Ok(went)
}

/// Those that still are to be sent. Who came onto the suppression list in the meantime is not written to, and nothing goes
/// on from a domain that was removed, or of what waited when its account was deleted.
fn live(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    sender: &Sender,
    messages: Vec<Message>,
) -> ActionResult<Vec<Message>> {
    let account = sender.account.id;
    let through = clearings::find(conn, account)?.and_then(|clearing| clearing.through_id);
    let (suppressed, removed) = (suppressed(conn, &messages, now.naive_utc())?, removed(conn, &messages)?);
    let why = |message: &Message| match message {
        message if through.is_some_and(|through| message.id <= through) => Some(DELETED),
        message if suppressed.contains(&message.id) => Some(SUPPRESSED),
        message if removed.contains(&message.domain_id) => Some(REMOVED),
        _ => None,
    };
    let (over, live): (Vec<_>, Vec<_>) = messages.into_iter().partition(|message| why(message).is_some());
    for log in [DELETED, SUPPRESSED, REMOVED] {
        let of_log: Vec<Message> = over.iter().filter(|message| why(message) == Some(log)).cloned().collect();
        end_uncounted(conn, now, &of_log, Ending { classification: "", log })?;
        if log == DELETED && !of_log.is_empty() {
            clearings::add(conn, account, of_log.len())?;
        }
    }
    Ok(live)
}

/// Its place in the queue, and what it is from now on.
fn place(row: &Held, message: &Message, now: DateTime<Utc>) -> (Queued, MessageStatus) {
    let at = now.naive_utc();
    let scheduled = row.due_at > at;
    let due_at = row.due_at.max(at);
    // What its sender asked for stays; else it has as long as any other from now on.
    let asked = message.expires_at != row.due_at + LIFETIME;
    let place = Queued {
        message_id: message.id,
        account_id: message.account_id,
        due_at,
        attempts: 0,
        expires_at: if asked { message.expires_at } else { due_at + LIFETIME },
        parent_id: row.parent_id,
        destination: row.destination.clone(),
        state: (if scheduled { State::Scheduled } else { State::Waiting }).as_str().to_owned(),
    };
    (place, if scheduled { MessageStatus::Scheduled } else { MessageStatus::Received })
}

/// Counts the message on the day and in the period of its release.
fn release(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    sender: &Sender,
    place: &Queued,
    status: MessageStatus,
) -> ActionResult<()> {
    let zone = parse_time_zone(&sender.period.time_zone).unwrap_or(chrono_tz::UTC);
    let day = local_day(zone, now);
    let release = Release {
        status: status.as_str(),
        period_id: sender.period.id,
        day: &day,
        expires_at: place.expires_at,
        now: now.naive_utc(),
    };
    Ok(messages::release_held(conn, place.message_id, &release)?)
}

/// Ends messages that were held for too long. They were never counted, so nothing is.
fn give_up(conn: &mut AnyConnection, now: DateTime<Utc>, rows: &[Held]) -> ActionResult<usize> {
    let ids: Vec<Id> = rows.iter().map(|row| row.message_id).collect();
    held::remove(conn, &ids)?;
    let over = messages::find_many(conn, &ids)?;
    end_uncounted(conn, now, &over, Ending { classification: "", log: GIVEN_UP })?;
    Ok(ids.len())
}

fn event(now: DateTime<Utc>, message: &Message, status: MessageStatus, log: &str) -> Event {
    Event {
        id: Id::new(now),
        message_id: message.id,
        account_id: message.account_id,
        at: now.naive_utc(),
        status: status.as_str().to_owned(),
        log: log.to_owned(),
    }
}
