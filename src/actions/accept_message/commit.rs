//! One group in one durable transaction: what failed is tried alone, and a commit whose answer was lost is looked for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::result::Error as DbError;
use tokio::sync::Notify;

use super::group::{self, Failure};
use super::intake::{self, Intake};
use super::{Accepted, Prepared};
use crate::actions::error::{ActionError, ActionResult};
use crate::actions::services::Services;
use crate::clock::Clock;
use crate::domain::ids::Id;
use crate::metrics::Metrics;
use crate::models::health::Lack;
use crate::models::{Db, accounts, messages};

/// What the committer's thread works with.
pub struct Node {
    pub db: Arc<Db>,
    pub clock: Arc<Clock>,
    pub services: Arc<Services>,
    pub metrics: Arc<Metrics>,
    /// Told after each commit.
    pub committed: Arc<Notify>,
}

/// Commits `requests` as one and answers each, in order.
pub fn commit(node: &Node, requests: &[Prepared]) -> Vec<ActionResult<Accepted>> {
    let results = match attempt(node, requests) {
        Ok(results) => results,
        // One request may be what broke the group: each is tried alone.
        Err(error) if requests.len() > 1 && error.lack().is_none() => {
            log::warn!("a group of {} requests failed and is tried one by one: {error}", requests.len());
            one_by_one(node, requests)
        }
        Err(error) => requests.iter().map(|_| Err(error.clone())).collect(),
    };
    for (request, result) in requests.iter().zip(&results) {
        if let Err(error) = result {
            let recipients = u64::try_from(request.entries.len()).unwrap_or(u64::MAX);
            node.metrics.mail.refused(intake::why(error), recipients);
        }
    }
    results
}

/// Once something is missing, it is missing for all that follow.
fn one_by_one(node: &Node, requests: &[Prepared]) -> Vec<ActionResult<Accepted>> {
    let mut missing: Option<ActionError> = None;
    let mut results = Vec::with_capacity(requests.len());
    for request in requests {
        let result = match &missing {
            Some(error) => Err(error.clone()),
            None => alone(node, request),
        };
        if let Err(error) = &result
            && error.lack().is_some()
        {
            missing = Some(error.clone());
        }
        results.push(result);
    }
    results
}

fn alone(node: &Node, request: &Prepared) -> ActionResult<Accepted> {
    attempt(node, std::slice::from_ref(request))?
        .pop()
        .unwrap_or_else(|| Err(ActionError::Internal("a group answered nothing".into())))
}

/// How long a commit whose answer was lost is looked for.
const LOOKED_FOR: Duration = Duration::from_secs(10);

/// Whether a group that was decided is in the database, though the connection broke before its commit was answered: a
/// mail program that was told to come again would hand everything in twice. Under the locks of its accounts, which the
/// broken transaction holds until it is over, what is not there now will not come.
fn landed(node: &Node, requests: &[Prepared], decided: Option<&[ActionResult<Accepted>]>) -> bool {
    let witness = decided.unwrap_or_default().iter().flatten().find_map(Accepted::first_id);
    let Some(witness) = witness else { return false };
    let accounts: Vec<Id> = requests.iter().map(|request| request.account_id).collect();
    let until = Instant::now() + LOOKED_FOR;
    loop {
        let looked = node.db.write(|conn| {
            accounts::lock(conn, &[], &accounts)?;
            Ok::<_, DbError>(!messages::find_many(conn, &[witness])?.is_empty())
        });
        match looked {
            Ok(there) => {
                log::warn!("the connection broke at a commit, which is {}", if there { "there" } else { "not there" });
                return there;
            }
            Err(error) if Instant::now() >= until => {
                log::warn!("the connection broke at a commit, and whether it is there is not known: {error}");
                return false;
            }
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

fn attempt(node: &Node, requests: &[Prepared]) -> ActionResult<Vec<ActionResult<Accepted>>> {
    let begun = Instant::now();
    let mut intake = Intake::default();
    // What the transaction decided, kept outside of it: its commit may be there though its answer was lost.
    let mut decided = None;
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let now = node.clock.now();
        node.db.write(|conn| {
            decided = Some(group::accept(conn, now, &node.services, requests, &mut intake).map_err(Failure)?);
            Ok::<(), Failure>(())
        })
    }));
    match result {
        Ok(result) => {
            let result = match result.map_err(|Failure(error)| error) {
                Err(error) if error.lack() == Some(Lack::Database) && landed(node, requests, decided.as_deref()) => {
                    Ok(())
                }
                result => result,
            };
            node.db.health.wrote(result.as_ref().err().and_then(ActionError::lack));
            let results = result.map(|()| decided.unwrap_or_default())?;
            node.metrics.mail.committed(requests.len(), begun.elapsed());
            node.committed.notify_one();
            intake.tell(&node.metrics.mail);
            Ok(results)
        }
        Err(_) => Err(ActionError::Internal("accepting a message panicked".into())),
    }
}
