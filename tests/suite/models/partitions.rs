//! The days that messages lie in on PostgreSQL: made ahead, dropped whole, read alone; and what SQLite does instead.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use canopy::actions::departed;
use canopy::delivery::worker;
use canopy::domain::ids::Id;
use canopy::jobs::{Departure, Leader, make_ahead};
use canopy::models::messages::{self, Message};
use canopy::models::{AnyConnection, Db, migrate, partitions, usage};
use chrono::{DateTime, Days, TimeDelta};
use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{QueryResult, QueryableByName, RunQueryDsl, sql_query};

use crate::support::app::{Client, On, TestApp, prepared};
use crate::support::environment::package_root;
use crate::support::postgres::TestPostgres;
use crate::support::temp_dir::TempDir;

async fn on_postgres() -> Option<TestApp> {
    TestApp::start(On::Postgres).await
}

async fn days(app: &TestApp) -> Vec<chrono::NaiveDate> {
    app.read(|conn| Ok(partitions::days(conn)?)).await
}

async fn accepted(app: &TestApp, client: &Client, metadata_days: i32) -> Id {
    let mut request = prepared(client, &["ann@example.org"]);
    request.metadata_retention = Some(metadata_days);
    let accepted = app.app.committer.accept(request).await.expect("accepted");
    match accepted.entries[0].outcome {
        canopy::actions::accept_message::Outcome::Queued { id } => id,
        ref other => panic!("not queued: {other:?}"),
    }
}

async fn row(app: &TestApp, id: Id) -> Option<Message> {
    app.read(move |conn| Ok(messages::find_many(conn, &[id])?)).await.pop()
}

#[tokio::test]
async fn fourteen_days_are_made_ahead_once_by_however_many_nodes() {
    let Some(app) = on_postgres().await else { return };
    let now = app.app.clock.now();
    let second = app.second_node();
    let (one, two) = tokio::join!(make_ahead(&app.app, now), make_ahead(&second, now));
    assert!(one.is_ok() && two.is_ok());
    // A node that found the other at work tries again.
    assert!(make_ahead(&app.app, now).await.expect("made"));
    let today = now.date_naive();
    let wanted: Vec<_> = (0..=14).map(|ahead| today + Days::new(ahead)).collect();
    assert_eq!(days(&app).await, wanted);
    assert!(make_ahead(&app.app, now + TimeDelta::days(1)).await.expect("made"));
    assert_eq!(days(&app).await.len(), 16, "one day more");
}

#[tokio::test]
async fn a_message_lies_in_its_day_with_its_story() {
    let Some(app) = on_postgres().await else { return };
    make_ahead(&app.app, app.app.clock.now()).await.expect("made");
    let agency = app.agency("Days").await;
    let client = app.client(&agency, "days", 0).await;
    let id = accepted(&app, &client, 30).await;
    worker::run_once(&app.app).await;
    app.write(move |conn, cx| {
        let event = messages::Event {
            id: Id::new(cx.now),
            message_id: id,
            account_id: client.id,
            at: cx.at(),
            status: "delivered".into(),
            log: "Told by hand.".into(),
        };
        Ok(messages::insert_events(conn, &[event])?)
    })
    .await;
    let day = app.app.clock.now().format("%Y%m%d").to_string();
    let counts = app
        .read(move |conn| {
            let mut counts = Vec::new();
            for table in ["messages", "message_events", "attempts"] {
                counts.push((count(conn, &format!("{table}_d{day}"))?, count(conn, &format!("{table}_default"))?));
            }
            Ok(counts)
        })
        .await;
    assert_eq!(counts, [(1, 0), (1, 0), (1, 0)], "rows of the day, and of the default partition");
}

