//! What an answer means: later, never, or never again to this address.

use std::net::{Ipv4Addr, TcpListener};

use canopy::models::{messages, suppressions};
use chrono::TimeDelta;

use super::{accept, attempts, counter_of, deliver, message, queued, send_through, send_through_port};
use crate::support::app::{Client, TestApp, on_both};
use crate::support::smtp_sink::{Behaviour, SmtpSink};

#[tokio::test]
async fn a_4xx_is_tried_again_by_the_schedule_under_the_same_message_id() {
    on_both(|app| async move {
        let Some(sink) = SmtpSink::start() else { return };
        let agency = app.agency("Later").await;
        let client = app.client(&agency, "later", 0).await;
        send_through(&app, agency.id, &sink).await;
        sink.set("ann@example.org", Behaviour::RefuseRecipient("451 4.2.0 Try later")).await;
        let id = accept(&app, &client, &["ann@example.org"]).await[0];
        assert_eq!(deliver(&app).await, 1);
        let row = message(&app, id).await;
        assert_eq!((row.status.as_str(), row.num_attempts, row.sent_at), ("deferred", 1, None));
        assert_eq!(queued(&app, client.id).await, (0, 1));
        app.app.clock.step(TimeDelta::seconds(50));
        assert_eq!(deliver(&app).await, 0, "the schedule says a minute");
        app.app.clock.step(TimeDelta::seconds(20));
        assert_eq!(deliver(&app).await, 1);
        assert_eq!(message(&app, id).await.num_attempts, 2);
        assert_eq!(counter_of(&app, id).await.deferred, 1, "deferred twice is deferred once");
        sink.set("ann@example.org", Behaviour::Accept).await;
        app.app.clock.step(TimeDelta::minutes(6));
        assert_eq!(deliver(&app).await, 1);
        let arrived = sink.wait_for(1).await.remove(0);
        assert!(arrived.text().contains(&format!("Message-ID: <{id}@later.example>")));
        let row = message(&app, id).await;
        assert_eq!((row.status.as_str(), row.num_attempts), ("delivered", 3));
        let story: Vec<_> =
            attempts(&app, id).await.into_iter().map(|one| (one.number, one.status, one.code)).collect();
        assert_eq!(
            story,
            [(1, "deferred".into(), Some(451)), (2, "deferred".into(), Some(451)), (3, "delivered".into(), Some(250))]
        );
        let counted = counter_of(&app, id).await;
        assert_eq!((counted.delivered, counted.bounced, counted.failed), (1, 0, 0));
    })
    .await;
}

async fn suppressed(app: &TestApp, client: &Client, email: &str) -> bool {
    let address =
        suppressions::Address { account_id: client.id, email_lower: email.to_owned(), domain: client.domain.clone() };
    let now = app.app.clock.now().naive_utc();
    let found = app.read(move |conn| Ok(suppressions::suppressed(conn, &[address], now)?)).await;
    !found.is_empty()
}

#[tokio::test]
async fn an_address_that_does_not_exist_bounces_and_is_suppressed_for_thirty_days() {
    on_both(|app| async move {
        let Some(sink) = SmtpSink::start() else { return };
        let agency = app.agency("Bounce").await;
        let client = app.client(&agency, "bounce", 0).await;
        send_through(&app, client.id, &sink).await;
        sink.set("nobody@example.org", Behaviour::RefuseRecipient("550 5.1.1 No such user here")).await;
        let id = accept(&app, &client, &["Nobody@example.org"]).await;
        // The receiver's local part is its own business: it is asked in the case the sender gave.
        sink.set("Nobody@example.org", Behaviour::RefuseRecipient("550 5.1.1 No such user here")).await;
        assert_eq!(deliver(&app).await, 1);
        let row = message(&app, id[0]).await;
        assert_eq!((row.status.as_str(), row.bounce_classification.as_str()), ("bounced", "InvalidRecipient"));
        assert_eq!((queued(&app, client.id).await, row.delivered_at), ((0, 0), None));
        assert_eq!(counter_of(&app, id[0]).await.bounced, 1);
        assert!(attempts(&app, id[0]).await[0].log.contains("No such user here"));
        assert!(suppressed(&app, &client, "nobody@example.org").await);
        let again = accept(&app, &client, &["nobody@example.org"]).await[0];
        assert_eq!(message(&app, again).await.status, "suppressed");
        assert_eq!(deliver(&app).await, 0);
        app.app.clock.step(TimeDelta::days(29));
        assert!(suppressed(&app, &client, "nobody@example.org").await);
        app.app.clock.step(TimeDelta::days(1));
        assert!(!suppressed(&app, &client, "nobody@example.org").await);
    })
    .await;
}

