//! A message as a mail program hands it in, and as it is shown again.
#![no_main]

use canopy::domain::entity::check_depth;
use canopy::domain::message::parse::parse;
use canopy::domain::message::submitted::Submitted;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|raw: &[u8]| {
    let _ = check_depth(raw);
    drop(Submitted::read(raw));
    drop(parse(raw));
});
