//! Letters to whoever runs the platform: `postmaster` (RFC 5321 section 4.5.1) and `abuse` (RFC 2142 section 4).

use super::{fields, tidy};

/// Octets of a letter that are passed on.
const LENGTH: usize = 64 * 1024;
const SUBJECT: usize = 160;

/// Whether `address` is one of them at one of `hosts`; `postmaster` needs no host.
#[must_use]
pub fn is_for_operator(address: &str, hosts: &[&str]) -> bool {
    let Some((local, host)) = address.rsplit_once('@') else { return address.eq_ignore_ascii_case("postmaster") };
    let known = ["postmaster", "abuse"].iter().any(|name| local.eq_ignore_ascii_case(name));
    known && hosts.iter().any(|own| !own.is_empty() && host.eq_ignore_ascii_case(own))
}

/// A letter as it is passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub subject: String,
    /// Headers and text as they came, without control characters, up to 64 KiB.
    pub text: String,
    /// A machine wrote it (RFC 3834 section 5): system mail of ours does so as well.
    pub automatic: bool,
}

/// Reads a letter as it came over SMTP; its end may be missing.
#[must_use]
pub fn read(raw: &[u8]) -> Letter {
    let text = String::from_utf8_lossy(&raw[..raw.len().min(LENGTH)]);
    let headers = text.split("\r\n\r\n").next().unwrap_or_default();
    let groups = fields::groups(headers);
    let header = |name: &str| groups.iter().find_map(|fields| fields.get(name));
    let automatic = header("auto-submitted").is_some_and(|value| !value.trim().eq_ignore_ascii_case("no"));
    let subject = tidy(header("subject").unwrap_or_default(), SUBJECT);
    let text = text.replace("\r\n", "\n");
    Letter { subject, text: text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect(), automatic }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_names_at_our_hosts_are_the_operators_and_postmaster_without_a_host() {
        let hosts = ["bounces.example.com", "", "mx.example.com"];
        for address in ["postmaster", "Postmaster", "POSTMASTER@Bounces.example.com", "abuse@mx.example.com"] {
            assert!(is_for_operator(address, &hosts), "{address}");
        }
        for address in ["abuse", "postmaster@", "abuse@example.com", "info@mx.example.com", "a@postmaster@x.example"] {
            assert!(!is_for_operator(address, &hosts), "{address}");
        }
    }

    #[test]
    fn what_a_machine_wrote_is_known_by_its_header_alone() {
        let automatic = |raw: &str| read(raw.as_bytes()).automatic;
        assert!(automatic("Subject: x\r\nAUTO-SUBMITTED:\r\n auto-generated\r\n\r\ntext"));
        assert!(!automatic("Auto-Submitted: No\r\n\r\ntext"));
        assert!(!automatic("Subject: x\r\n\r\nAuto-Submitted: auto-replied\r\n"));
    }

    #[test]
    fn a_letter_of_any_kind_is_short_text() {
        let letter = read(b"Subject: a\r\n\tb\x07c\r\n\r\n\xff\x00 d\r\n");
        assert_eq!((letter.subject.as_str(), letter.text.as_str()), ("a b c", "Subject: a\n\tbc\n\n\u{fffd} d\n"));
        assert_eq!(read(&vec![b'x'; 300_000]).text.len(), LENGTH);
    }
}
