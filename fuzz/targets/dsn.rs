//! A report of failed delivery (RFC 3464), as a whole message and as the part that says what happened.
#![no_main]

use canopy::domain::returned::{self, Report};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|raw: &[u8]| {
    check(&returned::read(raw).report);
    check(&returned::read(&[b"Content-Type: message/delivery-status\r\n\r\n", raw].concat()).report);
});

/// What a report says is fit to be stored and shown.
fn check(report: &Report) {
    let Report::Bounce(failures, _) = report else { return };
    assert!(!failures.is_empty(), "a bounce has a failure");
    for failure in failures {
        let all = failure.addresses.iter().chain([&failure.reason, &failure.host]);
        assert!(all.into_iter().all(|text| text.len() < 1000 && !text.chars().any(char::is_control)), "{failure:?}");
    }
}
