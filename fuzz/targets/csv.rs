//! A list of clients to import.
#![no_main]

use canopy::domain::client_import;
use canopy::domain::number::NumberStyle;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    drop(client_import::parse(text, NumberStyle::Point));
    drop(client_import::parse(&format!("name,website,cap,domain,external_id\n{text}"), NumberStyle::Comma));
});
