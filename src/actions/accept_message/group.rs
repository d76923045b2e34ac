//! One transaction for a group of requests: locks, holds, caps, suppressions, rows, counters.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::ledger::{self, Ledger};
use super::rows::Rows;
use super::{Accepted, Entry, Outcome, Prepared, PreparedEntry, alert};
use crate::actions::ensure_period::ensure_period;
use crate::actions::error::{ActionError, ActionResult};
use crate::actions::idempotency;
use crate::actions::services::Services;
use crate::domain::ids::Id;
use crate::models::accounts::Account;
use crate::models::periods::Period;
use crate::models::{AnyConnection, accounts, counters, domains, suppressions, suspensions};

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
    /// Counted in the period, this group's grants included.
    pub used: i64,
    pub used_before: i64,
}

/// Decides and stores `requests`; answers each in order. An `Err` outside means that nothing was stored.
pub fn accept(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    services: &Services,
    requests: &[Prepared],
) -> ActionResult<Vec<ActionResult<Accepted>>> {
    let mut senders = senders(conn, now, requests)?;
    let mut rows = Rows::new(now);
    let mut ledger = Ledger::default();
    let mut results = Vec::with_capacity(requests.len());
    for request in requests {
        let result = match senders.get_mut(&request.account_id) {
            Some(sender) => decide(conn, now, sender, request, &mut rows, &mut ledger),
            None => Err(ActionError::NotFound("account")),
        };
        results.push(match result {
            Err(ActionError::Internal(detail)) => return Err(ActionError::Internal(detail)),
            other => other,
        });
    }
    rows.insert(conn)?;
    ledger::write(conn, now, &ledger)?;
    for sender in senders.values() {
        alert::on_crossing(conn, now, services, sender)?;
    }
    for (request, result) in requests.iter().zip(&results) {
        if let (Some((ticket, render)), Ok(accepted)) = (&request.reply, result) {
            idempotency::complete(conn, now, services, ticket, 202, &render(accepted))?;
        }
    }
    Ok(results)
}

/// Locks the accounts and reads what decides: holds, period, use. After the lock, holds and caps stand still until
/// the commit, so that a suspension holds from its own.
fn senders(conn: &mut AnyConnection, now: DateTime<Utc>, requests: &[Prepared]) -> ActionResult<BTreeMap<Id, Sender>> {
    let ids: Vec<Id> = requests.iter().map(|request| request.account_id).collect::<HashSet<_>>().into_iter().collect();
    let parents: Vec<Id> =
        accounts::find_many(conn, &ids)?.into_iter().filter_map(|account| account.parent_id).collect();
    accounts::lock(conn, &parents, &ids)?;
    let mut holders = ids.clone();
    holders.extend(&parents);
    let held: HashSet<Id> = suspensions::held(conn, &holders, now.naive_utc())?.into_iter().collect();
    let mut periods: HashMap<Id, Period> = HashMap::new();
    let mut senders = BTreeMap::new();
    for account in accounts::find_many(conn, &ids)?.into_iter().filter(|account| account.deleted_at.is_none()) {
        let root = account.root_id();
        let period = match periods.get(&root) {
            Some(period) => period.clone(),
            None => periods.entry(root).or_insert(ensure_period(conn, root, now)?).clone(),
        };
        let used = counters::used(conn, account.id, period.id)?;
        let sender = Sender {
            held: held.contains(&account.id),
            parent_held: account.parent_id.is_some_and(|parent| held.contains(&parent)),
            used,
            used_before: used,
            period,
            account,
        };
        senders.insert(sender.account.id, sender);
    }
    Ok(senders)
}

fn decide(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    sender: &mut Sender,
    request: &Prepared,
    rows: &mut Rows,
    ledger: &mut Ledger,
) -> ActionResult<Accepted> {
    if sender.held {
        return Err(ActionError::Suspended { parent: false });
    }
    if sender.parent_held {
        return Err(ActionError::Suspended { parent: true });
    }
    let domain = domains::find(conn, request.account_id, &request.sender_domain)?
        .ok_or_else(|| unknown_domain(&request.sender_domain))?;
    if domain.verified_at.is_none() {
        return Err(ActionError::invalid(
            "from.email",
            format!("the DNS records of {} are not verified yet: publish them, then check the domain", domain.name),
        ));
    }
    let suppressed = suppressed(conn, now, request)?;
    let room = room(sender, request, &suppressed)?;
    let mut batch = rows.request(sender, request, domain.id);
    let mut granted = 0;
    let entries = request
        .entries
        .iter()
        .map(|entry| Entry {
            email: entry.email.clone(),
            name: entry.name.clone(),
            outcome: match &entry.body {
                Err(reason) => Outcome::Refused { reason: reason.clone() },
                Ok(body) if request.sandbox.is_some() => batch.sandbox(entry, body),
                Ok(body) if suppressed.contains(&entry.email_lower) => batch.suppress(entry, body),
                Ok(body) if granted < room => {
                    granted += 1;
                    batch.queue(entry, body)
                }
                Ok(_) => Outcome::Refused { reason: over_cap(sender) },
            },
        })
        .collect();
    let counts = batch.finish();
    sender.used += granted;
    ledger.add(sender, request, domain.id, counts, now);
    Ok(Accepted {
        sender_domain: request.sender_domain.clone(),
        entries,
        first_attempt: request.first_attempt,
        expires: request.expires,
    })
}

fn unknown_domain(name: &str) -> ActionError {
    ActionError::invalid(
        "from.email",
        format!("{name} is not a domain of this account: add it and publish its DNS records"),
    )
}

fn suppressed(conn: &mut AnyConnection, now: DateTime<Utc>, request: &Prepared) -> ActionResult<HashSet<String>> {
    if request.sandbox.is_some() {
        return Ok(HashSet::new());
    }
    let emails: Vec<String> = request.entries.iter().map(|entry| entry.email_lower.clone()).collect();
    let found = suppressions::suppressed(conn, request.account_id, &request.sender_domain, &emails, now.naive_utc())?;
    Ok(found.into_iter().collect())
}

/// How many of the request's countable recipients may still be accepted.
///
/// # Errors
/// `CapReached` when there are some and none may.
fn room(sender: &Sender, request: &Prepared, suppressed: &HashSet<String>) -> ActionResult<i64> {
    let countable = |entry: &&PreparedEntry| entry.body.is_ok() && !suppressed.contains(&entry.email_lower);
    let wanted = if request.sandbox.is_some() { 0 } else { request.entries.iter().filter(countable).count() };
    let wanted = i64::try_from(wanted).unwrap_or(i64::MAX);
    let cap = sender.account.monthly_credit;
    if cap == 0 {
        return Ok(wanted);
    }
    let room = wanted.min((cap - sender.used).max(0));
    if wanted > 0 && room == 0 {
        let resets_at = sender.period.end_at.and_utc();
        return Err(ActionError::CapReached { cap, used: sender.used, resets_at });
    }
    Ok(room)
}

fn over_cap(sender: &Sender) -> String {
    ActionError::CapReached {
        cap: sender.account.monthly_credit,
        used: sender.account.monthly_credit,
        resets_at: sender.period.end_at.and_utc(),
    }
    .to_string()
}
