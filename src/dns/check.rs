//! Whether a domain's records are in place: all looked up at once, each judged by its own rules.

use futures_util::future::join_all;

use super::records::{DomainSetup, Record, RecordKind};
use super::resolver::{Dns, LookupFailed, MAX_HOPS, canonical};
use super::{dkim, dmarc, spf};

/// What one record looks like from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordState {
    pub ok: bool,
    /// What stands there now, as text; empty when nothing does.
    pub found: Vec<String>,
    /// What is wrong and what to publish, in plain sentences. None when all is well.
    pub problem: Option<String>,
    /// No answer came: `ok` says nothing, and the last known state should stand.
    pub unreachable: bool,
}

/// The whole domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckResult {
    /// One entry for each kind, in the order of [`RecordKind::ALL`].
    pub records: Vec<(RecordKind, RecordState)>,
    /// SPF, DKIM and DMARC are all in place.
    pub all_required_ok: bool,
    /// At least one required record could not be looked up: a missing one is then no reason to act.
    pub unreachable: bool,
}

impl RecordState {
    pub(super) fn good(found: Vec<String>) -> Self {
        Self { ok: true, found, problem: None, unreachable: false }
    }

    pub(super) fn bad(found: Vec<String>, problem: String) -> Self {
        Self { ok: false, found, problem: Some(problem), unreachable: false }
    }

    fn unknown(failure: &LookupFailed) -> Self {
        let problem = format!("{failure} We will try again.");
        Self { ok: false, found: Vec::new(), problem: Some(problem), unreachable: true }
    }
}

/// Looks up every record of `setup` and judges it.
pub async fn check(dns: &Dns, setup: &DomainSetup) -> CheckResult {
    let records = join_all(RecordKind::ALL.map(|kind| async move {
        let record = setup.record(kind);
        let state = match kind {
            RecordKind::Spf => spf::check(dns, setup, &record).await,
            RecordKind::Dkim => dkim::check(dns, setup, &record).await,
            RecordKind::Dmarc => dmarc::check(dns, setup, &record).await,
            RecordKind::Mx => check_mx(dns, setup, &record).await,
            RecordKind::ReturnPath | RecordKind::Tracking | RecordKind::Subscription | RecordKind::Media => {
                check_cname(dns, &record).await
            }
        };
        (kind, state.unwrap_or_else(|failure| RecordState::unknown(&failure)))
    }))
    .await;
    let required = || records.iter().filter(|(kind, _)| kind.is_required());
    CheckResult {
        all_required_ok: required().all(|(_, state)| state.ok),
        unreachable: required().any(|(_, state)| state.unreachable),
        records,
    }
}

/// A CNAME must lead to our host, directly or over other aliases.
async fn check_cname(dns: &Dns, record: &Record) -> Result<RecordState, LookupFailed> {
    let expected = canonical(&record.content);
    let mut found = Vec::new();
    let mut name = record.host.clone();
    while found.len() < MAX_HOPS {
        let Some(target) = dns.cname(&name).await? else { break };
        found.push(target.clone());
        if target == expected {
            return Ok(RecordState::good(found));
        }
        name = target;
    }
    let (host, content) = (&record.host, &record.content);
    let problem = match found.last() {
        None => format!("There is no CNAME record at {host}. Publish one that points to {content}."),
        Some(last) => format!("The CNAME record at {host} leads to {last}. Make it point to {content}."),
    };
    Ok(RecordState::bad(found, problem))
}

/// One of the MX records must be our host; which priority it has is the domain's affair.
async fn check_mx(dns: &Dns, setup: &DomainSetup, record: &Record) -> Result<RecordState, LookupFailed> {
    let mut hosts = dns.mx(&record.host).await?;
    hosts.sort();
    let found: Vec<String> = hosts.iter().map(|(priority, host)| format!("{priority} {host}")).collect();
    let expected = canonical(&setup.platform.mx);
    if hosts.iter().any(|(_, host)| *host == expected) {
        return Ok(RecordState::good(found));
    }
    let (host, content) = (&record.host, &record.content);
    let problem = if found.is_empty() {
        format!("There is no MX record at {host}. To receive mail here, publish: {content}.")
    } else {
        format!("Mail for {host} goes to {}. To receive it here, publish: {content}.", found.join(", "))
    };
    Ok(RecordState::bad(found, problem))
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
