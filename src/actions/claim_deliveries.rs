//! Taking what is due: fairly between accounts, nothing of an account on hold. A delivery has started when this
//! transaction is committed, so that a suspension holds from its own commit on every node.
//!
//! Locks in the order of every transaction: accounts, their queues, leases, then messages and what is counted of them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::clear_queue::DELETED;
use super::end_messages::{Ending, end_messages};
use super::error::ActionResult;
use super::fair_share::fair_share;
use super::tally::Tally;
use crate::domain::bounce::Classification;
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::messages::{self, Attempt, Message};
use crate::models::queue::{self, Due, Lease};
use crate::models::suppressions::Address;
use crate::models::{accounts, clearings, suppressions, suspensions};

/// How long a claimed message is ours before another node may take it: what a dead node held is taken over within a
/// minute. Renewed several times in between while its attempt is under way.
pub const LEASE: TimeDelta = TimeDelta::seconds(40);
/// An account on hold is looked at again after this long, or at once when its hold is lifted.
pub(super) const PARKED: TimeDelta = TimeDelta::seconds(60);
/// Accounts served in one turn.
const ACCOUNTS: usize = 64;

/// Messages of an account on hold that end by their expiry in one turn.
const HELD_EXPIRED: i64 = 256;

const EXPIRED: &str = "Expired before it could be delivered.";
/// Said of what was put on the suppression list while it waited.
pub(super) const SUPPRESSED: &str =
    "The address was put on the suppression list while the message waited: it was not sent.";
const LAPSED: &str = "No answer was recorded: the server stopped in between. The message may have arrived; it is sent \
                      again under the same Message-ID.";

/// What a node can take on.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Messages in all.
    pub limit: usize,
    /// Messages of one account that may be under way at once.
    pub per_account: usize,
    /// What is under way already, by account.
    pub under_way: HashMap<Id, usize>,
    /// How many more of an account may be claimed before there is a place for them.
    pub ahead: HashMap<Id, usize>,
}

impl Wanted {
    /// How many more of an account may be claimed.
    pub(super) fn room(&self, account: Id) -> usize {
        let of = |counts: &HashMap<Id, usize>| counts.get(&account).copied().unwrap_or(0);
        (self.per_account + of(&self.ahead)).saturating_sub(of(&self.under_way)).min(self.limit)
    }
}

/// A message whose delivery has started.
#[derive(Clone, Debug)]
pub struct Claimed {
    pub message: Message,
    pub attempt: Attempt,
    /// Who holds the lease: one id a claim.
    pub owner: Id,
    /// The account it is billed to.
    pub parent: Id,
}

/// Whether any account has something due: a read, so that an idle node does not write.
///
/// # Errors
/// Only the database's.
pub fn anything_due(conn: &mut AnyConnection, now: DateTime<Utc>) -> ActionResult<bool> {
    Ok(queue::any_due(conn, now.naive_utc())?)
}

/// Lengthens the leases of attempts that are still under way, given as message and owner.
///
/// # Errors
/// Only the database's.
pub fn renew_leases(conn: &mut AnyConnection, now: DateTime<Utc>, under_way: &[(Id, Id)]) -> ActionResult<()> {
    Ok(queue::renew(conn, under_way, (now + LEASE).naive_utc())?)
}

/// Claims due messages, leases them and writes their attempts.
///
/// # Errors
/// Only the database's.
pub fn claim_deliveries(conn: &mut AnyConnection, now: DateTime<Utc>, wanted: &Wanted) -> ActionResult<Vec<Claimed>> {
    let at = now.naive_utc();
    let (accounts, roots) = turns(conn, at, wanted)?;
    if accounts.is_empty() {
        return Ok(Vec::new());
    }
    let free = free(conn, &accounts, at)?;
    let (held, accounts): (Vec<Id>, Vec<Id>) = accounts.into_iter().partition(|account| !free.contains_key(account));
    let due = fair_share(conn, &accounts, wanted, at)?;
    let due = hold_lapsed(conn, due, at)?;
    let messages = messages::find_many(conn, &ids(&due))?;
    let suppressed = suppressed(conn, &messages, at)?;
    let why = |due: &Due| why_over(due, free.get(&due.queued.account_id).copied().flatten(), &suppressed, at);
    let (over, live): (Vec<Due>, Vec<Due>) = due.into_iter().partition(|due| why(due).is_some());
    let mut over: Vec<(Id, &str)> = over.iter().filter_map(|due| Some((due.queued.message_id, why(due)?))).collect();
    over.extend(expired_on_hold(conn, &held, at)?.into_iter().map(|id| (id, EXPIRED)));
    let claimed = lease(now, &live, messages);
    take_over(conn, &live, &claimed)?;
    let ended = take_out(conn, &over, at)?;
    start(conn, &live, &claimed, at)?;
    let mut tally = Tally::default();
    end(conn, now, ended, &roots, &mut tally)?;
    queue::end_turns(conn, &accounts, at)?;
    queue::park(conn, &held.iter().map(|account| (*account, at + PARKED)).collect::<Vec<_>>(), at)?;
    tally.write(conn)?;
    Ok(claimed)
}

