//! The delivery loop of a node: claims what is due, delivers several at once, records what became of them.
//! What may leave and what an answer means is decided in actions; here is only the running.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use super::finisher;
use super::leave::{Left, leave};
use super::outgoing::{Signers, prepare};
use crate::actions::ActionResult;
use crate::actions::claim_deliveries::{Claimed, Wanted, anything_due, claim_deliveries, renew_leases};
use crate::actions::finish_deliveries::{Answer, Finished};
use crate::app::App;
use crate::domain::ids::Id;

/// How often an idle node looks for work.
const POLL: Duration = Duration::from_millis(200);
/// How long freed places wait for company, so that claims are made for several at once.
const GATHER: Duration = Duration::from_millis(10);
/// How long a stopping node waits for deliveries under way.
const GRACE: Duration = Duration::from_secs(5);
/// How often leases of attempts under way are renewed.
pub const RENEW: Duration = Duration::from_secs(10);
/// Attempts that may wait to be recorded.
const UNRECORDED: usize = 512;

/// Delivers until `stop` turns true, then finishes what is under way within five seconds.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let (outcomes, recorded) = finisher::start(&app, UNRECORDED);
    let mut node = Node::new(app, outcomes);
    let mut renewed = Instant::now();
    while !*stop.borrow() {
        if renewed.elapsed() >= RENEW {
            node.renew().await;
            renewed = Instant::now();
        }
        let patience = if node.claim_and_start().await == Looked::Nothing { POLL } else { GATHER };
        tokio::select! {
            () = node.some_places(), if !node.is_idle() => {}
            () = sleep(patience) => {}
            _ = stop.changed() => {}
        }
    }
    if timeout(GRACE, node.all_places()).await.is_err() {
        log::warn!("{} deliveries did not end in time: their leases run out, then they are sent again", node.busy());
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
        match node.claim_and_start().await {
            Looked::Started(count) => made += count,
            // Another node is at it.
            Looked::Due => sleep(GATHER).await,
            Looked::Nothing if node.is_idle() => break,
            Looked::Nothing => {}
        }
        node.all_places().await;
    }
    drop(node);
    if let Err(error) = recorded.await {
        log::error!("what became of deliveries could not be recorded: {error}");
    }
    made
}

/// What a look at the queue found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looked {
    /// Nothing is due, or there is no free place.
    Nothing,
    /// Something is due that could not be had just now: another node serves it, or its account has its share.
    Due,
    /// So many deliveries were started.
    Started(usize),
}

/// What a node has under way.
struct Node {
    app: Arc<App>,
    signers: Arc<Signers>,
    outcomes: mpsc::Sender<Finished>,
    tasks: JoinSet<()>,
    /// Message, account and lease owner of each task.
    under_way: HashMap<tokio::task::Id, (Id, Id, Id)>,
}

impl Node {
    fn new(app: Arc<App>, outcomes: mpsc::Sender<Finished>) -> Self {
        Self { app, signers: Arc::default(), outcomes, tasks: JoinSet::new(), under_way: HashMap::new() }
    }

    fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    fn busy(&self) -> usize {
        self.tasks.len()
    }

    /// Starts as many due deliveries as there are free places.
    async fn claim_and_start(&mut self) -> Looked {
        self.try_claim_and_start().await.unwrap_or_else(|error| {
            log::error!("messages could not be claimed: {error:?}");
            Looked::Nothing
        })
    }

    async fn try_claim_and_start(&mut self) -> ActionResult<Looked> {
        while let Some(done) = self.tasks.try_join_next_with_id() {
            self.note(done);
        }
        let wanted = self.wanted();
        if wanted.limit == 0 {
            return Ok(Looked::Nothing);
        }
        let now = self.app.clock.now();
        if !self.app.read(move |conn| anything_due(conn, now)).await? {
            return Ok(Looked::Nothing);
        }
        let claimed = self.app.write(move |conn| claim_deliveries(conn, now, &wanted)).await?;
        if claimed.is_empty() {
            return Ok(Looked::Due);
        }
        let count = claimed.len();
        for claimed in claimed {
            let about = (claimed.message.id, claimed.message.account_id, claimed.owner);
            let delivery = deliver(Arc::clone(&self.app), Arc::clone(&self.signers), claimed, self.outcomes.clone());
            let task = self.tasks.spawn(delivery);
            self.under_way.insert(task.id(), about);
        }
        Ok(Looked::Started(count))
    }

    /// One account may take three quarters of the places: a slow receiver of one leaves room for the others.
    fn wanted(&self) -> Wanted {
        let places = self.app.config.delivery_workers.max(1);
        let mut under_way: HashMap<Id, usize> = HashMap::new();
        for (_, account, _) in self.under_way.values() {
            *under_way.entry(*account).or_default() += 1;
        }
        Wanted {
            limit: places.saturating_sub(self.tasks.len()).min(256),
            per_account: (places * 3 / 4).max(1),
            under_way,
        }
    }

    /// Waits until a quarter of the places, or all that were taken, are free.
    async fn some_places(&mut self) {
        let enough = (self.app.config.delivery_workers / 4).max(1);
        let mut freed = 0;
        while freed < enough {
            let Some(done) = self.tasks.join_next_with_id().await else { return };
            self.note(done);
            freed += 1;
        }
    }

    async fn all_places(&mut self) {
        while let Some(done) = self.tasks.join_next_with_id().await {
            self.note(done);
        }
    }

    fn note(&mut self, done: Result<(tokio::task::Id, ()), JoinError>) {
        let id = match done {
            Ok((id, ())) => id,
            Err(error) => {
                log::error!("a delivery broke off, its lease will run out: {error}");
                error.id()
            }
        };
        self.under_way.remove(&id);
    }

    async fn renew(&self) {
        let under_way: Vec<(Id, Id)> = self.under_way.values().map(|(message, _, owner)| (*message, *owner)).collect();
        if under_way.is_empty() {
            return;
        }
        let now = self.app.clock.now();
        let renewed = self.app.write(move |conn| renew_leases(conn, now, &under_way)).await;
        if let Err(error) = renewed {
            log::error!("leases could not be renewed: {error:?}");
        }
    }
}

/// One attempt, from the database to the wire, and its outcome to the finisher.
async fn deliver(app: Arc<App>, signers: Arc<Signers>, claimed: Claimed, outcomes: mpsc::Sender<Finished>) {
    let Left { host, transport, answer } = attempt(&app, signers, &claimed).await;
    let finished = Finished { claimed, host, transport, answer, at: app.clock.now() };
    if outcomes.send(finished).await.is_err() {
        log::error!("an outcome could not be recorded: the node is stopping");
    }
}

async fn attempt(app: &Arc<App>, signers: Arc<Signers>, claimed: &Claimed) -> Left {
    let (node, message, now) = (Arc::clone(app), claimed.message.clone(), app.clock.now());
    let ready = tokio::task::spawn_blocking(move || prepare(&node, &signers, &message, now)).await;
    match ready {
        Ok(Ok(Some(outgoing))) => leave(app, claimed, outgoing).await,
        Ok(Ok(None)) => Left::not_gone(Answer::NotBegun),
        Ok(Err(error)) => {
            log::error!("message {} could not be made ready: {error:?}", claimed.message.id);
            Left::not_gone(Answer::NoReply { text: "The message could not be made ready here.".into() })
        }
        Err(error) => {
            log::error!("message {} could not be made ready: {error}", claimed.message.id);
            Left::not_gone(Answer::NoReply { text: "The message could not be made ready here.".into() })
        }
    }
}
