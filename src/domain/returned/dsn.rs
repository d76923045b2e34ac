//! Delivery status notifications (RFC 3464): the machine's part of a report.

use super::fields::{Fields, groups};
use super::{Failure, REASON, Report, address, tidy, verdict};
use crate::domain::bounce::EnhancedStatus;

/// Recipients read of one report.
const MAX_RECIPIENTS: usize = 100;

/// Reads a `message/delivery-status` part; `None` when it names no recipient.
pub fn read(status: &str) -> Option<Report> {
    let groups = groups(status);
    let host = groups.iter().find_map(|group| group.get("reporting-mta")).map(host_name).unwrap_or_default();
    let recipients: Vec<&Fields> = groups.iter().filter(|group| is_recipient(group)).take(MAX_RECIPIENTS).collect();
    if recipients.is_empty() {
        return None;
    }
    let (failed, others): (Vec<&Fields>, Vec<&Fields>) = recipients.into_iter().partition(|group| failed(group));
    let failures: Vec<Failure> = failed.into_iter().map(|group| failure(group, &host)).collect();
    let spared = others.into_iter().flat_map(addresses).collect();
    Some(if failures.is_empty() { Report::Notice } else { Report::Bounce(failures, spared) })
}

fn is_recipient(group: &Fields) -> bool {
    ["final-recipient", "original-recipient", "action"].iter().any(|name| group.get(name).is_some())
}

/// By its action; some hosts leave it out, then by its status (RFC 3464 sections 2.3.3 and 2.3.4).
fn failed(group: &Fields) -> bool {
    match group.get("action").map(|action| action.split([' ', '(', ';']).next().unwrap_or_default()) {
        Some(action) if !action.is_empty() => action.eq_ignore_ascii_case("failed"),
        _ => status(group).is_some_and(|status| status.starts_with('5')),
    }
}

fn failure(group: &Fields, reporting: &str) -> Failure {
    let diagnostic = group.get("diagnostic-code").map(said).unwrap_or_default();
    let (code, words) = code_and_words(&diagnostic);
    let (hard, classification) = verdict(code, &with_status(words, status(group)));
    let host = group.get("remote-mta").map(host_name).filter(|host| !host.is_empty());
    Failure {
        addresses: addresses(group),
        hard,
        classification,
        reason: reason(&diagnostic, status(group)),
        host: host.unwrap_or_else(|| reporting.to_owned()),
    }
}

/// What was written to first, then where it was forwarded to.
fn addresses(group: &Fields) -> Vec<String> {
    ["original-recipient", "final-recipient"].iter().filter_map(|name| group.get(name).and_then(address)).collect()
}

/// `5.1.1` of `5.1.1 (bad destination mailbox address)`.
fn status(group: &Fields) -> Option<&str> {
    group.get("status").and_then(|status| status.split_whitespace().next())
}

/// The words of a diagnostic code, without the type in front: `smtp; 550 no such user`.
fn said(diagnostic: &str) -> String {
    let words = match diagnostic.split_once(';') {
        Some((kind, words)) if kind.len() < 40 && !kind.contains(' ') => words,
        _ => diagnostic,
    };
    tidy(words, REASON)
}

/// `550 5.1.1 no such user` and `550-5.1.1 no such user`; the code is 0 where there is none.
pub fn code_and_words(text: &str) -> (u16, &str) {
    let text = text.trim_start_matches(['<', '>', '#', '(', ' ']);
    let (code, rest) = match text.split_at_checked(3) {
        Some((code, rest)) if rest.is_empty() || rest.starts_with([' ', '-', ':']) => (code, rest),
        _ => return (0, text),
    };
    match code.parse::<u16>() {
        Ok(code @ 400..=599) => (code, rest.trim_start_matches([' ', '-', ':', '#'])),
        _ => (0, text),
    }
}

