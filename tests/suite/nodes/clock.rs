//! A clock that is set forward or back: nothing is lost, nothing panics, and each message is counted where it belongs.

use std::sync::Arc;

use canopy::actions::ensure_period::ensure_period;
use canopy::delivery::worker;
use canopy::domain::ids::Id;
use canopy::jobs::Leader;
use canopy::models::{counters, messages, periods};
use chrono::TimeDelta;
use diesel::prelude::*;

use crate::support::app::{TestApp, on_both};

#[tokio::test]
async fn a_clock_set_forward_and_back_loses_nothing_and_no_closed_period_changes() {
    on_both(|app| async move {
        let agency = app.agency("Clock").await;
        let client = app.client(&agency, "clock", 0).await;
        // Ten days before a period ends, whatever the date is.
        let parent = agency.id;
        let first = app.write(move |conn, cx| ensure_period(conn, parent, cx.now)).await;
        app.app.clock.step(first.end_at.and_utc() - app.app.clock.now() - TimeDelta::days(10));
        let mut leader = Leader::new(Arc::clone(&app.app));
        leader.round().await.expect("a round");
        let (id, root) = (client.id, agency.id);
        let (mut sent, mut expected, mut closed) = (0, Vec::new(), Vec::new());
        // Forward into the next period, as far as retention keeps what was sent; back to where it was; back before
        // anything was; and forward again.
        for step in [0, 29, -29, -3, 3, 1] {
            app.app.clock.step(TimeDelta::days(step));
            // What is closed then stays as it is.
            let before = closed_periods(&app, root).await;
            app.accept(&client, &["ann@example.org", "bob@example.org"]).await.expect("accepted");
            sent += 2;
            while worker::run_once(&app.app).await > 0 {}
            expected.push(counts_in(&app, root, &before).await);
            leader.round().await.expect("a round");
            for (period, used) in &closed {
                let period = *period;
                assert_eq!(
                    app.read(move |conn| Ok(counters::used(conn, id, period)?)).await,
                    *used,
                    "after {step} days"
                );
            }
            closed = Vec::new();
            for period in closed_periods(&app, root).await {
                closed.push((period, app.read(move |conn| Ok(counters::used(conn, id, period)?)).await));
            }
        }
        assert_eq!(closed, [(first.id, 2)], "closed when the clock was beyond its end");
        let rows =
            app.read(move |conn| Ok(messages::page(conn, id, &messages::Filter::default(), None, false, 100)?)).await;
        assert!(
            rows.iter().all(|row| row.status == "delivered"),
            "{:?}",
            rows.iter().map(|row| &row.status).collect::<Vec<_>>()
        );
        let mut counted: Vec<_> = rows.iter().map(|row| row.period_id).collect();
        let mut expected: Vec<_> = expected.into_iter().flat_map(|period| [period, period]).collect();
        counted.sort();
        expected.sort();
        assert_eq!(counted, expected, "the period of its time, or the oldest that is open");
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

/// The closed periods of a parent.
async fn closed_periods(app: &TestApp, root: Id) -> Vec<Id> {
    use canopy::models::schema::periods::dsl;
    let closed = dsl::periods.filter(dsl::account_id.eq(root)).filter(dsl::closed_at.is_not_null());
    app.read(move |conn| Ok(closed.order(dsl::start_at).select(dsl::id).load(conn)?)).await
}

/// The period that counts now, by its rows: the open one of this time, or else the oldest open one.
async fn counts_in(app: &TestApp, root: Id, closed: &[Id]) -> Id {
    let now = app.app.clock.now().naive_utc();
    let mut open = app.read(move |conn| Ok(periods::all(conn, root)?)).await;
    open.retain(|period| !closed.contains(&period.id));
    open.reverse();
    let of_time = open.iter().find(|period| period.start_at <= now && now < period.end_at);
    of_time.unwrap_or(&open[0]).id
}
