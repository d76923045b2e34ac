//! Days that are past: dropped whole once nothing of them is needed, while accepting goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use canopy::actions::departed;
use canopy::delivery::worker;
use canopy::domain::ids::Id;
use canopy::jobs::{Departure, Leader, make_ahead};
use canopy::models::messages::Message;
use canopy::models::usage;
use chrono::TimeDelta;
use diesel::connection::SimpleConnection;

use super::{accepted, count, days, on_postgres, row};
use crate::support::app::TestApp;

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
