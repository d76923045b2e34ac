//! Messages that say when: not before their hour, not after their expiry.

use canopy::domain::ids::Id;
use canopy::models::messages;
use chrono::TimeDelta;

use super::{accept, counter_of, deliver, ids, message, queued, send_through};
use crate::support::app::{TestApp, on_both, prepared};
use crate::support::smtp_sink::{Behaviour, SmtpSink};

async fn story(app: &TestApp, id: Id) -> Vec<(String, String)> {
    let events = app.read(move |conn| Ok(messages::events(conn, id)?)).await;
    events.into_iter().map(|event| (event.status, event.log)).collect()
}

#[tokio::test]
async fn a_scheduled_message_waits_for_its_hour() {
    on_both(|app| async move {
        let agency = app.agency("Hour").await;
        let client = app.client(&agency, "hour", 0).await;
        let mut request = prepared(&client, &["ann@example.org"]);
        request.first_attempt = Some(app.app.clock.now() + TimeDelta::hours(2));
        let id = ids(&app.app.committer.accept(request).await.expect("accepted"))[0];
        let now = accept(&app, &client, &["bob@example.org"]).await[0];
        assert_eq!(deliver(&app).await, 1, "only the other one is due");
        assert_eq!(message(&app, now).await.status, "delivered");
        app.app.clock.step(TimeDelta::minutes(119));
        assert_eq!(deliver(&app).await, 0);
        assert_eq!(message(&app, id).await.status, "scheduled");
        app.app.clock.step(TimeDelta::minutes(2));
        assert_eq!(deliver(&app).await, 1);
        assert_eq!(message(&app, id).await.status, "delivered");
    })
    .await;
}

#[tokio::test]
async fn what_expires_before_its_next_attempt_is_not_tried_again() {
    on_both(|app| async move {
        let Some(sink) = SmtpSink::start() else { return };
        let agency = app.agency("Expiry").await;
        let client = app.client(&agency, "expiry", 0).await;
        send_through(&app, agency.id, &sink).await;
        sink.set("*", Behaviour::RefuseMessage("451 4.3.0 Busy")).await;
        let mut request = prepared(&client, &["ann@example.org"]);
        request.expires = Some(app.app.clock.now() + TimeDelta::minutes(3));
        let id = ids(&app.app.committer.accept(request).await.expect("accepted"))[0];
        assert_eq!(deliver(&app).await, 1);
        app.app.clock.step(TimeDelta::seconds(70));
        assert_eq!(deliver(&app).await, 1);
        let row = message(&app, id).await;
        assert_eq!((row.status.as_str(), row.bounce_classification.as_str()), ("bounced", "MessageExpired"));
        assert_eq!(queued(&app, client.id).await, (0, 0));
    })
    .await;
}

#[tokio::test]
async fn what_nobody_could_try_in_time_fails_and_says_why() {
    on_both(|app| async move {
        let agency = app.agency("Late").await;
        let client = app.client(&agency, "late", 0).await;
        let id = accept(&app, &client, &["ann@example.org"]).await[0];
        app.app.clock.step(TimeDelta::days(4));
        assert_eq!(deliver(&app).await, 0);
        let row = message(&app, id).await;
        assert_eq!((row.status.as_str(), row.bounce_classification.as_str()), ("failed", "MessageExpired"));
        assert_eq!(story(&app, id).await, [("failed".into(), "Expired before it could be delivered.".into())]);
        assert_eq!(queued(&app, client.id).await, (0, 0));
        let counted = counter_of(&app, id).await;
        assert_eq!((counted.accepted, counted.failed), (1, 1));
    })
    .await;
}