#[tokio::test]
async fn a_message_that_is_written_while_its_day_is_made_waits_and_lies_in_it() {
    let Some(app) = on_postgres().await else { return };
    let agency = app.agency("Made").await;
    let client = app.client(&agency, "made", 0).await;
    let day = app.app.clock.now().date_naive();
    let mut watcher =
        <diesel::PgConnection as diesel::Connection>::establish(app.app.config.database_url()).expect("one");
    let (made, is_made) = std::sync::mpsc::channel();
    let db = Arc::clone(&app.app.db);
    let making = std::thread::spawn(move || {
        db.write(|conn| -> QueryResult<bool> {
            let new = partitions::make(conn, day)?;
            made.send(()).expect("the test waits");
            let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
            let waiting = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
            while sql_query(waiting).get_result::<Count>(&mut watcher)?.n == 0 {
                assert!(std::time::Instant::now() < deadline, "nobody waits");
            }
            Ok(new)
        })
    });
    is_made.recv().expect("it is made");
    let id = accepted(&app, &client, 30).await;
    assert!(making.join().expect("no panic").expect("no error"));
    assert!(row(&app, id).await.is_some());
    let table = format!("messages_d{}", day.format("%Y%m%d"));
    assert_eq!(app.read(move |conn| Ok(count(conn, &table)?)).await, 1);
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

fn count(conn: &mut AnyConnection, table: &str) -> QueryResult<i64> {
    Ok(sql_query(format!("SELECT count(*) AS n FROM {table}")).get_result::<Count>(conn)?.n)
}

#[tokio::test]
async fn a_past_day_is_dropped_whole_while_accepts_go_on_and_none_fails() {
    let Some(app) = on_postgres().await else { return };
    let app = Arc::new(app);
    make_ahead(&app.app, app.app.clock.now()).await.expect("made");
    let agency = app.agency("Drop").await;
    let client = app.client(&agency, "drop", 0).await;
    let day = app.app.clock.now().date_naive();
    let mut old = Vec::new();
    for _ in 0..30 {
        old.push(accepted(&app, &client, 2).await);
    }
    worker::run_once(&app.app).await;
    while worker::run_once(&app.app).await > 0 {}
    let ledger = ledger(&app, client.id).await;
    app.app.clock.step(TimeDelta::days(4));
    let done = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (0..4)
        .map(|_| {
            let (app, client, done) = (Arc::clone(&app), client.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                let mut count = 0;
                while !done.load(Ordering::Relaxed) {
                    accepted(&app, &client, 30).await;
                    count += 1;
                }
                count
            })
        })
        .collect();
    let mut departure = Departure::default();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while days(&app).await.contains(&day) {
        assert!(std::time::Instant::now() < deadline, "the day does not go");
        departure.go_on(&app.app, app.app.clock.now()).await.expect("a try");
    }
    done.store(true, Ordering::Relaxed);
    for sender in senders {
        assert!(sender.await.expect("no accept failed") > 0);
    }
    for id in &old {
        assert!(row(&app, *id).await.is_none());
    }
    // They left two days ago: reports about them may still come.
    let services = Arc::clone(&app.app.services);
    let known = app
        .write(move |conn, _| {
            let mut known = 0;
            for id in old {
                known += usize::from(departed::find(conn, &services, id)?.is_some());
            }
            Ok(known)
        })
        .await;
    assert_eq!(known, 30);
    assert_eq!(self::ledger(&app, client.id).await[..ledger.len()], ledger[..], "what was counted stays");
}

async fn ledger(app: &TestApp, account: Id) -> Vec<(String, i64, i64)> {
    let rows = app.read(move |conn| Ok(usage::days(conn, account, "2000-01-01", "2999-01-01")?)).await;
    rows.into_iter().map(|row| (row.day, row.accepted, row.delivered)).collect()
}

#[tokio::test]
async fn a_day_that_somebody_reads_waits_and_holds_up_no_accept() {
    let Some(app) = on_postgres().await else { return };
    make_ahead(&app.app, app.app.clock.now()).await.expect("made");
    let agency = app.agency("Busy").await;
    let client = app.client(&agency, "busy", 0).await;
    let day = app.app.clock.now().date_naive();
    accepted(&app, &client, 2).await;
    worker::run_once(&app.app).await;
    app.app.clock.step(TimeDelta::days(4));
    let url = app.app.config.database_url().to_owned();
    let mut reader = <diesel::PgConnection as diesel::Connection>::establish(&url).expect("a connection");
    reader.batch_execute("BEGIN; SELECT count(*) FROM messages").expect("a reader");
    let mut departure = Departure::default();
    let (gone, _) = tokio::join!(departure.go_on(&app.app, app.app.clock.now()), accepted(&app, &client, 30));
    assert_eq!(gone.expect("a try"), 0);
    assert!(days(&app).await.contains(&day));
    reader.batch_execute("COMMIT").expect("it ends");
    assert_eq!(departure.go_on(&app.app, app.app.clock.now()).await.expect("a try"), 4, "with three days without mail");
    assert!(!days(&app).await.contains(&day));
}

