//! What one node at a time does for all: summaries, the beginning of a period, retention.

use std::sync::Arc;

use canopy::domain::ids::Id;
use canopy::domain::message::status::MessageStatus;
use canopy::jobs::Leader;
use canopy::models::messages::Progress;
use canopy::models::{messages, summaries};
use chrono::TimeDelta;

use super::{accept, deliver, message};
use crate::support::app::{TestApp, on_both};

async fn summary(app: &TestApp, account: Id) -> summaries::Summary {
    app.read(move |conn| Ok(summaries::find(conn, account)?)).await.expect("a summary")
}

#[tokio::test]
async fn summaries_follow_the_counters_and_start_anew_with_the_period() {
    on_both(|app| async move {
        let agency = app.agency("Period").await;
        let client = app.client(&agency, "period", 2).await;
        let mut leader = Leader::new(Arc::clone(&app.app));
        accept(&app, &client, &["ann@example.org", "bob@example.org"]).await;
        deliver(&app).await;
        assert!(leader.round().await.expect("a round"));
        let row = summary(&app, client.id).await;
        assert_eq!((row.sent, row.delivered, row.used_permille, row.cap_state.as_str()), (2, 2, 1000, "at"));
        app.app.clock.step(TimeDelta::days(32));
        assert!(leader.round().await.expect("a round"));
        let fresh = summary(&app, client.id).await;
        assert_eq!((fresh.sent, fresh.delivered, fresh.used_permille, fresh.cap_state.as_str()), (0, 0, 0, "under"));
        assert_ne!(fresh.period_id, row.period_id);
        accept(&app, &client, &["ann@example.org"]).await;
        assert!(leader.round().await.expect("a round"));
        assert_eq!(summary(&app, client.id).await.sent, 1, "the cap is free again and counts from nothing");
    })
    .await;
}

#[tokio::test]
async fn one_node_keeps_house_and_another_follows_when_it_is_gone() {
    on_both(|app| async move {
        let (mut one, mut two) = (Leader::new(Arc::clone(&app.app)), Leader::new(Arc::clone(&app.app)));
        assert!(one.round().await.expect("a round"));
        assert!(!two.round().await.expect("a round"));
        assert!(one.round().await.expect("a round"), "renewed");
        app.app.clock.step(TimeDelta::seconds(16));
        assert!(two.round().await.expect("a round"), "the first was not heard of");
        assert!(!one.round().await.expect("a round"));
    })
    .await;
}

#[tokio::test]
async fn bodies_go_by_data_retention_and_messages_by_metadata_retention() {
    on_both(|app| async move {
        let agency = app.agency("Retention").await;
        let client = app.client(&agency, "retention", 0).await;
        let mut leader = Leader::new(Arc::clone(&app.app));
        let id = accept(&app, &client, &["ann@example.org"]).await[0];
        deliver(&app).await;
        let content = message(&app, id).await.content_id;
        let stored = || app.read(move |conn| Ok(messages::content(conn, content)?.is_some()));
        app.app.clock.step(TimeDelta::days(6));
        leader.round().await.expect("a round");
        assert!(stored().await);
        app.app.clock.step(TimeDelta::days(2));
        leader.round().await.expect("a round");
        assert!(!stored().await, "seven days have passed");
        assert_eq!(message(&app, id).await.status, "delivered");
        app.app.clock.step(TimeDelta::days(23));
        leader.round().await.expect("a round");
        let rows = app.read(move |conn| Ok(messages::find_many(conn, &[id])?.len())).await;
        assert_eq!(rows, 0, "thirty days have passed");
    })
    .await;
}

#[tokio::test]
async fn a_body_stays_while_one_of_its_messages_waits_and_goes_soon_after() {
    on_both(|app| async move {
        let agency = app.agency("Waits").await;
        let client = app.client(&agency, "waits", 0).await;
        let ids = accept(&app, &client, &["ann@example.org", "bob@example.org"]).await;
        let content_id = message(&app, ids[0]).await.content_id;
        assert_eq!(message(&app, ids[1]).await.content_id, content_id, "they share it");
        let content = || app.read(move |conn| Ok(messages::content(conn, content_id)?));
        let over = content().await.expect("stored").purge_at;
        let purge = |after| app.write(move |conn, _| Ok(messages::purge_contents(conn, over + after, 10)?));
        let open: Vec<&str> =
            MessageStatus::all().iter().filter(|status| !status.is_final()).map(|status| status.as_str()).collect();
        assert_eq!(open.len(), 4);
        for (days, status) in (1..).zip(open) {
            let (end, wait) = (ids[0], ids[1]);
            app.write(move |conn, cx| {
                let to = |status| Progress {
                    status,
                    num_attempts: 1,
                    classification: "",
                    now: cx.at(),
                    sent_at: None,
                    delivered_at: None,
                };
                Ok(messages::advance(conn, &[(end, to("bounced")), (wait, to(status))])?)
            })
            .await;
            assert_eq!(purge(TimeDelta::days(days)).await, 1, "looked at, and put off");
            assert!(content().await.is_some(), "{status}");
        }
        assert_eq!(deliver(&app).await, 2);
        assert_eq!(purge(TimeDelta::days(4) + TimeDelta::minutes(9)).await, 0);
        assert_eq!(purge(TimeDelta::days(4) + TimeDelta::minutes(11)).await, 1);
        assert!(content().await.is_none(), "nobody needs it any more");
    })
    .await;
}
