//! What holds of every seeded world, read by plain SQL.

use canopy::actions::Services;
use canopy::actions::verify_chain::{Verdict, verify};
use canopy::domain::destination::Destinations;
use canopy::domain::period::local_day;
use canopy::models::connection::OpenError;
use canopy::models::families::Families;
use canopy::models::held::Shelves;
use canopy::models::{Db, audit as chains, bulk};
use canopy::secrets::SecretKeys;
use canopy::seed::{self, SignIns, Wish};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::support::temp_dir::TempDir;

pub struct World {
    pub db: Db,
    sign_ins: SignIns,
    /// In the agency's time zone.
    today: String,
    /// The database and the key that goes with it.
    pub url: String,
    pub secret_key: String,
    pub dir: TempDir,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

impl World {
    pub fn of(wish: Wish, now: &str) -> Self {
        let dir = TempDir::new();
        let now: DateTime<Utc> = now.parse().expect("an instant");
        let (secrets, secret_key) = SecretKeys::generate();
        let services = Services {
            secrets: secrets.into(),
            public_url: String::new(),
            destinations: Destinations::default(),
            families: Families::default(),
            shelves: Shelves::of(100_000),
        };
        let path = dir.path().join("world.db");
        let path = path.to_str().expect("a path in UTF-8");
        let filled = bulk::fill(path, |conn| {
            seed::fill(conn, &services, &wish, now).map_err(|error| OpenError(error.to_string()))
        });
        let url = format!("sqlite://{path}");
        let db = Db::open(&url, 1).expect("it opens");
        let today = local_day(chrono_tz::Europe::Berlin, now);
        Self { db, sign_ins: filled.expect("it is filled"), today, url, secret_key, dir }
    }

    pub fn number(&self, sql: &str) -> i64 {
        let found = self.db.read(|conn| diesel::sql_query(sql).get_result::<Number>(conn));
        found.unwrap_or_else(|error| panic!("{sql}: {error}")).n
    }

    pub fn none(&self, what: &str, from: &str) {
        assert_eq!(self.number(&format!("SELECT count(*) AS n FROM {from}")), 0, "{what}");
    }