#[tokio::test]
async fn mixed_retention_never_loses_a_message_that_is_kept() {
    let Some(app) = on_postgres().await else { return };
    let agency = app.agency("Mixed").await;
    let client = app.client(&agency, "mixed", 0).await;
    let mut leader = Leader::new(Arc::clone(&app.app));
    leader.round().await.expect("a round");
    let mut sent: Vec<Message> = Vec::new();
    for day in 0..40 {
        // Two days of mail, from one day kept to thirty.
        if day < 2 {
            for kept in [1, 2, 5, 17, 30] {
                let id = accepted(&app, &client, kept).await;
                sent.push(row(&app, id).await.expect("it is there"));
            }
            while worker::run_once(&app.app).await > 0 {}
        }
        app.app.clock.step(TimeDelta::days(1));
        leader.round().await.expect("a round");
        let now = app.app.clock.now();
        for message in &sent {
            let there = row(&app, message.id).await.is_some();
            if message.purge_at > now.naive_utc() {
                assert!(there, "kept until {}, gone at {now}", message.purge_at);
            }
            if message.purge_at + TimeDelta::days(2) < now.naive_utc() {
                assert!(!there, "kept until {}, still there at {now}", message.purge_at);
            }
            if message.created_at + TimeDelta::days(29) > now.naive_utc() {
                let (services, id) = (Arc::clone(&app.app.services), message.id);
                let known = app.write(move |conn, _| departed::find(conn, &services, id)).await;
                assert!(known.is_some(), "reports about it may still come");
            }
        }
    }
    let today = app.app.clock.now().date_naive();
    assert!(days(&app).await.iter().all(|day| *day >= today), "every past day went, those without mail too");
    let left = app.read(|conn| Ok(count(conn, "messages")? + count(conn, "attempts")?)).await;
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_day_with_mail_in_the_queue_stays() {
    let Some(app) = on_postgres().await else { return };
    make_ahead(&app.app, app.app.clock.now()).await.expect("made");
    let agency = app.agency("Queue").await;
    let client = app.client(&agency, "queue", 0).await;
    let day = app.app.clock.now().date_naive();
    let id = accepted(&app, &client, 1).await;
    app.app.clock.step(TimeDelta::days(10));
    let mut departure = Departure::default();
    assert_eq!(departure.go_on(&app.app, app.app.clock.now()).await.expect("a try"), 9, "the days without mail");
    assert!(row(&app, id).await.is_some() && days(&app).await.contains(&day));
    // Its time is over: it fails, and then the day goes.
    worker::run_once(&app.app).await;
    assert_eq!(departure.go_on(&app.app, app.app.clock.now()).await.expect("a try"), 1);
}

const NAME: &str = "2026-11-24-000080_partitions";

#[test]
fn what_is_there_already_moves_into_its_days() {
    let Some(database) = TestPostgres::empty() else { return };
    let db = Db::open(&database.url(), 1).expect("it opens");
    migrate::up(&db).expect("up");
    let way = |way: &str| {
        let folder = package_root().join("migrations/postgres").join(NAME);
        std::fs::read_to_string(folder.join(format!("{way}.sql"))).expect("the migration is there")
    };
    let at = |day: i64| DateTime::from_timestamp(1_790_000_000, 0).expect("an instant") + TimeDelta::days(day);
    let ids: Vec<Id> = (0..3).map(|day| Id::new(at(day))).collect();
    let (found, parts) = db
        .write(|conn| -> QueryResult<_> {
            conn.batch_execute(&way("down"))?;
            for (day, id) in (0..3).zip(&ids) {
                sql_query(insert(*id, &at(day).naive_utc().to_string())).execute(conn)?;
            }
            conn.batch_execute(&way("up"))?;
            Ok((messages::find_many(conn, &ids)?.len(), partitions::days(conn)?))
        })
        .expect("it moves");
    assert_eq!(found, 3);
    assert_eq!(parts, (0..3).map(|day| at(day).date_naive()).collect::<Vec<_>>());
}

/// A message of one account, accepted at `at`.
fn insert(id: Id, at: &str) -> String {
    let id = format!("decode('{}', 'hex')", id.0.simple());
    format!(
        "INSERT INTO messages (id, account_id, domain_id, period_id, day, content_id, sender, sender_domain, recipient, \
         recipient_lower, subject, status, expires_at, created_at, updated_at, retain_until, purge_at) VALUES \
         ({id}, {id}, {id}, {id}, '', {id}, '', '', '', '', '', 'delivered', '{at}', '{at}', '{at}', '{at}', '{at}')"
    )
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    #[diesel(column_name = "QUERY PLAN")]
    line: String,
}

fn plan(conn: &mut AnyConnection, query: &str) -> QueryResult<String> {
    let lines: Vec<Line> = sql_query(format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {query}")).load(conn)?;
    Ok(lines.into_iter().map(|line| line.line).collect::<Vec<_>>().join("\n"))
}

#[tokio::test]
async fn a_page_reads_what_it_shows_and_a_message_is_looked_for_in_its_day() {
    let Some(app) = on_postgres().await else { return };
    let now = app.app.clock.now();
    make_ahead(&app.app, now).await.expect("made");
    let (page, next, one, story) = app
        .write(move |conn, _| {
            let account = Id::new(now);
            let hex = account.0.simple();
            // 15 days of 2,000 messages, a message every 43 seconds.
            let start = now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis();
            conn.batch_execute(&format!(
                "INSERT INTO messages (id, account_id, domain_id, period_id, day, content_id, sender, sender_domain, recipient, \
                 recipient_lower, subject, status, expires_at, created_at, updated_at, retain_until, purge_at) \
                 SELECT id, decode('{hex}', 'hex'), id, id, '', id, '', '', '', '', '', 'delivered', at, at, at, at, at FROM ( \
                 SELECT decode(lpad(to_hex({start} + i * 43200), 12, '0') || '7000' || substr(md5(i::text), 1, 16), 'hex') AS id, \
                 to_timestamp(0)::timestamp AS at FROM generate_series(0::bigint, 29999) i) m; ANALYZE messages;"
            ))?;
            let newest = messages::page(conn, account, &messages::Filter::default(), None, false, 51)?;
            assert_eq!(newest.len(), 51);
            let edge = newest[50].id.0.simple();
            let list = "SELECT * FROM messages WHERE account_id = decode";
            Ok((
                plan(conn, &format!("{list}('{hex}', 'hex') ORDER BY id DESC LIMIT 51"))?,
                plan(conn, &format!("{list}('{hex}', 'hex') AND id < decode('{edge}', 'hex') ORDER BY id DESC LIMIT 51"))?,
                plan(conn, &format!("SELECT * FROM messages WHERE id IN (decode('{edge}', 'hex'))"))?,
                plan(conn, &format!("SELECT * FROM attempts WHERE message_id IN (decode('{edge}', 'hex')) ORDER BY message_id, id"))?,
            ))
        })
        .await;
    for plan in [&page, &next] {
        assert!(plan.contains("Append") && !plan.contains("Sort Method"), "nothing is sorted:\n{plan}");
        assert!(!plan.contains("Seq Scan on messages_d"), "{plan}");
        let read: i64 = plan.lines().filter(|line| line.contains("Scan")).filter_map(rows_of).sum();
        assert!(read <= 51 + 17, "one row of each day, and the page: {read}\n{plan}");
    }
    assert!(one.matches("Scan using").count() == 1 && !one.contains("Append"), "one day alone:\n{one}");
    assert!(story.matches("attempts_d").count() >= 1 && !story.contains("Append"), "one day alone:\n{story}");
}

/// Rows that a step of a plan really read.
fn rows_of(line: &str) -> Option<i64> {
    line.split_once("actual rows=")?.1.split(' ').next()?.parse().ok()
}

#[tokio::test]
async fn on_sqlite_accepts_go_on_while_fifty_thousand_rows_are_purged() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Purge").await;
    let client = app.client(&agency, "purge", 0).await;
    let past = app.app.clock.now() - TimeDelta::days(60);
    let hex = client.id.0.simple().to_string();
    app.write(move |conn, _| {
        let at = past.naive_utc();
        Ok(conn.batch_execute(&format!(
            "INSERT INTO messages (id, account_id, domain_id, period_id, day, content_id, sender, sender_domain, recipient, \
             recipient_lower, subject, status, expires_at, created_at, updated_at, retain_until, purge_at) \
             WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 50000) \
             SELECT CAST(substr('0000000000000000' || i, -16) AS BLOB), x'{hex}', x'{hex}', x'{hex}', '', x'{hex}', '', '', \
             '', '', '', 'failed', '{at}', '{at}', '{at}', '{at}', '{at}' FROM s"
        ))?)
    })
    .await;
    let node = Arc::clone(&app.app);
    let purge = tokio::spawn(async move { Leader::new(node).round().await });
    let mut meanwhile = 0;
    while !purge.is_finished() {
        accepted(&app, &client, 30).await;
        meanwhile += 1;
    }
    assert!(purge.await.expect("it ends").expect("no error"));
    assert!(meanwhile > 5, "{meanwhile} were accepted during the purge");
    let old = app.read(|conn| count(conn, "messages WHERE subject = ''").map_err(Into::into)).await;
    assert_eq!(old, 0, "all is purged");
}

#[test]
fn sqlite_has_no_days() {
    let dir = TempDir::new();
    let db = Db::open(&format!("sqlite://{}", dir.path().join("m.db").display()), 1).expect("it opens");
    migrate::up(&db).expect("up");
    assert!(db.read(partitions::days).expect("an answer").is_empty());
}
