//! Bounces in words: qmail, Exim, Yahoo, Exchange and others that write for people. What is no bounce in words (a
//! holiday answer above all) must not be taken for one.

use super::dsn::code_and_words;
use super::fields::lines;
use super::parts::Parts;
use super::{Failure, REASON, Report, address, tidy, verdict};
use crate::domain::bounce::EnhancedStatus;

/// Who writes bounces, as a part of the From header in lower case.
const MAILERS: [&str; 9] = [
    "mailer-daemon",
    "postmaster",
    "mail delivery",
    "mail system",
    "mdaemon",
    "microsoft outlook",
    "microsoft exchange",
    "mailerdaemon",
    "mail administrator",
];

/// What they say when delivery failed.
const FAILURES: [&str; 23] = [
    "wasn't able to deliver your message",
    "was not able to deliver your message",
    "unable to deliver your message",
    "unable to deliver the message",
    "could not be delivered",
    "couldn't be delivered",
    "cannot be delivered",
    "can't be delivered",
    "wasn't delivered to",
    "not be delivered to",
    "did not reach some or all of the intended recipients",
    "did not reach the following recipient",
    "delivery has failed to these recipients",
    "delivery to the following recipient failed",
    "delivery to the following recipients failed",
    "delivery failed",
    "delivery has failed",
    "permanent fatal errors",
    "permanent error",
    "undeliverable:",
    "undelivered mail returned to sender",
    "returned to sender",
    "failure notice",
];

/// What they say when they will try again.
const DELAYS: [&str; 8] = [
    "this is a warning message only",
    "you do not need to resend your message",
    "no action is required on your part",
    "will be retried",
    "will keep trying",
    "delivery is delayed",
    "delivery status notification (delay)",
    "has not yet been delivered",
];

/// Where the copy of the message begins.
const COPIES: [&str; 9] = [
    "--- below this line is a copy",
    "------ this is a copy of",
    "--- original message",
    "-----original message",
    "original message headers",
    "----- original message",
    "--- the header of the original message",
    "--- message header follows",
    "return-path:",
];

/// What stands before the reply that they were given.
const TELLING: [&str; 10] =
    ["said", "smtp", "error", "response", "returned", "reply", "refused", "rejected", "diagnostic", "server"];

/// Lines of the words that are looked through.
const MAX_LINES: usize = 400;
/// Recipients taken from the words.
const MAX_RECIPIENTS: usize = 10;

/// Reads the words; `None` when they are no report.
pub fn read(parts: &Parts) -> Option<Report> {
    if answers_by_itself(parts) || !by_a_mailer(parts) {
        return None;
    }
    let words = own_words(&parts.text);
    let subject = parts.headers.get("subject").unwrap_or_default();
    let lower = format!("{subject}\n{}", words.join("\n")).to_ascii_lowercase();
    if DELAYS.iter().any(|phrase| lower.contains(phrase)) {
        return Some(Report::Notice);
    }
    let named: Vec<String> =
        parts.headers.all("x-failed-recipients").flat_map(|all| all.split(',')).filter_map(address).collect();
    if named.is_empty() && !FAILURES.iter().any(|phrase| lower.contains(phrase)) {
        return None;
    }
    let addresses = if named.is_empty() { recipients(&words) } else { named };
    let (code, said) = refusal(&words);
    let (hard, classification) = verdict(code, &said);
    let reason = if code == 0 { said } else { format!("{code} {said}") };
    let host = parts.headers.get("from").and_then(address).and_then(|from| Some(from.rsplit_once('@')?.1.to_owned()));
    Some(Report::Bounce(
        vec![Failure {
            addresses: addresses.into_iter().take(MAX_RECIPIENTS).collect(),
            hard,
            classification,
            reason: tidy(&reason, REASON),
            host: host.unwrap_or_default(),
        }],
        Vec::new(),
    ))
}

/// Programs that answer for a person say so. Auto-Submitted tells nothing: bounces carry it too.
fn answers_by_itself(parts: &Parts) -> bool {
    let precedence = parts.headers.get("precedence").unwrap_or_default().to_ascii_lowercase();
    ["x-autoreply", "x-autorespond"].iter().any(|name| parts.headers.get(name).is_some())
        || precedence.starts_with("auto")
}

