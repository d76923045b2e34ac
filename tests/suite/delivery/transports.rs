//! Transports of accounts: each account's mail leaves by its own, within its limits, and never to where it must not.

use canopy::actions::ActionError;
use canopy::actions::choose_transport::choose_transport;
use canopy::actions::delete_transport::delete_transport;
use canopy::actions::transport_changes::TransportChanges;
use canopy::actions::update_transport::update_transport;
use canopy::domain::transport::Tls;
use chrono::TimeDelta;

use super::{accept, attempts, choose_new, deliver, message, queued, to_port};
use crate::support::app::{On, TestApp, on_both};
use crate::support::smtp_sink::SmtpSink;

fn plain(port: u16) -> TransportChanges {
    TransportChanges { tls: Some(Tls::None), ..to_port(port) }
}

#[tokio::test]
async fn two_children_on_two_transports_each_use_their_own() {
    on_both(|app| async move {
        let (Some(one), Some(two), Some(all)) = (SmtpSink::start(), SmtpSink::start(), SmtpSink::start()) else {
            return;
        };
        let agency = app.agency("Two").await;
        let mut children = Vec::new();
        for (label, sink) in [("first", Some(&one)), ("second", Some(&two)), ("third", None)] {
            let child = app.client(&agency, label, 0).await;
            if let Some(sink) = sink {
                choose_new(&app, child.id, plain(sink.port())).await;
            }
            children.push(child);
        }
        choose_new(&app, agency.id, plain(all.port())).await;
        for child in &children {
            accept(&app, child, &["ann@example.org", "bob@example.org", "eve@example.org"]).await;
        }
        assert_eq!(deliver(&app).await, 9);
        for (child, sink) in children.iter().zip([&one, &two, &all]) {
            let arrived = sink.wait_for(3).await;
            assert_eq!(arrived.len(), 3);
            let from = format!("hello@{}", child.domain);
            assert!(arrived.iter().all(|mail| mail.text().contains(&from)), "{from}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_changed_transport_holds_from_the_next_attempt_and_one_in_use_is_not_deleted() {
    on_both(|app| async move {
        let (Some(one), Some(two)) = (SmtpSink::start(), SmtpSink::start()) else { return };
        let agency = app.agency("Moves").await;
        let child = app.client(&agency, "moves", 0).await;
        let row = choose_new(&app, child.id, plain(one.port())).await;
        accept(&app, &child, &["ann@example.org"]).await;
        let (parent, id, account) = (agency.id, row.id, child.id);
        let (services, port) = (app.app.services.clone(), two.port());
        app.write(move |conn, cx| {
            let moved = TransportChanges { port: Some(port), ..TransportChanges::default() };
            update_transport(conn, cx, &services, parent, id, &moved)
        })
        .await;
        assert_eq!(deliver(&app).await, 1);
        assert_eq!((one.connections(), two.wait_for(1).await.len()), (0, 1));

        let cx = app.app.cx("test");
        let refused = app.app.write(move |conn| delete_transport(conn, &cx, parent, id)).await;
        assert!(matches!(refused, Err(ActionError::Conflict(_))), "{refused:?}");
        app.write(move |conn, cx| choose_transport(conn, cx, parent, account, None)).await;
        app.write(move |conn, cx| delete_transport(conn, cx, parent, id)).await;
        let id = accept(&app, &child, &["bob@example.org"]).await[0];
        assert_eq!(deliver(&app).await, 1);
        assert_eq!(attempts(&app, id).await[0].host, "mailbox", "what the installation is set up with");
    })
    .await;
}

#[tokio::test]
async fn a_transports_rate_is_kept_and_who_waits_for_it_made_no_attempt() {
    on_both(|app| async move {
        let Some(sink) = SmtpSink::start() else { return };
        let agency = app.agency("Rate").await;
        let child = app.client(&agency, "rate", 0).await;
        choose_new(&app, child.id, TransportChanges { messages_per_second: Some(1), ..plain(sink.port()) }).await;
        let ids = accept(
            &app,
            &child,
            &["a@example.org", "b@example.org", "c@example.org", "d@example.org", "e@example.org"],
        )
        .await;
        deliver(&app).await;
        let sent = sink.messages().len();
        assert!((1..=3).contains(&sent), "{sent} left at one a second");
        let (due, later) = queued(&app, child.id).await;
        assert_eq!(usize::try_from(due + later).expect("few"), 5 - sent);
        for id in &ids {
            let row = message(&app, *id).await;
            assert!(matches!((row.status.as_str(), row.num_attempts), ("received", 0) | ("delivered", 1)), "{row:?}");
        }
        for _ in 0..10 {
            app.app.clock.step(TimeDelta::seconds(10));
            deliver(&app).await;
        }
        assert_eq!(sink.wait_for(5).await.len(), 5);
    })
    .await;
}

#[tokio::test]
async fn a_transports_connections_are_limited() {
    let app = TestApp::sqlite().await;
    let Some(sink) = SmtpSink::start() else { return };
    let agency = app.agency("Lines").await;
    let child = app.client(&agency, "lines", 0).await;
    choose_new(&app, child.id, TransportChanges { max_connections: Some(1), ..plain(sink.port()) }).await;
    let recipients: Vec<String> = (0..12).map(|n| format!("r{n}@example.org")).collect();
    accept(&app, &child, &recipients.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for _ in 0..20 {
        deliver(&app).await;
        app.app.clock.step(TimeDelta::seconds(40));
    }
    assert_eq!((sink.wait_for(12).await.len(), sink.connections()), (12, 1));
}

#[tokio::test]
async fn the_operators_own_relay_may_be_anywhere() {
    let Some(sink) = SmtpSink::start() else { return };
    let relay = format!("smtp://127.0.0.1:{}", sink.port());
    let app = TestApp::start_with(On::Sqlite, |settings| {
        settings.set("transport_allow", "");
        settings.set("default_transport", relay);
    })
    .await
    .expect("SQLite is always there");
    let agency = app.agency("Operator").await;
    let child = app.client(&agency, "operator", 0).await;
    accept(&app, &child, &["ann@example.org"]).await;
    assert_eq!(deliver(&app).await, 1);
    assert_eq!(sink.wait_for(1).await.len(), 1);
}
