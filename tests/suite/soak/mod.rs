//! The soak: killed (SIGKILL) at random moments while clients send by the API and over SMTP, workers deliver, and bounces
//! come in.
//! Whatever was acknowledged is delivered or bounced, counted once, under its cap, and told once.
//!
//! The short form runs with the other tests. `bin/soak` kills as often as `CANOPY_SOAK_KILLS` says, from the seed
//! `CANOPY_SOAK_SEED`.

mod check;
mod load;
mod mailers;

use std::time::Duration;

use canopy::delivery::worker;
use chrono::TimeDelta;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::returning::mx::Mx;
use crate::support::app::{On, TestApp};
use crate::support::environment::number;
use crate::support::smtp_sink::SmtpSink;
use load::{Node, World};

/// Kills of the short form.
const KILLS: usize = 4;
/// The program lives between these many milliseconds once it answers; longer where it is killed by hand.
const LIFE: std::ops::Range<u64> = 80..900;
const LIFE_BY_HAND: std::ops::Range<u64> = 80..4_000;

#[tokio::test]
async fn killed_at_random_on_sqlite_it_loses_nothing_and_counts_nothing_twice() {
    soak(On::Sqlite).await;
}

#[tokio::test]
async fn killed_at_random_on_postgresql_it_loses_nothing_and_counts_nothing_twice() {
    soak(On::Postgres).await;
}

async fn soak(on: On) {
    let Some(sink) = SmtpSink::start() else { return };
    let through = format!("smtp://127.0.0.1:{}", sink.port());
    let Some(app) = TestApp::start_with(on, |settings| settings.set("default_transport", through)).await else {
        return;
    };
    let kills = usize::try_from(number("CANOPY_SOAK_KILLS", KILLS as u64)).expect("a number of kills");
    let seed = number("CANOPY_SOAK_SEED", 20_261_124);
    println!("{kills} kills on {on:?} from seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let world = World::new(&app, &sink, kills).await;
    for _ in 0..kills {
        let mut node = Node::start(&world).await;
        world.begins();
        let life = if kills > KILLS { LIFE_BY_HAND } else { LIFE };
        let life = Duration::from_millis(random.random_range(life));
        let kill = async {
            tokio::time::sleep(life).await;
            node.process.kill();
            world.is_gone();
        };
        let (url, mx, submission) = (node.url.clone(), node.mx, node.submission);
        let senders = (world.send_until_gone(&url), world.hand_in_until_gone(submission));
        tokio::join!(senders.0, senders.1, world.report_until_gone(mx), kill);
    }
    settle(&world).await;
    check::all(&world).await;
}

/// What the killed left behind: leases run out, what got no answer is asked again, what waits is delivered, and what
/// bounced is reported.
async fn settle(world: &World<'_>) {
    world.app.app.clock.step(TimeDelta::minutes(6));
    world.send_the_rest().await;
    while worker::run_once(&world.app.app).await > 0 {}
    let mx = Mx::of(world.app);
    world.report_the_rest(mx.address).await;
}
