//! Claim, finish, cancel, delete, bring back, suspend, lift, remove a domain, release, clear and purge, at the same time on
//! two nodes and in random order: after each round counters are what the messages say, and each message has one end.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use canopy::actions::accept_message::release_held;
use canopy::actions::cancel_queued::cancel_queued;
use canopy::actions::claim_deliveries::{Claimed, Wanted, claim_deliveries};
use canopy::actions::delete_domain::delete_domain;
use canopy::actions::delete_sub_account::delete_sub_account;
use canopy::actions::finish_deliveries::{Answer, Finished, finish_deliveries};
use canopy::actions::flush_summaries::flush_summaries;
use canopy::actions::lift_suspension::lift_suspension;
use canopy::actions::queue_selection::{QueueOf, Selection};
use canopy::actions::retry_queued::retry_queued;
use canopy::actions::set_limits::set_limits;
use canopy::actions::suspend_account::{Hold, suspend_account};
use canopy::actions::undelete_sub_account::undelete_sub_account;
use canopy::actions::{ActionError, ActionResult, Cx, clear_queue, housekeeping};
use canopy::app::App;
use canopy::domain::limits::{AtCap, Limits};
use canopy::domain::message::status::MessageStatus;
use canopy::domain::text::SuspendReason;
use canopy::models::queue_view::{Filter, Whose};
use canopy::models::schema::counters;
use canopy::models::{AnyConnection, accounts, domains};
use chrono::TimeDelta;
use diesel::prelude::*;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use tokio::runtime::Handle;

use super::{ends, rebuilt};
use crate::support::app::{Agency, Client, On, TestApp, prepared};
use crate::support::environment::number;

/// Rounds of the short form.
const ROUNDS: u64 = 6;
/// What each of the threads of a node does in a round.
const STEPS: usize = 24;
const THREADS: usize = 2;
const CAP: i64 = 300;

/// One thread of a node.
struct Hand {
    node: Arc<App>,
    agency: Agency,
    clients: Vec<Client>,
    random: StdRng,
    /// Claimed and not finished: some for longer than their leases last.
    under_way: Vec<Claimed>,
    delivered: Arc<AtomicI64>,
    runtime: Handle,
}

impl Hand {
    /// Writes in one transaction. A refusal is an answer; an error of the database, such as a deadlock, is not.
    fn write<T>(&self, what: &str, work: impl FnOnce(&mut AnyConnection, &Cx) -> ActionResult<T>) -> Option<T> {
        let cx = self.node.cx("test");
        match self.node.db.write(|conn| work(conn, &cx)) {
            Ok(done) => Some(done),
            Err(error @ (ActionError::Internal(_) | ActionError::Unavailable(_))) => panic!("{what}: {error:?}"),
            Err(_) => None,
        }
    }

    fn round(&mut self) {
        for _ in 0..STEPS {
            self.step();
        }
    }

    fn step(&mut self) {
        match self.random.random_range(0..100) {
            0..24 => self.accept(),
            24..50 => self.claim(),
            50..72 => self.finish(false),
            72..77 => self.cancel(),
            77..82 => self.delete_or_bring_back(),
            82..87 => self.suspend_or_lift(),
            87..89 => self.remove_domain(),
            89..92 => self.release(),
            92..97 => self.clear(),
            _ => self.keep_house(),
        }
    }

    fn client(&mut self) -> Client {
        self.clients.choose(&mut self.random).expect("some").clone()
    }

    fn accept(&mut self) {
        let client = self.client();
        let many = self.random.random_range(1..20);
        let to: Vec<String> = (0..many).map(|_| format!("r{}@x.example", self.random.random_range(0..9_999))).collect();
        let mut request = prepared(&client, &to.iter().map(String::as_str).collect::<Vec<_>>());
        request.data_retention = Some(0);
        if self.random.random_bool(0.2) {
            request.first_attempt = Some(self.node.clock.now() + TimeDelta::seconds(60));
        }
        let accepted = self.runtime.block_on(self.node.committer.accept(request));
        if let Err(error @ (ActionError::Internal(_) | ActionError::Unavailable(_))) = accepted {
            panic!("accept: {error:?}");
        }
    }