fn ids(due: &[Due]) -> Vec<Id> {
    due.iter().map(|due| due.queued.message_id).collect()
}

/// What the story of a message says that is not sent any more: it waited too long, or it waited when its account, which
/// is back, was deleted, `through` being the newest of those; or its recipient is suppressed.
fn why_over(due: &Due, through: Option<Id>, suppressed: &HashSet<Id>, at: NaiveDateTime) -> Option<&'static str> {
    let id = due.queued.message_id;
    match through {
        _ if due.queued.expires_at <= at => Some(EXPIRED),
        Some(through) if id <= through => Some(DELETED),
        _ => suppressed.contains(&id).then_some(SUPPRESSED),
    }
}

/// The accounts of this turn, locked against a change of hold, and whom each is billed to: its parent, or itself.
///
/// # Errors
/// Only the database's.
pub(super) fn turns(
    conn: &mut AnyConnection,
    at: NaiveDateTime,
    wanted: &Wanted,
) -> ActionResult<(Vec<Id>, HashMap<Id, Id>)> {
    // An account with no room is passed over, so one more is looked for in its place.
    let limit = wanted.limit.min(ACCOUNTS) + wanted.under_way.len();
    let mut due = queue::accounts_due(conn, at, i64::try_from(limit).unwrap_or(i64::MAX))?;
    due.retain(|account| wanted.room(*account) > 0);
    due.truncate(wanted.limit.min(ACCOUNTS));
    if due.is_empty() {
        return Ok((due, HashMap::new()));
    }
    let roots: HashMap<Id, Id> =
        accounts::find_many(conn, &due)?.into_iter().map(|account| (account.id, account.root_id())).collect();
    let family: Vec<Id> = due.iter().copied().chain(roots.values().copied()).collect();
    accounts::lock(conn, &family, &[])?;
    Ok((queue::take_turns(conn, &due)?, roots))
}

/// The accounts from which something may leave, because neither they nor their parents are deleted or on hold; and of
/// one that was deleted and brought back, the message up to which nothing leaves.
///
/// # Errors
/// Only the database's.
pub(super) fn free(
    conn: &mut AnyConnection,
    accounts: &[Id],
    at: NaiveDateTime,
) -> ActionResult<HashMap<Id, Option<Id>>> {
    let asked: Vec<(Id, Option<Id>)> = accounts.iter().map(|account| (*account, None)).collect();
    let standings = suspensions::standings(conn, &asked, at)?.into_iter();
    let free = standings.filter(|standing| standing.complete && !standing.held && !standing.parent_held);
    Ok(free.map(|standing| (standing.account_id, standing.cleared_through)).collect())
}

/// What expired of accounts from which nothing may leave.
fn expired_on_hold(conn: &mut AnyConnection, held: &[Id], at: NaiveDateTime) -> ActionResult<Vec<Id>> {
    let mut expired = Vec::new();
    for account in held {
        expired.extend(queue::expired(conn, *account, at, HELD_EXPIRED)?.into_iter().map(|row| row.message_id));
    }
    Ok(expired)
}

/// Those of `due` that nobody finishes any more: a worker whose lease ran out may be about to, and then has it still.
fn hold_lapsed(conn: &mut AnyConnection, mut due: Vec<Due>, at: NaiveDateTime) -> ActionResult<Vec<Due>> {
    let lapsed = due.iter().filter(|due| due.lapsed.is_some()).map(|due| due.queued.message_id);
    let ours: HashSet<Id> = queue::take_lapsed(conn, &lapsed.collect::<Vec<_>>(), at)?.into_iter().collect();
    due.retain(|due| due.lapsed.is_none() || ours.contains(&due.queued.message_id));
    Ok(due)
}

/// Those whose recipients must not be written to any more: they bounced, complained or left since the message came.
///
/// # Errors
/// Only the database's.
pub(super) fn suppressed(
    conn: &mut AnyConnection,
    messages: &[Message],
    at: NaiveDateTime,
) -> ActionResult<HashSet<Id>> {
    let asked: BTreeSet<Address> = messages.iter().map(address).collect();
    let found: HashSet<Address> =
        suppressions::suppressed(conn, &asked.into_iter().collect::<Vec<_>>(), at)?.into_iter().collect();
    Ok(messages.iter().filter(|message| found.contains(&address(message))).map(|message| message.id).collect())
}

