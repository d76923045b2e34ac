//! Letters to postmaster and abuse: passed on to the operator, or refused where there is none.

use std::sync::Arc;

use canopy::actions::ActionResult;
use canopy::actions::pass_on_letter::pass_on_letter;
use canopy::app::App;
use canopy::config::Settings;
use canopy::domain::returned::operator::read;
use canopy::jobs::send_due;
use canopy::smtp::Limits;
use chrono::TimeDelta;
use futures_util::future::join_all;

use super::mx::{Mx, refused};
use crate::support::app::{On, TestApp, on_both};
use crate::support::smtp_sink::SmtpSink;

const OPERATOR: &str = "olga@operator.example";
const OWN: [&str; 4] = ["postmaster", "PostMaster@bounces.canopy.example", "abuse@fbl.example", "abuse@mx.example"];

fn hosts(settings: &mut Settings) {
    settings.set("return_path_host", "bounces.canopy.example");
    settings.set("complaint_address", "complaints@fbl.example");
    settings.set("host_name", "mx.example");
}

fn letter(extra: &str) -> String {
    format!("From: Ann <ann@abroad.example>\r\nSubject: <b>Spam</b> from you\r\n{extra}\r\nPlease <stop>.\r\n.")
}

#[tokio::test]
async fn letters_reach_the_operator_from_nobody_and_what_a_machine_wrote_goes_no_further() {
    for on in [On::Sqlite, On::Postgres] {
        let Some(sink) = SmtpSink::start() else { return };
        let port = sink.port();
        let options = move |settings: &mut Settings| {
            hosts(settings);
            settings.set("operator_address", OPERATOR);
            settings.set("system_mail", format!("smtp://127.0.0.1:{port}"));
        };
        let Some(app) = TestApp::start_with(on, options).await else { continue };
        let mut mx = Mx::of(&app);
        let mut talk = mx.talk().await;
        talk.expect("EHLO abroad.example", 250).await;
        for (from, extra) in [
            ("ann@abroad.example", ""),
            ("", ""),
            ("ann@abroad.example", "Auto-Submitted: auto-generated\r\n"),
            ("ann@abroad.example", "Auto-Submitted: no\r\n"),
        ] {
            talk.expect(&format!("MAIL FROM:<{from}>"), 250).await;
            for to in OWN {
                talk.expect(&format!("RCPT TO:<{to}>"), 250).await;
            }
            talk.expect("RCPT TO:<complaints@fbl.example>", 452).await;
            talk.expect("RCPT TO:<abuse@elsewhere.example>", 550).await;
            talk.expect("DATA", 354).await;
            talk.expect(&letter(extra), 250).await;
        }
        while send_due(&app.app).await.expect("sent") > 0 {}
        let arrived = sink.wait_for(2).await;
        assert_eq!(arrived.len(), 2, "one a letter, whatever the number of its recipients");
        for mail in &arrived {
            assert_eq!((mail.sender.as_str(), mail.recipients.as_slice()), ("<>", &[OPERATOR.to_owned()][..]));
            let text = mail.text();
            for words in [
                "For the operator: <b>Spam</b> from you",
                "Auto-Submitted: auto-generated",
                "127.0.0.1",
                "Please <stop>.",
            ] {
                assert!(text.contains(words), "{words} in {text}");
            }
            assert!(text.contains("Please &lt;stop&gt;."), "{text}");
        }
        mx.stop();
        let refused = refused(&app).await;
        assert_eq!((refused["unreadable"], refused["relay"]), (2, 4), "{refused:?}");
    }
}

#[tokio::test]
async fn without_an_operator_they_are_refused_in_words_that_say_so() {
    on_both(|app| async move {
        let mut mx = Mx::of(&app);
        let mut talk = mx.talk().await;
        talk.expect("EHLO abroad.example", 250).await;
        talk.expect("MAIL FROM:<ann@abroad.example>", 250).await;
        let host = app.app.config.platform.return_path.clone();
        for to in ["Postmaster".to_owned(), format!("postmaster@{host}"), format!("ABUSE@{host}")] {
            let reply = talk.say(&format!("RCPT TO:<{to}>")).await;
            assert!(reply.starts_with("550 5.1.1 The operator"), "{to}: {reply}");
        }
        talk.expect("DATA", 554).await;
        mx.stop();
        assert_eq!(refused(&app).await["relay"], 3);
        assert!(app.outbox().await.is_empty());
    })
    .await;
}

/// Hands in `letters` letters; answers how many were taken, and fails on any other answer than "later".
async fn hand_in(mx: &Mx, letters: usize) -> usize {
    let mut talk = mx.talk().await;
    talk.expect("EHLO abroad.example", 250).await;
    let mut taken = 0;
    for _ in 0..letters {
        talk.expect("MAIL FROM:<ann@abroad.example>", 250).await;
        talk.expect("RCPT TO:<postmaster>", 250).await;
        talk.expect("DATA", 354).await;
        let reply = talk.say(&letter("")).await;
        assert!(reply.starts_with("250 ") || reply.starts_with("451 4.3.2 So many letters"), "{reply}");
        taken += usize::from(reply.starts_with("250 "));
    }
    taken
}

#[tokio::test]
async fn more_than_thirty_letters_an_hour_are_asked_to_come_later_whichever_node_they_come_to() {
    for on in [On::Sqlite, On::Postgres] {
        let options = |settings: &mut Settings| settings.set("operator_address", OPERATOR);
        let Some(app) = TestApp::start_with(on, options).await else { continue };
        let second = app.second_node();
        let (mut here, mut there) = (Mx::of(&app), Mx::of_node(&second, Limits::default()));
        assert_eq!((hand_in(&here, 20).await, hand_in(&there, 12).await), (20, 10));
        assert_eq!(hand_in(&here, 1).await, 0);
        assert_eq!(app.outbox().await.len(), 30);
        // An hour after the first ones there is room again.
        app.app.clock.step(TimeDelta::minutes(59));
        assert_eq!(hand_in(&here, 1).await, 0);
        app.app.clock.step(TimeDelta::minutes(2));
        assert_eq!(hand_in(&here, 40).await, 30);
        here.stop();
        there.stop();
        assert_eq!(refused(&app).await["limit"], 2 + 1 + 1 + 10);
    }
}

/// Hands a letter to a node past its listener; whether there was room.
async fn pass(node: Arc<App>) -> ActionResult<bool> {
    let (now, services) = (node.clock.now(), Arc::clone(&node.services));
    let (letter, people) = (read(letter("").as_bytes()), ("ann@abroad.example", "192.0.2.1"));
    node.write(move |conn| pass_on_letter(conn, now, &services, OPERATOR, people, &letter)).await
}

#[tokio::test]
async fn letters_that_come_to_two_nodes_at_once_take_no_place_twice() {
    on_both(|app| async move {
        let nodes = [Arc::clone(&app.app), app.second_node()];
        let all = join_all((0..60).map(|n| pass(Arc::clone(&nodes[n % 2])))).await;
        let mut taken = all.into_iter().filter(|one| *one.as_ref().expect("the database answers")).count();
        assert!((1..=30).contains(&taken), "{taken}");
        // Whoever met too many others at once comes again.
        for _ in 0..40 {
            taken += usize::from(pass(Arc::clone(&nodes[0])).await.expect("the database answers"));
        }
        assert_eq!((taken, app.outbox().await.len()), (30, 30));
    })
    .await;
}
