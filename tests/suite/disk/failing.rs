//! Writes and syncs fail under load: until they work again nothing is promised that is not on the disk, and then it goes
//! on without a restart.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use super::load::Load;
use crate::support::environment::number;
use crate::support::faulty_disk::{FaultyDisk, Order};

/// Points of the short form, and points between two losses of power.
const POINTS: u64 = 9;
const BETWEEN: u64 = 3;

#[tokio::test]
async fn while_writes_and_syncs_fail_nothing_is_promised_that_is_not_on_the_disk() {
    let load = Load::new().await;
    let Some(mut disk) = FaultyDisk::of(&load.app) else { return };
    let (points, seed) = (number("CANOPY_SOAK_FAULTS", POINTS), number("CANOPY_SOAK_SEED", 20_261_130));
    let mut random = StdRng::seed_from_u64(seed);
    let (mut done, mut met, mut slowest) = (0, 0, Duration::ZERO);
    while done < points {
        let mut running = load.start(&disk).await;
        tokio::join!(load.send(&running), async {
            for _ in 0..BETWEEN {
                load.until_promised(random.random_range(1..40)).await;
                let kinds = [Order::WriteFull, Order::WriteError, Order::SyncError];
                let kind = *kinds.choose(&mut random).expect("three");
                // Once, or until there is room again.
                let meet = if random.random_bool(0.5) { random.random_range(1..4) } else { i64::MAX / 2 };
                let before = disk.met();
                disk.order(kind, random.random_range(0..30), meet);
                running.node.until("something failed", async |_| disk.met() > before).await;
                tokio::time::sleep(Duration::from_millis(random.random_range(0..100))).await;
                disk.order(Order::Nothing, 0, 0);
                slowest = slowest.max(load.until_promised(5).await);
                done += 1;
            }
            load.end();
        });
        met += disk.met();
        running.node.process.kill();
        let (image, _) = disk.after_power_loss(&mut random);
        disk.restore(image.path());
        load.check(image.path());
    }
    let refused = load.not_promised.load(std::sync::atomic::Ordering::SeqCst);
    println!(
        "{done} points from seed {seed}: {met} calls failed; {} promised, {refused} not; accepted again within {slowest:?}",
        load.promises()
    );
    assert!(refused > 0, "some were told to come again");
}
