//! The client's conduct towards a server that answers as the test says.

use super::super::TlsMode;
use super::super::fake_server::{Act, FakeServer};
use std::time::Duration;

use super::*;

pub(in crate::delivery::transport) fn relay() -> Relay {
    let short = Duration::from_millis(300);
    Relay::new(Timeouts { connect: Duration::from_secs(5), command: short, data: short })
}

pub(in crate::delivery::transport) fn to(server: &FakeServer) -> RelayConfig {
    let (host, local_name) = ("127.0.0.1".to_owned(), "canopy.example".to_owned());
    RelayConfig { host, port: server.port, tls: TlsMode::None, auth: None, local_name, source: None, trusted: true }
}

pub(in crate::delivery::transport) fn envelope() -> Envelope {
    Envelope { mail_from: "bounce@example.com".into(), rcpt_to: "bob@example.org".into() }
}

pub(in crate::delivery::transport) const MESSAGE: &[u8] = b"Subject: x\r\n\r\nHello\r\n";

pub(in crate::delivery::transport) fn code(outcome: &Outcome) -> Option<u16> {
    match outcome {
        Outcome::Accepted { code, .. } | Outcome::Refused { code, .. } => Some(*code),
        Outcome::Unreachable { .. } | Outcome::NotNow { .. } => None,
    }
}

#[tokio::test]
async fn one_connection_carries_many_messages_with_rset_between() {
    let server = FakeServer::start(|_, _| None).await;
    let relay = relay();
    for _ in 0..3 {
        let outcome = relay.send(&to(&server), &envelope(), MESSAGE).await;
        assert_eq!(outcome, Outcome::Accepted { code: 250, text: "2.0.0 queued as 1".into() });
    }
    assert_eq!(server.connections(), 1);
    let expected = ["EHLO", "MAIL", "RCPT", "DATA", "RSET", "MAIL", "RCPT", "DATA", "RSET", "MAIL", "RCPT", "DATA"];
    assert_eq!(server.verbs(), expected);
    assert!(server.together().is_empty(), "it offers no PIPELINING");
    assert_eq!(server.commands()[0], "EHLO canopy.example");
    assert_eq!(server.commands()[1..3], ["MAIL FROM:<bounce@example.com>", "RCPT TO:<bob@example.org>"]);
    assert_eq!(server.messages(), vec![MESSAGE.strip_suffix(b"\r\n").unwrap().to_vec(); 3]);
}

