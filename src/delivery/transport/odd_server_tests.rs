//! Servers that answer as no standard has it: what becomes of a message, and that one copy of it is sent where there was
//! an answer. Each way is tried with commands one by one and in groups.

use std::time::Duration;

use super::fake_server::{Act, FakeServer};
use super::relay::tests::{MESSAGE, envelope, to};
use super::relay::{Relay, Timeouts};
use super::{Outcome, RelayConfig, TlsMode};

/// What is expected of a way.
#[derive(Clone, Copy)]
enum Then {
    /// Delivered, in these words.
    Taken(&'static str),
    /// Answered with this code, in these words: bounced or tried again by what the code says.
    Told(u16, &'static str),
    /// No answer about the message, in these words: tried again.
    Unknown(&'static str),
}

use Then::{Taken, Told, Unknown};

type Way = (&'static str, fn() -> Act, Then);

fn relay() -> Relay {
    let (connect, short) = (Duration::from_secs(2), Duration::from_millis(400));
    Relay::new(Timeouts { connect, command: short, data: short })
}

fn raw(bytes: impl AsRef<[u8]>) -> Act {
    Act::Raw(bytes.as_ref().to_vec())
}

fn long(start: &str, length: usize, end: &str) -> Vec<u8> {
    format!("{start}{}{end}", "x".repeat(length)).into_bytes()
}

/// Tries every way at `step` ("" is the greeting, "." the end of the message); `copies` is how many are sent.
async fn try_ways(step: &'static str, ways: &[Way], copies: impl Fn(&Then) -> usize) {
    for grouped in [false, true] {
        for (number, (name, act, then)) in ways.iter().enumerate() {
            let (act, verb) = (*act, if step.is_empty() { "." } else { step });
            let server = FakeServer::start(move |_, line| match line.split(' ').next().unwrap_or_default() {
                said if said == step => Some(act()),
                "EHLO" if grouped => Some(Act::Say("250-fake\r\n250-PIPELINING\r\n250 8BITMIME")),
                _ => None,
            })
            .await;
            let outcome = relay().send(&to(&server), &envelope(), MESSAGE).await;
            let right = match (&outcome, then) {
                (Outcome::Accepted { text, .. }, Taken(words)) => text.contains(words),
                (Outcome::Refused { code, text, .. }, Told(expected, words)) => {
                    code == expected && text.contains(words)
                }
                (Outcome::Unreachable { text }, Unknown(words)) => text.contains(words),
                _ => false,
            };
            assert!(right, "{verb} {number}, {name}, grouped: {grouped}: {outcome:?}");
            // In a group an empty message ends what DATA began for nobody.
            let sent = server.messages().iter().filter(|message| !message.is_empty()).count();
            assert_eq!(sent, copies(then), "{verb}, {name}, grouped: {grouped}");
        }
    }
}

#[tokio::test]
async fn after_the_final_dot_an_answer_with_a_code_decides_whatever_else_is_wrong_with_it() {
    let ways: [Way; 33] = [
        ("a bare code", || raw("250\r\n"), Taken("")),
        ("a bare code that ends in a blank", || raw("250 \r\n"), Taken("")),
        ("NUL behind the code", || raw("250\0\r\n"), Taken("")),
        ("NUL within", || raw("250 2.0.0 queued\0as x\r\n"), Taken("2.0.0 queued as x")),
        ("a tab behind the code", || raw("250\tqueued\r\n"), Taken("queued")),
        ("no blank behind the code", || raw("250queued\r\n"), Taken("queued")),
        ("four digits", || raw("2500 queued\r\n"), Taken("queued")),
        ("LF alone", || raw("250 queued\n"), Taken("queued")),
        ("empty lines before it", || raw("\r\n\r\n250 queued\r\n"), Taken("queued")),
        ("words before it", || raw("hello\r\n250 queued\r\n"), Taken("queued")),
        ("byte by byte", || Act::Pieces(b"250-one\r\n250 two\r\n".to_vec()), Taken("one two")),
        ("two answers at once", || raw("250 one\r\n250 two\r\n"), Taken("one")),
        ("a line without a code within", || raw("250-one\r\nlost\r\n250 two\r\n"), Taken("one lost two")),
        ("5,000 bytes", || raw(long("250 2.0.0 ", 5000, "\r\n")), Taken("2.0.0 xxx")),
        ("a thousand lines", || raw(format!("{}250 done\r\n", "250-x\r\n".repeat(1000))), Taken("x x x")),
        ("no UTF-8", || raw(b"250 entgegengenommen f\xfcr Sie\r\n"), Taken("f\u{fffd}r Sie")),
        ("a megabyte without end", || Act::RawAndSilence(long("250 ", 1 << 20, "")), Taken("xxx")),
        ("lines without end", || Act::Flood(b"250-more\r\n".to_vec()), Taken("more more")),
        ("a line that says more and then nothing", || Act::RawAndSilence(b"250-one\r\n".to_vec()), Taken("one")),
        ("no line end, and closed", || Act::RawAndClose(b"250 queued".to_vec()), Taken("queued")),
        ("CR alone", || Act::RawAndSilence(b"250 queued\r".to_vec()), Taken("queued")),
        ("refused first, taken last", || raw("550-no\r\n250 yes\r\n"), Taken("no yes")),
        ("taken first, refused last", || raw("250-yes\r\n550 5.7.1 no\r\n"), Told(550, "yes 5.7.1 no")),
        ("a refusal in Latin-1", || raw(b"550 5.1.1 Empf\xe4nger unbekannt\r\n"), Told(550, "5.1.1 Empf\u{fffd}nger")),
        ("571", || raw("571 5.7.1 blocked\r\n"), Told(571, "5.7.1 blocked")),
        ("591", || raw("591 who knows\r\n"), Told(591, "who knows")),
        ("a refusal of 5,000 bytes", || raw(long("554 5.7.0 ", 5000, "\r\n")), Told(554, "5.7.0 xxx")),
        ("a refusal that is broken off", || Act::RawAndClose(b"554-5.7.1 no\r\n".to_vec()), Told(554, "5.7.1 no")),
        ("421", || Act::SayAndClose("421 4.3.2 closing"), Told(421, "closing")),
        ("451", || raw("451 4.7.1 later\r\n"), Told(451, "later")),
        ("go on", || raw("354 go on\r\n"), Told(354, "go on")),
        ("a code that begins with 0", || raw("000 hm\r\n"), Told(0, "hm")),
        ("a code that begins with 9", || raw("999 hm\r\n"), Told(999, "hm")),
    ];
    try_ways(".", &ways, |_| 1).await;
}

#[tokio::test]
async fn after_the_final_dot_what_says_nothing_leaves_it_open() {
    let ways: [Way; 5] = [
        ("closed", || Act::Close, Unknown("closed the connection")),
        ("words without a code, and closed", || Act::RawAndClose(b"thanks\r\n25".to_vec()), Unknown("closed")),
        ("words without a code, and silence", || Act::RawAndSilence(b"thanks\r\n".to_vec()), Unknown("in time")),
        ("words without a code, without end", || Act::Flood(b"thanks\r\n".to_vec()), Unknown("very much")),
        ("silence", || Act::Silence, Unknown("did not confirm the message in time")),
    ];
    try_ways(".", &ways, |_| 1).await;
}

#[tokio::test]
async fn a_refusal_in_the_midst_of_a_message_is_heard_though_the_rest_is_not_read() {
    // More than sockets hold: the server is gone before it is written.
    let message = [MESSAGE, &b"One line after the other.\r\n".repeat(1_000_000)].concat();
    let limit = Duration::from_secs(20);
    for grouped in [false, true] {
        for said in ["552 5.3.4 too large", "451 4.3.1 no room", "554 no code of its own"] {
            let server = FakeServer::start(move |_, line| match line.split(' ').next().unwrap_or_default() {
                "DATA" => Some(Act::BreakOff(said)),
                "EHLO" if grouped => Some(Act::Say("250-fake\r\n250-PIPELINING\r\n250 8BITMIME")),
                _ => None,
            })
            .await;
            let relay = Relay::new(Timeouts { connect: limit, command: limit, data: limit });
            let outcome = relay.send(&to(&server), &envelope(), &message).await;
            let (code, words) = said.split_at(3);
            let heard = matches!(&outcome, Outcome::Refused { code: told, text, .. }
                if told.to_string() == code && text.contains(words.trim()));
            assert!(heard, "{said}, grouped: {grouped}: {outcome:?}");
            assert_eq!(server.messages().len(), 0, "it has none whole");
        }
    }
}

fn copies(then: &Then) -> usize {
    usize::from(matches!(then, Taken(_)))
}

#[tokio::test]
async fn a_greeting_is_taken_as_one_or_leads_nowhere() {
    let ways: [Way; 12] = [
        ("many lines", || raw(format!("{}220 mx\r\n", "220-welcome\r\n".repeat(500))), Taken("")),
        ("a bare code", || raw("220\r\n"), Taken("")),
        ("LF alone", || raw("220-mx\n220 mx\n"), Taken("")),
        ("no UTF-8", || raw(b"220 gr\xfc\xdfe\r\n"), Taken("")),
        ("554", || Act::SayAndClose("554 5.7.1 not you"), Unknown("554 5.7.1 not you")),
        ("421", || Act::SayAndClose("421 4.3.2 full"), Unknown("421 4.3.2 full")),
        ("go on", || raw("354 go on\r\n"), Unknown("354 go on")),
        ("another protocol", || Act::RawAndClose(b"SSH-2.0-OpenSSH\r\n".to_vec()), Unknown("closed the connection")),
        ("closed", || Act::Close, Unknown("")),
        ("lines without end", || Act::Flood(b"220-more\r\n".to_vec()), Unknown("no end")),
        ("an answer to EHLO with it", || raw("220 mx\r\n250 mx\r\n"), Unknown("before it was asked")),
        ("drop by drop, for ever", || Act::Trickle(b"220-hello\r\n".to_vec()), Unknown("in time")),
    ];
    try_ways("", &ways, copies).await;
}

#[tokio::test]
async fn what_ehlo_is_answered_with_is_read_or_leads_nowhere() {
    let ways: [Way; 9] = [
        ("500", || raw("500 5.5.1 unknown\r\n"), Taken("")),
        ("502", || raw("502 not implemented\r\n"), Taken("")),
        ("550 in several lines", || raw("550-speak\r\n550 plainly\r\n"), Taken("")),
        ("a bare code", || raw("250\r\n"), Taken("")),
        ("small letters", || raw("250-mx\r\n250-pipelining\r\n250 8bitmime\r\n"), Taken("")),
        ("550, and closed", || Act::SayAndClose("550 5.7.1 not you"), Unknown("550 5.7.1 not you")),
        ("421", || Act::SayAndClose("421 4.3.2 full"), Unknown("421 4.3.2 full")),
        ("closed", || Act::Close, Unknown("")),
        ("lines without end", || Act::Flood(b"250-X\r\n".to_vec()), Unknown("no end")),
    ];
    try_ways("EHLO", &ways, copies).await;
}

#[tokio::test]
async fn before_the_message_a_refusal_is_one_and_what_makes_no_sense_is_tried_again() {
    const ANSWERS: [Way; 9] = [
        ("421", || Act::SayAndClose("421 4.3.2 closing"), Told(421, "closing")),
        ("a refusal in Latin-1", || raw(b"550 5.1.1 Empf\xe4nger\r\n"), Told(550, "5.1.1 Empf\u{fffd}nger")),
        ("571", || raw("571 5.7.1 blocked\r\n"), Told(571, "blocked")),
        ("a refusal without its end", || Act::RawAndSilence(b"550-5.1.1 no\r\n".to_vec()), Told(550, "5.1.1 no")),
        ("closed", || Act::Close, Unknown("lost")),
        ("a code that begins with 9", || raw("999 hm\r\n"), Unknown("999 hm, which is no answer to it")),
        ("a code that begins with 1", || raw("100 wait\r\n"), Unknown("which is no answer to it")),
        ("lines without end", || Act::Flood(b"250-more\r\n".to_vec()), Unknown("")),
        ("silence", || Act::Silence, Unknown("in time")),
    ];
    for step in ["MAIL", "RCPT", "DATA"] {
        try_ways(step, &ANSWERS, copies).await;
    }
    for step in ["MAIL", "RCPT"] {
        let ways: [Way; 3] = [
            ("go on", || raw("354 go on\r\n"), Unknown("354 go on, which is no answer to it")),
            ("251", || raw("251 forwarded\r\n"), Taken("")),
            ("two answers at once", || raw("250 ok\r\n250 ok\r\n"), Unknown("")),
        ];
        try_ways(step, &ways, copies).await;
    }
    let ways: [Way; 5] = [
        ("done", || raw("250 done\r\n"), Unknown("DATA with 250 done, which is no answer to it")),
        ("a bare code", || raw("354\r\n"), Taken("")),
        ("several lines", || raw("354-go\r\n354 on\r\n"), Taken("")),
        ("the last answer before the message", || raw("354 go on\r\n250 taken\r\n"), Unknown("before it was asked")),
        ("go on without end", || Act::Flood(b"354-more\r\n".to_vec()), Unknown("which had no end")),
    ];
    try_ways("DATA", &ways, copies).await;
}

#[tokio::test]
async fn a_sign_in_goes_by_what_is_offered_however_it_is_written() {
    for (offered, first) in [("AUTH=LOGIN", "AUTH LOGIN"), ("auth login plain", "AUTH PLAIN AG1lAHNlY3JldA==")] {
        let server = FakeServer::start(move |_, line| match line {
            "AUTH LOGIN" => Some(Act::Say("334 VXNlcm5hbWU6")),
            "bWU=" => Some(Act::Say("334 UGFzc3dvcmQ6")),
            "c2VjcmV0" | "AUTH PLAIN AG1lAHNlY3JldA==" => Some(Act::Say("235 2.7.0 welcome")),
            _ if line.starts_with("EHLO") => Some(raw(format!("250-mx\r\n250 {offered}\r\n"))),
            _ => None,
        })
        .await;
        let config = RelayConfig { auth: Some(("me".into(), "secret".into())), ..to(&server) };
        let outcome = relay().send(&config, &envelope(), MESSAGE).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{offered}: {outcome:?}");
        assert_eq!(server.commands()[1], first);
    }
    let server =
        FakeServer::start(|_, line| line.starts_with("EHLO").then_some(Act::Say("250-mx\r\n250 AUTH GSSAPI"))).await;
    let config = RelayConfig { auth: Some(("me".into(), "secret".into())), ..to(&server) };
    let outcome = relay().send(&config, &envelope(), MESSAGE).await;
    assert!(matches!(&outcome, Outcome::Unreachable { text } if text.contains("PLAIN or LOGIN")), "{outcome:?}");
    assert!(!server.verbs().contains(&"MAIL".to_owned()));
}

#[tokio::test]
async fn what_is_put_in_before_tls_and_what_is_no_tls_is_never_believed() {
    type Way = (&'static str, fn() -> Act, &'static str);
    let ways: [Way; 5] = [
        ("answers put in", || raw("220 go\r\n250-forged\r\n250 AUTH PLAIN\r\n"), "put in behind"),
        ("no TLS behind it", || Act::Pieces(b"220 go\r\nthis is no TLS at all\r\n".to_vec()), ""),
        ("closed behind it", || Act::SayAndClose("220 go"), ""),
        ("454", || Act::Say("454 4.7.0 not now"), "454 4.7.0 not now"),
        ("go on", || Act::Say("354 go on"), "354 go on"),
    ];
    for (name, act, why) in ways {
        let server = FakeServer::start(move |_, line| match line.split(' ').next().unwrap_or_default() {
            "EHLO" => Some(Act::Say("250-mx\r\n250 STARTTLS")),
            "STARTTLS" => Some(act()),
            _ => None,
        })
        .await;
        let strict = RelayConfig { tls: TlsMode::StartTls, ..to(&server) };
        let outcome = relay().send(&strict, &envelope(), MESSAGE).await;
        let Outcome::Unreachable { text } = &outcome else { panic!("{name}: {outcome:?}") };
        assert!(text.contains("TLS failed") && text.contains(why), "{name}: {text}");
        assert!(!server.verbs().contains(&"MAIL".to_owned()), "{name}");
        // Whoever would rather have TLS goes without it, on a connection that nothing was put into.
        let rather = RelayConfig { tls: TlsMode::Opportunistic, ..to(&server) };
        let outcome = relay().send(&rather, &envelope(), MESSAGE).await;
        let Outcome::Accepted { text, .. } = &outcome else { panic!("{name}: {outcome:?}") };
        assert!(text.contains("sent in the clear: TLS failed"), "{name}: {text}");
        assert_eq!(server.messages().len(), 1, "{name}");
    }
}
