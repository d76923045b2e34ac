//! Endings that smuggle, and clients that say anything at all.

use std::time::Duration;

use canopy::smtp::Limits;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::door::{Door, Login, NAMES, hand_in, letter, messages_of, program};
use crate::returning::smuggling::ENDINGS;
use crate::support::app::{On, TestApp};
use crate::support::certificates::Certificates;

#[tokio::test]
async fn nothing_but_a_dot_between_two_crlf_ends_a_message() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Smuggle").await;
    let client = app.client(&agency, "smuggle", 0).await;
    let door = Door::trusted(&app, client.id);
    let mut taken = 0;
    for (ending, goes_on) in ENDINGS {
        let mut talk = door.talk().await;
        talk.expect("EHLO mailer.test", 250).await;
        talk.expect("MAIL FROM:<>", 250).await;
        talk.expect("RCPT TO:<you@example.org>", 250).await;
        talk.expect("DATA", 354).await;
        let inside = "MAIL FROM:<>\r\nRCPT TO:<evil@example.org>\r\nDATA\r\nFrom: hello@smuggle.example\r\n\r\nx";
        let whole = format!("{}text{ending}{inside}\r\n.\r\nQUIT\r\n", letter("hello@smuggle.example"));
        talk.put(whole.as_bytes()).await;
        let heard = talk.rest().await;
        let replies: Vec<&str> = heard.lines().map(|line| &line[..3]).collect();
        let expected: &[&str] = if goes_on { &["250", "221"] } else { &["521"] };
        assert_eq!(replies, expected, "{ending:?}: {heard}");
        taken += usize::from(goes_on);
    }
    let rows = messages_of(&app, client.id).await;
    assert_eq!(rows.len(), taken);
    assert!(rows.iter().all(|row| row.recipient == "you@example.org"));
    println!("{} endings", ENDINGS.len());
}

#[tokio::test]
async fn what_was_put_in_before_tls_is_forgotten() {
    let certificates = Certificates::of(NAMES);
    let app = program(On::Sqlite, &certificates).await.expect("SQLite is always there");
    let agency = app.agency("Injected").await;
    let client = app.client(&agency, "injected", 0).await;
    let login = Login::of(&app, client.id).await;
    let door = Door::of_clients(&app);
    for put_in in ["NOOP\r\n", "EHLO evil.test\r\nMAIL FROM:<evil@example.org>\r\n", "AUTH LOG"] {
        let mut talk = door.talk().await;
        talk.expect("EHLO client.test", 250).await;
        talk.put(format!("STARTTLS\r\n{put_in}").as_bytes()).await;
        assert!(talk.hear().await.starts_with("220 "));
        let name = rustls::pki_types::ServerName::try_from("localhost").expect("a name");
        let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(certificates.client()));
        let stream = connector.connect(name, talk.stream).await.expect("TLS");
        let mut talk = crate::returning::mx::Talk { stream };
        talk.expect(&login.plain(), 503).await;
        talk.expect("EHLO client.test", 250).await;
        talk.expect(&login.plain(), 235).await;
        let reply = hand_in(&mut talk, "", &["you@example.org"], &letter("hello@injected.example")).await;
        assert!(reply.starts_with("250 "), "{reply}");
    }
}

#[tokio::test]
async fn any_script_gets_well_formed_replies_and_only_whole_messages_are_taken() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Fuzz").await;
    let client = app.client(&agency, "fuzzed", 0).await;
    let trusted = Door::trusted(&app, client.id);
    let limits = Limits { connections_per_address: 500, command: Duration::from_secs(2), ..Limits::of_submission() };
    let open = Door::with(&app, limits);
    let line = prop_oneof![
        Just("EHLO a\r\n".to_owned()),
        Just("HELO a\r\n".to_owned()),
        Just("MAIL FROM:<a@fuzzed.example>\r\n".to_owned()),
        Just("RCPT TO:<a@b.example>\r\n".to_owned()),
        Just("RCPT TO:<nobody>\r\n".to_owned()),
        Just("DATA\r\n".to_owned()),
        Just(".\r\n".to_owned()),
        Just("RSET\r\n".to_owned()),
        Just("QUIT\r\n".to_owned()),
        Just("AUTH PLAIN AGEAYg==\r\n".to_owned()),
        Just("AUTH LOGIN\r\n".to_owned()),
        Just("From: a@fuzzed.example\r\nSubject: hi\r\n\r\n".to_owned()),
        Just("\n.\n".to_owned()),
        "AUTH [A-Z]{0,6} [!-~]{0,20}\r\n",
        "[A-Z]{1,4} [ -~]{0,40}\r\n",
        "[A-Za-z-]{0,12}:[ -~]{0,40}\r\n",
        ".{0,40}\r\n",
    ];
    let scripts = prop::collection::vec(line, 1..25);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[9; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let scripts: Vec<Vec<String>> =
        (0..120).map(|_| scripts.new_tree(&mut runner).expect("a script").current()).collect();
    let (trusted, open) = (&trusted, &open);
    let talks = scripts.iter().enumerate().map(|(number, script)| async move {
        let mut talk = if number % 2 == 0 { trusted.talk().await } else { open.talk().await };
        for line in script {
            // The other side may have had enough already.
            if talk.stream.try_write(line.as_bytes()).is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        drop(tokio::io::AsyncWriteExt::shutdown(&mut talk.stream).await);
        talk.rest().await
    });
    let mut promised = 0;
    for heard in futures_util::future::join_all(talks).await {
        for line in heard.lines() {
            let right = line.len() > 3 && line[..3].bytes().all(|byte| byte.is_ascii_digit());
            assert!(right && matches!(line.as_bytes()[3], b' ' | b'-'), "{heard}");
            promised += usize::from(line.contains("Accepted as"));
        }
    }
    assert_eq!(messages_of(&app, client.id).await.len(), promised, "one for each promise and none besides");
    let mut talk = trusted.talk().await;
    talk.expect("EHLO still.here", 250).await;
    println!("{} scripts, {promised} messages", scripts.len());
}
