//! An address wherever one is read: alone, as a domain, as a website, and in a From field.
#![no_main]

use canopy::domain::domain_name::DomainName;
use canopy::domain::email_address::EmailAddress;
use canopy::domain::message::submitted::Submitted;
use canopy::domain::website::Website;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(address) = EmailAddress::parse(text) {
        let again = EmailAddress::parse(&address.to_string()).map(|again| again.to_string());
        assert_eq!(again, Ok(address.to_string()), "what was read once is read again");
    }
    drop(DomainName::parse(text));
    drop(Website::parse(text));
    drop(Submitted::read(format!("From: {text}\r\n\r\nx\r\n").as_bytes()));
});
