//! The committer: takes what waits (at most 512, no artificial wait), commits it as one, answers each.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::group::{self, Failure};
use super::{Accepted, Prepared};
use crate::actions::error::{ActionError, ActionResult};
use crate::actions::services::Services;
use crate::clock::Clock;
use crate::models::Db;

/// At most this many requests in one transaction; measured where the gain flattens.
const GROUP: usize = 512;
/// Requests that may wait before new ones are told to come again.
const WAITING: usize = 4096;

struct Job {
    prepared: Prepared,
    answer: oneshot::Sender<ActionResult<Accepted>>,
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
    pub fn start(db: Arc<Db>, clock: Arc<Clock>, services: Arc<Services>) -> std::io::Result<Self> {
        let (jobs, inbox) = mpsc::channel(WAITING);
        std::thread::Builder::new().name("committer".into()).spawn(move || run(&db, &clock, &services, inbox))?;
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

fn run(db: &Db, clock: &Clock, services: &Services, mut inbox: mpsc::Receiver<Job>) {
    while let Some(first) = inbox.blocking_recv() {
        let mut jobs = vec![first];
        while jobs.len() < GROUP {
            match inbox.try_recv() {
                Ok(job) => jobs.push(job),
                Err(_) => break,
            }
        }
        commit(db, clock, services, jobs);
    }
}

fn commit(db: &Db, clock: &Clock, services: &Services, jobs: Vec<Job>) {
    let (requests, answers): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.prepared, job.answer)).unzip();
    let results = match attempt(db, clock, services, &requests) {
        Ok(results) => results,
        // One request may be what broke the group: each is tried alone.
        Err(error) if requests.len() > 1 => {
            log::warn!("a group of {} requests failed and is tried one by one: {error}", requests.len());
            requests.iter().map(|request| alone(db, clock, services, request)).collect()
        }
        Err(error) => vec![Err(error)],
    };
    for (result, answer) in results.into_iter().zip(answers) {
        // A caller that went away has its answer stored under its idempotency key.
        drop(answer.send(result));
    }
}

fn alone(db: &Db, clock: &Clock, services: &Services, request: &Prepared) -> ActionResult<Accepted> {
    attempt(db, clock, services, std::slice::from_ref(request))?
        .pop()
        .unwrap_or_else(|| Err(ActionError::Internal("a group answered nothing".into())))
}

fn attempt(
    db: &Db,
    clock: &Clock,
    services: &Services,
    requests: &[Prepared],
) -> ActionResult<Vec<ActionResult<Accepted>>> {
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        db.write(|conn| group::accept(conn, clock.now(), services, requests).map_err(Failure))
    }));
    match result {
        Ok(result) => result.map_err(|Failure(error)| error),
        Err(_) => Err(ActionError::Internal("accepting a message panicked".into())),
    }
}
