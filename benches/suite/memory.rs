//! Whether accepting a hundred thousand messages leaves anything behind in memory.

use std::time::Duration;

use crate::accept::{clients, request};
use crate::table::{Line, Table};
use crate::{On, World, load};

/// Connections that send at once.
const CONNECTIONS: usize = 32;
/// Messages after which caches and pools are as large as they get, and those at the end.
const EARLY: f64 = 20_000.0;
const ALL: f64 = 100_000.0;
const STEP: Duration = Duration::from_secs(2);

pub fn run(on: On, table: &mut Table) {
    let world = World::new(on);
    let requests: Vec<Vec<u8>> =
        clients(&world, CONNECTIONS).iter().map(|client| request(client, "ann@example.org")).collect();
    let server = world.serve("web", &[]);
    let (mut sent, mut early, mut most) = (0.0, None, 0);
    while sent < ALL {
        sent += load::run(server.address, &requests, STEP).rate * STEP.as_secs_f64();
        let now = server.memory();
        most = most.max(now);
        if sent >= EARLY && early.is_none() {
            early = Some(now);
        }
    }
    let (early, late) = (early.unwrap_or(most), server.memory());
    let megabytes = |kilobytes: u64| format!("{:.1} MB", kilobytes as f64 / 1024.0);
    table.add(Line {
        what: format!("memory after accepting 100,000 messages, {CONNECTIONS} connections"),
        on: on.name(),
        measured: format!("{}, at most {}", megabytes(late), megabytes(most)),
        ceiling: format!("after 20,000: {}", megabytes(early)),
        ratio: late as f64 / early.max(1) as f64,
        target: "flat",
    });
}
