//! Whatever is accepted, held, released, delivered, put off, refused, reported and removed, in any order: the ledger is
//! what its messages say, and everybody's part of the bill adds up to the bill.
//!
//! The short form runs with the other tests; `bin/soak ledger` runs as many operations as `CANOPY_SOAK_LEDGER` says.

mod business;
mod ends;
mod interleaved;
mod rebuilt;

use std::time::Instant;

use canopy::actions::usage_report::usage_report;
use canopy::models::counters::Delta;
use canopy::models::periods;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::support::app::{On, TestApp};
use crate::support::environment::number;
use business::Business;

/// Operations of the short form: a message accepted, an attempt that ended, a report, each is one.
const OPERATIONS: u64 = 8_000;

#[tokio::test]
async fn the_ledger_on_sqlite_is_what_its_messages_say_after_random_operations() {
    run(On::Sqlite, number("CANOPY_SOAK_LEDGER", OPERATIONS)).await;
}

#[tokio::test]
async fn the_ledger_on_postgresql_is_what_its_messages_say_after_random_operations() {
    run(On::Postgres, number("CANOPY_SOAK_LEDGER", OPERATIONS) / 2).await;
}

async fn run(on: On, operations: u64) {
    let Some(app) = TestApp::start(on).await else { return };
    app.without_waiting_for_the_disk();
    let (seed, begun) = (number("CANOPY_SOAK_SEED", 20_261_130), Instant::now());
    let mut business = Business::new(&app, StdRng::seed_from_u64(seed)).await;
    while business.done() < operations / 2 {
        business.something().await;
    }
    business.what_is_rare().await;
    while business.done() < operations {
        business.something().await;
    }
    let lines = rebuilt::check(&app).await;
    let periods = bills(&app, &business).await;
    println!(
        "{} operations on {on:?} from seed {seed} in {:?}: {lines} lines of the ledger rebuilt, {periods} bills; {}",
        business.done(),
        begun.elapsed(),
        business.told()
    );
    assert!(periods > 1 && business.met_everything(), "{}", business.told());
}

/// Of every period: parent, children and those removed are the total, and their parts are the bill. How many there were.
async fn bills(app: &TestApp, business: &Business<'_>) -> usize {
    let (parent, now) = (business.parent, app.app.clock.now());
    let reports = app.read(move |conn| {
        let all = periods::all(conn, parent)?;
        all.iter().map(|period| usage_report(conn, now, parent, Some(period.id))).collect::<Result<Vec<_>, _>>()
    });
    let reports = reports.await;
    for report in &reports {
        let lines = || report.children.iter().chain(&report.removed).chain([&report.parent]);
        let mut messages = Delta::default();
        lines().for_each(|line| messages += line.counted.messages);
        assert_eq!(messages, report.total.messages, "all lines are the total");
        let parts: i64 = lines().map(|line| line.counted.cost_minor.unwrap_or(0)).sum();
        let bill = report.bill.as_ref().map_or(0, |bill| bill.total_minor);
        assert_eq!((parts, report.total.cost_minor.unwrap_or(0)), (bill, bill), "all parts are the bill");
    }
    assert!(reports.iter().any(|report| !report.removed.is_empty()), "somebody was removed");
    reports.len()
}
