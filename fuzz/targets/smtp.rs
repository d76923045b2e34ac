//! What a client says, cut into lines and read as commands.
#![no_main]

use canopy::smtp::command;
use canopy::smtp::lines::{Lines, Next};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|said: &[u8]| {
    let mut lines = Lines::default();
    for piece in said.chunks(7) {
        lines.push(piece);
        loop {
            match lines.next(1000) {
                Next::Line(line) => drop(command::parse(&line)),
                Next::More => break,
                Next::Broken(_) => return,
            }
        }
    }
});
