//! What waits to leave in a seeded world, and that a worker leaves it waiting.

use std::sync::Arc;

use canopy::app::App;
use canopy::clock::Clock;
use canopy::config::{Config, Settings};
use canopy::delivery::worker;
use canopy::dns::{Dns, ZoneMap};
use canopy::jobs::Leader;
use canopy::models::audit as chains;
use canopy::seed::Wish;
use chrono::{DateTime, TimeDelta, Utc};

use super::world::{World, assert_sums_agree};

const NOW: &str = "2026-11-24T13:40:00Z";
/// As the database keeps that time.
const THEN: &str = "2026-11-24 13:40:00";

fn wish(sub_accounts: usize) -> Wish {
    Wish { sub_accounts, days: 40, seed: 4 }
}

/// What is in the queue or held is what the messages say, and the counters know of it.
fn assert_waiting_adds_up(world: &World) {
    world.none(
        "a deferred message is queued with its attempts",
        "messages m WHERE (status = 'deferred') <> (SELECT count(*) FROM queue q WHERE q.message_id = m.id \
         AND q.attempts = m.num_attempts AND q.account_id = m.account_id AND q.state = 'deferred')",
    );
    world.none(
        "a held message waits at the cap",
        "messages m WHERE (status = 'held') <> (SELECT count(*) FROM held_messages h WHERE h.message_id = m.id)",
    );
    world.none(
        "what was accepted has an end or waits",
        "counters c WHERE accepted <> delivered + bounced + failed + (SELECT count(*) FROM messages m \
         WHERE m.account_id = c.account_id AND m.period_id = c.period_id AND m.status = 'deferred')",
    );
    world.none(
        "a content knows where its messages lie",
        "messages m JOIN contents c ON c.id = m.content_id \
         WHERE m.id > c.last_message_id OR substr(m.id, 1, 6) < substr(c.id, 1, 6)",
    );
    world.none(
        "an account is looked at when its first message is due",
        "account_queues a WHERE next_due_at <> (SELECT min(due_at) FROM queue q WHERE q.account_id = a.account_id)",
    );
    world.none(
        "nothing goes before it may have left",
        "messages m WHERE status IN ('deferred', 'held') AND purge_at < expires_at",
    );
}

#[test]
fn two_clients_have_mail_for_a_slow_destination_and_one_has_mail_held_at_its_cap() {
    let world = World::of(wish(12), NOW);
    assert_waiting_adds_up(&world);
    let count = |from: &str| world.number(&format!("SELECT count(*) AS n FROM {from}"));
    assert_eq!(count("(SELECT DISTINCT account_id FROM queue)"), 2);
    assert!(count("queue") >= 15, "{}", count("queue"));
    assert_eq!(count("account_queues"), 2);
    world.none("attempts lie in the past", &format!("attempts WHERE finished_at >= '{THEN}'"));
    world.none("the next ones do not", &format!("queue WHERE due_at < datetime('{THEN}', '+30 minutes')"));
    world.none(
        "nor too far ahead",
        &format!("queue WHERE due_at >= expires_at OR due_at > datetime('{THEN}', '+9 hours')"),
    );
    world.none(
        "each was put off at every attempt, with a reason",
        "attempts t JOIN queue q ON q.message_id = t.message_id WHERE t.status <> 'deferred' OR t.code NOT IN (421, 450, 451)",
    );
    assert!(count("held_messages") >= 8);
    world.none(
        "who holds has reached a cap that says so",
        "held_messages h WHERE NOT EXISTS (SELECT 1 FROM account_summaries s JOIN sending_limits l USING (account_id) \
         WHERE s.account_id = h.account_id AND s.sent = s.monthly_credit AND l.at_cap = 'hold')",
    );
    world.none(
        "each says why it is held",
        "held_messages h WHERE NOT EXISTS (SELECT 1 FROM message_events e WHERE e.message_id = h.message_id \
         AND e.status = 'held' AND e.log LIKE 'Held: %cap%')",
    );
}

