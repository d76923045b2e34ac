//! Which servers of a domain may have its mail, and only encrypted, where the domain enforces MTA-STS (RFC 8461).
//! What was fetched is in the database for all nodes; a node asks DNS at most once a minute whether there is another.

mod fetch;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::spawn_blocking;

use self::fetch::Fetcher;
use super::Means;
use super::exchanges::Exchange;
use crate::actions::ActionError;
use crate::actions::keep_policy::keep_policy;
use crate::delivery::transport::Outcome;
use crate::dns::Dns;
use crate::domain::mta_sts::{Mode, Policy, policy_id};
use crate::models::mta_sts::{self, StoredPolicy};
use crate::models::{AnyConnection, Db};

/// How long an answer of DNS is used again.
const ASKED_FOR: TimeDelta = TimeDelta::seconds(60);
/// After this a policy is fetched again though its id is the same, so that it does not end while its host is away.
const FRESH_FOR: TimeDelta = TimeDelta::days(1);
/// A policy that could not be fetched is left alone for so long (section 3.3 asks for five minutes at least).
const FAILED_FOR: TimeDelta = TimeDelta::minutes(5);
/// When a message is tried again that no policy could be read for.
const SOON: Duration = Duration::from_secs(5);
/// Domains remembered; with more, those that nobody sends to are let go.
const KEPT: usize = 10_000;

/// A policy that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Live {
    id: String,
    policy: Policy,
    fetched_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

/// What this node knows of one domain.
#[derive(Debug, Default)]
struct Known {
    asked_at: Option<DateTime<Utc>>,
    live: Option<Arc<Live>>,
    /// The id whose policy could not be fetched, and when.
    failed: Option<(String, DateTime<Utc>)>,
}

/// The servers a message may go to, and whether only encrypted, with a certificate for the server's name.
pub(super) struct Allowed {
    pub(super) exchanges: Arc<Vec<Exchange>>,
    pub(super) strict: bool,
}

pub(super) struct Policies {
    dns: Dns,
    db: Arc<Db>,
    fetcher: Fetcher,
    known: Mutex<HashMap<String, Arc<AsyncMutex<Known>>>>,
}

impl Policies {
    pub(super) fn new(means: &Means) -> Self {
        let fetcher = Fetcher::new(means);
        Self { dns: means.dns.clone(), db: Arc::clone(&means.db), fetcher, known: Mutex::default() }
    }

    /// What the policy of `domain` leaves of its servers: all, where none is enforced.
    pub(super) async fn apply(
        &self,
        domain: &str,
        exchanges: Arc<Vec<Exchange>>,
        now: DateTime<Utc>,
    ) -> Result<Allowed, Outcome> {
        let found = self.find(domain, now).await.map_err(|error| {
            log::warn!("the MTA-STS policy of {domain} could not be read: {error:?}");
            Outcome::NotNow { after: SOON }
        })?;
        let Some(live) = found.filter(|live| live.policy.mode == Mode::Enforce) else {
            return Ok(Allowed { exchanges, strict: false });
        };
        let (named, others): (Vec<Exchange>, Vec<Exchange>) =
            exchanges.iter().cloned().partition(|exchange| live.policy.names(&exchange.host));
        if named.is_empty() {
            let hosts = others.iter().map(|exchange| exchange.host.as_str()).collect::<Vec<_>>().join(", ");
            let text = format!(
                "{domain} enforces MTA-STS, and its policy names none of the servers that take its mail ({hosts}): nothing was sent to them"
            );
            return Err(Outcome::Unreachable { text });
        }
        Ok(Allowed { exchanges: Arc::new(named), strict: true })
    }

    /// The policy of `domain` that counts at `now`. One node asks once, however many messages wait for the answer.
    async fn find(&self, domain: &str, now: DateTime<Utc>) -> Result<Option<Arc<Live>>, ActionError> {
        let slot = self.slot(domain);
        let mut known = slot.lock().await;
        if known.asked_at.is_none_or(|at| (now - at).abs() >= ASKED_FOR) {
            self.look(domain, &mut known, now).await?;
            known.asked_at = Some(now);
        }
        Ok(known.live.clone().filter(|live| live.expires_at > now))
    }

