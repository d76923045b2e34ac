//! What a node has claimed and has under way, and the steps of its loop.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::ahead::Ahead;
use super::attempt::{Batch, attempt};
use super::leave::Left;
use super::outgoing::Signers;
use super::pace::Pace;
use super::places::{Holder, Places};
use crate::actions::ActionResult;
use crate::actions::claim_deliveries::{Claimed, Wanted, anything_due, claim_deliveries, renew_leases};
use crate::actions::finish_deliveries::{Answer, Finished};
use crate::actions::set_aside_delivery::set_aside_delivery;
use crate::app::App;
use crate::domain::ids::Id;

/// Messages claimed ahead of a place at most.
const AHEAD: usize = 256;

/// What a look at the queue found.
#[derive(Debug)]
pub enum Looked {
    /// Nothing is due.
    Nothing,
    /// Something is due that could not be had just now: another node serves it, or its account has its share.
    Due,
    /// These were claimed.
    Found(Vec<Claimed>),
}

pub struct Node {
    app: Arc<App>,
    signers: Arc<Signers>,
    outcomes: mpsc::Sender<Finished>,
    pub places: Places,
    pub ahead: Ahead,
    pace: Pace,
}

impl Node {
    pub fn new(app: Arc<App>, outcomes: mpsc::Sender<Finished>) -> Self {
        let places = Places::new(app.config.delivery_workers.max(1));
        Self {
            app,
            signers: Arc::default(),
            outcomes,
            places,
            ahead: Ahead::default(),
            pace: Pace::new(Instant::now()),
        }
    }

    pub fn is_idle(&self) -> bool {
        self.places.busy() == 0 && self.ahead.is_empty()
    }

    /// One account may take three quarters of the places: a slow receiver of one leaves room for the others.
    fn per_account(&self) -> usize {
        (self.app.config.delivery_workers * 3 / 4).max(1)
    }

    /// What can be claimed now: for the free places, and as many ahead as left lately.
    pub fn wanted(&mut self) -> Wanted {
        self.rest();
        let ahead = self.pace.allows(Instant::now(), AHEAD);
        let limit = self.ahead.room(self.places.free(), ahead.values().sum());
        let mut under_way = self.busy();
        for one in self.ahead.iter() {
            *under_way.entry(one.message.account_id).or_default() += 1;
        }
        Wanted { limit: limit.min(AHEAD), per_account: self.per_account(), under_way, ahead }
    }

    /// Whether so few are left that it is worth claiming more before somebody asks again.
    pub fn is_low(&self) -> bool {
        self.ahead.len() < self.places.free() + AHEAD / 4
    }

    fn busy(&self) -> HashMap<Id, usize> {
        let mut busy: HashMap<Id, usize> = HashMap::new();
        for holder in self.places.holders() {
            *busy.entry(holder.account).or_default() += 1;
        }
        busy
    }

    /// Takes note of what ended.
    fn rest(&mut self) {
        let at = Instant::now();
        for account in self.places.ended() {
            self.pace.note(account, at);
        }
    }

    /// Begins as many of the claimed deliveries as there are places for.
    pub fn begin(&mut self) {
        self.rest();
        let free = self.places.free();
        if free == 0 || self.ahead.is_empty() {
            return;
        }
        let beginning = self.ahead.take(free, self.per_account(), self.busy());
        let batch = Batch::of(&beginning);
        for claimed in beginning {
            let holder = Holder::of(&claimed);
            let (app, signers, batch) = (Arc::clone(&self.app), Arc::clone(&self.signers), Arc::clone(&batch));
            self.places.begin(holder, deliver(app, signers, batch, claimed, self.outcomes.clone()));
        }
    }

    /// Waits for places to come free: until a quarter of them is.
    pub async fn some_places(&mut self) {
        let enough = (self.app.config.delivery_workers / 4).max(1);
        let mut left = Vec::new();
        while self.places.one(&mut left).await.is_some() {
            let at = Instant::now();
            left.drain(..).for_each(|account| self.pace.note(account, at));
            if self.places.free() >= enough {
                break;
            }
        }
    }

