//! One transaction for a group of requests: locks, holds, caps, suppressions, rows, counters.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};

use super::bounds::{Bounds, Pools};
use super::intake::{Fate, Intake};
use super::known::Known;
use super::ledger::{self, Ledger};
use super::rows::Rows;
use super::{Accepted, Entry, Outcome, Prepared, PreparedEntry, alert};
use crate::actions::ensure_period::ensure_period;
use crate::actions::error::{ActionError, ActionResult};
use crate::actions::idempotency;
use crate::actions::services::Services;
use crate::domain::ids::Id;
use crate::domain::limits::AtCap;
use crate::models::accounts::Account;
use crate::models::held::Shelf;
use crate::models::limits::LimitsRow;
use crate::models::periods::Period;
use crate::models::{AnyConnection, accounts, counters, held, senders};

/// An error of the whole transaction, kept apart from a request's own refusal.
pub struct Failure(pub ActionError);

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        Self(error.into())
    }
}

/// An account of the group, as the transaction sees it.
pub struct Sender {
    pub account: Account,
    pub period: Period,
    pub held: bool,
    pub parent_held: bool,
    pub bounds: Bounds,
    pub used_before: i64,
    /// Messages of it wait at the cap: they go before any that comes now.
    pub has_held: bool,
    /// How many more may wait there; `None` where nothing is held.
    pub shelf: Option<Shelf>,
}

/// The accounts of a transaction under their locks, and the pools of their parents.
pub struct Group {
    pub senders: BTreeMap<Id, Sender>,
    pub pools: Pools,
}

/// Decides and stores `requests`; answers each in order. An `Err` outside means that nothing was stored.
pub fn accept(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    services: &Services,
    requests: &[Prepared],
    intake: &mut Intake,
) -> ActionResult<Vec<ActionResult<Accepted>>> {
    let ids: HashSet<Id> = requests.iter().map(|request| request.account_id).collect();
    let mut group = lock(conn, now, services, &ids.into_iter().collect::<Vec<_>>())?;
    let known = Known::read(conn, now, requests)?;
    let mut rows = Rows::new(now);
    let mut ledger = Ledger::default();
    let mut results = Vec::with_capacity(requests.len());
    for request in requests {
        let result = match group.senders.get_mut(&request.account_id) {
            Some(sender) => {
                decide(&known, now, sender, &mut group.pools, request, (&mut rows, &mut ledger, &mut *intake))
            }
            None => Err(ActionError::NotFound("account")),
        };
        results.push(match result {
            Err(error @ (ActionError::Internal(_) | ActionError::Unavailable(_))) => return Err(error),
            other => other,
        });
    }
    rows.insert(conn)?;
    finish(conn, now, services, &group, &ledger)?;
    for (request, result) in requests.iter().zip(&results) {
        if let (Some((ticket, render)), Ok(accepted)) = (&request.reply, result) {
            idempotency::complete(conn, now, services, ticket, 202, &render(accepted))?;
        }
    }
    Ok(results)
}

/// Writes what was counted, and the mails of what was crossed.
pub fn finish(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    services: &Services,
    group: &Group,
    ledger: &Ledger,
) -> ActionResult<()> {
    ledger::write(conn, now, ledger)?;
    for sender in group.senders.values() {
        sender.bounds.write(conn, sender.account.id)?;
    }
    let pools = group.pools.write(conn)?;
    for sender in group.senders.values() {
        alert::on_crossing(conn, now, services, sender)?;
    }
    for pool in pools {
        alert::on_pool_crossing(conn, now, services, &pool)?;
    }
    Ok(())
}

/// Locks the accounts and reads what decides: holds, period, limits, use. After the lock, holds and caps stand still
/// until the commit, so that a suspension holds from its own.
pub fn lock(conn: &mut AnyConnection, now: DateTime<Utc>, services: &Services, ids: &[Id]) -> ActionResult<Group> {
    let parents = services.families.parents_of(conn, ids)?;
    accounts::lock(conn, &parents, ids)?;
    let mut group = Group { senders: BTreeMap::new(), pools: Pools::default() };
    let mut roots: BTreeMap<Id, (Period, Option<LimitsRow>)> = BTreeMap::new();
    for found in senders::find_many(conn, ids, now.naive_utc())? {
        let (id, root) = (found.account.id, found.account.root_id());
        let of_root = if id == root { &found.limits } else { &found.parent_limits }.clone();
        let sender = sender(conn, now, services, found)?;
        roots.insert(root, (sender.period.clone(), of_root));
        group.senders.insert(id, sender);
    }
    group.pools = Pools::lock(conn, &roots)?;
    Ok(group)
}