#[tokio::test]
async fn a_connection_is_closed_after_a_hundred_messages() {
    let server = FakeServer::start(|_, _| None).await;
    let relay = relay();
    for _ in 0..201 {
        assert_eq!(code(&relay.send(&to(&server), &envelope(), MESSAGE).await), Some(250));
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn different_credentials_never_share_a_connection() {
    let server = FakeServer::start(|_, line| match line.split(' ').next() {
        Some("EHLO") => Some(Act::Say("250-fake\r\n250 AUTH PLAIN")),
        Some("AUTH") => Some(Act::Say("235 2.7.0 welcome")),
        _ => None,
    })
    .await;
    let relay = relay();
    for user in ["ann", "bob", "ann"] {
        let config = RelayConfig { auth: Some((user.into(), "secret".into())), ..to(&server) };
        assert_eq!(code(&relay.send(&config, &envelope(), MESSAGE).await), Some(250));
        assert!(!format!("{config:?}").contains("secret"));
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_refused_recipient_gives_its_own_reply_and_keeps_the_connection() {
    let server = FakeServer::start(|_, line| {
        let reply = "550-5.1.1 nobody here\r\n550 5.1.1 by that name";
        line.contains("nobody@").then_some(Act::Say(reply))
    })
    .await;
    let relay = relay();
    let nobody = Envelope { rcpt_to: "nobody@example.org".into(), ..envelope() };
    let refused = relay.send(&to(&server), &nobody, MESSAGE).await;
    let Outcome::Refused { code: 550, enhanced, text } = &refused else { panic!("{refused:?}") };
    assert_eq!(enhanced.as_deref(), Some("5.1.1"));
    assert_eq!(text, "5.1.1 nobody here by that name");
    assert!(refused.is_permanent());
    assert_eq!(code(&relay.send(&to(&server), &envelope(), MESSAGE).await), Some(250));
    assert_eq!(server.connections(), 1);
    assert_eq!(server.messages().len(), 1, "nothing was sent for nobody");
}

#[tokio::test]
async fn a_kept_connection_that_died_or_says_421_is_replaced_once() {
    for dead in ["RSET", "MAIL", "RCPT", "DATA"] {
        for act in [|| Act::Close, || Act::SayAndClose("421 4.3.2 closing")] {
            // The first connection passes one message; with the second it dies at `dead`.
            let passed = std::sync::atomic::AtomicBool::new(false);
            let server = FakeServer::start(move |number, line| {
                let dying = number == 1 && passed.load(std::sync::atomic::Ordering::SeqCst);
                passed.fetch_or(line == ".", std::sync::atomic::Ordering::SeqCst);
                (dying && line.starts_with(dead)).then(act)
            })
            .await;
            let relay = relay();
            for _ in 0..2 {
                let outcome = relay.send(&to(&server), &envelope(), MESSAGE).await;
                assert_eq!(code(&outcome), Some(250), "{dead}: {outcome:?}");
            }
            assert_eq!((server.connections(), server.messages().len()), (2, 2), "{dead}");
        }
    }
}

#[tokio::test]
async fn a_server_that_always_says_421_is_tried_twice_and_then_left_for_later() {
    let server =
        FakeServer::start(|_, line| line.starts_with("MAIL").then_some(Act::SayAndClose("421 4.3.2 full"))).await;
    let outcome = relay().send(&to(&server), &envelope(), MESSAGE).await;
    assert_eq!(code(&outcome), Some(421));
    assert!(!outcome.is_permanent());
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_connection_lost_after_the_message_began_is_not_tried_again_here() {
    let server = FakeServer::start(|_, line| (line == ".").then_some(Act::Close)).await;
    let outcome = relay().send(&to(&server), &envelope(), MESSAGE).await;
    assert_eq!(code(&outcome), None, "{outcome:?}");
    assert_eq!(server.messages().len(), 1, "a second copy would be ours to answer for");
}

#[tokio::test]
async fn a_silent_server_is_unreachable_at_every_step() {
    for step in ["MAIL", "RCPT", "DATA", "."] {
        let server = FakeServer::start(move |_, line| line.starts_with(step).then_some(Act::Silence)).await;
        let outcome = relay().send(&to(&server), &envelope(), MESSAGE).await;
        assert!(matches!(outcome, Outcome::Unreachable { .. }), "{step}: {outcome:?}");
        assert_eq!(server.connections(), 1, "{step}: waiting once is enough");
    }
}

#[tokio::test]
async fn a_relay_that_turns_us_away_is_no_verdict_on_the_recipient() {
    for (step, reply) in [("", "554 5.7.1 go away"), ("EHLO", "550 5.7.1 go away")] {
        let server =
            FakeServer::start(move |_, line| (line.split(' ').next() == Some(step)).then_some(Act::SayAndClose(reply)))
                .await;
        let outcome = relay().send(&to(&server), &envelope(), MESSAGE).await;
        let Outcome::Unreachable { text } = outcome else { panic!("{step}: {outcome:?}") };
        assert!(text.contains("5.7.1 go away"), "{text}");
    }
    let nobody_listens = RelayConfig { port: 1, ..to(&FakeServer::start(|_, _| None).await) };
    assert_eq!(code(&relay().send(&nobody_listens, &envelope(), MESSAGE).await), None);
}

#[tokio::test]
async fn starttls_that_is_asked_for_and_not_offered_stops_before_any_mail() {
    let server = FakeServer::start(|_, _| None).await;
    let config = RelayConfig { tls: TlsMode::StartTls, ..to(&server) };
    let Outcome::Unreachable { text } = relay().send(&config, &envelope(), MESSAGE).await else { panic!("sent") };
    assert!(text.contains("offers no STARTTLS"), "{text}");
    assert!(!server.verbs().contains(&"MAIL".to_owned()));
    let config = RelayConfig { tls: TlsMode::Opportunistic, ..to(&server) };
    assert_eq!(code(&relay().send(&config, &envelope(), MESSAGE).await), Some(250));
}

#[tokio::test]
async fn eight_bit_mail_asks_for_8bitmime_and_is_refused_where_it_is_not_offered() {
    let message = "Subject: x\r\n\r\ngr\u{fc}n\r\n".as_bytes();
    let server = FakeServer::start(|_, _| None).await;
    assert_eq!(code(&relay().send(&to(&server), &envelope(), message).await), Some(250));
    assert!(server.commands()[1].ends_with(" BODY=8BITMIME"));
    let old = FakeServer::start(|_, line| line.starts_with("EHLO").then_some(Act::Say("250 old"))).await;
    assert_eq!(code(&relay().send(&to(&old), &envelope(), message).await), Some(554));
}

#[tokio::test]
async fn an_address_cannot_bring_a_command_with_it() {
    let server = FakeServer::start(|_, _| None).await;
    let bad = ["a@x\r\nRSET", "a@x>\r\n", "a@x> SIZE=1", "a b@x", "<a@x", "a\0@x", "", "\"a\r\n\"@x"];
    for address in bad {
        let envelope = Envelope { rcpt_to: address.into(), ..envelope() };
        assert_eq!(code(&relay().send(&to(&server), &envelope, MESSAGE).await), Some(553), "{address:?}");
    }
    let sender = Envelope { mail_from: "a@x> AUTH=<>".into(), ..envelope() };
    assert_eq!(code(&relay().send(&to(&server), &sender, MESSAGE).await), Some(553));
    assert_eq!(server.connections(), 0);
    let quoted = Envelope { mail_from: String::new(), rcpt_to: "\"a b\"@example.org".into() };
    assert_eq!(code(&relay().send(&to(&server), &quoted, MESSAGE).await), Some(250));
    assert_eq!(server.commands()[1], "MAIL FROM:<>");
}

#[tokio::test]
async fn no_line_ending_smuggles_a_second_message() {
    let breaks = ["\r\n", "\n", "\r", "\r\r\n", "\n\r", "\r\n\r\n", "\n\n"];
    let dots = [".", "..", ". ", ".\t", ".\0", " .", ".\r"];
    let endings: Vec<String> = breaks
        .iter()
        .flat_map(|before| breaks.iter().map(move |after| (before, after)))
        .flat_map(|(before, after)| dots.iter().map(move |dot| format!("{before}{dot}{after}")))
        .collect();
    let server = FakeServer::start(|_, _| None).await;
    let relay = relay();
    for ending in &endings {
        let smuggled = "MAIL FROM:<eve@example.net>\r\nRCPT TO:<x@example.org>\r\nDATA\r\nSubject: forged\r\n\r\nx";
        let message = format!("Subject: x\r\n\r\nHello{ending}{smuggled}{ending}");
        assert_eq!(code(&relay.send(&to(&server), &envelope(), message.as_bytes()).await), Some(250), "{ending:?}");
    }
    assert_eq!(server.messages().len(), endings.len());
    assert!(!server.commands().iter().any(|line| line.contains("eve@")), "a smuggled command was heard");
    for wire in server.messages() {
        let mut text = wire.iter().copied().peekable();
        let mut line_starts = true;
        while let Some(byte) = text.next() {
            match byte {
                b'\r' => assert_eq!(text.next(), Some(b'\n'), "a bare CR left"),
                b'\n' => panic!("a bare LF left"),
                b'.' if line_starts => assert_eq!(text.next(), Some(b'.'), "a dot was not doubled"),
                _ => {}
            }
            line_starts = byte == b'\r';
        }
    }
    println!("{} endings tried", endings.len());
}
