//! What comes back about mail that left: reports of failed delivery (RFC 3464, and the words of hosts that do not
//! write them), complaints (RFC 5965), and the traces by which the returned part is known as ours.
//! Everything here is read from what strangers send: bounded in size and depth, and no input is an error.

mod decode;
mod dsn;
mod feedback;
mod fields;
pub mod operator;
mod parts;
mod refusal;
mod traces;
mod unstructured;

pub use refusal::InboundRefusal;
pub use traces::Traces;

use super::bounce::{self, Classification, EnhancedStatus, Verdict};
use parts::Parts;

/// Characters kept of what a host said.
const REASON: usize = 800;

/// What a message is that came to a return path or a complaint address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// Delivery failed for good: at least one failure, and the addresses (lower case) that are named as not failed.
    Bounce(Vec<Failure>, Vec<String>),
    Complaint(Complaint),
    /// A report that changes nothing: delayed, relayed, delivered, not spam.
    Notice,
    /// Not a report: an answer by a person or a machine, or nothing that can be read.
    Nothing,
}

/// A recipient that a message did not reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The addresses that the report gives for the recipient, lower case: what was written to first, then where it was
    /// forwarded to. May be empty.
    pub addresses: Vec<String>,
    /// The address itself is bad.
    pub hard: bool,
    pub classification: Classification,
    /// In the words of the host that refused.
    pub reason: String,
    /// Who says so; may be empty.
    pub host: String,
}

/// Somebody called the message unwanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// `abuse`, `fraud`, ... (RFC 5965 section 7.3).
    pub kind: String,
    /// The mailbox provider, as far as the report tells; may be empty.
    pub host: String,
}

/// A message as far as it concerns mail of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    pub report: Report,
    pub traces: Traces,
}

impl Report {
    /// The failure that concerns `recipient` (lower case): the one that names it, else the first; none where the report
    /// says that it was not this one, but somebody else that the message went to as well.
    #[must_use]
    pub fn failure_of(&self, recipient: &str) -> Option<&Failure> {
        let Self::Bounce(failures, spared) = self else { return None };
        let named = |failure: &&Failure| failure.addresses.iter().any(|address| address == recipient);
        let first = || failures.first().filter(|_| spared.iter().all(|address| address != recipient));
        failures.iter().find(named).or_else(first)
    }
}

/// Reads a message as it came over SMTP; its end may be missing.
#[must_use]
pub fn read(raw: &[u8]) -> Returned {
    let parts = Parts::of(raw);
    Returned { report: report(&parts), traces: Traces::of(&parts) }
}

fn report(parts: &Parts) -> Report {
    if let Some(report) = parts.feedback.as_deref().and_then(feedback::read) {
        return report;
    }
    if let Some(report) = parts.status.as_deref().and_then(dsn::read) {
        return report;
    }
    unstructured::read(parts).unwrap_or(Report::Nothing)
}

/// What a host means that took a message and says afterwards why it did not arrive. `code` is 0 where it gave none.
fn verdict(code: u16, text: &str) -> (bool, Classification) {
    let permanent = match (code, EnhancedStatus::leading(text)) {
        (400..=499, _) => false,
        (500..=599, _) | (_, None) => true,
        (_, Some(status)) => status.class == 5,
    };
    if permanent {
        let classification = bounce::classify(if code == 0 { 550 } else { code }, text);
        return (classification.is_hard(), classification);
    }
    match bounce::exhausted(if code == 0 { 450 } else { code }, text) {
        Verdict::Bounced { classification, .. } => (false, classification),
        _ => (false, Classification::Uncategorized),
    }
}

/// One line, without control characters, of bounded length.
fn tidy(text: &str, length: usize) -> String {
    let mut out = String::with_capacity(text.len().min(length));
    for word in text.split(|sign: char| sign.is_whitespace() || sign.is_control()).filter(|word| !word.is_empty()) {
        if out.len() + word.len() >= length {
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// An address as reports write it (`rfc822; <a@b>`, `a@b`), lower case; `None` when it is none.
fn address(text: &str) -> Option<String> {
    let text = text.rsplit_once(';').map_or(text, |(_, address)| address);
    let text = match (text.find('<'), text.rfind('>')) {
        (Some(open), Some(close)) if open < close => &text[open + 1..close],
        _ => text,
    };
    let text = text.trim().trim_matches(['"', '\'', ',', ':', '.']);
    let (local, host) = text.rsplit_once('@')?;
    let plain = |sign: char| sign.is_ascii_graphic() && !matches!(sign, '<' | '>' | '(' | ')' | ',' | ';' | ':' | '"');
    let right = !local.is_empty() && host.contains('.') && text.len() <= 254 && text.chars().all(plain);
    right.then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_reports_write_them() {
        for text in ["rfc822; Ann@Example.org", "rfc822;<ann@example.org>", " <ann@example.org>: ", "ann@example.org"] {
            assert_eq!(address(text).as_deref(), Some("ann@example.org"), "{text}");
        }
        for text in ["", "ann", "@example.org", "ann@localhost", "a b@example.org", "><@>", "é@example.org"] {
            assert_eq!(address(text), None, "{text}");
        }
    }

    #[test]
    fn a_verdict_takes_the_code_the_status_and_the_words() {
        assert_eq!(verdict(550, "5.1.1 user unknown"), (true, Classification::InvalidRecipient));
        assert_eq!(verdict(0, "5.2.2 mailbox full"), (false, Classification::MailboxFull));
        assert_eq!(verdict(0, "4.4.7 gave up"), (false, Classification::MessageExpired));
        assert_eq!(verdict(451, "4.1.1 user unknown"), (false, Classification::InvalidRecipient));
        assert_eq!(verdict(0, "no such user here"), (true, Classification::InvalidRecipient));
        assert_eq!(verdict(0, "it did not work"), (false, Classification::Uncategorized));
    }

    #[test]
    fn what_is_kept_is_one_short_line() {
        assert_eq!(tidy(" a\r\n\tb\0c ", 80), "a b c");
        assert_eq!(tidy("aaaa bbbb", 6), "aaaa");
    }
}
