//! The committer: takes what waits (at most 512, no artificial wait), commits it as one, answers each.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::result::Error as DbError;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

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

/// At most this many requests in one transaction; measured where the gain flattens.
const GROUP: usize = 512;
/// How much may wait to be committed: what comes beyond is told at once to come again, so that memory stays bounded.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub requests: usize,
    pub megabytes: usize,
}

struct Job {
    prepared: Prepared,
    answer: oneshot::Sender<ActionResult<Accepted>>,
    /// Its part of the line's megabytes, until it is answered.
    room: OwnedSemaphorePermit,
}

/// What the thread works with.
struct Node {
    db: Arc<Db>,
    clock: Arc<Clock>,
    services: Arc<Services>,
    metrics: Arc<Metrics>,
    /// Told after each commit.
    committed: Arc<Notify>,
}

/// A handle to the node's committer thread, which ends when the last handle is gone.
#[derive(Clone)]
pub struct Committer {
    jobs: mpsc::Sender<Job>,
    /// One permit a kilobyte.
    room: Arc<Semaphore>,
    kilobytes: u32,
    committed: Arc<Notify>,
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
        line: Line,
    ) -> std::io::Result<Self> {
        let (jobs, inbox) = mpsc::channel(line.requests.max(1));
        let kilobytes = u32::try_from(line.megabytes.max(1) * 1024).unwrap_or(u32::MAX);
        let permits = usize::try_from(kilobytes).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        let committed = Arc::new(Notify::new());
        let node = Node { db, clock, services, metrics, committed: Arc::clone(&committed) };
        std::thread::Builder::new().name("committer".into()).spawn(move || run(&node, inbox))?;
        Ok(Self { jobs, room: Arc::new(Semaphore::new(permits)), kilobytes, committed })
    }

    /// Waits until this node has accepted something since it was last asked: there may be something to deliver.
    pub async fn committed(&self) {
        self.committed.notified().await;
    }

    /// How many requests wait, and how many may.
    #[must_use]
    pub fn waiting(&self) -> (usize, usize) {
        let most = self.jobs.max_capacity();
        (most - self.jobs.capacity(), most)
    }

    /// How many kilobytes more may wait.
    #[must_use]
    pub fn kilobytes_left(&self) -> usize {
        self.room.available_permits()
    }

    /// Hands a request over and waits until its transaction is durable.
    ///
    /// # Errors
    /// Whatever refuses the whole request; `Unavailable` at once when the line is full, `Internal` when the node is
    /// stopping.
    pub async fn accept(&self, prepared: Prepared) -> ActionResult<Accepted> {
        let full = ActionError::Unavailable(Lack::Line);
        // One that is larger than all the room there is may come when it is alone.
        let weight = prepared.kilobytes().min(self.kilobytes);
        let Ok(room) = Arc::clone(&self.room).try_acquire_many_owned(weight) else { return Err(full) };
        let (answer, result) = oneshot::channel();
        self.jobs.try_send(Job { prepared, answer, room }).map_err(|refused| match refused {
            TrySendError::Full(_) => full,
            TrySendError::Closed(_) => ActionError::Internal("the committer has stopped".into()),
        })?;
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
    let (requests, answers): (Vec<_>, Vec<_>) =
        jobs.into_iter().map(|job| (job.prepared, (job.answer, job.room))).unzip();
    let results = match attempt(node, &requests) {
        Ok(results) => results,
        // One request may be what broke the group: each is tried alone.
        Err(error) if requests.len() > 1 && error.lack().is_none() => {
            log::warn!("a group of {} requests failed and is tried one by one: {error}", requests.len());
            one_by_one(node, &requests)
        }
        Err(error) => requests.iter().map(|_| Err(error.clone())).collect(),
    };
    for (request, result) in requests.iter().zip(&results) {
        if let Err(error) = result {
            let recipients = u64::try_from(request.entries.len()).unwrap_or(u64::MAX);
            node.metrics.mail.refused(intake::why(error), recipients);
        }
    }
    for (result, (answer, room)) in results.into_iter().zip(answers) {
        // Before the answer: whoever has it finds room for the next.
        drop(room);
        // A caller that went away has its answer stored under its idempotency key.
        drop(answer.send(result));
    }
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
