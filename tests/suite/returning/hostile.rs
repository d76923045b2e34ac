//! What nobody would send by accident: the readers of reports stay within their bounds whatever comes.

use std::time::{Duration, Instant};

use canopy::domain::returned::{Report, read};
use proptest::prelude::*;

use super::fixtures::{About, all};

/// As much as the listener keeps of a message.
const KEPT: usize = 256 * 1024;

fn seeds() -> Vec<Vec<u8>> {
    let about = About::nothing();
    ["dsn", "text", "complaints", "other"]
        .iter()
        .flat_map(|folder| all(folder))
        .map(|(_, text)| about.fill(&text))
        .collect()
}

/// Reads in a time that a person would not notice.
fn read_quickly(raw: &[u8]) -> Report {
    let started = Instant::now();
    let report = read(raw).report;
    assert!(started.elapsed() < Duration::from_secs(5), "{} bytes took {:?}", raw.len(), started.elapsed());
    report
}

#[test]
fn bombs_are_read_within_bounds() {
    let repeated = |piece: &str| piece.repeat(KEPT / piece.len());
    let multipart = "Content-Type: multipart/mixed; boundary=\"a\"\r\n\r\n--a\r\n";
    let from = "From: mailer-daemon@x.example\r\nSubject: failure notice\r\n\r\n";
    let bombs = [
        repeated("Content-Type: message/rfc822\r\n\r\n"),
        repeated("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"),
        repeated(multipart),
        repeated("content-TYPE: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n"),
        repeated("--a\r\n"),
        repeated("A: b\r\n"),
        repeated("A:"),
        repeated(" \r\n"),
        repeated("\r\n"),
        repeated("=\r\n"),
        repeated("(") + from,
        format!("{from}{}", repeated("550 ")),
        format!("{from}{}", repeated("550 5.1.1 a@b.example\r\n")),
        format!("{from}{}", repeated("<a@b.example>:\r\n")),
        format!("{from}{}", repeated("5.")),
        format!("{from}{}", repeated("é")),
        format!("{multipart}Content-Type: message/delivery-status\r\n\r\n{}", repeated("Action: failed\r\n\r\n")),
        format!("{multipart}Content-Type: message/feedback-report\r\n\r\n{}", repeated("Feedback-Type: abuse\r\n")),
        format!("{multipart}Content-Type: text/html\r\n\r\n{}", repeated("<a><b>")),
        format!("{multipart}Content-Type: text/html\r\n\r\n{}", repeated("&")),
        format!("{multipart}{}", repeated("Content-Type: text/rfc822-headers\r\n\r\nX-Canopy-Id: a\r\n--a\r\n")),
    ];
    for bomb in &bombs {
        read_quickly(bomb.as_bytes());
    }
    println!("{} bombs", bombs.len());
}

#[test]
fn a_report_cut_anywhere_is_read_without_harm() {
    let mut cuts = 0;
    for seed in seeds() {
        for end in (0..seed.len()).step_by(7) {
            read_quickly(&seed[..end]);
            cuts += 1;
        }
    }
    println!("{cuts} cuts");
}

/// What happens to a seed.
#[derive(Clone, Debug)]
enum Change {
    Put(prop::sample::Index, u8),
    Insert(prop::sample::Index, String),
    Remove(prop::sample::Index, prop::sample::Index),
    Double(prop::sample::Index, prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let words = prop_oneof![
        Just("\r\n".to_owned()),
        Just("\r\n\r\n".to_owned()),
        Just("--".to_owned()),
        Just("=?utf-8?B?".to_owned()),
        Just("Content-Type: message/rfc822\r\n\r\n".to_owned()),
        Just("Content-Transfer-Encoding: base64\r\n".to_owned()),
        Just("Content-Transfer-Encoding: quoted-printable\r\n".to_owned()),
        Just("Action: failed\r\n".to_owned()),
        Just("Status: 5.1.1\r\n".to_owned()),
        Just("Feedback-Type: abuse\r\n".to_owned()),
        ".{0,12}",
    ];
    prop_oneof![
        (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Put(at, byte)),
        (any::<prop::sample::Index>(), words).prop_map(|(at, text)| Change::Insert(at, text)),
        (any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(|(from, to)| Change::Remove(from, to)),
        (any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(|(from, to)| Change::Double(from, to)),
    ]
}

fn changed(mut raw: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let length = raw.len() + 1;
        let range = |from: &prop::sample::Index, to: &prop::sample::Index| {
            let (from, to) = (from.index(length), to.index(length));
            from.min(to)..from.max(to).min(from.min(to) + 400)
        };
        match change {
            Change::Put(at, byte) => {
                let at = at.index(length);
                if let Some(place) = raw.get_mut(at) {
                    *place = *byte;
                }
            }
            Change::Insert(at, text) => {
                let at = at.index(length);
                raw.splice(at..at, text.bytes());
            }
            Change::Remove(from, to) => drop(raw.drain(range(from, to))),
            Change::Double(from, to) => {
                let range = range(from, to);
                let piece = raw[range.clone()].to_vec();
                raw.splice(range.start..range.start, piece);
            }
        }
    }
    raw
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn changed_reports_are_read_without_harm(seed in any::<prop::sample::Index>(), changes in prop::collection::vec(change(), 1..20)) {
        let seeds = seeds();
        let raw = changed(seeds[seed.index(seeds.len())].clone(), &changes);
        if let Report::Bounce(failures, _) = read_quickly(&raw) {
            prop_assert!(!failures.is_empty() && failures.len() <= 100);
            for failure in failures {
                prop_assert!(failure.reason.len() <= 900 && !failure.reason.chars().any(char::is_control));
            }
        }
    }

    #[test]
    fn noise_is_no_report(raw in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(!matches!(read_quickly(&raw), Report::Complaint(_)));
    }
}