    pub async fn all_places(&mut self) {
        while self.places.one(&mut Vec::new()).await.is_some() {}
    }

    /// Gives back what waited for a place too long.
    pub async fn give_back_stale(&mut self) {
        let stale = self.ahead.take_stale(Instant::now());
        self.give_back(stale).await;
    }

    /// Gives back what was claimed and not begun.
    pub async fn give_back(&mut self, claimed: Vec<Claimed>) {
        for claimed in claimed {
            let outcome = finished(claimed, Left::not_gone(Answer::NotBegun), &self.app);
            record(&self.outcomes, outcome).await;
        }
    }

    pub async fn renew(&self) {
        let ahead = self.ahead.iter().map(Holder::of);
        let held = self.places.holders().copied().chain(ahead);
        let held: Vec<(Id, Id)> = held.map(|holder| (holder.message, holder.lease_owner)).collect();
        if held.is_empty() {
            return;
        }
        let now = self.app.clock.now();
        let renewed = self.app.write_behind(move |conn| renew_leases(conn, now, &held)).await;
        if let Err(error) = renewed {
            log::error!("leases could not be renewed: {error:?}");
        }
    }
}

/// Claims what is due and wanted. With `ask_first` a read finds out whether there is anything, so that an idle node does
/// not write.
///
/// # Errors
/// Only the database's.
pub async fn look(app: Arc<App>, wanted: Wanted, ask_first: bool) -> ActionResult<Looked> {
    let now = app.clock.now();
    if ask_first && !app.read(move |conn| anything_due(conn, now)).await? {
        return Ok(Looked::Nothing);
    }
    let claimed = match claim(&app, wanted.clone()).await {
        Err(error) if error.lack().is_none() => {
            log::error!("messages could not be claimed together: {error:?}");
            claim_one(&app, wanted).await?
        }
        claimed => claimed?,
    };
    Ok(if claimed.is_empty() { Looked::Due } else { Looked::Found(claimed) })
}

async fn claim(app: &Arc<App>, wanted: Wanted) -> ActionResult<Vec<Claimed>> {
    let now = app.clock.now();
    app.write_behind(move |conn| claim_deliveries(conn, now, &wanted)).await
}

/// Claims a single message, because one of many may be why they cannot be claimed together. If it is this one, it is put
/// aside, and the next look finds others.
async fn claim_one(app: &Arc<App>, wanted: Wanted) -> ActionResult<Vec<Claimed>> {
    let wanted = Wanted { limit: 1, ..wanted };
    let error = match claim(app, wanted.clone()).await {
        Err(error) if error.lack().is_none() => error,
        claimed => return claimed,
    };
    let now = app.clock.now();
    let aside = app.write_behind(move |conn| set_aside_delivery(conn, now, &wanted)).await?;
    log::error!("message {aside:?} cannot be claimed and waits for a while: {error:?}");
    Ok(Vec::new())
}

/// One delivery, from the database to the wire, and its outcome to the finisher; answers whether anybody was asked.
async fn deliver(
    app: Arc<App>,
    signers: Arc<Signers>,
    batch: Arc<Batch>,
    claimed: Claimed,
    outcomes: mpsc::Sender<Finished>,
) -> bool {
    let left = attempt(&app, signers, batch, &claimed).await;
    let asked = matches!(left.answer, Answer::Reply { .. });
    record(&outcomes, finished(claimed, left, &app)).await;
    asked
}

fn finished(claimed: Claimed, left: Left, app: &App) -> Finished {
    let Left { host, transport, answer } = left;
    Finished { claimed, host, transport, answer, at: app.clock.now() }
}

async fn record(outcomes: &mpsc::Sender<Finished>, outcome: Finished) {
    if outcomes.send(outcome).await.is_err() {
        log::error!("an outcome could not be recorded: the node is stopping");
    }
}