fn address(message: &Message) -> Address {
    Address {
        account_id: message.account_id,
        email_lower: message.recipient_lower.clone(),
        domain: message.sender_domain.clone(),
    }
}

/// The leases and attempts of what is to be sent.
fn lease(now: DateTime<Utc>, live: &[Due], messages: Vec<Message>) -> Vec<Claimed> {
    let owner = Id::new(now);
    let mut found: HashMap<Id, Message> = messages.into_iter().map(|message| (message.id, message)).collect();
    let claimed = live.iter().filter_map(|due| {
        let message = found.remove(&due.queued.message_id)?;
        let attempt = Attempt::started(&message, due.next_attempt(), now);
        Some(Claimed { message, attempt, owner, parent: due.queued.parent_id })
    });
    claimed.collect()
}

/// Writes the leases: from the commit on, these deliveries have started.
fn take_over(conn: &mut AnyConnection, live: &[Due], claimed: &[Claimed]) -> ActionResult<()> {
    let lease = |one: &Claimed| Lease {
        message_id: one.message.id,
        account_id: one.message.account_id,
        parent_id: one.parent,
        owner: one.owner,
        until_at: one.attempt.started_at + LEASE,
        attempt: one.attempt.number,
    };
    queue::take_over(conn, &claimed.iter().map(lease).collect::<Vec<_>>())?;
    // A queue row without its message can only be left over from one that was purged: it says nothing any more.
    if claimed.len() < live.len() {
        let said: HashSet<Id> = claimed.iter().map(|one| one.message.id).collect();
        let left_over: Vec<Id> = ids(live).into_iter().filter(|id| !said.contains(id)).collect();
        queue::remove_many(conn, &left_over)?;
    }
    Ok(())
}

/// Takes what is not sent any more out of the queue, but for what somebody is just finishing; answers what it took.
fn take_out<'a>(
    conn: &mut AnyConnection,
    over: &[(Id, &'a str)],
    at: NaiveDateTime,
) -> ActionResult<Vec<(Id, &'a str)>> {
    if over.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Id> = over.iter().map(|(id, _)| *id).collect();
    let taken = queue::take_free(conn, &ids, at)?;
    messages::lapse_attempts(conn, &taken, at, LAPSED)?;
    let taken: HashSet<Id> = taken.into_iter().collect();
    Ok(over.iter().filter(|(id, _)| taken.contains(id)).copied().collect())
}

/// Writes the attempts, and what became of those before whose owners did not say it.
fn start(conn: &mut AnyConnection, live: &[Due], claimed: &[Claimed], at: NaiveDateTime) -> ActionResult<()> {
    let lapsed: Vec<Id> = live.iter().filter(|due| due.lapsed.is_some()).map(|due| due.queued.message_id).collect();
    if !lapsed.is_empty() {
        messages::lapse_attempts(conn, &lapsed, at, LAPSED)?;
    }
    let attempts: Vec<Attempt> = claimed.iter().map(|claimed| claimed.attempt.clone()).collect();
    Ok(messages::insert_attempts(conn, &attempts)?)
}

/// Ends what was taken out of the queue as failed, each for its reason.
fn end(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    ended: Vec<(Id, &str)>,
    roots: &HashMap<Id, Id>,
    tally: &mut Tally,
) -> ActionResult<()> {
    if ended.is_empty() {
        return Ok(());
    }
    let root = |message: &Message| roots.get(&message.account_id).copied().unwrap_or(message.account_id);
    for log in [EXPIRED, DELETED, SUPPRESSED] {
        let ids: Vec<Id> = ended.iter().filter(|(_, said)| *said == log).map(|(id, _)| *id).collect();
        let classification = if log == EXPIRED { Classification::MessageExpired.as_str() } else { "" };
        let failed = messages::find_many(conn, &ids)?;
        end_messages(conn, now, &failed, root, Ending { classification, log }, tally)?;
        if log == DELETED {
            note_cleared(conn, &failed)?;
        }
    }
    Ok(())
}

/// Counts them with what their account's deletion cleared.
fn note_cleared(conn: &mut AnyConnection, failed: &[Message]) -> ActionResult<()> {
    let mut counts: BTreeMap<Id, usize> = BTreeMap::new();
    failed.iter().for_each(|message| *counts.entry(message.account_id).or_default() += 1);
    for (account, count) in counts {
        clearings::add(conn, account, count)?;
    }
    Ok(())
}
