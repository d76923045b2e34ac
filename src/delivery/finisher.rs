//! Records what became of deliveries: one transaction for all that wait, off the async threads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::actions::ActionResult;
use crate::actions::finish_deliveries::{Finished, Moved, finish_deliveries, finish_without_words};
use crate::app::App;

/// Attempts recorded in one transaction at most.
const GROUP: usize = 256;
/// Between the beginnings of two transactions: while much leaves, several outcomes share one. What goes wrong in these
/// milliseconds is what goes wrong while a transaction is under way: the message is sent again.
const COMPANY: Duration = Duration::from_millis(5);
/// Waits before the first, second, ... repetition of a transaction that failed.
const WAITS: [Duration; 4] =
    [Duration::from_millis(50), Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(5)];

/// Starts the finisher; it ends when the last sender is gone and everything is recorded.
pub fn start(app: &Arc<App>, capacity: usize) -> (mpsc::Sender<Finished>, JoinHandle<()>) {
    let (outcomes, inbox) = mpsc::channel(capacity);
    let app = Arc::clone(app);
    (outcomes, tokio::task::spawn_blocking(move || run(&app, inbox)))
}

fn run(app: &App, mut inbox: mpsc::Receiver<Finished>) {
    let mut group = Vec::with_capacity(GROUP);
    let mut begun: Option<Instant> = None;
    while inbox.blocking_recv_many(&mut group, GROUP) > 0 {
        if let Some(early) = begun.and_then(|begun| COMPANY.checked_sub(begun.elapsed())) {
            std::thread::sleep(early);
            while group.len() < GROUP
                && let Ok(one) = inbox.try_recv()
            {
                group.push(one);
            }
        }
        begun = Some(Instant::now());
        record(app, &group);
        group.clear();
    }
}

/// Records a group. While the database is away it is tried for as long as the node runs: what was sent is known nowhere
/// else. A group that fails otherwise holds nobody up: each of it is recorded alone, because a single one may be why.
fn record(app: &App, group: &[Finished]) {
    let mut waits = WAITS.into_iter();
    let mut wait = WAITS[0];
    loop {
        match write(app, group) {
            Ok(moved) => return tell(app, &moved),
            Err(error) => {
                log::warn!("{} outcomes could not be recorded yet: {error:?}", group.len());
                if error.lack().is_none() {
                    break;
                }
            }
        }
        wait = waits.next().unwrap_or(wait);
        std::thread::sleep(wait);
    }
    // Where one fails whatever is left out, so may all: they are not each waited for.
    let mut patient = true;
    for one in group {
        patient &= record_alone(app, one, patient);
    }
}

/// Records one outcome: as it is, a second time in case another transaction was in the way, then without its words.
/// Answers whether it is recorded.
fn record_alone(app: &App, one: &Finished, patient: bool) -> bool {
    let id = one.claimed.message.id;
    let mut waits = WAITS.into_iter();
    let mut tries = 0_u32;
    loop {
        let written = if tries < 2 { write(app, std::slice::from_ref(one)) } else { write_without_words(app, one) };
        let error = match written {
            Ok(moved) => {
                if tries >= 2 {
                    log::error!("the outcome of message {id} is recorded without what its server said");
                }
                tell(app, &moved);
                return true;
            }
            Err(error) => error,
        };
        log::warn!("the outcome of message {id} could not be recorded yet: {error:?}");
        let wait = match (error.lack(), waits.next()) {
            // Nothing is wrong with the outcome while the database is away.
            (Some(_), wait) => wait.unwrap_or(WAITS[WAITS.len() - 1]),
            (None, Some(wait)) if patient || tries < 2 => {
                tries += 1;
                wait
            }
            (None, _) => {
                log::error!("the outcome of message {id} is lost, it is sent again when its lease runs out");
                return false;
            }
        };
        std::thread::sleep(wait);
    }
}

fn write_without_words(app: &App, one: &Finished) -> ActionResult<Vec<Moved>> {
    app.db.write(|conn| finish_without_words(conn, app.clock.now(), one))
}

fn write(app: &App, group: &[Finished]) -> ActionResult<Vec<Moved>> {
    app.db.write(|conn| finish_deliveries(conn, app.clock.now(), group))
}

/// Counts what was recorded.
fn tell(app: &App, moved: &[Moved]) {
    for (status, transport) in moved {
        app.metrics.mail.attempted(*status, *transport);
    }
}