fn by_a_mailer(parts: &Parts) -> bool {
    let from = parts.headers.get("from").unwrap_or_default().to_ascii_lowercase();
    MAILERS.iter().any(|mailer| from.contains(mailer)) || parts.headers.get("x-failed-recipients").is_some()
}

/// The lines above the copy of the message.
fn own_words(text: &str) -> Vec<&str> {
    let begins_copy = |line: &str| {
        let line = line.trim_start().to_ascii_lowercase();
        COPIES.iter().any(|copy| line.starts_with(copy))
    };
    lines(text).take(MAX_LINES).take_while(|line| !begins_copy(line)).collect()
}

/// Addresses with which a line begins.
fn recipients(words: &[&str]) -> Vec<String> {
    let first = |line: &&str| address(line.split_whitespace().next()?.trim_end_matches(':'));
    words.iter().filter_map(first).collect()
}

/// The refusal: reply code (0 without one) and words, with an enhanced status in front where there is one.
fn refusal(words: &[&str]) -> (u16, String) {
    for (at, line) in words.iter().enumerate() {
        let more = || words[at + 1..].iter().take_while(|line| !line.trim().is_empty()).take(4);
        if let Some((code, rest)) = reply(line) {
            let whole: Vec<&str> = std::iter::once(rest).chain(more().copied()).collect();
            return (code, tidy(&whole.join(" "), REASON));
        }
    }
    if let Some((line, status)) = words.iter().find_map(|line| Some((line, status(line)?))) {
        return (0, tidy(&format!("{status} {line}"), REASON));
    }
    (0, tidy(&words.join(" "), REASON))
}

/// The first reply code in a line, and what follows it. A number is one by what stands before it, or by an enhanced
/// status behind it. What stands before is looked through once, however many numbers there are.
fn reply(line: &str) -> Option<(u16, &str)> {
    let lower = line.to_ascii_lowercase();
    let told = TELLING.iter().filter_map(|word| Some(lower.find(word)? + word.len())).min();
    let indent = line.len() - line.trim_start().len();

    starts(line).find_map(|start| {
        let (code, rest) = code_and_words(&line[start..]);
        let is_reply = (start <= indent && !rest.is_empty())
            || told.is_some_and(|told| told <= start)
            || EnhancedStatus::leading(rest).is_some();
        (code != 0 && is_reply).then_some((code, rest))
    })
}

/// Where words begin in a line.
fn starts(line: &str) -> impl Iterator<Item = usize> {
    let begins = |at: usize| at == 0 || line[..at].ends_with([' ', '\t', '(', ':', '"', '\'', '#', '<', '[']);
    line.char_indices().filter(move |(at, sign)| sign.is_ascii_digit() && begins(*at)).map(|(at, _)| at)
}

/// An enhanced status anywhere in a line.
fn status(line: &str) -> Option<&str> {
    let is_status = |word: &&str| EnhancedStatus::leading(word).is_some_and(|status| status.class != 2);
    line.split(|sign: char| !(sign.is_ascii_digit() || sign == '.')).map(|word| word.trim_matches('.')).find(is_status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_known_by_what_stands_around_it() {
        assert_eq!(reply("  550 no such user"), Some((550, "no such user")));
        assert_eq!(reply("mx.b.example[192.0.2.1] SAID: 550 no"), Some((550, "no")));
        assert_eq!(reply("of 450 pages (550 5.1.1 no)"), Some((550, "5.1.1 no)")));
        assert_eq!(reply("after 450 pages the server gave 550 no"), Some((550, "no")));
        for none in ["", "550", "of 550 pages, 551 pages", "of 550 pages, refused"] {
            assert_eq!(reply(none), None, "{none}");
        }
    }

    /// Never ends where each number looks at the whole line again.
    #[test]
    fn a_line_of_many_numbers_is_looked_through_once() {
        for piece in [" 550 x", ":550", "(550-5.1.1.1"] {
            let line = format!("x{}", piece.repeat(200_000));
            assert_eq!(refusal(&[&line]).0, 0, "{piece}");
        }
    }
}
