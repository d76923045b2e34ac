//! A server that takes commands in groups, and one that does not mean it.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::delivery::transport::fake_server::{Act, FakeServer};
use crate::delivery::transport::relay::tests::{MESSAGE, code, envelope, relay, to};
use crate::delivery::transport::{Envelope, Outcome, RelayConfig};

const OFFERS: &str = "250-fake\r\n250-PIPELINING\r\n250 8BITMIME";
const AGAIN: [&str; 4] = ["RSET", "MAIL", "RCPT", "DATA"];

/// A server that offers PIPELINING, and else answers as `script` says: by the number of the message and the command.
async fn server(script: impl Fn(usize, &str) -> Option<Act> + Send + Sync + 'static) -> FakeServer {
    let ended = AtomicUsize::new(0);
    FakeServer::start(move |_, line| {
        let number = ended.fetch_add(usize::from(line == "."), Ordering::SeqCst);
        script(number, line).or_else(|| line.starts_with("EHLO").then_some(Act::Say(OFFERS)))
    })
    .await
}

#[tokio::test]
async fn a_message_is_one_group_of_commands_where_the_server_takes_them() {
    let server = server(|_, _| None).await;
    let relay = relay();
    for _ in 0..4 {
        assert_eq!(code(&relay.send(&to(&server), &envelope(), MESSAGE).await), Some(250));
    }
    assert_eq!((server.connections(), server.messages().len()), (1, 4));
    let expected = [&["EHLO", "MAIL", "RCPT", "DATA"][..], &AGAIN, &AGAIN, &AGAIN].concat();
    assert_eq!(server.verbs(), expected);
    assert_eq!(server.together(), [&["RCPT", "DATA"][..], &AGAIN[1..], &AGAIN[1..], &AGAIN[1..]].concat());
}

#[tokio::test]
async fn who_is_refused_within_a_group_gets_that_reply_and_no_message_whatever_data_was_answered() {
    // The usual answer to DATA is 354 here too; the second server says 554.
    for data in [None, Some("554 5.5.1 No valid recipients")] {
        let server = server(move |number, line| match line {
            _ if line.contains("nobody@") => Some(Act::Say("550 5.1.1 nobody here")),
            "DATA" if number == 2 => data.map(Act::Say),
            _ => None,
        })
        .await;
        let relay = relay();
        let nobody = Envelope { rcpt_to: "nobody@example.org".into(), ..envelope() };
        for _ in 0..2 {
            assert_eq!(code(&relay.send(&to(&server), &envelope(), MESSAGE).await), Some(250));
        }
        let refused = relay.send(&to(&server), &nobody, MESSAGE).await;
        assert!(
            matches!(&refused, Outcome::Refused { code: 550, text, .. } if text.contains("nobody here")),
            "{refused:?}"
        );
        assert_eq!(server.together().iter().filter(|verb| *verb == "RCPT").count(), 3, "it was in a group");
        let said = server.messages().iter().filter(|message| !message.is_empty()).count();
        assert_eq!(said, 2, "nothing was said to nobody");
        if data.is_none() {
            assert_eq!(code(&relay.send(&to(&server), &envelope(), MESSAGE).await), Some(250));
            assert_eq!(server.connections(), 1, "the connection goes on after a refusal");
        }
    }
}

#[tokio::test]
async fn a_kept_connection_that_dies_within_a_group_is_replaced_and_no_copy_is_made() {
    for dead in AGAIN {
        for act in [|| Act::Close, || Act::SayAndClose("421 4.3.2 closing")] {
            let server = server(move |number, line| (number == 2 && line.starts_with(dead)).then(act)).await;
            let relay = relay();
            for round in 0..2 {
                let outcome = relay.send(&to(&server), &envelope(), MESSAGE).await;
                assert_eq!(code(&outcome), Some(250), "{dead}, {round}: {outcome:?}");
            }
            let outcome = relay.send(&to(&server), &envelope(), MESSAGE).await;
            // RSET comes on kept connections alone: at the others the server dies on the new one too.
            let arrives = dead == "RSET";
            assert_eq!(code(&outcome) == Some(250), arrives, "{dead}: {outcome:?}");
            assert_eq!(server.messages().len(), 2 + usize::from(arrives), "{dead}");
            assert_eq!(server.connections(), 2, "{dead}");
        }
    }
}

#[tokio::test]
async fn where_we_sign_in_the_first_message_is_a_group_already() {
    let server = server(|_, line| {
        let offers = "250-fake\r\n250-PIPELINING\r\n250 AUTH PLAIN";
        if line.starts_with("EHLO") {
            return Some(Act::Say(offers));
        }
        line.starts_with("AUTH").then_some(Act::Say("235 2.7.0 welcome"))
    })
    .await;
    let config = RelayConfig { auth: Some(("me".to_owned(), "secret".to_owned())), ..to(&server) };
    assert_eq!(code(&relay().send(&config, &envelope(), MESSAGE).await), Some(250));
    assert_eq!(server.verbs(), ["EHLO", "AUTH", "MAIL", "RCPT", "DATA"]);
    assert_eq!(server.together(), ["RCPT", "DATA"]);
}