    fn claim(&mut self) {
        let wanted = Wanted { limit: 30, per_account: 30, ..Wanted::default() };
        let claimed = self.write("claim", |conn, cx| claim_deliveries(conn, cx.now, &wanted));
        self.under_way.extend(claimed.into_iter().flatten());
    }

    /// Of those whose lease ran out nobody says that they are to be tried again: the story would tell of it twice.
    fn finish(&mut self, late: bool) {
        let many = self.random.random_range(0..=self.under_way.len());
        let at = self.node.clock.now();
        let some: Vec<Claimed> = self.under_way.drain(..many).collect();
        let answers = [(250, "2.0.0 taken"), (550, "5.7.1 no"), (451, "4.2.0 later")];
        let ended = some.into_iter().map(|claimed| {
            // On a slow machine a lease may run out within a round.
            let late = late || at.naive_utc() - claimed.attempt.started_at > TimeDelta::seconds(30);
            let (code, text) = answers[self.random.random_range(0..if late { 2 } else { 3 })];
            let reply = Answer::Reply { code, text: text.into() };
            let answer = if !late && self.random.random_bool(0.1) { Answer::NotBegun } else { reply };
            Finished { claimed, host: "mx".into(), transport: None, answer, at }
        });
        let ended: Vec<Finished> = ended.collect();
        let moved = self.write("finish", |conn, cx| finish_deliveries(conn, cx.now, &ended)).unwrap_or_default();
        let delivered = moved.iter().filter(|(status, _)| *status == MessageStatus::Delivered).count();
        self.delivered.fetch_add(i64::try_from(delivered).expect("few"), Ordering::Relaxed);
    }

    fn cancel(&mut self) {
        let (account, retry) = (self.client().id, self.random.random_bool(0.5));
        self.write("cancel", |conn, cx| {
            let Some(holder) = accounts::find_any(conn, account)? else { return Ok(()) };
            let of = QueueOf { holder, whose: Whose::Account(account) };
            let all = Selection::Matching(Filter::default(), None);
            if retry { retry_queued(conn, cx, &of, &all) } else { cancel_queued(conn, cx, &of, &all) }.map(drop)
        });
    }

    fn delete_or_bring_back(&mut self) {
        let (parent, child) = (self.agency.id, self.client().id);
        if self.write("delete", |conn, cx| delete_sub_account(conn, cx, parent, child)).is_none() {
            self.write("undelete", |conn, cx| undelete_sub_account(conn, cx, parent, child));
        }
    }

    fn suspend_or_lift(&mut self) {
        let (parent, child, services) = (self.agency.id, self.client().id, Arc::clone(&self.node.services));
        if self.random.random_bool(0.4) {
            let hold = Hold::manual(SuspendReason::parse("abuse").expect("a reason"));
            self.write("suspend", |conn, cx| suspend_account(conn, cx, &services, parent, child, &hold));
        } else {
            self.write("lift", |conn, cx| lift_suspension(conn, cx, parent, child));
        }
    }

    fn remove_domain(&mut self) {
        let client = self.client();
        self.write("remove", |conn, cx| delete_domain(conn, cx, client.id, &client.domain));
    }

    fn release(&mut self) {
        let (account, services) = (self.client().id, Arc::clone(&self.node.services));
        self.write("release", |conn, cx| release_held(conn, cx.now, &services, account, 50));
    }

    /// A few slices of whatever is to be cleared.
    fn clear(&mut self) {
        let Some(mut place) = self.node.db.read(clear_queue::begin).expect("it reads") else { return };
        loop {
            let slice = self.node.db.read(|conn| clear_queue::look(conn, place, 40)).expect("it reads");
            let left = self.write("clear", |conn, cx| clear_queue::end(conn, cx.now, slice.here, &slice.ids));
            let left = left.unwrap_or(true);
            let Some(next) = slice.next else {
                self.write("clear", |conn, cx| clear_queue::done(conn, cx, slice.here.leaving(left)));
                return;
            };
            place = next.leaving(left);
        }
    }

    fn keep_house(&mut self) {
        let services = Arc::clone(&self.node.services);
        self.write("flush", |conn, cx| flush_summaries(conn, cx.now, &services));
        self.write("purge", |conn, cx| housekeeping::purge(conn, cx.now, &services));
    }
}

/// Two nodes where a database has room for them.
fn nodes(app: &TestApp, on: On) -> Vec<Arc<App>> {
    let first = Arc::clone(&app.app);
    if on == On::Sqlite { vec![first] } else { vec![first, app.second_node()] }
}