/// What was found of an account; its period begins with the first message that falls into it.
fn sender(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    services: &Services,
    found: senders::Sender,
) -> ActionResult<Sender> {
    let senders::Sender { account, held, parent_held, limits, period, used, .. } = found;
    let (period, used) = match period {
        Some(period) => (period, used.unwrap_or(0)),
        None => {
            let period = ensure_period(conn, account.root_id(), now)?;
            let used = counters::used(conn, account.id, period.id)?;
            (period, used)
        }
    };
    let bounds = Bounds::read(conn, now, &account, &period, limits.as_ref(), used)?;
    // Asked of those alone that hold at the cap: most do not.
    let holds = bounds.limits.at_cap == AtCap::Hold;
    let has_held = holds && !held::oldest(conn, account.id, 1)?.is_empty();
    let shelf = if holds { Some(services.shelves.shelf(conn, account.id, now)?) } else { None };
    Ok(Sender { held, parent_held, used_before: bounds.used.month, bounds, period, account, has_held, shelf })
}

fn decide(
    known: &Known,
    now: DateTime<Utc>,
    sender: &mut Sender,
    pools: &mut Pools,
    request: &Prepared,
    (rows, ledger, intake): (&mut Rows, &mut Ledger, &mut Intake),
) -> ActionResult<Accepted> {
    if sender.held {
        return Err(ActionError::Suspended { parent: false });
    }
    if sender.parent_held {
        return Err(ActionError::Suspended { parent: true });
    }
    let domain = known.domain(request)?;
    let suppressed = known.suppressed(request);
    let root = sender.account.root_id();
    let wanted = countable(request, &suppressed);
    let room = sender.bounds.room(pools.of(root), wanted);
    let shelf = sender.shelf.clone();
    let behind = shelf.is_some() && sender.has_held;
    let over_cap = room.bound.map(|bound| sender.bounds.refusal(bound, pools.of(root).used, now, &sender.period));
    // Without a word of a cap they wait for a moment only, behind others: as many as have room anyway.
    let has_room = || shelf.as_ref().is_some_and(|shelf| over_cap.is_none() || !shelf.is_full());
    // What has one answer is held whole, though it may pass the bound by its recipients.
    let holds_all = has_room();
    let holds = || if request.all_or_none { holds_all } else { has_room() };
    let too_little = behind || room.messages == 0 || (request.all_or_none && room.messages < wanted);
    if let Some(refused) = over_cap.clone().filter(|_| too_little && !holds_all) {
        return Err(refused);
    }
    let mut batch = rows.request(sender, request, domain);
    let mut granted = 0;
    let mut entries = Vec::with_capacity(request.entries.len());
    for entry in &request.entries {
        let (fate, outcome) = match &entry.body {
            Err(reason) => (Fate::BadContent, Outcome::Refused { reason: reason.clone() }),
            Ok(body) if request.sandbox.is_some() => (Fate::Sandbox, batch.sandbox(entry, body)),
            Ok(body) if suppressed.contains(entry.email_lower.as_str()) => {
                (Fate::Suppressed, batch.suppress(entry, body))
            }
            Ok(body) if granted < room.messages && !behind => {
                granted += 1;
                (Fate::Queued, batch.queue(entry, body))
            }
            Ok(body) if holds() => {
                shelf.as_ref().inspect(|shelf| shelf.add());
                (Fate::Held, batch.hold(entry, body, over_cap.as_ref()))
            }
            Ok(_) => {
                let reason = over_cap.as_ref().map(ToString::to_string).unwrap_or_default();
                (Fate::OverCap, Outcome::Refused { reason })
            }
        };
        intake.add(fate, &outcome);
        entries.push(Entry { email: entry.email.clone(), name: entry.name.clone(), outcome });
    }
    let counts = batch.finish();
    sender.bounds.grant(granted);
    pools.grant(root, granted);
    ledger.add(sender, &request.tags, domain, counts, now);
    Ok(Accepted {
        sender_domain: request.sender_domain.clone(),
        entries,
        first_attempt: request.first_attempt,
        expires: request.expires,
    })
}

/// How many recipients of a request count against the caps.
fn countable(request: &Prepared, suppressed: &HashSet<&str>) -> i64 {
    let countable = |entry: &&PreparedEntry| entry.body.is_ok() && !suppressed.contains(entry.email_lower.as_str());
    let wanted = if request.sandbox.is_some() { 0 } else { request.entries.iter().filter(countable).count() };
    i64::try_from(wanted).unwrap_or(i64::MAX)
}