    pub fn lines(&self, sql: &str) -> Vec<String> {
        let found = self.db.read(|conn| diesel::sql_query(sql).load::<Line>(conn));
        found.unwrap_or_else(|error| panic!("{sql}: {error}")).into_iter().map(|row| row.line).collect()
    }
}

const FIELDS: [&str; 7] = ["accepted", "delivered", "deferred", "bounced", "failed", "suppressed", "complained"];

/// Every sum that two tables give alike.
pub fn assert_sums_agree(world: &World) {
    for field in FIELDS {
        let days = format!(
            "counters c WHERE {field} <> (SELECT sum({field}) FROM usage_days d WHERE d.account_id = c.account_id \
             AND d.period_id = c.period_id)"
        );
        world.none(&format!("a counter is the sum of its days: {field}"), &days);
    }
    assert_eq!(
        world.number("SELECT sum(accepted) AS n FROM counters"),
        world.number("SELECT sum(accepted) AS n FROM usage_days")
    );
    for field in ["accepted", "delivered", "bounced", "complained"] {
        let totals = format!(
            "usage_totals t WHERE {field} <> (SELECT sum({field}) FROM usage_days d WHERE d.parent_id = t.parent_id \
             AND d.day = t.day AND d.period_id = t.period_id)"
        );
        world.none(&format!("a total is the sum of its accounts: {field}"), &totals);
    }
    for table in ["usage_domains", "usage_tags"] {
        let split = format!(
            "usage_days d WHERE accepted <> (SELECT sum(accepted) FROM {table} u WHERE u.account_id = d.account_id \
             AND u.day = d.day AND u.period_id = d.period_id)"
        );
        world.none(&format!("a day is the sum of its {table}"), &split);
    }
    world.none(
        "a summary says what the running counter says",
        "account_summaries s WHERE sent <> coalesce((SELECT accepted FROM counters c WHERE c.account_id = s.account_id \
         AND c.period_id = s.period_id), 0)",
    );
}

/// On every day within an account's retention, the ledger counts exactly the messages that are there.
fn assert_messages_are_those_counted(world: &World) {
    let kept = format!(
        "SELECT d.* FROM usage_days d JOIN accounts a ON a.id = d.account_id \
         WHERE d.day > date('{}', '-' || a.metadata_retention || ' days')",
        world.today
    );
    let statuses = [
        ("accepted", "status NOT IN ('suppressed', 'held')"),
        ("delivered", "status = 'delivered'"),
        ("bounced", "status = 'bounced'"),
        ("failed", "status = 'failed'"),
        ("suppressed", "status = 'suppressed'"),
        ("deferred", "num_attempts > 1"),
    ];
    for (field, condition) in statuses {
        let differ = format!(
            "({kept}) d WHERE {field} <> (SELECT count(*) FROM messages m WHERE m.account_id = d.account_id \
             AND m.period_id = d.period_id AND m.day = d.day AND {condition})"
        );
        world.none(&format!("messages are those counted: {field}"), &differ);
    }
    let outside = "messages m WHERE status <> 'held' AND NOT EXISTS (SELECT 1 FROM usage_days d WHERE d.account_id = m.account_id \
                   AND d.day = m.day AND d.period_id = m.period_id)";
    world.none("no message outside the ledger", outside);
    world.none(
        "every attempt is counted on its message",
        "messages m WHERE num_attempts <> (SELECT count(*) FROM attempts t WHERE t.message_id = m.id)",
    );
    world.none(
        "no message lies outside its period, or in the future",
        "messages m JOIN periods p ON p.id = m.period_id WHERE m.created_at < p.start_at OR m.updated_at >= p.end_at",
    );
}

#[test]
fn of_three_hundred_clients_every_sum_agrees_and_every_message_is_counted() {
    let wish = Wish { sub_accounts: 300, days: 60, seed: 7 };
    let world = World::of(wish, "2026-11-24T13:40:00Z");
    assert_sums_agree(&world);
    assert_messages_are_those_counted(&world);
    world.none("every reference leads somewhere", "pragma_foreign_key_check");
    assert_eq!(
        world.number("SELECT count(*) AS n FROM accounts WHERE parent_id IS NOT NULL AND deleted_at IS NULL"),
        300
    );
    let chains = world.db.read(chains::heads).expect("heads");
    let keys = SecretKeys::parse(&world.secret_key).expect("the world's keys");
    for head in chains {
        let verdict = world.db.read(|conn| verify(conn, Some(&keys), head.root_id, Some(&head)));
        assert!(matches!(verdict, Ok(Verdict::Whole { entries }) if entries > 300), "{verdict:?}");
    }
}

#[test]
fn with_few_clients_the_counters_of_the_period_are_the_messages_that_are_there() {
    for now in ["2026-11-24T09:30:00Z", "2026-11-23T23:01:00Z", "2028-03-31T21:59:00Z"] {
        let world = World::of(Wish { sub_accounts: 12, days: 40, seed: 1 }, now);
        assert_sums_agree(&world);
        assert_messages_are_those_counted(&world);
        world.none(
            "a counter of the running period is the number of its messages",
            "counters c WHERE period_id = (SELECT id FROM periods ORDER BY start_at DESC LIMIT 1) AND accepted <> \
             (SELECT count(*) FROM messages m WHERE m.account_id = c.account_id AND m.period_id = c.period_id \
             AND m.status NOT IN ('suppressed', 'held'))",
        );
    }
}

#[test]
fn each_story_that_the_demo_tells_is_there() {
    let world = World::of(Wish { sub_accounts: 8, days: 60, seed: 3 }, "2026-11-24T09:30:00Z");
    let count = |sql: &str| world.number(&format!("SELECT count(*) AS n FROM {sql}"));
    assert_eq!(count("account_summaries WHERE cap_state = 'at' AND sent = monthly_credit"), 1);
    assert_eq!(count("account_summaries WHERE cap_state = 'near'"), 1);
    assert_eq!(count("account_summaries WHERE state = 'suspended' AND bounce_ppm > 80000"), 1);
    assert_eq!(count("suspensions WHERE kind = 'abuse' AND lifted_at IS NULL"), 1);
    assert!(count("suppressions WHERE account_id = (SELECT account_id FROM suspensions)") > 50);
    assert_eq!(count("domains WHERE verified_at IS NULL"), 1);
    assert_eq!(count("accounts WHERE deleted_at IS NOT NULL"), 1);
    assert_eq!(count("plans WHERE currency = 'USD'"), 1);
    world.none("nobody is over a cap", "account_summaries WHERE monthly_credit > 0 AND sent > monthly_credit");
    world.none(
        "no key of a deleted account lives",
        "api_keys k JOIN accounts a ON a.id = k.account_id WHERE a.deleted_at IS NOT NULL AND k.deleted_at IS NULL",
    );
    assert_eq!(world.sign_ins.client_users.len(), 2);
}

#[test]
fn the_same_number_gives_the_same_business_and_another_gives_another() {
    let business = |seed| {
        let world = World::of(Wish { sub_accounts: 10, days: 40, seed }, "2026-11-24T09:30:00Z");
        [
            "SELECT hex(a.id) || name || monthly_credit || website || external_id AS line FROM accounts a WHERE parent_id IS NOT NULL ORDER BY a.id",
            "SELECT hex(account_id) || accepted || '/' || bounced || '/' || suppressed AS line FROM counters ORDER BY account_id, period_id",
            "SELECT day || accepted || '/' || delivered AS line FROM usage_days ORDER BY account_id, day",
            "SELECT hex(id) || recipient || status AS line FROM messages ORDER BY id",
            "SELECT action || target AS line FROM audit_entries ORDER BY seq",
        ]
        .map(|sql| world.lines(sql))
    };
    let (first, again, other) = (business(5), business(5), business(6));
    assert!(first == again, "the same seed");
    assert!(first.iter().zip(&other).all(|(ours, theirs)| ours != theirs), "another seed");
}
