//! The primary of a PostgreSQL is lost again and again, and its synchronous replica takes its place: nothing that was
//! promised is missing, and the program goes on by itself.
//!
//! By hand only (`bin/soak primary`): it loses as many as `CANOPY_SOAK_PRIMARIES` says, and judges the time until mail is
//! taken again.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::load::Load;
use crate::support::app::TestApp;
use crate::support::cluster::Cluster;
use crate::support::environment::number;

/// Until mail is taken again.
const BACK_WITHIN: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_is_lost_takes_nothing_that_was_promised_with_it() {
    let (losses, seed) = (number("CANOPY_SOAK_PRIMARIES", 0), number("CANOPY_SOAK_SEED", 20_261_130));
    if losses == 0 {
        return println!("only in bin/soak primary");
    }
    let Some(mut cluster) = Cluster::start() else { return };
    let mut random = StdRng::seed_from_u64(seed);
    let load = Load::of(TestApp::over(&cluster.url())).await;
    let url = cluster.url();
    let mut slowest = Duration::ZERO;
    let running = load.start_with(vec![("CANOPY_DATABASE_URL", &url)]).await;
    let ((), _cluster) = tokio::join!(load.send(&running), async {
        for loss in 0..losses {
            cluster = blocking(cluster, Cluster::replicate).await;
            load.until_promised(random.random_range(1..400)).await;
            let lost = Instant::now();
            cluster = blocking(cluster, Cluster::lose_primary).await;
            load.until_promised(1).await;
            let back = lost.elapsed();
            println!("loss {loss}: {} promised so far, taken again within {back:?}", load.promises());
            slowest = slowest.max(back);
        }
        load.end();
        cluster
    });
    load.check_rows(&load.app.app.db);
    let refused = load.not_promised.load(std::sync::atomic::Ordering::SeqCst);
    println!(
        "{losses} primaries lost from seed {seed}: {} promised and there, {refused} not promised; back within {slowest:?}",
        load.promises()
    );
    assert!(slowest < BACK_WITHIN, "{slowest:?}");
}

/// Those who send go on meanwhile.
async fn blocking(mut cluster: Cluster, work: fn(&mut Cluster)) -> Cluster {
    let done = tokio::task::spawn_blocking(move || {
        work(&mut cluster);
        cluster
    });
    done.await.expect("it works")
}
