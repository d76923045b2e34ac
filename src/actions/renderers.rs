//! The threads that render templates: their stacks are deep, because the engine calls itself for every level of a
//! template, and they are few, so that what is being rendered at once takes bounded memory. Accounts take turns.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::accept_message::Prepared;
use super::prepare_message::prepare_message;
use super::{ActionError, ActionResult};
use crate::domain::ids::Id;
use crate::domain::message::draft::Draft;
use crate::domain::message::render::{self, Halt};
use crate::models::health::Lack;

/// Deep enough for whatever `domain::message::render` lets through: it is reserved, and takes memory only where it is used.
const STACK: usize = 64 * 1024 * 1024;
/// How long one request may be rendered, all its fields and recipients together.
const TIME: Duration = Duration::from_secs(2);
/// Requests that wait to be rendered.
const LINE: usize = 256;
/// One account's part of them.
const SHARE: usize = LINE / 4;

type Job = Box<dyn FnOnce() + Send>;

/// Renders what has template marks, a few requests at a time. Dropping it ends its threads.
pub struct Renderers {
    shared: Arc<Shared>,
}

struct Shared {
    line: Mutex<Line>,
    changed: Condvar,
    /// How many of the threads one account may have.
    most: usize,
    stopped: AtomicUsize,
}

#[derive(Default)]
struct Line {
    /// Accounts in turn, each with what waits.
    turns: VecDeque<(Id, VecDeque<Job>)>,
    waiting: usize,
    running: BTreeMap<Id, usize>,
    closed: bool,
}

impl Renderers {
    /// Starts as many threads as there are processors, two at least.
    ///
    /// # Errors
    /// The system gives no threads.
    pub fn start() -> std::io::Result<Self> {
        let threads = thread::available_parallelism().map_or(2, std::num::NonZero::get).clamp(2, 8);
        let most = threads - 1;
        let shared = Shared { line: Mutex::default(), changed: Condvar::new(), most, stopped: AtomicUsize::new(0) };
        let shared = Arc::new(shared);
        for number in 0..threads {
            let shared = Arc::clone(&shared);
            let builder = thread::Builder::new().name(format!("render-{number}")).stack_size(STACK);
            builder.spawn(move || shared.work())?;
        }
        Ok(Self { shared })
    }

    /// As [`prepare_message`], where there is room for it. What nobody waits for any more is not begun, or stopped.
    ///
    /// # Errors
    /// As [`prepare_message`]; `Unavailable` where too much waits already.
    pub async fn prepare(&self, account: Id, draft: Draft) -> ActionResult<Prepared> {
        if !render::varies(&draft) {
            let never: Halt = Arc::new(|| false);
            let prepared = tokio::task::spawn_blocking(move || prepare_message(account, draft, &never)).await;
            return prepared.unwrap_or_else(|error| Err(unfinished(&error)));
        }
        let (answer, result) = oneshot::channel();
        let guard = Gone::default();
        let (gone, shared) = (Arc::clone(&guard.0), Arc::clone(&self.shared));

        self.shared.hand_in(
            account,
            Box::new(move || {
                if answer.is_closed() {
                    shared.stop();
                    return;
                }
                let prepared = prepare_message(account, draft, &halt(Arc::clone(&gone), Instant::now() + TIME));
                if prepared.is_err() && gone.load(Ordering::Relaxed) {
                    shared.stop();
                }
                let _ = answer.send(prepared);
            }),
        )?;

        let prepared = result.await.unwrap_or_else(|error| Err(unfinished(&error)));
        drop(guard);
        prepared
    }

    /// How much is rendered now, and was given up.
    #[must_use]
    pub fn load(&self) -> Load {
        let line = self.shared.line.lock();
        let under_way = line.waiting + line.running.values().sum::<usize>();
        Load { under_way, stopped: self.shared.stopped.load(Ordering::Relaxed) }
    }
}

/// How much is rendered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Requests that are being rendered, or wait for it.
    pub under_way: usize,
    /// Requests that were given up, so far, because nobody waited for them any more.
    pub stopped: usize,
}

fn halt(gone: Arc<AtomicBool>, until: Instant) -> Halt {
    Arc::new(move || gone.load(Ordering::Relaxed) || Instant::now() >= until)
}

