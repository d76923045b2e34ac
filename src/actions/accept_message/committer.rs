//! The committer: takes what waits, in turn (`line.rs`, no artificial wait), commits it as one (`commit.rs`), and
//! answers each.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use tokio::sync::{Notify, oneshot};

use super::commit::{Node, commit};
use super::line::{Line, Queues, Waits};
use super::{Accepted, Prepared};
use crate::actions::error::{ActionError, ActionResult};
use crate::actions::services::Services;
use crate::clock::Clock;
use crate::domain::ids::Id;
use crate::metrics::Metrics;
use crate::models::Db;
use crate::models::health::Lack;

struct Job {
    prepared: Prepared,
    kilobytes: usize,
    answer: oneshot::Sender<ActionResult<Accepted>>,
}

impl Waits for Job {
    fn account(&self) -> Id {
        self.prepared.account_id
    }

    fn kilobytes(&self) -> usize {
        self.kilobytes
    }

    fn recipients(&self) -> usize {
        self.prepared.entries.len()
    }
}

/// What the thread and its callers share.
struct Shared {
    door: Mutex<Door>,
    /// Something came, or nothing will any more.
    came: Condvar,
}

struct Door {
    queues: Queues<Job>,
    open: bool,
}

impl Shared {
    /// The next group; `None` when nothing waits and nothing will come. Waits.
    fn group(&self) -> Option<Vec<Job>> {
        let mut door = self.door.lock();
        loop {
            let group = door.queues.group();
            if !group.is_empty() {
                return Some(group);
            }
            if !door.open {
                return None;
            }
            self.came.wait(&mut door);
        }
    }
}

/// Closes the door when the last handle is gone: what waits is still committed.
struct Handles(Arc<Shared>);

impl Drop for Handles {
    fn drop(&mut self) {
        self.0.door.lock().open = false;
        self.0.came.notify_all();
    }
}

/// Closes the door when the thread is gone, whatever ended it: nobody waits for an answer that will not come.
struct Thread(Arc<Shared>);

impl Drop for Thread {
    fn drop(&mut self) {
        let mut door = self.0.door.lock();
        door.open = false;
        door.queues.clear();
    }
}

/// A handle to the node's committer thread, which ends when the last handle is gone.
#[derive(Clone)]
pub struct Committer {
    shared: Arc<Handles>,
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
        let door = Door { queues: Queues::new(line), open: true };
        let shared = Arc::new(Shared { door: Mutex::new(door), came: Condvar::new() });
        let committed = Arc::new(Notify::new());
        let node = Node { db, clock, services, metrics, committed: Arc::clone(&committed) };
        let thread = Thread(Arc::clone(&shared));
        std::thread::Builder::new().name("committer".into()).spawn(move || thread.run(&node))?;
        Ok(Self { shared: Arc::new(Handles(shared)), committed })
    }

    /// Waits until this node has accepted something since it was last asked: there may be something to deliver.
    pub async fn committed(&self) {
        self.committed.notified().await;
    }

    /// How many requests wait, and how many may.
    #[must_use]
    pub fn waiting(&self) -> (usize, usize) {
        self.shared.0.door.lock().queues.waiting()
    }

    /// How many kilobytes more may wait.
    #[must_use]
    pub fn kilobytes_left(&self) -> usize {
        self.shared.0.door.lock().queues.kilobytes_left()
    }

    /// Hands a request over and waits until its transaction is durable.
    ///
    /// # Errors
    /// Whatever refuses the whole request; `Unavailable` at once when the line is full, or the account's part of it,
    /// `Internal` when the node is stopping.
    pub async fn accept(&self, prepared: Prepared) -> ActionResult<Accepted> {
        let (answer, result) = oneshot::channel();
        let kilobytes = usize::try_from(prepared.kilobytes()).unwrap_or(usize::MAX);
        let job = Job { prepared, kilobytes, answer };
        // One that was refused is dropped outside of the lock: it may be large.
        let refused = {
            let mut door = self.shared.0.door.lock();
            if !door.open {
                return Err(ActionError::Internal("the committer has stopped".into()));
            }
            door.queues.push(job).err()
        };
        if refused.is_some() {
            return Err(ActionError::Unavailable(Lack::Line));
        }
        self.shared.0.came.notify_one();
        result.await.map_err(|_| ActionError::Internal("the committer gave no answer".into()))?
    }
}

impl Thread {
    fn run(&self, node: &Node) {
        while let Some(jobs) = self.0.group() {
            let (requests, answers): (Vec<_>, Vec<_>) =
                jobs.into_iter().map(|job| (job.prepared, (job.answer, job.kilobytes))).unzip();
            let results = commit(node, &requests);
            // Before the answers: whoever has one finds room for the next.
            let mut door = self.0.door.lock();
            for (request, (_, kilobytes)) in requests.iter().zip(&answers) {
                door.queues.answered(request.account_id, *kilobytes);
            }
            drop(door);
            for (result, (answer, _)) in results.into_iter().zip(answers) {
                // A caller that went away has its answer stored under its idempotency key.
                drop(answer.send(result));
            }
        }
    }
}
