//! Until when a certificate is valid (RFC 5280, section 4.1.2.5): the one thing of it that TLS itself does not tell.

use chrono::{DateTime, NaiveDateTime, Utc};

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The end of the certificate's validity; `None` for what is no certificate.
pub fn not_after(certificate: &[u8]) -> Option<DateTime<Utc>> {
    let (_, certificate, _) = element(certificate)?;
    let (_, signed, _) = element(certificate)?;
    let mut rest = signed;
    if rest.first() == Some(&VERSION) {
        rest = element(rest)?.2;
    }
    // Serial number, algorithm and issuer come before the validity.
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (kind, validity, _) = element(rest)?;
    if kind != SEQUENCE {
        return None;
    }
    let (_, _, after) = element(validity)?;
    let (kind, text, _) = element(after)?;
    time(kind, std::str::from_utf8(text).ok()?)
}

/// The kind, the content and what follows of the first element (DER).
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (kind, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if digits.len() > 4 {
            return None;
        }
        (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*kind, content, rest))
}

fn time(kind: u8, text: &str) -> Option<DateTime<Utc>> {
    let full = match kind {
        // Two digits of a year: 50 and more are of the last century.
        UTC_TIME => format!("{}{text}", if text.get(..2)?.parse::<u8>().ok()? >= 50 { "19" } else { "20" }),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    NaiveDateTime::parse_from_str(&full, "%Y%m%d%H%M%SZ").ok().map(|at| at.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(kind: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        let mut bytes = vec![kind];
        match u8::try_from(length) {
            Ok(short) if short < 0x80 => bytes.push(short),
            _ => bytes.extend([0x82, (length >> 8) as u8, (length & 0xff) as u8]),
        }
        bytes.extend_from_slice(content);
        bytes
    }

    fn certificate(end: &[u8]) -> Vec<u8> {
        let validity = der(SEQUENCE, &[der(UTC_TIME, b"250101000000Z"), end.to_vec()].concat());
        let issuer = der(SEQUENCE, &[0; 300]);
        let before = [der(VERSION, &der(2, &[2])), der(2, &[1]), der(SEQUENCE, &[]), issuer].concat();
        der(SEQUENCE, &der(SEQUENCE, &[before, validity].concat()))
    }

    #[test]
    fn the_end_is_read_in_both_forms() {
        for (end, read) in [
            (der(UTC_TIME, b"270131235959Z"), "2027-01-31T23:59:59+00:00"),
            (der(UTC_TIME, b"500101000000Z"), "1950-01-01T00:00:00+00:00"),
            (der(GENERALIZED_TIME, b"20510101000000Z"), "2051-01-01T00:00:00+00:00"),
        ] {
            assert_eq!(not_after(&certificate(&end)).map(|at| at.to_rfc3339()).as_deref(), Some(read));
        }
    }

    #[test]
    fn what_is_cut_off_or_is_no_certificate_says_nothing() {
        let whole = certificate(&der(UTC_TIME, b"270131235959Z"));
        for end in 0..whole.len() {
            assert_eq!(not_after(&whole[..end]), None, "{end}");
        }
        assert_eq!(not_after(&certificate(&der(4, b"270131235959Z"))), None);
    }
}
