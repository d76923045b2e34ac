//! A message as a mail program hands it in, as it is kept, and as it is shown again.
#![no_main]

use canopy::domain::entity::check_depth;
use canopy::domain::message::parse::parse;
use canopy::domain::message::submitted::{Submitted, with_message_id};
use canopy::domain::returned::operator;
use chrono::DateTime;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|raw: &[u8]| {
    let _ = check_depth(raw);
    drop(operator::read(raw));
    drop(parse(raw));

    let Ok(read) = Submitted::read(raw) else { return };
    let kept = with_message_id(&read.kept("Received: from a by b\r\n", None, DateTime::UNIX_EPOCH), "1@a.example");
    drop(parse(&kept));
    // What is added to a message may be one field too many.
    let Ok(again) = Submitted::read(&kept) else { return };
    assert_eq!((again.from, again.subject), (read.from, read.subject), "what is kept says the same");
});
