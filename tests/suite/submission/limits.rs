//! What one message and one node can take, and what each refusal says.

use std::time::Duration;

use canopy::smtp::Limits;

use super::door::{Door, Login, NAMES, hand_in, letter, messages_of, program};
use crate::nodes::pressure::hold_the_writer;
use crate::support::app::{On, TestApp, on_both};
use crate::support::certificates::Certificates;

#[tokio::test]
async fn each_refusal_has_the_code_that_says_what_to_do() {
    on_both(|app| async move {
        let agency = app.agency("Codes").await;
        let client = app.client(&agency, "codes", 0).await;
        let door = Door::trusted(&app, client.id);
        let mut talk = door.talk().await;
        talk.expect("EHLO mailer.test", 250).await;
        for (message, code) in [
            (letter("hello@elsewhere.example"), "550 5.7.1 "),
            ("From: a@codes.example\r\nFrom: b@codes.example\r\n\r\nx\r\n".into(), "550 5.7.1 "),
            ("From: a@codes.example, b@codes.example\r\n\r\nx\r\n".into(), "550 5.7.1 "),
            ("From: a@evil.example <a@codes.example>\r\n\r\nx\r\n".into(), "550 5.7.1 "),
            ("From: a@codes.example\r\nno field\r\n\r\nx\r\n".into(), "554 5.6.0 "),
        ] {
            let reply = hand_in(&mut talk, "", &["you@example.org"], &message).await;
            assert!(reply.starts_with(code), "{message}: {reply}");
        }
        talk.expect("MAIL FROM:<> SIZE=20971521", 552).await;
        talk.expect("MAIL FROM:<> SIZE=20971520 BODY=8BITMIME AUTH=<>", 250).await;
        for to in ["nobody", "a@b@", "\"a b\"@example.org", "a@[127.0.0.1]"] {
            talk.expect(&format!("RCPT TO:<{to}>"), 553).await;
        }
        for number in 0..50 {
            talk.expect(&format!("RCPT TO:<to{number}@example.org>"), 250).await;
        }
        talk.expect("RCPT TO:<to50@example.org>", 452).await;
        talk.expect("DATA", 354).await;
        talk.expect(&format!("{}.", letter("hello@codes.example")), 250).await;
        assert_eq!(messages_of(&app, client.id).await.len(), 50);
    })
    .await;
}

#[tokio::test]
async fn a_message_that_is_too_large_is_read_to_its_end_and_refused_and_the_conversation_goes_on() {
    let certificates = Certificates::of(NAMES);
    let app = program(On::Sqlite, &certificates).await.expect("SQLite is always there");
    let agency = app.agency("Large").await;
    let client = app.client(&agency, "large", 0).await;
    let login = Login::of(&app, client.id).await;
    let limits = Limits { size: 10_000, kept: 10_000, overrun: 20_000, ..Limits::of_submission() };
    let door = Door::with(&app, limits);
    let mut talk = door.secure(&certificates).await;
    talk.expect(&login.plain(), 235).await;
    let sized = |lines: usize| format!("{}{}", letter("hello@large.example"), "x".repeat(98).add_line().repeat(lines));
    assert!(hand_in(&mut talk, "", &["you@example.org"], &sized(120)).await.starts_with("552 5.3.4 "));
    assert!(hand_in(&mut talk, "", &["you@example.org"], &sized(90)).await.starts_with("250 "));
    talk.expect("MAIL FROM:<>", 250).await;
    talk.expect("RCPT TO:<you@example.org>", 250).await;
    talk.expect("DATA", 354).await;
    talk.put(sized(400).as_bytes()).await;
    assert!(talk.rest().await.starts_with("552 5.3.4 "), "there is an end to patience");
    assert_eq!(messages_of(&app, client.id).await.len(), 1);
}

trait AddLine {
    fn add_line(&self) -> String;
}

impl AddLine for str {
    fn add_line(&self) -> String {
        format!("{self}\r\n")
    }
}

#[tokio::test]
async fn beyond_the_line_of_the_committer_clients_are_told_to_come_again_and_nothing_is_lost() {
    const SENDERS: usize = 20;
    let app = TestApp::start_with(On::Sqlite, |settings| settings.set("accept_line_requests", "2"))
        .await
        .expect("SQLite is always there");
    let agency = app.agency("Full").await;
    let client = app.client(&agency, "full", 0).await;
    let door = Door::trusted(&app, client.id);
    let writer = hold_the_writer(&app);
    let mut senders = Vec::new();
    for _ in 0..SENDERS {
        let mut talk = door.talk().await;
        senders.push(tokio::spawn(async move {
            talk.expect("EHLO mailer.test", 250).await;
            hand_in(&mut talk, "", &["you@example.org"], &letter("hello@full.example")).await
        }));
    }
    let deadline = std::time::Instant::now() + super::door::PATIENCE;
    while senders.iter().filter(|sender| sender.is_finished()).count() < SENDERS - 6 {
        assert!(std::time::Instant::now() < deadline, "those beyond the line wait");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(writer);
    let mut taken = 0;
    for sender in senders {
        let reply = sender.await.expect("it ends");
        assert!(reply.starts_with("250 ") || reply.starts_with("421 4.3.2 "), "{reply}");
        taken += usize::from(reply.starts_with("250 "));
    }
    assert!((1..=6).contains(&taken), "{taken}");
    assert_eq!(messages_of(&app, client.id).await.len(), taken);
}

#[tokio::test]
async fn a_client_that_falls_silent_is_let_go() {
    let app = TestApp::sqlite().await;
    let limits = Limits { command: Duration::from_millis(500), ..Limits::of_submission() };
    let door = Door::with(&app, limits);
    let mut talk = door.talk().await;
    assert!(talk.rest().await.starts_with("421 4.4.2 "));
}
