//! The days that messages lie in on PostgreSQL: made ahead, dropped whole, read alone; and what SQLite does instead.

mod leaving;
mod reading;

use std::sync::Arc;

use canopy::delivery::worker;
use canopy::domain::ids::Id;
use canopy::jobs::make_ahead;
use canopy::models::messages::{self, Message};
use canopy::models::{AnyConnection, Db, migrate, partitions};
use chrono::{DateTime, Days, TimeDelta};
use diesel::connection::SimpleConnection;
use diesel::sql_types::BigInt;
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

#[test]
fn sqlite_has_no_days() {
    let dir = TempDir::new();
    let db = Db::open(&format!("sqlite://{}", dir.path().join("m.db").display()), 1).expect("it opens");
    migrate::up(&db).expect("up");
    assert!(db.read(partitions::days).expect("an answer").is_empty());
}
