use proptest::prelude::*;

use super::*;
use crate::domain::message::status::SandboxResult;

const TRACE: &str = "Received: from a by b;\r\n\tTue, 24 Nov 2026 12:00:00 +0000\r\n";

fn now() -> DateTime<Utc> {
    "2026-11-24T12:00:00Z".parse().expect("an instant")
}

fn kept(raw: &str) -> String {
    let read = Submitted::read(raw.as_bytes()).expect("a message");
    String::from_utf8(read.kept(TRACE, None, now())).expect("text")
}

#[test]
fn what_is_not_for_recipients_is_taken_out_and_the_rest_stays_byte_for_byte() {
    let raw = "FROM: Ann <a@b.example>\r\nBCC: x@y.example,\r\n z@y.example\r\nX-Odd:  two  spaces \r\n\
        Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n\tand more\r\nMessage-Id: <1@x>\r\nDate: whenever\r\nAhaSend-Tags: a, b,a\r\n\
        return-path: <x@y.example>\r\nX-Canopy-Id: forged\r\n\r\nAhasend-Tags: not here\r\n\r\n  end\r\n";
    let read = Submitted::read(raw.as_bytes()).expect("a message");
    assert_eq!(read.subject, "Grüße and more");
    assert_eq!(read.from.as_ref().map(ToString::to_string).as_deref(), Some("a@b.example"));
    assert_eq!(read.asks.tags.iter().map(|tag| tag.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let expected = "FROM: Ann <a@b.example>\r\nX-Odd:  two  spaces \r\n\
        Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n\tand more\r\nDate: whenever\r\n\r\nAhasend-Tags: not here\r\n\r\n  end\r\n";
    assert_eq!(kept(raw), format!("{TRACE}{expected}"));
}

#[test]
fn what_is_missing_is_added() {
    let raw = "Subject: hi\r\n\r\nbody\r\n";
    let read = Submitted::read(raw.as_bytes()).expect("a message");
    assert_eq!(read.from, None);
    let kept = String::from_utf8(read.kept(TRACE, Some("From: a@b.example\r\n"), now())).expect("text");
    let date = "Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n";
    assert_eq!(kept, format!("{TRACE}Subject: hi\r\n{date}From: a@b.example\r\n\r\nbody\r\n"));
    let with_id = String::from_utf8(with_message_id(kept.as_bytes(), "1@b.example")).expect("text");
    assert!(with_id.starts_with(&format!("{TRACE}Message-ID: <1@b.example>\r\nSubject: hi\r\n")), "{with_id}");
}

#[test]
fn a_header_without_a_body_ends_in_an_empty_line() {
    assert!(kept("From: a@b.example\r\nDate: x\r\n").ends_with("Date: x\r\n\r\n"));
}

#[test]
fn control_headers_are_obeyed_in_any_case() {
    let raw = "From: a@b.example\r\nAHASEND-TRACK-OPENS: False\r\nahasend-track-clicks: true\r\nAhasend-Sandbox: TRUE\r\n\
        ahasend-sandbox-result: bounce\r\nahasend-metadata-retention: 3\r\nahasend-data-retention: 0\r\n\r\n";
    let asks = Submitted::read(raw.as_bytes()).expect("a message").asks;
    assert_eq!((asks.track_opens, asks.track_clicks), (Some(false), Some(true)));
    assert_eq!(
        (asks.sandbox(false), asks.metadata_days, asks.data_days),
        (Some(SandboxResult::Bounce), Some(3), Some(0))
    );
    let nothing = Asks::default();
    assert_eq!((nothing.sandbox(false), nothing.sandbox(true)), (None, Some(SandboxResult::Deliver)));
}

#[test]
fn what_cannot_be_obeyed_or_could_be_read_in_two_ways_is_refused_by_name() {
    let tags = format!("ahasend-tags: {}", (0..11).map(|n| n.to_string()).collect::<Vec<_>>().join(","));
    for (line, field) in [
        ("ahasend-sandbox: maybe", "ahasend-sandbox"),
        ("ahasend-sandbox: true\r\nahasend-sandbox: false", "ahasend-sandbox"),
        ("ahasend-sandbox-result: explode", "ahasend-sandbox-result"),
        ("ahasend-metadata-retention: 0", "ahasend-metadata-retention"),
        ("ahasend-data-retention: 31", "ahasend-data-retention"),
        ("ahasend-data-retention: long", "ahasend-data-retention"),
        (tags.as_str(), "ahasend-tags"),
        ("From: b@c.example", "from"),
        ("no field", "header"),
        (": no name", "header"),
        ("Spaced : x", "header"),
        ("Two Words: x", "header"),
        ("X-Nul: \0", "header"),
        ("X-Ünicode: x", "header"),
    ] {
        let raw = format!("From: a@b.example\r\n{line}\r\n\r\n");
        let refused = Submitted::read(raw.as_bytes()).expect_err(line);
        assert!(refused.message().starts_with(&format!("{field}: ")), "{line:?}: {refused}");
    }
    assert!(Submitted::read(b" folded: first\r\n\r\n").is_err());
    let circles = format!("{}\r\n", "Received: by x\r\n".repeat(101));
    assert!(Submitted::read(circles.as_bytes()).expect_err("circles").message().starts_with("received: "));
}

proptest! {
    #[test]
    fn anything_is_read_or_refused_and_what_is_read_keeps_its_body(
        head in "([ -~\r\n\tü]{0,60}|[A-Za-z-]{1,8}: [ -~]{0,20}\r\n){0,6}",
        body in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let raw = [head.as_bytes(), b"\r\n", &body].concat();
        if let Ok(read) = Submitted::read(&raw) {
            let kept = read.kept(TRACE, None, now());
            prop_assert!(kept.starts_with(TRACE.as_bytes()));
            prop_assert!(read.rest.is_empty() || kept.ends_with(read.rest));
            prop_assert!(!read.subject.chars().any(char::is_control));
            // What is kept reads the same again.
            let again = Submitted::read(&kept).expect("it was read before");
            prop_assert_eq!(&again.subject, &read.subject);
            prop_assert_eq!(again.from, read.from);
        }
    }
}

/// Never ends where each beginning of an encoded word is looked for its end through all that follows.
#[test]
fn a_subject_of_words_that_never_end_is_read_in_part() {
    let raw = format!("Subject: Hello{}\r\n\r\nx\r\n", " =?aa?q?x\r\n".repeat(200_000));
    let read = Submitted::read(raw.as_bytes()).expect("a message");
    assert!(read.subject.starts_with("Hello = aa?q?x = aa"), "{:.40}", read.subject);
    assert_eq!(read.subject.chars().count(), MAX_SUBJECT);
}

/// Never ends where each tag is compared with all before it.
#[test]
fn tags_are_counted_while_they_are_read() {
    let many: String = (0..300_000).map(|tag| format!("{tag},\r\n ")).collect();
    let refusal = Submitted::read(format!("ahasend-tags: {many}x\r\n\r\nx\r\n").as_bytes()).map(drop);
    assert!(refusal.is_err_and(|refusal| refusal.message().contains("At most 10 tags")));
    let same = "a, b, ".repeat(1000);
    assert!(Submitted::read(format!("ahasend-tags: {same}\r\n\r\nx\r\n").as_bytes()).is_ok());
}
