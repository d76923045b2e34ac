//! The power goes while something is written: whatever of it reached the disk, what was promised is there.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::load::Load;
use crate::support::environment::number;
use crate::support::faulty_disk::{FaultyDisk, Order};

/// Cuts of the short form, and cuts after each loss of power.
const CUTS: u64 = 40;
const EACH: u64 = 10;

#[tokio::test]
async fn a_log_cut_anywhere_beyond_its_last_sync_has_all_that_was_promised() {
    let load = Load::new().await;
    let Some(mut disk) = FaultyDisk::of(&load.app) else { return };
    let (cuts, seed) = (number("CANOPY_SOAK_CUTS", CUTS), number("CANOPY_SOAK_SEED", 20_261_130));
    let mut random = StdRng::seed_from_u64(seed);
    let (mut done, mut torn) = (0, 0);
    while done < cuts {
        let mut running = load.start(&disk).await;
        let at = if random.random_bool(0.5) { Order::SyncStandsStill } else { Order::WriteStandsStill };
        let sending = async {
            tokio::join!(load.send(&running), async {
                load.until_promised(random.random_range(1..60)).await;
                disk.order(at, random.random_range(0..30), 1);
                running.node.until("it stands still", async |_| disk.met() > 0).await;
                load.end();
            })
        };
        sending.await;
        running.node.process.kill();
        for _ in 0..EACH {
            let (image, unsynced) = disk.after_power_loss(&mut random);
            load.check(image.path());
            torn += usize::from(unsynced > 0);
            done += 1;
        }
        // The next round begins over what one of them left.
        let (image, _) = disk.after_power_loss(&mut random);
        disk.restore(image.path());
    }
    let unsure = load.not_promised.load(std::sync::atomic::Ordering::SeqCst);
    println!(
        "{done} cuts from seed {seed}, {torn} with something unsynced; {} promised, {unsure} not",
        load.promises()
    );
    assert!(torn * 2 > usize::try_from(done).expect("few"), "there was something to lose: {torn} of {done}");
}
