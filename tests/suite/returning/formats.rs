//! Reports as the programs of the world write them, and what we read in each.

use canopy::domain::bounce::Classification::{self, *};
use canopy::domain::returned::{Report, read};

use super::fixtures::{About, all, one};

/// Report, whether the address itself is bad, why, and a part of the words that are kept.
const BOUNCES: &[(&str, &str, bool, Classification, &str)] = &[
    ("dsn", "postfix", true, InvalidRecipient, "550 5.1.1 <unknown@receiver.example>: Recipient address rejected"),
    ("dsn", "postfix-full", false, MailboxFull, "552 5.2.2"),
    ("dsn", "postfix-expired", false, NoAnswerFromHost, "Connection timed out"),
    ("dsn", "sendmail", true, InvalidRecipient, "550 5.1.1 <unknown@receiver.example>... User unknown"),
    ("dsn", "exchange-online", true, BadDomain, "RESOLVER.ADR.RecipientNotFound"),
    ("dsn", "gmail", true, InvalidRecipient, "does not exist"),
    ("dsn", "exim", true, InvalidRecipient, "No Such User Here"),
    ("dsn", "ses", false, SpamContent, "Blocked: message considered spam"),
    ("dsn", "powermta", true, InactiveMailbox, "This mailbox is disabled"),
    ("text", "qmail", true, InvalidRecipient, "no mailbox here by that name"),
    ("text", "qmail-remote", false, MailboxFull, "552 5.2.2 Mailbox full"),
    ("text", "exim", true, InvalidRecipient, "550 5.1.1"),
    ("text", "exim-domain", true, BadDomain, "Unrouteable address"),
    ("text", "yahoo", true, InvalidRecipient, "doesn't have a yahoo.example account"),
    ("text", "exchange", true, InvalidRecipient, "5.1.1"),
    ("text", "exchange-html", false, MailboxFull, "554 5.2.2 mailbox full"),
    ("text", "gmail-old", true, InvalidRecipient, "550 5.1.1 User unknown"),
];

#[test]
fn bounces_of_every_format_are_understood_and_known_by_our_header() {
    let about = About::nothing();
    for (folder, name, hard, classification, words) in BOUNCES {
        let returned = read(&about.fill(&one(folder, name)));
        let Some(failure) = returned.report.failure_of(&about.recipient) else {
            panic!("{name} is no bounce: {returned:?}");
        };
        assert_eq!((failure.hard, failure.classification), (*hard, *classification), "{name}: {failure:?}");
        assert!(failure.reason.contains(words), "{name}: {failure:?}");
        assert_eq!(failure.addresses.first(), Some(&about.recipient), "{name}: {failure:?}");
        assert!(!failure.host.is_empty(), "{name}: {failure:?}");
        let marks: Vec<String> = returned.traces.marks.iter().map(ToString::to_string).collect();
        assert_eq!(marks.join(" "), about.mark, "{name}");
    }
    let there = all("dsn").len() + all("text").len();
    assert_eq!(BOUNCES.len(), there, "every report is looked at");
    println!("{there} formats of bounces");
}

#[test]
fn complaints_are_understood_and_known_by_header_return_path_or_feedback_id() {
    let about = About::nothing();
    for (name, kind, host, marks, addresses) in [
        ("yahoo", "abuse", "Yahoo!-Mail-Feedback/2.0", 1, 1),
        ("comcast", "abuse", "fbl.comcast.example", 0, 1),
        ("feedback-id", "other", "SomeFBL/3.1", 1, 0),
    ] {
        let returned = read(&about.fill(&one("complaints", name)));
        let Report::Complaint(complaint) = &returned.report else { panic!("{name} is no complaint: {returned:?}") };
        assert_eq!((complaint.kind.as_str(), complaint.host.as_str()), (kind, host));
        assert_eq!((returned.traces.marks.len(), returned.traces.addresses.len()), (marks, addresses), "{name}");
    }
}

#[test]
fn delays_successes_holidays_and_people_are_no_bounces() {
    let about = About::nothing();
    for (name, expected) in [
        ("vacation", Report::Nothing),
        ("person", Report::Nothing),
        ("postfix-delay", Report::Notice),
        ("exim-delay", Report::Notice),
        ("delivered", Report::Notice),
        ("not-spam", Report::Notice),
    ] {
        assert_eq!(read(&about.fill(&one("other", name))).report, expected, "{name}");
    }
    assert_eq!(all("other").len(), 6, "every report is looked at");
}
