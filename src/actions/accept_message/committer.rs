//! The committer: takes what waits (at most 512, no artificial wait), commits it as one, answers each.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};

use super::group::{self, Failure};
use super::intake::{self, Intake};
use super::{Accepted, Prepared};
use crate::actions::error::{ActionError, ActionResult};
use crate::actions::services::Services;
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::models::Db;

/// At most this many requests in one transaction; measured where the gain flattens.
const GROUP: usize = 512;
/// Requests that may wait before new ones are told to come again.
const WAITING: usize = 4096;

struct Job {
    prepared: Prepared,
    answer: oneshot::Sender<ActionResult<Accepted>>,
}

/// What the thread works with.
struct Node {
    db: Arc<Db>,
    clock: Arc<Clock>,
    services: Arc<Services>,
    metrics: Arc<Metrics>,
}

/// A handle to the node's committer thread, which ends when the last handle is gone.
#[derive(Clone)]
pub struct Committer {
    jobs: mpsc::Sender<Job>,
}

impl Committer {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        db: Arc<Db>,
        clock: Arc<Clock>,
        services: Arc<Services>,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<Self> {
        let (jobs, inbox) = mpsc::channel(WAITING);
        let node = Node { db, clock, services, metrics };
        std::thread::Builder::new().name("committer".into()).spawn(move || run(&node, inbox))?;
        Ok(Self { jobs })
    }

    /// Hands a request over and waits until its transaction is durable.
    ///
    /// # Errors
    /// Whatever refuses the whole request; `Internal` when the node is stopping or the queue is full.
    pub async fn accept(&self, prepared: Prepared) -> ActionResult<Accepted> {
        let (answer, result) = oneshot::channel();
        self.jobs
            .send(Job { prepared, answer })
            .await
            .map_err(|_| ActionError::Internal("the committer has stopped".into()))?;
        result.await.map_err(|_| ActionError::Internal("the committer gave no answer".into()))?
    }
}

fn run(node: &Node, mut inbox: mpsc::Receiver<Job>) {
    while let Some(first) = inbox.blocking_recv() {
        let mut jobs = vec![first];
        while jobs.len() < GROUP {
            match inbox.try_recv() {
                Ok(job) => jobs.push(job),
                Err(_) => break,
            }
        }
        commit(node, jobs);
    }
}

fn commit(node: &Node, jobs: Vec<Job>) {
    let (requests, answers): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.prepared, job.answer)).unzip();
    let results = match attempt(node, &requests) {
        Ok(results) => results,
        // One request may be what broke the group: each is tried alone.
        Err(error) if requests.len() > 1 => {
            log::warn!("a group of {} requests failed and is tried one by one: {error}", requests.len());
            requests.iter().map(|request| alone(node, request)).collect()
        }
        Err(error) => vec![Err(error)],
    };
    for (request, result) in requests.iter().zip(&results) {
        if let Err(error) = result {
            let recipients = u64::try_from(request.entries.len()).unwrap_or(u64::MAX);
            node.metrics.mail.refused(intake::why(error), recipients);
        }
    }
    for (result, answer) in results.into_iter().zip(answers) {
        // A caller that went away has its answer stored under its idempotency key.
        drop(answer.send(result));
    }
}

fn alone(node: &Node, request: &Prepared) -> ActionResult<Accepted> {
    attempt(node, std::slice::from_ref(request))?
        .pop()
        .unwrap_or_else(|| Err(ActionError::Internal("a group answered nothing".into())))
}

fn attempt(node: &Node, requests: &[Prepared]) -> ActionResult<Vec<ActionResult<Accepted>>> {
    let begun = Instant::now();
    let mut intake = Intake::default();
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let now = node.clock.now();
        node.db.write(|conn| group::accept(conn, now, &node.services, requests, &mut intake).map_err(Failure))
    }));
    match result {
        Ok(result) => {
            let results = result.map_err(|Failure(error)| error)?;
            node.metrics.mail.committed(requests.len(), begun.elapsed());
            intake.tell(&node.metrics.mail);
            Ok(results)
        }
        Err(_) => Err(ActionError::Internal("accepting a message panicked".into())),
    }
}