#[test]
fn the_agency_has_a_default_transport_and_one_client_another() {
    let world = World::of(wish(12), NOW);
    let chosen = world.lines(
        "SELECT (a.parent_id IS NULL) || ' ' || t.name AS line FROM transport_choices c JOIN accounts a ON a.id = c.account_id \
         JOIN transports t ON t.id = c.transport_id ORDER BY 1 DESC",
    );
    assert_eq!(chosen, ["1 Mailbox on this machine", "0 Newsletters, gently"]);
    let told = world.lines(
        "SELECT action AS line FROM audit_entries WHERE action LIKE 'transport.%' OR action = 'sub_account.set_limits' \
         ORDER BY seq",
    );
    let expected =
        ["transport.create", "transport.set_default", "transport.create", "sub_account.set_limits", "transport.choose"];
    assert_eq!(told, expected);
}

#[test]
fn whatever_the_hour_and_the_number_of_clients_what_waits_adds_up() {
    for (clients, now) in [
        (1, "2026-11-24T09:30:00Z"),
        (2, "2026-11-23T23:01:00Z"),
        (3, "2026-11-22T23:30:00Z"),
        (3, "2026-11-22T03:10:00Z"),
        (3, "2028-03-31T21:59:00Z"),
        (1_500, "2026-11-23T23:01:00Z"),
    ] {
        let world = World::of(wish(clients), now);
        assert_waiting_adds_up(&world);
        assert_sums_agree(&world);
    }
}

#[test]
fn the_same_number_leaves_the_same_waiting() {
    let waiting = |seed| {
        let world = World::of(Wish { seed, ..wish(8) }, NOW);
        [
            "SELECT hex(message_id) || due_at || attempts AS line FROM queue ORDER BY 1",
            "SELECT hex(message_id) || held_at AS line FROM held_messages ORDER BY 1",
            "SELECT hex(id) || name AS line FROM transports ORDER BY 1",
        ]
        .map(|sql| world.lines(sql))
    };
    let (first, again, other) = (waiting(5), waiting(5), waiting(6));
    assert!(first == again, "the same seed");
    assert!(first.iter().zip(&other).all(|(ours, theirs)| ours != theirs), "another seed");
}

/// The program over a seeded world, at its time.
fn app_over(world: &World) -> Arc<App> {
    let mut settings = Settings::default();
    settings.set("database_url", world.url.clone());
    settings.set("secret_key", world.secret_key.clone());
    settings.set("data_dir", world.dir.path().display().to_string());
    let config = Config::from_settings(&settings).expect("the options are right");
    let clock = Clock::default();
    let now: DateTime<Utc> = NOW.parse().expect("an instant");
    clock.step(now - clock.now());
    App::start(config, clock, Dns::zone(ZoneMap::default())).expect("the program starts")
}

#[tokio::test]
async fn a_worker_leaves_it_waiting_until_its_time_and_then_delivers_all_of_it() {
    let world = World::of(wish(8), NOW);
    let (queued, held) =
        (world.number("SELECT count(*) AS n FROM queue"), world.number("SELECT count(*) AS n FROM held_messages"));
    assert!(queued > 0 && held > 0);
    let app = app_over(&world);
    let mut leader = Leader::new(Arc::clone(&app));
    assert!(leader.round().await.expect("it keeps house"));
    assert_eq!(worker::run_once(&app).await, 0, "nothing is due");
    assert_eq!(world.number("SELECT count(*) AS n FROM queue"), queued);
    assert_eq!(world.number("SELECT count(*) AS n FROM held_messages"), held, "the cap is still reached");
    assert_waiting_adds_up(&world);

    app.clock.step(TimeDelta::hours(10));
    // The gentle transport lets ten a second through.
    for _ in 0..60 {
        worker::run_once(&app).await;
        app.clock.step(TimeDelta::seconds(5));
    }
    assert_eq!(world.number("SELECT count(*) AS n FROM queue"), 0);
    assert_waiting_adds_up(&world);
    assert_sums_agree(&world);
    world.none(
        "all of it arrived",
        "messages WHERE status NOT IN ('delivered', 'bounced', 'failed', 'suppressed', 'held')",
    );
    assert_eq!(app.db.read(chains::heads).expect("heads").len(), 1);
}
