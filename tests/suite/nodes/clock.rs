//! A clock that is set forward or back: nothing is lost, nothing panics, and each message is counted where it belongs.

use std::sync::Arc;

use canopy::delivery::worker;
use canopy::jobs::Leader;
use canopy::models::{counters, messages, periods};
use chrono::TimeDelta;

use crate::support::app::on_both;

#[tokio::test]
async fn a_clock_set_forward_and_back_loses_nothing_and_each_message_is_in_the_period_of_its_time() {
    on_both(|app| async move {
        let agency = app.agency("Clock").await;
        let client = app.client(&agency, "clock", 0).await;
        let mut leader = Leader::new(Arc::clone(&app.app));
        leader.round().await.expect("a round");
        let mut sent: i64 = 0;
        // Forward into the next period, as far as retention keeps what was sent; back to where it was; back before
        // anything was; and forward again.
        for step in [0, 29, -29, -3, 3, 1] {
            app.app.clock.step(TimeDelta::days(step));
            app.accept(&client, &["ann@example.org", "bob@example.org"]).await.expect("accepted");
            sent += 2;
            while worker::run_once(&app.app).await > 0 {}
            leader.round().await.expect("a round");
        }
        let id = client.id;
        let rows =
            app.read(move |conn| Ok(messages::page(conn, id, &messages::Filter::default(), None, false, 100)?)).await;
        assert!(
            rows.iter().all(|row| row.status == "delivered"),
            "{:?}",
            rows.iter().map(|row| &row.status).collect::<Vec<_>>()
        );
        let root = agency.id;
        for row in &rows {
            let (created, period) = (row.created_at, row.period_id);
            let found = app.read(move |conn| Ok(periods::nearest(conn, root, created)?)).await.expect("a period");
            // What was accepted before there was any period counts in the first.
            assert_eq!(found.id, period, "{created} lies in its period");
        }
        let mut periods: Vec<_> = rows.iter().map(|row| row.period_id).collect();
        periods.sort();
        periods.dedup();
        let counted = app
            .read(move |conn| {
                let mut sum = 0;
                for period in periods {
                    sum += counters::find(conn, id, period)?.map_or(0, |row| row.accepted);
                }
                Ok(sum)
            })
            .await;
        assert_eq!((counted, rows.len()), (sent, usize::try_from(sent).expect("few")), "none lost, each counted once");
    })
    .await;
}
