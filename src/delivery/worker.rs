//! The delivery loop of a node: claims what is due, delivers several at once, records what became of them.
//! What may leave and what an answer means is decided in actions; here is only the running.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::finisher;
use super::node::{Looked, Node, look};
use crate::actions::ActionResult;
use crate::app::App;

/// How often an idle node looks for work that it did not accept itself.
const POLL: Duration = Duration::from_millis(200);
/// How long freed places wait for company, so that claims are made for several at once.
const GATHER: Duration = Duration::from_millis(10);
/// How long a stopping node waits for deliveries under way.
const GRACE: Duration = Duration::from_secs(5);
/// How often leases of attempts under way are renewed.
pub const RENEW: Duration = Duration::from_secs(10);
/// Attempts that may wait to be recorded.
const UNRECORDED: usize = 512;

/// A look at the queue that is under way while deliveries go on, and when the next one is made.
struct Looks {
    app: Arc<App>,
    under_way: Option<JoinHandle<ActionResult<Looked>>>,
    next: Instant,
    /// The last one found something: the next need not ask first.
    found: bool,
}

impl Looks {
    /// Looks if it is time, and if `node` has room.
    fn begin(&mut self, node: &mut Node) {
        if self.under_way.is_some() || Instant::now() < self.next || !node.is_low() {
            return;
        }
        let wanted = node.wanted();
        if wanted.limit > 0 {
            self.under_way = Some(tokio::spawn(look(Arc::clone(&self.app), wanted, !self.found)));
        }
    }

    /// Something was accepted here: an idle node need not wait for its next look.
    fn hasten(&mut self) {
        self.next = self.next.min(Instant::now() + GATHER);
    }

    /// Waits for the look that is under way to end; for ever when there is none.
    async fn ended(&mut self) -> Looked {
        let Some(task) = &mut self.under_way else { return std::future::pending().await };
        let looked = task.await;
        self.under_way = None;
        match looked {
            Ok(Ok(looked)) => looked,
            Ok(Err(error)) => failed(&format!("{error:?}")),
            Err(error) => failed(&error.to_string()),
        }
    }

    /// Hands `node` what was found, and says when to look again.
    fn take(&mut self, looked: Looked, node: &mut Node) {
        let now = Instant::now();
        self.found = matches!(looked, Looked::Found(_));
        self.next = match looked {
            Looked::Nothing => now + POLL,
            Looked::Due => now + GATHER,
            Looked::Found(claimed) => {
                node.ahead.push(claimed, now);
                now
            }
        };
    }
}

fn failed(why: &str) -> Looked {
    log::error!("messages could not be claimed: {why}");
    Looked::Nothing
}

/// Delivers until `stop` turns true, then finishes what is under way within five seconds.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let (outcomes, recorded) = finisher::start(&app, UNRECORDED);
    let mut looks = Looks { app: Arc::clone(&app), under_way: None, next: Instant::now(), found: false };
    let mut node = Node::new(Arc::clone(&app), outcomes);
    let mut renewed = Instant::now();
    while !*stop.borrow() {
        if renewed.elapsed() >= RENEW {
            node.renew().await;
            renewed = Instant::now();
        }
        node.give_back_stale().await;
        node.begin();
        looks.begin(&mut node);
        let patience = looks.next.max(Instant::now() + GATHER);
        tokio::select! {
            looked = looks.ended() => looks.take(looked, &mut node),
            () = app.committer.committed() => looks.hasten(),
            () = node.some_places(), if node.places.busy() > 0 => {}
            () = sleep_until(patience) => {}
            _ = stop.changed() => {}
        }
    }
    end(looks, node, recorded).await;
}

/// Finishes what is under way, gives back what was not begun, and waits until all of it is recorded.
async fn end(mut looks: Looks, mut node: Node, recorded: JoinHandle<()>) {
    if looks.under_way.is_some() {
        match timeout(GRACE, looks.ended()).await {
            Ok(looked) => looks.take(looked, &mut node),
            Err(_) => log::warn!("a claim did not end in time: its leases run out"),
        }
    }
    let unbegun = node.ahead.take_all();
    node.give_back(unbegun).await;
    if timeout(GRACE, node.all_places()).await.is_err() {
        let busy = node.places.busy();
        log::warn!("{busy} deliveries did not end in time: their leases run out, then they are sent again");
    }
    drop(node);
    match timeout(GRACE, recorded).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => log::error!("what became of deliveries could not be recorded: {error}"),
        // The database is away, and comes back to a node that is gone.
        Err(_) => log::warn!("what became of deliveries was not recorded in time: they are sent again"),
    }
}

/// Claims, delivers and records everything that is due now; answers how many attempts were made. For tests and for the
/// command line.
pub async fn run_once(app: &Arc<App>) -> usize {
    let (outcomes, recorded) = finisher::start(app, UNRECORDED);
    let mut node = Node::new(Arc::clone(app), outcomes);
    let mut made = 0;
    loop {
        let wanted = node.wanted();
        match look(Arc::clone(app), wanted, true).await {
            Ok(Looked::Found(claimed)) => {
                made += claimed.len();
                node.ahead.push(claimed, Instant::now());
            }
            // Another node is at it.
            Ok(Looked::Due) => sleep(GATHER).await,
            Ok(Looked::Nothing) if node.is_idle() => break,
            Ok(Looked::Nothing) => {}
            Err(error) => {
                log::error!("messages could not be claimed: {error:?}");
                break;
            }
        }
        while !node.is_idle() {
            node.begin();
            node.all_places().await;
        }
    }
    drop(node);
    if let Err(error) = recorded.await {
        log::error!("what became of deliveries could not be recorded: {error}");
    }
    made
}