    fn slot(&self, domain: &str) -> Arc<AsyncMutex<Known>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        Arc::clone(known.entry(domain.to_owned()).or_default())
    }

    /// Asks the database and DNS, and the policy's host where there is something new. Whatever cannot be had, or is
    /// gone, leaves a policy that was fetched before as long as it lasts (section 3.3).
    async fn look(&self, domain: &str, known: &mut Known, now: DateTime<Utc>) -> Result<(), ActionError> {
        let name = domain.to_owned();
        let stored = self.on_database(move |db| db.read(|conn| Ok(mta_sts::find(conn, &name, now.naive_utc())?)));
        known.live = stored.await?.and_then(Live::of).map(Arc::new);
        let records = self.dns.txt(&format!("_mta-sts.{domain}")).await.unwrap_or_default();
        let Some(id) = policy_id(&records).map(str::to_owned) else { return Ok(()) };
        let current = known.live.as_ref().is_some_and(|live| live.id == id && live.is_fresh(now));
        let failed = known.failed.as_ref().is_some_and(|(of, at)| *of == id && (now - *at).abs() < FAILED_FOR);
        if current || failed {
            return Ok(());
        }
        match self.fetcher.fetch(domain).await {
            Ok(policy) => {
                let live = Live::new(id, policy, now);
                self.keep(domain, &live).await;
                (known.live, known.failed) = (Some(Arc::new(live)), None);
            }
            Err(why) => {
                log::info!("the MTA-STS policy of {domain} could not be fetched: {why}");
                known.failed = Some((id, now));
            }
        }
        Ok(())
    }

    /// A policy that cannot be written down counts on this node all the same.
    async fn keep(&self, domain: &str, live: &Live) {
        let row = live.row(domain);
        let kept = self.on_database(move |db| db.write(|conn: &mut AnyConnection| keep_policy(conn, &row)));
        if let Err(error) = kept.await {
            log::warn!("the MTA-STS policy of {domain} could not be written down: {error:?}");
        }
    }

    async fn on_database<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Db) -> Result<T, ActionError> + Send + 'static,
    ) -> Result<T, ActionError> {
        let db = Arc::clone(&self.db);
        let done = spawn_blocking(move || work(&db)).await;
        done.unwrap_or_else(|error| Err(ActionError::Internal(format!("a task did not finish: {error}"))))
    }
}

impl Live {
    fn new(id: String, policy: Policy, now: DateTime<Utc>) -> Self {
        let expires_at = now + TimeDelta::seconds(policy.max_age);
        Self { id, policy, fetched_at: now, expires_at }
    }

    /// Whether it need not be fetched again yet: within a day, or half of its time where that is shorter.
    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        now - self.fetched_at < FRESH_FOR.min((self.expires_at - self.fetched_at) / 2)
    }

    fn row(&self, domain: &str) -> StoredPolicy {
        StoredPolicy {
            domain: domain.to_owned(),
            policy_id: self.id.clone(),
            mode: self.policy.mode.as_str().to_owned(),
            mx: self.policy.mx.join(" "),
            fetched_at: self.fetched_at.naive_utc(),
            expires_at: self.expires_at.naive_utc(),
        }
    }

    /// `None` for a row that another version wrote in words unknown here.
    fn of(row: StoredPolicy) -> Option<Self> {
        let mx = row.mx.split_whitespace().map(str::to_owned).collect();
        let (fetched_at, expires_at) = (row.fetched_at.and_utc(), row.expires_at.and_utc());
        let policy = Policy { mode: Mode::parse(&row.mode)?, mx, max_age: (expires_at - fetched_at).num_seconds() };
        Some(Self { id: row.policy_id, policy, fetched_at, expires_at })
    }
}
