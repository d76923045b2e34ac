//! Letters to postmaster and abuse: passed on to the operator, or refused where there is none.

use canopy::config::Settings;
use canopy::jobs::send_due;

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

#[tokio::test]
async fn more_than_thirty_letters_an_hour_are_asked_to_come_later() {
    let options = |settings: &mut Settings| settings.set("operator_address", OPERATOR);
    let app = TestApp::start_with(On::Sqlite, options).await.expect("SQLite is always there");
    let mut mx = Mx::of(&app);
    let mut talk = mx.talk().await;
    talk.expect("EHLO abroad.example", 250).await;
    for count in 1..=32 {
        talk.expect("MAIL FROM:<ann@abroad.example>", 250).await;
        talk.expect("RCPT TO:<postmaster>", 250).await;
        talk.expect("DATA", 354).await;
        talk.expect(&letter(""), if count <= 30 { 250 } else { 451 }).await;
    }
    assert_eq!(app.outbox().await.len(), 30);
    mx.stop();
    assert_eq!(refused(&app).await["limit"], 2);
}
