//! A list of clients to import.
#![no_main]

use canopy::domain::client_import;
use canopy::domain::number::NumberStyle;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    check(text, NumberStyle::Point);
    check(&format!("name,website,cap,domain,external_id\n{text}"), NumberStyle::Comma);
});

/// A line without errors is a client, and stays the same client in digits alone.
fn check(text: &str, style: NumberStyle) {
    let Ok(lines) = client_import::parse(text, style) else { return };
    for line in lines.iter().filter(|line| line.errors.is_empty()) {
        let settled = line.settled().parsed(NumberStyle::Point);
        assert_eq!(line.client.parsed(style), settled, "{line:?}");
    }
}