async fn world(app: &TestApp) -> (Agency, Vec<Client>) {
    let agency = app.agency("Interleaved").await;
    let mut clients = Vec::new();
    for (name, cap) in [("one", 0), ("two", 0), ("three", CAP)] {
        let client = app.client(&agency, name, cap).await;
        let (parent, child) = (agency.id, client.id);
        let limits = Limits { at_cap: AtCap::Hold, ..Limits::default() };
        app.write(move |conn, cx| set_limits(conn, cx, parent, child, limits)).await;
        clients.push(client);
    }
    (agency, clients)
}

/// Names that were removed are added again.
async fn mend(app: &TestApp, clients: &[Client]) {
    for client in clients {
        let (id, name) = (client.id, client.domain.clone());
        if app.read(move |conn| Ok(domains::find(conn, id, &name)?)).await.is_none() {
            app.verified_domain(id, &client.domain).await;
        }
    }
}

async fn run(on: On) {
    let Some(app) = TestApp::start(on).await else { return };
    app.without_waiting_for_the_disk();
    let (seed, rounds) = (number("CANOPY_SOAK_SEED", 20_261_130), number("CANOPY_SOAK_INTERLEAVED", ROUNDS));
    let (agency, clients) = world(&app).await;
    let nodes = nodes(&app, on);
    let delivered = Arc::new(AtomicI64::new(0));
    let hand = |number: u64| Hand {
        node: Arc::clone(&nodes[usize::try_from(number).expect("few") % nodes.len()]),
        agency: agency.clone(),
        clients: clients.clone(),
        random: StdRng::seed_from_u64(seed + number),
        under_way: Vec::new(),
        delivered: Arc::clone(&delivered),
        runtime: Handle::current(),
    };
    let mut hands: Vec<Hand> = (0..).take(nodes.len() * THREADS).map(hand).collect();
    let mut lines = 0;
    for round in 0..rounds {
        hands =
            tokio::task::spawn_blocking(move || together(hands, |hand| hand.round())).await.expect("no round fails");
        lines = rebuilt::check(&app).await;
        ends::check(&app).await;
        mend(&app, &clients).await;
        if round % 2 == 1 {
            // What is still under way is late from here on.
            nodes.iter().for_each(|node| node.clock.step(TimeDelta::seconds(41)));
            hands = tokio::task::spawn_blocking(move || together(hands, Hand::late)).await.expect("no round fails");
            rebuilt::check(&app).await;
            ends::check(&app).await;
        }
    }
    let counted: Vec<(i64, i64)> =
        app.read(|conn| Ok(counters::table.select((counters::accepted, counters::delivered)).load(conn)?)).await;
    let (accepted, counted): (i64, i64) = counted.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let delivered = delivered.load(Ordering::Relaxed);
    println!("{rounds} rounds on {on:?} from seed {seed}: {accepted} accepted, {delivered} delivered, {lines} lines");
    assert_eq!(counted, delivered, "each that arrived is counted once");
    assert!(delivered > 0 && accepted > delivered);
}

impl Hand {
    /// Some are claimed by others while those who had them finish.
    fn late(&mut self) {
        if self.random.random_bool(0.5) {
            self.claim_and_leave();
        }
        while !self.under_way.is_empty() {
            self.finish(true);
        }
    }

    /// Claims as a node does that stops before it says what became of it.
    fn claim_and_leave(&mut self) {
        let kept = std::mem::take(&mut self.under_way);
        self.claim();
        self.under_way = kept;
    }
}

/// Every hand does its work at the same time as the others.
fn together(hands: Vec<Hand>, work: impl Fn(&mut Hand) + Copy + Send + 'static) -> Vec<Hand> {
    let each = hands.into_iter().map(|mut hand| {
        std::thread::spawn(move || {
            work(&mut hand);
            hand
        })
    });
    let running: Vec<_> = each.collect();
    running.into_iter().map(|thread| thread.join().expect("no step fails")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_at_the_same_time_on_sqlite_every_message_has_one_end_and_is_counted_once() {
    run(On::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_at_the_same_time_on_two_nodes_over_postgresql_every_message_has_one_end_and_is_counted_once()
{
    run(On::Postgres).await;
}
