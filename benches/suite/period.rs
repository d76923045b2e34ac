//! Closing a period of 300 million messages of 10,000 and of 100,000 sub accounts: the report with everybody's share of the bill,
//! and the next period begun. Beside it, reading the counters that it is made of.

use std::time::Instant;

use canopy::actions::roll_periods;
use canopy::actions::usage_report::usage_report;
use canopy::models::counters;
use chrono::TimeDelta;

use crate::fill::{self, Agency, Size};
use crate::table::{Line, Table, median, millis};
use crate::{On, ROUNDS, World};

/// Each 300 million messages.
const SIZES: [Size; 2] =
    [Size { children: 10_000, days: 30, daily: 1_000 }, Size { children: 100_000, days: 30, daily: 100 }];
/// Summaries started anew in one transaction, as housekeeping does it.
const RESET: usize = 500;

pub fn run(on: On, table: &mut Table) {
    for size in SIZES {
        close(on, size, table);
    }
}

fn close(on: On, size: Size, table: &mut Table) {
    let world = World::new(on);
    let agency = fill::agency(&world, size);
    let children = canopy::web::format::number(size.children);
    let rounds: Vec<(f64, f64)> = (0..ROUNDS).map(|_| (report(&world, agency), read(&world, agency, size))).collect();
    let reported = median(rounds.iter().map(|round| round.0));
    table.add(Line {
        what: format!("usage report and shares, {children} sub accounts, 300 million messages"),
        on: on.name(),
        measured: millis(reported),
        ceiling: format!("reading their counters: {}", millis(median(rounds.iter().map(|round| round.1)))),
        ratio: median(rounds.iter().map(|round| round.0 / round.1)),
        target: "",
    });
    let begun = next(&world, agency, size);
    table.add(Line {
        what: format!("that period of {children} closed: reported, and the next one begun"),
        on: on.name(),
        measured: millis(reported + begun),
        ceiling: "the goal of 2 s".into(),
        ratio: (reported + begun) / 2.0,
        target: if size.children == 10_000 { "at most 5 (10 s), goal 1 (2 s)" } else { "" },
    });
}

fn report(world: &World, agency: Agency) -> f64 {
    let (asked, now) = (Instant::now(), world.app.clock.now());
    let report = world.read(|conn| usage_report(conn, now, agency.id, Some(agency.period)));
    let taken = asked.elapsed().as_secs_f64();
    assert_eq!(report.total.messages.accepted, 300_000_000);
    let shares: i64 = report.children.iter().filter_map(|line| line.counted.cost_minor).sum();
    assert_eq!(Some(shares), report.bill.map(|bill| bill.total_minor), "the parts add up");
    taken
}

fn read(world: &World, agency: Agency, size: Size) -> f64 {
    let asked = Instant::now();
    let volumes = world.read(|conn| Ok(counters::volumes(conn, agency.id, agency.period)?));
    assert_eq!(volumes.len(), size.children);
    asked.elapsed().as_secs_f64()
}

/// What housekeeping does when the next period begins.
fn next(world: &World, agency: Agency, size: Size) -> f64 {
    let (asked, later) = (Instant::now(), world.app.clock.now() + TimeDelta::days(40));
    let period = world.write(|conn, _| roll_periods::begin(conn, agency.id, later));
    let stale = world.read(|conn| roll_periods::stale(conn, agency.id, period));
    assert_eq!(stale.len(), size.children);
    for chunk in stale.chunks(RESET) {
        world.write(|conn, _| roll_periods::reset(conn, chunk, period));
    }
    asked.elapsed().as_secs_f64()
}
