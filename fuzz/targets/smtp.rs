//! What a client says, cut into lines and read as commands: the same wherever the network cuts it.
#![no_main]

use canopy::smtp::command;
use canopy::smtp::lines::{Lines, Next};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|said: &[u8]| {
    let read = lines(said, 7);
    assert_eq!(read, lines(said, said.len().max(1)), "wherever it is cut");
    for next in read {
        if let Next::Line(line) = next {
            drop(command::parse(&line));
        }
    }
});

fn lines(said: &[u8], piece: usize) -> Vec<Next> {
    let (mut lines, mut read) = (Lines::default(), Vec::new());
    for piece in said.chunks(piece) {
        lines.push(piece);
        loop {
            match lines.next(1000) {
                Next::More => break,
                Next::Line(line) => read.push(Next::Line(line)),
                broken => {
                    read.push(broken);
                    return read;
                }
            }
        }
    }
    read
}
