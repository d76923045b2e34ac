//! A suspension holds from its commit: no delivery starts after the call returned, and all of it leaves once lifted.

use std::sync::Arc;
use std::time::Duration;

use canopy::actions::lift_suspension::{end_due_suspensions, lift_suspension};
use canopy::actions::suspend_account::{Hold, suspend_account};
use canopy::delivery::worker;
use canopy::domain::ids::Id;
use canopy::domain::text::SuspendReason;
use canopy::models::suspensions::{self, Suspension};
use chrono::TimeDelta;
use tokio::sync::watch;

use super::{accept, attempts, deliver, message, queued, send_through};
use crate::support::app::{TestApp, on_both};
use crate::support::smtp_sink::{Behaviour, SmtpSink};

async fn suspend(app: &TestApp, parent: Id, child: Id) {
    let services = Arc::clone(&app.app.services);
    let hold = Hold::manual(SuspendReason::parse("Complaints").expect("a reason"));
    app.write(move |conn, cx| suspend_account(conn, cx, &services, parent, child, &hold)).await;
}

async fn lift(app: &TestApp, parent: Id, child: Id) {
    app.write(move |conn, cx| lift_suspension(conn, cx, parent, child)).await;
}

#[tokio::test]
async fn nothing_of_a_suspended_accounts_queue_leaves_until_the_hold_is_lifted() {
    on_both(|app| async move {
        let agency = app.agency("Held").await;
        let client = app.client(&agency, "held", 0).await;
        let other = app.client(&agency, "other", 0).await;
        accept(&app, &client, &["ann@example.org", "bob@example.org"]).await;
        suspend(&app, agency.id, client.id).await;
        accept(&app, &other, &["eve@example.org"]).await;
        assert_eq!(deliver(&app).await, 1, "the sibling's message alone");
        app.app.clock.step(TimeDelta::minutes(5));
        assert_eq!(deliver(&app).await, 0);
        assert_eq!(queued(&app, client.id).await, (2, 0));
        lift(&app, agency.id, client.id).await;
        assert_eq!(deliver(&app).await, 2);
        assert_eq!(app.app.mailbox.list(client.id).expect("readable").len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_parents_hold_holds_its_sub_accounts_and_its_end_wakes_them() {
    on_both(|app| async move {
        let agency = app.agency("Family").await;
        let client = app.client(&agency, "family", 0).await;
        accept(&app, &client, &["ann@example.org"]).await;
        let parent = agency.id;
        app.write(move |conn, cx| {
            let hold = Suspension {
                id: Id::new(cx.now),
                account_id: parent,
                kind: "billing".into(),
                reason: "Unpaid".into(),
                customer_text: String::new(),
                created_by: "test".into(),
                created_at: cx.at(),
                until_at: Some((cx.now + TimeDelta::seconds(20)).naive_utc()),
                lifted_by: None,
                lifted_at: None,
            };
            Ok(suspensions::insert(conn, &hold)?)
        })
        .await;
        assert_eq!(deliver(&app).await, 0);
        app.app.clock.step(TimeDelta::seconds(30));
        assert_eq!(deliver(&app).await, 0, "parked for a minute");
        app.write(end_due_suspensions).await;
        assert_eq!(deliver(&app).await, 1, "woken by the end of the hold");
    })
    .await;
}

#[tokio::test]
async fn what_expires_while_on_hold_ends_there() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Outlived").await;
    let client = app.client(&agency, "outlived", 0).await;
    let id = accept(&app, &client, &["ann@example.org"]).await[0];
    suspend(&app, agency.id, client.id).await;
    app.app.clock.step(TimeDelta::days(4));
    assert_eq!(deliver(&app).await, 0);
    assert_eq!((message(&app, id).await.status, queued(&app, client.id).await), ("failed".into(), (0, 0)));
}

#[tokio::test]
async fn under_load_no_delivery_starts_after_the_suspension_returned_and_all_arrive_once_after_it() {
    const MESSAGES: usize = 200;
    on_both(|app| async move {
        let Some(sink) = SmtpSink::start() else { return };
        let agency = app.agency("Load").await;
        let client = app.client(&agency, "load", 0).await;
        send_through(&app, agency.id, &sink).await;
        sink.set("*", Behaviour::Slow(Duration::from_millis(20))).await;
        let recipients: Vec<String> = (0..MESSAGES).map(|n| format!("r{n}@example.org")).collect();
        let recipients: Vec<&str> = recipients.iter().map(String::as_str).collect();
        let all = accept(&app, &client, &recipients).await;
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(worker::run(Arc::clone(&app.app), stopped));
        sink.wait_for(20).await;
        suspend(&app, agency.id, client.id).await;
        let returned = app.app.clock.now().naive_utc();
        tokio::time::sleep(Duration::from_millis(600)).await;
        let before_lift = sink.messages().len();
        let mut started = 0;
        for id in &all {
            for attempt in attempts(&app, *id).await {
                assert!(attempt.started_at <= returned, "started after the suspension was committed");
                started += 1;
            }
        }
        assert_eq!(before_lift, started, "what had started arrived, and nothing else");
        assert!(started < MESSAGES, "the hold came in the middle");
        sink.set("*", Behaviour::Accept).await;
        lift(&app, agency.id, client.id).await;
        let mut arrived: Vec<String> =
            sink.wait_for(MESSAGES).await.into_iter().map(|mut one| one.recipients.remove(0)).collect();
        stop.send_replace(true);
        running.await.expect("the worker ends well");
        arrived.sort_unstable();
        arrived.dedup();
        assert_eq!((arrived.len(), sink.messages().len()), (MESSAGES, MESSAGES));
        assert_eq!(queued(&app, client.id).await, (0, 0));
        println!("{started} of {MESSAGES} had started when the hold came, on {:?}", app.app.db.backend());
    })
    .await;
}
