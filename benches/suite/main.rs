//! Every benchmark, printed as one table of ratios: `bin/bench`, or `cargo bench` where there is no PostgreSQL.
//!
//! Each thing is measured beside its ceiling, in turns on the same machine; a line is the median of the rounds. Names
//! on the command line choose some: accept, memory, deliver, fairness, postfix, list, growth, period.

mod accept;
mod bare;
mod deliver;
mod destination;
mod fairness;
mod fill;
mod growth;
mod list;
mod load;
mod memory;
mod neighbours;
mod period;
mod postfix;
mod postfix_server;
mod submit;
mod support;
mod table;
mod world;

use std::time::Duration;

use table::Table;
use world::{On, World};

/// Rounds of each measurement.
const ROUNDS: usize = 3;
/// How long one measurement of a round goes on.
const SPAN: Duration = Duration::from_secs(2);

type Bench = fn(On, &mut Table);

const ALL: [(&str, Bench); 8] = [
    ("accept", accept::run),
    ("memory", memory::run),
    ("deliver", deliver::run),
    ("fairness", fairness::run),
    ("postfix", postfix::run),
    ("list", list::run),
    ("growth", growth::run),
    ("period", period::run),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [word, size] = words.as_slice()
        && word == bare::WORD
    {
        return bare::serve(size.parse().expect("a size in bytes"));
    }
    canopy::cli::serve::install_tls();
    let mut table = Table::default();
    for on in On::here() {
        for (name, bench) in ALL {
            if words.is_empty() || words.iter().any(|word| word == name) {
                eprintln!("--- {name} on {}", on.name());
                bench(on, &mut table);
            }
        }
    }
    println!("{table}");
}
