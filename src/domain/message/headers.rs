//! Custom headers of a request: which are taken, ignored or refused.

use std::collections::BTreeMap;

use super::super::refusal::Refusal;

/// The most custom headers of a request.
pub const MAX_HEADERS: usize = 50;
const MAX_NAME: usize = 76;
/// The longest value, in bytes.
pub const MAX_VALUE: usize = 4000;
/// A line has at most 998 octets (RFC 5322 section 2.1.1) and is folded at spaces only.
const MAX_WORD: usize = 900;

/// Headers that the request's own fields or delivery write, and that would forge or leak something.
const RESERVED: [&str; 20] = [
    "from",
    "to",
    "bcc",
    "subject",
    "date",
    "sender",
    "mime-version",
    "return-path",
    "received",
    "delivered-to",
    "authentication-results",
    "dkim-signature",
    "domainkey-signature",
    "arc-seal",
    "arc-message-signature",
    "arc-authentication-results",
    "received-spf",
    "x-canopy-id",
    "cfbl-address",
    "cfbl-feedback-id",
];

/// Checks a request's headers. A Message-ID is dropped; `reply-to` and `cc` are refused where the request has
/// the field of that name (`with_reply_to`, `with_cc`).
pub fn parse(
    headers: Option<BTreeMap<String, String>>,
    with_reply_to: bool,
    with_cc: bool,
) -> Result<Vec<(String, String)>, Refusal> {
    let headers = headers.unwrap_or_default();
    if headers.len() > MAX_HEADERS {
        return Err(Refusal::new(format!("At most {MAX_HEADERS} custom headers can be set.")));
    }
    let mut taken: Vec<(String, String)> = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let lower = name.to_ascii_lowercase();
        if lower == "message-id" {
            continue;
        }
        check_name(&name, &lower)?;
        let clash = (lower == "reply-to" && with_reply_to) || (lower == "cc" && with_cc);
        if clash {
            let field = lower.replace('-', "_");
            return Err(Refusal::new(format!("“{name}” cannot be set when {field} is given. Leave one of them out.")));
        }
        if taken.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
            return Err(Refusal::new(format!("“{name}” is set twice. Set it once.")));
        }
        let value = check_value(&name, &value)?;
        taken.push((name, value));
    }
    Ok(taken)
}

fn check_name(name: &str, lower: &str) -> Result<(), Refusal> {
    // RFC 5322 section 3.6.8: printable ASCII but the colon.
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(|b| b.is_ascii_graphic() && b != b':') {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
        return Err(Refusal::new(format!("“{shown}” is not a header name. Use letters, digits and hyphens.")));
    }
    if RESERVED.contains(&lower) || lower.starts_with("content-") || lower.starts_with("resent-") {
        return Err(Refusal::new(format!("“{name}” cannot be set as a custom header. Leave it out.")));
    }
    Ok(())
}

fn check_value(name: &str, value: &str) -> Result<String, Refusal> {
    let value = value.trim();
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return Err(Refusal::new(format!("The value of “{name}” holds a line break or control character. Remove it.")));
    }
    if value.is_empty() {
        return Err(Refusal::new(format!("The value of “{name}” is empty. Give it a value or leave it out.")));
    }
    if value.len() > MAX_VALUE || value.split([' ', '\t']).any(|word| word.len() > MAX_WORD) {
        return Err(Refusal::new(format!("The value of “{name}” is too long.")));
    }
    Ok(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(pairs: &[(&str, &str)], with_reply_to: bool) -> Result<Vec<(String, String)>, Refusal> {
        let headers = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        parse(Some(headers), with_reply_to, false)
    }

    #[test]
    fn a_message_id_is_ignored_and_other_headers_stay() {
        let headers =
            taken(&[("Message-ID", "<mine@x>"), ("X-Campaign", " spring "), ("Reply-To", "a@a.example")], false);
        assert_eq!(
            headers,
            Ok(vec![("Reply-To".to_owned(), "a@a.example".to_owned()), ("X-Campaign".to_owned(), "spring".to_owned())])
        );
    }

    #[test]
    fn a_reply_to_header_beside_the_field_is_refused() {
        assert!(taken(&[("reply-TO", "a@a.example")], true).is_err());
    }

    #[test]
    fn headers_that_forge_leak_or_break_are_refused() {
        for (name, value) in [
            ("From", "x"),
            ("Bcc", "a@a.example"),
            ("Content-Type", "text/html"),
            ("DKIM-Signature", "v=1"),
            ("X A", "x"),
            ("X:A", "x"),
            ("", "x"),
            ("X-Å", "x"),
            ("X-A", "a\r\nBcc: b@b.example"),
            ("X-A", "a\nb"),
            ("X-A", "a\0b"),
            ("X-A", " "),
        ] {
            assert!(taken(&[(name, value)], false).is_err(), "{name}: {value}");
        }
        assert!(taken(&[("X-A", &"x".repeat(901))], false).is_err());
        assert!(taken(&[("X-A", "1"), ("x-a", "2")], false).is_err());
    }
}
