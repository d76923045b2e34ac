//! A node whose clock is ahead: what it took when it died is not waited for until its time, and what it takes while it lives
//! nobody else takes.

use std::sync::Arc;

use canopy::actions::claim_deliveries::{Claimed, LEASE, Wanted, claim_deliveries, renew_leases};
use canopy::actions::finish_deliveries::{Answer, Finished, finish_deliveries};
use canopy::actions::idempotency::{self, Begin};
use canopy::actions::{housekeeping, notify, outbox};
use canopy::app::App;
use canopy::delivery::worker::{self, RENEW};
use canopy::dns_check;
use canopy::domain::ids::Id;
use canopy::emails::Notice;
use canopy::jobs::{Leader, send_due};
use canopy::models::messages::{self, Message};
use canopy::models::schema::{account_queues, domains};
use canopy::models::{mta_sts, queue};
use chrono::TimeDelta;
use diesel::prelude::*;

use crate::support::app::{Client, TestApp, on_both, prepared};

/// Longer than any wait, and shorter than a message lives: what is older by a clock that claims it is over.
const FAR: TimeDelta = TimeDelta::days(2);
/// Within what clocks may be apart.
const LITTLE: TimeDelta = TimeDelta::seconds(30);

/// A second node, whose clock is ahead by so much.
fn node(app: &TestApp, ahead: TimeDelta) -> Arc<App> {
    let node = app.second_node();
    node.clock.step(app.app.clock.now() - node.clock.now() + ahead);
    node
}

async fn accept(app: &TestApp, client: &Client, recipient: &str) {
    app.accept(client, &[recipient]).await.expect("accepted");
}

async fn claim(node: &Arc<App>) -> Vec<Claimed> {
    let (now, wanted) = (node.clock.now(), Wanted { limit: 16, per_account: 16, ..Wanted::default() });
    node.write(move |conn| claim_deliveries(conn, now, &wanted)).await.expect("it claims")
}

async fn renew(node: &Arc<App>, claimed: &[Claimed]) {
    let (now, held): (_, Vec<(Id, Id)>) =
        (node.clock.now(), claimed.iter().map(|one| (one.message.id, one.owner)).collect());
    node.write(move |conn| renew_leases(conn, now, &held)).await.expect("it renews");
}

/// Records what a server said of each; answers how many were this node's still.
async fn finish(node: &Arc<App>, claimed: Vec<Claimed>, code: u16) -> usize {
    let at = node.clock.now();
    let answer = || Answer::Reply { code, text: format!("{}.0.0 so it is", code / 100) };
    let finished = |claimed| Finished { claimed, host: "mx".into(), transport: None, answer: answer(), at };
    let all: Vec<Finished> = claimed.into_iter().map(finished).collect();
    node.write(move |conn| finish_deliveries(conn, at, &all)).await.expect("it is recorded").len()
}

async fn sent(app: &TestApp, client: &Client) -> Vec<Message> {
    let id = client.id;
    app.read(move |conn| Ok(messages::page(conn, id, &messages::Filter::default(), None, false, 50)?)).await
}

async fn round(app: &TestApp, leader: &mut Leader, later: TimeDelta) {
    app.app.clock.step(later);
    assert!(leader.round().await.expect("a round"), "it leads");
}

#[tokio::test]
async fn what_a_dead_node_held_whose_clock_was_far_ahead_is_delivered_once_within_a_minute() {
    on_both(|app| async move {
        let agency = app.agency("Dead").await;
        let client = app.client(&agency, "dead", 0).await;
        let far = node(&app, FAR);
        accept(&app, &client, "held@example.org").await;
        let held = claim(&far).await;
        assert_eq!(held.len(), 1);

        let mut leader = Leader::new(Arc::clone(&app.app));
        round(&app, &mut leader, TimeDelta::zero()).await;
        assert_eq!(worker::run_once(&app.app).await, 0, "whoever has it may live");
        round(&app, &mut leader, LEASE + TimeDelta::seconds(1)).await;
        assert_eq!(worker::run_once(&app.app).await, 1);
        assert_eq!(finish(&far, held, 250).await, 0, "it is not the dead one's any more");

        let all = sent(&app, &client).await;
        assert_eq!(
            all.iter().map(|one| (one.status.as_str(), one.num_attempts)).collect::<Vec<_>>(),
            [("delivered", 2)]
        );
    })
    .await;
}

