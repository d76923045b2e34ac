//! Accepting in groups against accepting one by one, over one account and over many: `cargo bench --bench accept`.
//! Prints rates for orientation and their ratios, which are what may be compared between machines.

mod bed;

use bed::{Bed, message, rate};
use futures_util::StreamExt as _;
use futures_util::stream;

const MESSAGES: usize = 4000;

fn accept(bed: &Bed, runtime: &tokio::runtime::Runtime, in_flight: usize, clients: usize) -> f64 {
    rate(MESSAGES, || {
        runtime.block_on(async {
            let sends = (0..MESSAGES).map(|number| bed.app.committer.accept(message(bed, number % clients)));
            stream::iter(sends)
                .buffer_unordered(in_flight)
                .for_each(|result| async move {
                    result.expect("accepted");
                })
                .await;
        });
    })
}

fn main() {
    let bed = Bed::new(1000);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    println!("database: {:?}, {MESSAGES} messages of 2 KiB each", bed.app.db.backend());
    let alone = accept(&bed, &runtime, 1, 1);
    println!("one account, one in flight        {alone:>9.0}/s  1.0x");
    for (name, in_flight, clients) in [
        ("one account, 64 in flight", 64, 1),
        ("one account, 512 in flight", 512, 1),
        ("1,000 accounts, 512 in flight", 512, 1000),
    ] {
        let grouped = accept(&bed, &runtime, in_flight, clients);
        println!("{name:<33} {grouped:>9.0}/s  {:.1}x", grouped / alone);
    }
}
