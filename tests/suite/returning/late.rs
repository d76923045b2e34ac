//! Reports that come late: attributed for thirty days, also when nothing is left of the message but a trace.

use std::sync::Arc;

use canopy::actions::accept_message::Outcome;
use canopy::domain::ids::Id;
use canopy::jobs::Leader;
use canopy::models::counters::Counter;
use canopy::models::{counters, messages, suppressions, usage};
use chrono::TimeDelta;

use super::fixtures::one;
use super::mx::{Mx, about_id, message, refused};
use crate::support::app::{Client, TestApp, on_both, prepared};

/// A delivered message whose content and row go after these days.
async fn delivered(app: &TestApp, client: &Client, data: i32, metadata: i32) -> Id {
    let mut request = prepared(client, &["Ann@receiver.example"]);
    (request.data_retention, request.metadata_retention) = (Some(data), Some(metadata));
    let accepted = app.app.committer.accept(request).await.expect("accepted");
    let Outcome::Queued { id } = accepted.entries[0].outcome else { panic!("queued") };
    canopy::delivery::worker::run_once(&app.app).await;
    id
}

async fn counter(app: &TestApp, account: Id, period: Id) -> Counter {
    app.read(move |conn| Ok(counters::find(conn, account, period)?)).await.expect("a counter")
}

#[tokio::test]
async fn a_late_bounce_is_attributed_when_content_and_message_are_gone_and_refused_after_thirty_days() {
    on_both(|app| async move {
        let agency = app.agency("Late").await;
        let client = app.client(&agency, "late", 0).await;
        let mut leader = Leader::new(Arc::clone(&app.app));
        let (kept, gone, old) = (
            delivered(&app, &client, 1, 30).await,
            delivered(&app, &client, 0, 1).await,
            delivered(&app, &client, 0, 1).await,
        );
        let row = message(&app, gone).await;
        let (account, period, day) = (client.id, row.period_id, row.day.clone());
        app.app.clock.step(TimeDelta::days(28));
        leader.round().await.expect("a round");
        let left = app
            .read(move |conn| {
                Ok((
                    messages::find_many(conn, &[kept, gone, old])?.len(),
                    messages::content(conn, row.content_id)?.is_none(),
                ))
            })
            .await;
        assert_eq!(left, (1, true), "one row, and its content is gone");
        let mut mx = Mx::of(&app);
        for id in [kept, gone] {
            let about = about_id(&app, &client, id, "ann@receiver.example");
            assert_eq!(mx.send(None, &about.return_path, about.fill(&one("dsn", "postfix"))).await, 250);
            // Again: known, whether or not the row is there.
            assert_eq!(mx.send(None, &about.return_path, about.fill(&one("text", "exim"))).await, 250);
        }
        let complaint = about_id(&app, &client, gone, "ann@receiver.example");
        assert_eq!(
            mx.send(Some("f@p.example"), &complaint.to, complaint.fill(&one("complaints", "feedback-id"))).await,
            250
        );
        let counted = counter(&app, account, period).await;
        assert_eq!((counted.delivered, counted.bounced, counted.complained), (1, 2, 1));
        let days = app.read(move |conn| Ok(usage::days(conn, account, &day, &day)?)).await;
        assert_eq!(days.iter().map(|row| row.bounced).sum::<i64>(), 2, "on the day it was accepted");
        let now = app.app.clock.now().naive_utc();
        let suppressed =
            app.read(move |conn| Ok(suppressions::of_email(conn, account, "ann@receiver.example", now)?)).await;
        assert_eq!(suppressed.len(), 1, "by the trace, which says to whom it went");

        app.app.clock.step(TimeDelta::days(3));
        let about = about_id(&app, &client, old, "ann@receiver.example");
        assert_eq!(mx.send(None, &about.return_path, about.fill(&one("dsn", "postfix"))).await, 250);
        leader.round().await.expect("a round");
        assert_eq!(
            mx.send(None, &about.return_path, about.fill(&one("dsn", "postfix"))).await,
            250,
            "and when the trace is gone"
        );
        assert_eq!(counter(&app, account, period).await.bounced, 2);
        mx.stop();
        let refused = refused(&app).await;
        assert_eq!((refused["replayed"], refused["expired"]), (2, 2), "{refused:?}");
    })
    .await;
}