#[tokio::test]
async fn what_waits_for_an_address_that_is_suppressed_meanwhile_is_not_sent_and_says_why() {
    on_both(|app| async move {
        let Some(sink) = SmtpSink::start() else { return };
        let agency = app.agency("Meanwhile").await;
        let client = app.client(&agency, "meanwhile", 0).await;
        let other = app.client(&agency, "sibling", 0).await;
        send_through(&app, agency.id, &sink).await;
        // One waits to be tried again, one was not tried yet, and a sibling's goes to the same address.
        sink.set("ann@example.org", Behaviour::RefuseRecipient("451 4.2.0 Try later")).await;
        let tried = accept(&app, &client, &["ann@example.org"]).await[0];
        assert_eq!(deliver(&app).await, 1);
        sink.set("ann@example.org", Behaviour::Accept).await;
        let new = accept(&app, &client, &["Ann@example.org", "bob@example.org"]).await;
        let siblings = accept(&app, &other, &["ann@example.org"]).await[0];
        let path = format!("/v2/accounts/{}/suppressions", client.id);
        let until = app.app.clock.now() + TimeDelta::days(3);
        let body = serde_json::json!({ "email": "ann@example.org", "expires_at": until.to_rfc3339() });
        assert_eq!(app.call("POST", &path, &client.key, Some(&body)).await.0, 201);
        app.app.clock.step(TimeDelta::minutes(2));
        assert_eq!(deliver(&app).await, 2, "bob's, and the sibling's");
        for id in [tried, new[0]] {
            let row = message(&app, id).await;
            assert_eq!((row.status.as_str(), row.bounce_classification.as_str()), ("failed", ""));
            let events = app.read(move |conn| Ok(messages::events(conn, id)?)).await;
            assert!(events.last().is_some_and(|event| event.log.contains("suppression list")), "{events:?}");
        }
        assert_eq!(message(&app, new[1]).await.status, "delivered");
        assert_eq!(message(&app, siblings).await.status, "delivered", "another account's list is its own");
        let counted = counter_of(&app, tried).await;
        assert_eq!((counted.accepted, counted.delivered, counted.failed, counted.bounced), (3, 1, 2, 0));
        assert_eq!(queued(&app, client.id).await, (0, 0));
        assert_eq!(sink.messages().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_full_mailbox_bounces_without_a_word_against_the_address() {
    let app = TestApp::sqlite().await;
    let Some(sink) = SmtpSink::start() else { return };
    let agency = app.agency("Full").await;
    let client = app.client(&agency, "full", 0).await;
    send_through(&app, agency.id, &sink).await;
    sink.set("*", Behaviour::RefuseMessage("552 5.2.2 Mailbox full")).await;
    let id = accept(&app, &client, &["ann@example.org"]).await[0];
    assert_eq!(deliver(&app).await, 1);
    let row = message(&app, id).await;
    assert_eq!((row.status.as_str(), row.bounce_classification.as_str()), ("bounced", "MailboxFull"));
    assert!(!suppressed(&app, &client, "ann@example.org").await);
}

#[tokio::test]
async fn a_relay_that_never_answers_is_given_up_after_three_days_and_the_body_may_go() {
    on_both(|app| async move {
        let agency = app.agency("Gone").await;
        let client = app.client(&agency, "gone", 0).await;
        let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|bound| bound.local_addr()).expect("a port");
        send_through_port(&app, agency.id, closed.port()).await;
        let id = accept(&app, &client, &["ann@example.org"]).await[0];
        let mut made = 0;
        for _ in 0..80 {
            made += deliver(&app).await;
            app.app.clock.step(TimeDelta::hours(1));
        }
        let row = message(&app, id).await;
        assert_eq!((row.status.as_str(), row.bounce_classification.as_str()), ("failed", "NoAnswerFromHost"));
        assert!((10..=18).contains(&made), "{made} attempts");
        assert_eq!((usize::try_from(row.num_attempts).ok(), attempts(&app, id).await.len()), (Some(made), made));
        let counted = counter_of(&app, id).await;
        assert_eq!((counted.deferred, counted.failed, counted.delivered), (1, 1, 0));
        let content = app.read(move |conn| Ok(messages::content(conn, row.content_id)?)).await.expect("kept so far");
        let purged = app.write(move |conn, _| Ok(messages::purge_contents(conn, content.purge_at, 10)?)).await;
        assert_eq!(purged, 1, "nobody needs it");
    })
    .await;
}