/// The words with a status in front: the diagnostic's own, else the report's, unless that says nothing (`5.0.0`).
fn with_status(words: &str, status: Option<&str>) -> String {
    let telling = status.filter(|status| !status.ends_with(".0.0"));
    match telling {
        Some(status) if EnhancedStatus::leading(words).is_none_or(|own| own.subject == 0 && own.detail == 0) => {
            format!("{status} {words}")
        }
        // A status that says nothing still tells for good from for now.
        _ if words.is_empty() => status.unwrap_or_default().to_owned(),
        None if EnhancedStatus::leading(words).is_none() && status.is_some_and(|status| status.starts_with('4')) => {
            format!("4.0.0 {words}")
        }
        _ => words.to_owned(),
    }
}

fn reason(diagnostic: &str, status: Option<&str>) -> String {
    if diagnostic.is_empty() { tidy(status.unwrap_or("No reason was given."), REASON) } else { diagnostic.to_owned() }
}

/// `mx.example.org` of `dns; mx.example.org (192.0.2.1)`.
pub fn host_name(value: &str) -> String {
    let name = value.rsplit_once(';').map_or(value, |(_, name)| name);
    tidy(name.split_whitespace().next().unwrap_or_default(), 255)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::bounce::Classification as C;

    fn one(recipient: &str) -> Option<(bool, C)> {
        match read(&format!("Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; a@b.example\n{recipient}"))? {
            Report::Bounce(failures, _) => failures.first().map(|failure| (failure.hard, failure.classification)),
            _ => None,
        }
    }

    #[test]
    fn status_and_diagnostic_are_weighed_together() {
        let cases = [
            ("Action: failed\nStatus: 5.1.1\n", Some((true, C::InvalidRecipient))),
            (
                "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.1.1 unknown",
                Some((true, C::InvalidRecipient)),
            ),
            ("Action: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 full\n", Some((false, C::MailboxFull))),
            ("Action: failed\nStatus: 4.4.7\n", Some((false, C::MessageExpired))),
            (
                "Action: failed\nStatus: 4.0.0\nDiagnostic-Code: X-Some; no such user",
                Some((false, C::InvalidRecipient)),
            ),
            ("Action: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 554 spam", Some((false, C::SpamContent))),
            ("Action: failed\nStatus: 5.0.0\n", Some((false, C::Uncategorized))),
            ("Status: 5.1.1\n", Some((true, C::InvalidRecipient))),
            ("Action: delayed\nStatus: 4.4.1\n", None),
            ("Action: delivered\nStatus: 2.0.0\n", None),
        ];
        for (text, expected) in cases {
            assert_eq!(one(text), expected, "{text}");
        }
    }

    #[test]
    fn the_recipient_that_failed_is_told_from_those_that_did_not() {
        let text = "Reporting-MTA: dns; relay.example (Postfix)\r\n\r\nFinal-Recipient: rfc822; ok@b.example\r\nAction: relayed\r\n\
                    Status: 2.0.0\r\n\r\nOriginal-Recipient: rfc822; First@b.example\r\nFinal-Recipient: rfc822; then@c.example\r\n\
                    Action: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mx.c.example\r\n";
        let report = read(text);
        let Some(Report::Bounce(failures, spared)) = &report else { panic!("a bounce") };
        assert_eq!(spared, &["ok@b.example"]);
        let of = |recipient: &str| report.as_ref().and_then(|report| report.failure_of(recipient));
        assert!(of("ok@b.example").is_none(), "it arrived there, whoever else it did not reach");
        assert!(of("then@c.example").is_some() && of("other@b.example").is_some());
        assert_eq!(failures.len(), 1);
        assert_eq!(failures[0].addresses, ["first@b.example", "then@c.example"]);
        assert_eq!(failures[0].host, "mx.c.example");
        assert_eq!(read("Reporting-MTA: dns; x\n\nNothing: here\n"), None);
    }

    #[test]
    fn codes_are_read_with_and_without_hyphens() {
        assert_eq!(code_and_words("550 5.1.1 no"), (550, "5.1.1 no"));
        assert_eq!(code_and_words("550-5.1.1 no"), (550, "5.1.1 no"));
        assert_eq!(code_and_words("#5.1.1 no"), (0, "5.1.1 no"));
        assert_eq!(code_and_words("2000 times"), (0, "2000 times"));
        assert_eq!(code_and_words("5€"), (0, "5€"));
    }
}
