//! A complaint (RFC 5965), as a whole message and as the part that says what happened.
#![no_main]

use canopy::domain::returned;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|raw: &[u8]| {
    drop(returned::read(raw));
    drop(returned::read(&[b"Content-Type: message/feedback-report\r\n\r\n", raw].concat()));
});
