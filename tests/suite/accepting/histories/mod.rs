//! Random histories of a parent and its children (caps of every kind, pools, holds, suspensions, deletions, the billing
//! day moved, the clock stepped) against a model that knows nothing of the program: the same is accepted, held and refused
//! at every step.
//!
//! The short form runs with the other tests; `bin/soak histories` runs as many as `CANOPY_SOAK_HISTORIES` says.

mod family;
mod model;
mod steps;

use std::time::Instant;

use chrono::TimeDelta;
use futures_util::future::join_all;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

use crate::support::app::{On, TestApp};
use crate::support::environment::number;
use crate::support::rows::Signing;
use family::Family;

/// Histories of the short form on SQLite; a quarter of that on PostgreSQL.
const HISTORIES: u64 = 120;
/// Families that live through their histories together, so that what they send is committed in groups.
const TOGETHER: u64 = 30;
/// Steps of a history.
const STEPS: usize = 20;
/// Hours between two steps.
const HOURS: [i64; 10] = [0, 0, 0, 0, 0, 1, 1, 5, 24, 240];

#[tokio::test]
async fn no_random_history_on_sqlite_differs_from_the_model_of_caps() {
    run(On::Sqlite, number("CANOPY_SOAK_HISTORIES", HISTORIES)).await;
}

#[tokio::test]
async fn no_random_history_on_postgresql_differs_from_the_model_of_caps() {
    run(On::Postgres, number("CANOPY_SOAK_HISTORIES", HISTORIES) / 4).await;
}

async fn run(on: On, histories: u64) {
    let Some(app) = TestApp::start(on).await else { return };
    app.without_waiting_for_the_disk();
    let (seed, begun) = (number("CANOPY_SOAK_SEED", 20_261_130), Instant::now());
    let signing = Signing::new(&app.app.services.secrets);
    let mut random = StdRng::seed_from_u64(seed);
    let mut seen = steps::Seen::default();
    let mut lived = 0;
    while lived < histories {
        // To the second minute of an hour: nothing but the steps below crosses one.
        let since = app.app.clock.now().timestamp() % 3600;
        app.app.clock.step(TimeDelta::seconds(3600 + 120 - since));
        let mut families = Vec::new();
        for _ in 0..TOGETHER {
            families.push(Family::new(&app, &signing, &mut random).await);
        }
        for _ in 0..STEPS {
            app.app.clock.step(TimeDelta::hours(*HOURS.choose(&mut random).expect("some")));
            let now = app.app.clock.now();
            let choices: Vec<_> = families.iter().map(|family| family.choose(&mut random)).collect();
            let taken = families.iter_mut().zip(choices).map(|(family, step)| family.take(&app, now, step));
            for (one, family) in join_all(taken).await.into_iter().zip(&families) {
                seen.add(one, family.model.is_short());
            }
        }
        lived += TOGETHER;
    }
    println!("{lived} histories of {STEPS} steps on {on:?} from seed {seed} in {:?}: {seen:?}", begun.elapsed());
    assert!(seen.is_of_every_kind(), "{seen:?}");
}