/// Says that nobody waits any more, when the one who waited is dropped.
#[derive(Default)]
struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Drop for Renderers {
    fn drop(&mut self) {
        self.shared.line.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    /// Notes that a request was given up.
    fn stop(&self) {
        self.stopped.fetch_add(1, Ordering::Relaxed);
    }

    fn hand_in(&self, account: Id, job: Job) -> ActionResult<()> {
        self.line.lock().push(account, job)?;
        self.changed.notify_one();
        Ok(())
    }

    fn work(&self) {
        while let Some((account, job)) = self.next() {
            if catch_unwind(AssertUnwindSafe(job)).is_err() {
                log::error!("rendering a message of account {account} panicked");
            }
            let mut line = self.line.lock();
            if let Some(running) = line.running.get_mut(&account) {
                *running -= 1;
                if *running == 0 {
                    line.running.remove(&account);
                }
            }
            drop(line);
            // Others may have waited for this account's place.
            self.changed.notify_all();
        }
    }

    /// Waits for the next job of an account with less than its share; none when all is over.
    fn next(&self) -> Option<(Id, Job)> {
        let mut line = self.line.lock();
        loop {
            if line.closed {
                return None;
            }
            if let Some(found) = line.take(self.most) {
                return Some(found);
            }
            self.changed.wait(&mut line);
        }
    }
}

impl Line {
    fn push(&mut self, account: Id, job: Job) -> ActionResult<()> {
        let place = self.turns.iter().position(|(id, _)| *id == account);
        let own = place.map_or(0, |place| self.turns[place].1.len());
        if self.waiting == LINE || own == SHARE {
            return Err(ActionError::Unavailable(Lack::Line));
        }
        match place {
            Some(place) => self.turns[place].1.push_back(job),
            None => self.turns.push_back((account, VecDeque::from([job]))),
        }
        self.waiting += 1;
        Ok(())
    }

    /// The next of an account that has less than `most` threads.
    fn take(&mut self, most: usize) -> Option<(Id, Job)> {
        let free = |running: &BTreeMap<Id, usize>, id: &Id| running.get(id).is_none_or(|running| *running < most);
        let place = self.turns.iter().position(|(id, _)| free(&self.running, id))?;
        let (account, mut jobs) = self.turns.remove(place)?;
        let job = jobs.pop_front()?;
        if !jobs.is_empty() {
            self.turns.push_back((account, jobs));
        }
        self.waiting -= 1;
        *self.running.entry(account).or_default() += 1;
        Some((account, job))
    }
}

fn unfinished(error: &dyn std::fmt::Display) -> ActionError {
    ActionError::Internal(format!("a task did not finish: {error}"))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    fn account() -> Id {
        Id::new(chrono::DateTime::UNIX_EPOCH)
    }

    fn idle() -> Job {
        Box::new(|| ())
    }

    #[test]
    fn accounts_take_turns_and_one_never_has_every_thread() {
        let (mut line, many, one) = (Line::default(), account(), account());
        (0..20).for_each(|_| line.push(many, idle()).expect("there is room"));
        line.push(one, idle()).expect("there is room");
        let taken: Vec<Id> = (0..4).filter_map(|_| line.take(3)).map(|(account, _)| account).collect();
        assert_eq!(taken, [many, one, many, many], "its turn is the second, whatever came before it");
        assert!(line.take(3).is_none(), "the fourth thread is for others");
        line.push(one, idle()).expect("there is room");
        assert_eq!(line.take(3).map(|(account, _)| account), Some(one));
    }

    #[test]
    fn beyond_a_quarter_of_the_line_an_account_alone_is_told_to_come_again() {
        let (mut line, many, one) = (Line::default(), account(), account());
        (0..SHARE).for_each(|_| line.push(many, idle()).expect("there is room"));
        let full = line.push(many, idle());
        assert!(matches!(full, Err(ActionError::Unavailable(Lack::Line))), "{full:?}");
        assert!(line.push(one, idle()).is_ok(), "the others' room is theirs");
    }

    #[test]
    fn one_that_panics_takes_no_thread_with_it() {
        let (renderers, (said, heard)) = (Renderers::start().expect("threads"), channel());
        for _ in 0..20 {
            renderers.shared.hand_in(account(), Box::new(|| panic!("as a parser may"))).expect("there is room");
        }
        let last = Box::new(move || said.send(()).expect("heard"));
        renderers.shared.hand_in(account(), last).expect("there is room");
        heard.recv().expect("it is still rendered");
    }

    #[test]
    fn work_ends_when_nobody_waits_or_its_time_is_over() {
        let (guard, later) = (Gone::default(), Instant::now() + Duration::from_secs(3600));
        let ends = halt(Arc::clone(&guard.0), later);
        assert!(!ends());
        drop(guard);
        assert!(ends(), "the client hung up");
        assert!(halt(Arc::default(), Instant::now())(), "its time is over");
    }
}