#[tokio::test]
async fn a_node_that_lives_keeps_what_it_has_however_far_its_clock_is_ahead() {
    on_both(|app| async move {
        let agency = app.agency("Alive").await;
        let client = app.client(&agency, "alive", 0).await;
        let mut leader = Leader::new(Arc::clone(&app.app));
        let every = TimeDelta::from_std(RENEW).expect("short");
        for ahead in [LITTLE, TimeDelta::minutes(3), FAR] {
            let other = node(&app, ahead);
            accept(&app, &client, "slow@example.org").await;
            let held = claim(&other).await;
            for _ in 0..9 {
                other.clock.step(every);
                renew(&other, &held).await;
                round(&app, &mut leader, every).await;
                assert_eq!(worker::run_once(&app.app).await, 0, "{ahead}");
            }
            assert_eq!(finish(&other, held, 250).await, 1, "{ahead}");
        }
        let all = sent(&app, &client).await;
        assert!(all.iter().all(|one| one.status == "delivered" && one.num_attempts == 1), "{all:?}");
        assert_eq!(all.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn no_message_waits_for_the_time_of_a_clock_that_was_far_ahead_but_for_what_its_sender_asked_for() {
    on_both(|app| async move {
        let agency = app.agency("Recalled").await;
        let client = app.client(&agency, "recalled", 0).await;
        let far = node(&app, FAR);
        accept(&app, &client, "put-off@example.org").await;
        assert_eq!(finish(&far, claim(&far).await, 451).await, 1, "to be tried again in two days");
        far.committer.accept(prepared(&client, &["accepted@example.org"])).await.expect("accepted");
        let asked = Some(app.app.clock.now() + TimeDelta::days(2));
        let later = canopy::actions::accept_message::Prepared {
            first_attempt: asked,
            ..prepared(&client, &["later@example.org"])
        };
        app.app.committer.accept(later).await.expect("accepted");
        assert_eq!(worker::run_once(&app.app).await, 0);

        let mut leader = Leader::new(Arc::clone(&app.app));
        round(&app, &mut leader, TimeDelta::zero()).await;
        assert_eq!(worker::run_once(&app.app).await, 2);
        let left = sent(&app, &client).await.into_iter().filter(|one| one.status != "delivered");
        assert_eq!(left.map(|one| one.recipient).collect::<Vec<_>>(), ["later@example.org"]);

        // Nobody is served last for ever because a clock that was ahead served it.
        let now = app.app.clock.now().naive_utc();
        let id = client.id;
        app.write(move |conn, _| Ok(queue::park(conn, &[(id, now)], now + FAR)?)).await;
        round(&app, &mut leader, TimeDelta::seconds(6)).await;
        let served: chrono::NaiveDateTime = app
            .read(move |conn| Ok(account_queues::table.find(id).select(account_queues::served_at).first(conn)?))
            .await;
        assert!(served < now + TimeDelta::minutes(2), "{served}");
    })
    .await;
}

fn notice() -> Notice {
    Notice {
        brand: "Agency".into(),
        subject: "You were invited".into(),
        heading: "You were invited".into(),
        paragraphs: vec!["Open the link.".into()],
        action: None,
        footer: "You get this because you were invited.".into(),
    }
}

/// Writes a letter into the outbox by the clock of `node`.
async fn write_letter(node: &Arc<App>) {
    let (now, services) = (node.clock.now(), Arc::clone(&node.services));
    let letter = move |conn: &mut canopy::models::AnyConnection| {
        notify::send(conn, now, &services, None, "invitation", "zoe@example.org", &notice())
    };
    node.write(letter).await.expect("it is written");
}

#[tokio::test]
async fn a_letter_is_leased_by_a_clock_a_little_ahead_and_not_by_one_far_ahead_that_died() {
    on_both(|app| async move {
        for (ahead, leaves) in [(LITTLE, 0), (FAR, 1)] {
            let other = node(&app, ahead);
            write_letter(&app.app).await;
            let now = other.clock.now();
            let taken = other.write(move |conn| outbox::claim(conn, now)).await.expect("it claims");
            assert_eq!(taken.len(), 1);
            assert_eq!(send_due(&app.app).await.expect("recorded"), leaves, "leased by a clock {ahead} ahead");
            other.write(move |conn| taken.iter().try_for_each(|mail| outbox::sent(conn, mail))).await.expect("gone");
        }
        write_letter(&node(&app, FAR)).await;
        assert_eq!(send_due(&app.app).await.expect("recorded"), 1, "written by a clock far ahead");
    })
    .await;
}

#[tokio::test]
async fn a_request_under_way_on_a_dead_node_whose_clock_was_far_ahead_may_be_sent_again_and_runs_once() {
    on_both(|app| async move {
        let agency = app.agency("Again").await;
        let claim =
            |key: &'static str| idempotency::Claim { account_id: agency.id, key, fingerprint: b"f", secret: false };
        let begin = |node: &Arc<App>, key| {
            idempotency::begin(&node.db, node.clock.now(), &node.services, &claim(key)).expect("it begins")
        };
        assert!(matches!(begin(&node(&app, LITTLE), "little"), Begin::Fresh(_)));
        assert!(matches!(begin(&app.app, "little"), Begin::InFlight { .. }), "it may be under way");

        let far = node(&app, FAR);
        let Begin::Fresh(first) = begin(&far, "far") else { panic!("nobody had it") };
        let Begin::Fresh(second) = begin(&app.app, "far") else { panic!("it is over") };
        let (now, node) = (app.app.clock.now(), Arc::clone(&app.app));
        let complete = move |ticket: idempotency::Ticket| {
            let node = Arc::clone(&node);
            node.db.write(|conn| idempotency::complete(conn, now, &node.services, &ticket, 201, b"{}"))
        };
        complete(first).expect_err("the first does not count any more, should it live");
        complete(second).expect("the second does");
        assert!(matches!(begin(&app.app, "far"), Begin::Replay { status: 201, .. }));
    })
    .await;
}

#[tokio::test]
async fn the_dns_of_a_domain_is_looked_at_though_a_clock_far_ahead_looked_at_it_last() {
    on_both(|app| async move {
        let agency = app.agency("Looks").await;
        let client = app.client(&agency, "looks", 0).await;
        let id = app.verified_domain(client.id, "looked-at.example").await;
        let (now, little) = (app.app.clock.now().naive_utc(), LITTLE);
        let set = async |next: TimeDelta, last: TimeDelta| {
            app.write(move |conn, _| {
                let of = diesel::update(domains::table.find(id));
                let times = (domains::next_check_at.eq(now + next), domains::last_check_at.eq(Some(now + last)));
                diesel::update(domains::table)
                    .set(domains::next_check_at.eq(now + TimeDelta::hours(12)))
                    .execute(conn)?;
                Ok(of.set(times).execute(conn)?)
            })
            .await
        };
        let last = async || {
            let at: Option<chrono::NaiveDateTime> =
                app.read(move |conn| Ok(domains::table.find(id).select(domains::last_check_at).first(conn)?)).await;
            at.expect("a look")
        };
        set(TimeDelta::minutes(20), little).await;
        assert_eq!(dns_check::recheck_due(&app.app, 10).await.expect("it looks"), 0, "it is not due");
        set(FAR, FAR).await;
        assert_eq!(dns_check::recheck_due(&app.app, 10).await.expect("it looks"), 1);
        assert!(last().await < now + TimeDelta::hours(1), "{}", last().await);
        assert_eq!(dns_check::recheck_due(&app.app, 10).await.expect("it looks"), 0, "once");
    })
    .await;
}

#[tokio::test]
async fn housekeeping_and_a_policy_are_not_left_to_a_node_far_ahead_that_died() {
    on_both(|app| async move {
        let (far, mut leader) = (node(&app, FAR), Leader::new(Arc::clone(&app.app)));
        let (owner, at) = (Id::new(far.clock.now()), far.clock.now());
        let lead = move |conn: &mut canopy::models::AnyConnection| {
            housekeeping::lead(conn, owner, at, at + canopy::jobs::LEADER_LEASE)
        };
        assert!(far.write(lead).await.expect("it leads"));
        assert!(leader.round().await.expect("a round"), "it leads in its place");

        let policy = |fetched: chrono::NaiveDateTime, id: &str| mta_sts::StoredPolicy {
            domain: "kept.example".into(),
            policy_id: id.into(),
            mode: "enforce".into(),
            mx: "mx.example".into(),
            fetched_at: fetched,
            expires_at: fetched + TimeDelta::days(7),
        };
        let now = app.app.clock.now().naive_utc();
        let (ahead, ours) = (policy(now + FAR, "ahead"), policy(now, "ours"));
        let found =
            async || app.read(move |conn| Ok(mta_sts::find(conn, "kept.example", now)?)).await.map(|one| one.policy_id);
        app.write(move |conn, _| Ok(mta_sts::keep(conn, &ahead)?)).await;
        assert_eq!(found().await, None, "it is fetched anew");
        app.write(move |conn, _| Ok(mta_sts::keep(conn, &ours)?)).await;
        assert_eq!(found().await.as_deref(), Some("ours"));
    })
    .await;
}
