//! Taking what is due: fairly between accounts, nothing of an account on hold. A delivery has started when this
//! transaction is committed, so that a suspension holds from its own commit on every node.
//!
//! Locks in the order of every transaction: accounts, their queues, then messages, contents, counters, usage.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::end_messages::{Ending, end_messages};
use super::error::ActionResult;
use super::tally::Tally;
use crate::domain::bounce::Classification;
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::messages::{self, Attempt, Message};
use crate::models::queue::{self, Due, Lease, Queued};
use crate::models::suppressions::Address;
use crate::models::{accounts, suppressions, suspensions};

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
    fn room(&self, account: Id) -> usize {
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
    let (free, held): (Vec<Id>, Vec<Id>) = accounts.into_iter().partition(|account| free.contains(account));
    let (expired, live): (Vec<_>, Vec<_>) =
        fair_share(conn, &free, wanted, at)?.into_iter().partition(|due| due.queued.expires_at <= at);
    let mut expired = rows(expired);
    for account in &held {
        expired.extend(queue::expired(conn, *account, at, HELD_EXPIRED)?);
    }
    let mut tally = Tally::default();
    let expiry = Ending { classification: Classification::MessageExpired.as_str(), log: EXPIRED };
    end(conn, now, &expired, &roots, expiry, &mut tally)?;
    let messages = messages::find_many(conn, &live.iter().map(|due| due.queued.message_id).collect::<Vec<_>>())?;
    let suppressed = suppressed(conn, &messages, at)?;
    let (unwanted, live): (Vec<_>, Vec<_>) =
        live.into_iter().partition(|due| suppressed.contains(&due.queued.message_id));
    end(conn, now, &rows(unwanted), &roots, Ending { classification: "", log: SUPPRESSED }, &mut tally)?;
    let claimed = start(conn, now, &live, messages)?;
    queue::end_turns(conn, &free, at)?;
    queue::park(conn, &held.iter().map(|account| (*account, at + PARKED)).collect::<Vec<_>>(), at)?;
    tally.write(conn)?;
    Ok(claimed)
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

/// The accounts from which something may leave: neither they nor their parents are deleted or on hold.
///
/// # Errors
/// Only the database's.
pub(super) fn free(conn: &mut AnyConnection, accounts: &[Id], at: NaiveDateTime) -> ActionResult<HashSet<Id>> {
    let asked: Vec<(Id, Option<Id>)> = accounts.iter().map(|account| (*account, None)).collect();
    let standings = suspensions::standings(conn, &asked, at)?.into_iter();
    let free = standings.filter(|standing| standing.complete && !standing.held && !standing.parent_held);
    Ok(free.map(|standing| standing.account_id).collect())
}

/// One message of each account, then a second of each, and so on until the node is full.
fn fair_share(conn: &mut AnyConnection, accounts: &[Id], wanted: &Wanted, at: NaiveDateTime) -> ActionResult<Vec<Due>> {
    let mut found = waiting(conn, accounts, wanted, at)?;
    let waiting = |account| found.remove(account).unwrap_or_default().into_iter().take(wanted.room(*account));
    let mut waiting: Vec<_> = accounts.iter().map(waiting).collect();
    let mut taken = Vec::with_capacity(wanted.limit);
    loop {
        let before = taken.len();
        for rows in &mut waiting {
            if taken.len() == wanted.limit {
                return Ok(taken);
            }
            taken.extend(rows.next());
        }
        if taken.len() == before {
            return Ok(taken);
        }
    }
}

/// What waits of each account: an even share first, then more of those that have more, where others had less.
fn waiting(
    conn: &mut AnyConnection,
    accounts: &[Id],
    wanted: &Wanted,
    at: NaiveDateTime,
) -> ActionResult<HashMap<Id, Vec<Due>>> {
    let share = wanted.limit.div_ceil(accounts.len().max(1));
    let mut found = due(conn, accounts, wanted, share, at)?;
    let rows = |account: &Id| found.get(account).map_or(0, Vec::len);
    let taken: usize = accounts.iter().map(|account| rows(account).min(wanted.room(*account))).sum();
    let has_more = |account: &Id| rows(account) >= share && wanted.room(*account) > share;
    let more: Vec<Id> = accounts.iter().copied().filter(has_more).collect();
    let left = wanted.limit.saturating_sub(taken);
    if left > 0 && !more.is_empty() {
        let share = share + left.div_ceil(more.len());
        found.extend(due(conn, &more, wanted, share, at)?);
    }
    Ok(found)
}

/// What is due of each account, at most `share` of it and no more than any has room for.
fn due(
    conn: &mut AnyConnection,
    accounts: &[Id],
    wanted: &Wanted,
    share: usize,
    at: NaiveDateTime,
) -> ActionResult<HashMap<Id, Vec<Due>>> {
    let most = accounts.iter().map(|account| wanted.room(*account)).max().unwrap_or(0).min(share);
    let mut found: HashMap<Id, Vec<Due>> = HashMap::new();
    for due in queue::due(conn, accounts, at, i64::try_from(most).unwrap_or(i64::MAX))? {
        found.entry(due.queued.account_id).or_default().push(due);
    }
    Ok(found)
}

fn rows(due: Vec<Due>) -> Vec<Queued> {
    due.into_iter().map(|due| due.queued).collect()
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

/// Ends what is not sent any more.
fn end(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    rows: &[Queued],
    roots: &HashMap<Id, Id>,
    ending: Ending<'_>,
    tally: &mut Tally,
) -> ActionResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let ids: Vec<Id> = rows.iter().map(|row| row.message_id).collect();
    messages::lapse_attempts(conn, &ids, now.naive_utc(), LAPSED)?;
    let root = |message: &Message| roots.get(&message.account_id).copied().unwrap_or(message.account_id);
    let failed = messages::find_many(conn, &ids)?;
    end_messages(conn, now, &failed, root, ending, tally)?;
    Ok(queue::remove_many(conn, &ids)?)
}

/// Leases the messages and writes the attempts: from the commit on, their deliveries have started.
fn start(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    taken: &[Due],
    messages: Vec<Message>,
) -> ActionResult<Vec<Claimed>> {
    let at = now.naive_utc();
    let lapsed: Vec<Id> = taken.iter().filter(|due| due.lapsed.is_some()).map(|due| due.queued.message_id).collect();
    if !lapsed.is_empty() {
        messages::lapse_attempts(conn, &lapsed, at, LAPSED)?;
    }
    let owner = Id::new(now);
    let mut found: HashMap<Id, Message> = messages.into_iter().map(|message| (message.id, message)).collect();
    let (mut claimed, mut leases, mut left_over) = (Vec::new(), Vec::new(), Vec::new());
    for due in taken {
        let row = &due.queued;
        // A queue row without its message can only be left over from one that was purged: it says nothing any more.
        let Some(message) = found.remove(&row.message_id) else {
            left_over.push(row.message_id);
            continue;
        };
        let attempt = Attempt::started(&message, due.next_attempt(), now);
        leases.push(Lease {
            message_id: row.message_id,
            account_id: row.account_id,
            parent_id: row.parent_id,
            owner,
            until_at: at + LEASE,
            attempt: attempt.number,
        });
        claimed.push(Claimed { message, attempt, owner });
    }
    queue::take_over(conn, &leases)?;
    queue::remove_many(conn, &left_over)?;
    let attempts: Vec<Attempt> = claimed.iter().map(|claimed| claimed.attempt.clone()).collect();
    messages::insert_attempts(conn, &attempts)?;
    Ok(claimed)
}
