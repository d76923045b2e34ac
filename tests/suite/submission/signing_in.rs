//! Signing in: by a mail program, by hand, wrongly, too often, and with credentials that are gone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use canopy::actions::delete_smtp_credential::delete_smtp_credential;
use canopy::actions::delete_sub_account::delete_sub_account;
use canopy::actions::key_grant::KeyHolder;
use chrono::TimeDelta;

use super::door::{Door, Login, NAMES, hand_in, letter, messages_of, program};
use crate::support::app::On;
use crate::support::certificates::Certificates;

const BOTH: [On; 2] = [On::Sqlite, On::Postgres];

#[tokio::test]
async fn a_mail_program_signs_in_inside_tls_and_hands_in_its_mail() {
    let certificates = Certificates::of(NAMES);
    for on in BOTH {
        let Some(app) = program(on, &certificates).await else { continue };
        let agency = app.agency("Program").await;
        let client = app.client(&agency, "program", 0).await;
        let login = Login::of(&app, client.id).await;
        let door = Door::of_clients(&app);
        for mechanism in ["PLAIN", "LOGIN"] {
            let program = door.program(&certificates, &login, mechanism);
            let (to, raw) = (["you@example.org", "they@example.org"], letter("hello@program.example"));
            let said = program.send("bounces@elsewhere.example", &to, raw.as_bytes()).await;
            assert!(said.code == 250 && said.text.contains("Accepted as"), "{mechanism}: {said:?}");
        }
        assert_eq!(messages_of(&app, client.id).await.len(), 4);
        let wrong = Login { password: "x".repeat(40), ..login };
        let refused = door.program(&certificates, &wrong, "PLAIN").send("", &[], b"").await;
        assert_eq!(refused.code, 535, "{refused:?}");
    }
}

#[tokio::test]
async fn nothing_is_taken_before_tls_and_signing_in() {
    let certificates = Certificates::of(NAMES);
    let app = program(On::Sqlite, &certificates).await.expect("SQLite is always there");
    let agency = app.agency("Before").await;
    let client = app.client(&agency, "before", 0).await;
    let login = Login::of(&app, client.id).await;
    let door = Door::of_clients(&app);
    let mut talk = door.talk().await;
    let offered = talk.say("EHLO client.test").await;
    assert!(offered.contains("STARTTLS") && !offered.contains("AUTH"), "{offered}");
    talk.expect(&login.plain(), 538).await;
    talk.expect("MAIL FROM:<hello@before.example>", 530).await;
    talk.expect("RCPT TO:<you@example.org>", 530).await;
    talk.expect("DATA", 530).await;
    let mut talk = door.secure(&certificates).await;
    let offered = talk.say("EHLO client.test").await;
    assert!(offered.contains("AUTH PLAIN LOGIN") && !offered.contains("STARTTLS"), "{offered}");
    talk.expect("MAIL FROM:<hello@before.example>", 530).await;
    talk.expect("AUTH CRAM-MD5", 504).await;
    talk.expect("AUTH PLAIN %%%", 501).await;
    talk.expect("AUTH LOGIN", 334).await;
    talk.expect("*", 501).await;
    talk.expect("AUTH PLAIN", 334).await;
    let plain = login.plain();
    talk.expect(plain.rsplit(' ').next().expect("a word"), 235).await;
    talk.expect(&plain, 503).await;
    let reply = hand_in(&mut talk, "x@y.example", &["you@example.org"], &letter("hello@before.example")).await;
    assert!(reply.starts_with("250 "), "{reply}");
}

#[tokio::test]
async fn a_name_or_password_with_nul_in_it_is_not_understood_and_the_conversation_goes_on() {
    let certificates = Certificates::of(NAMES);
    for on in BOTH {
        let Some(app) = program(on, &certificates).await else { continue };
        let agency = app.agency("Nul").await;
        let client = app.client(&agency, "nul", 0).await;
        let login = Login::of(&app, client.id).await;
        let door = Door::of_clients(&app);
        let mut talk = door.secure(&certificates).await;
        talk.expect("EHLO a\0b", 500).await;
        talk.expect("EHLO client.test", 250).await;
        for (name, password) in [("a\0b", "x"), ("a", "x\0y"), ("\0", "\0")] {
            talk.expect(&format!("AUTH LOGIN {}", STANDARD.encode(name)), 334).await;
            talk.expect(&STANDARD.encode(password), 501).await;
        }
        talk.expect(&format!("AUTH PLAIN {}", STANDARD.encode("\0a\0b\0c")), 501).await;
        talk.expect(&login.plain(), 235).await;
        talk.expect("MAIL FROM:<a\0b@nul.example>", 500).await;
        talk.expect("MAIL FROM:<hello@nul.example>", 250).await;
        talk.expect("RCPT TO:<a\0b@example.org>", 500).await;
        talk.expect("RCPT TO:<you@example.org>", 250).await;
        talk.expect("DATA", 354).await;
        let subject = "=?utf-8?Q?a=00b?=";
        let letter = format!("From: hello@nul.example\r\nSubject: {subject}\r\nahasend-tags: x\r\n\r\nx\r\n.");
        talk.expect(&letter, 250).await;
        let kept = messages_of(&app, client.id).await;
        assert_eq!((kept.len(), kept[0].subject.as_str()), (1, "a b"));
    }
}

#[tokio::test]
async fn whatever_was_wrong_the_answer_is_the_same_and_too_many_tries_are_not_looked_at() {
    let certificates = Certificates::of(NAMES);
    for on in BOTH {
        let Some(app) = program(on, &certificates).await else { continue };
        let agency = app.agency("Guess").await;
        let client = app.client(&agency, "guess", 0).await;
        let (login, gone) = (Login::of(&app, client.id).await, Login::of(&app, client.id).await);
        let (account, id) = (client.id, gone.id);
        app.write(move |conn, cx| delete_smtp_credential(conn, cx, KeyHolder::Own(account), id)).await;
        let door = Door::of_clients(&app);
        let unknown = Login { name: "smtp-nobody".into(), ..login.clone() };
        let wrong = Login { password: "wrong".into(), ..login.clone() };
        let mut talk = door.secure(&certificates).await;
        let mut heard = Vec::new();
        for login in [&unknown, &wrong, &gone] {
            heard.push(talk.say(&login.plain()).await);
        }
        assert!(heard[0].starts_with("535 5.7.8 ") && heard.iter().all(|reply| *reply == heard[0]), "{heard:?}");
        assert_eq!(talk.rest().await, "", "three are enough for one conversation");
        let mut tries = 1;
        loop {
            let mut talk = door.secure(&certificates).await;
            let reply = talk.say(&wrong.plain()).await;
            if reply.starts_with("454 4.7.0 ") {
                break;
            }
            assert!(reply.starts_with("535 "), "{reply}");
            tries += 1;
        }
        assert_eq!(tries, 10, "of one name from one address");
        let mut talk = door.secure(&certificates).await;
        talk.expect(&login.plain(), 454).await;
        app.app.clock.step(TimeDelta::minutes(16));
        let mut talk = door.secure(&certificates).await;
        talk.expect(&login.plain(), 235).await;
    }
}

#[tokio::test]
async fn deleted_credentials_and_accounts_end_open_conversations_at_their_next_command() {
    let certificates = Certificates::of(NAMES);
    for on in BOTH {
        let Some(app) = program(on, &certificates).await else { continue };
        let agency = app.agency("Gone").await;
        let client = app.client(&agency, "gone", 0).await;
        let (one, other) = (Login::of(&app, client.id).await, Login::of(&app, client.id).await);
        let door = Door::of_clients(&app);
        let (mut first, mut second) = (door.secure(&certificates).await, door.secure(&certificates).await);
        first.expect(&one.plain(), 235).await;
        second.expect(&other.plain(), 235).await;
        let (account, id, parent) = (client.id, one.id, agency.id);
        app.write(move |conn, cx| delete_smtp_credential(conn, cx, KeyHolder::Own(account), id)).await;
        first.expect("MAIL FROM:<hello@gone.example>", 535).await;
        assert_eq!(first.rest().await, "");
        second.expect("MAIL FROM:<hello@gone.example>", 250).await;
        second.expect("RCPT TO:<you@example.org>", 250).await;
        second.expect("DATA", 354).await;
        app.write(move |conn, cx| delete_sub_account(conn, cx, parent, account)).await;
        second.expect(&format!("{}.", letter("hello@gone.example")), 535).await;
        let mut again = door.secure(&certificates).await;
        again.expect(&other.plain(), 535).await;
        assert!(messages_of(&app, client.id).await.is_empty());
    }
}

#[tokio::test]
async fn credentials_keep_to_their_domains_and_to_their_sandbox() {
    let certificates = Certificates::of(NAMES);
    for on in BOTH {
        let Some(app) = program(on, &certificates).await else { continue };
        let agency = app.agency("Bound").await;
        let client = app.client(&agency, "bound", 1).await;
        app.verified_domain(client.id, "second.example").await;
        let bound = Login::made(&app, client.id, false, Some(vec!["second.example".into()])).await;
        let sandboxed = Login::made(&app, client.id, true, None).await;
        let door = Door::of_clients(&app);
        let mut talk = door.secure(&certificates).await;
        talk.expect(&bound.plain(), 235).await;
        let reply = hand_in(&mut talk, "", &["you@example.org"], &letter("hello@bound.example")).await;
        assert!(reply.starts_with("550 5.7.1 ") && reply.contains("bound.example"), "{reply}");
        let reply = hand_in(&mut talk, "", &["you@example.org"], &letter("hello@second.example")).await;
        assert!(reply.starts_with("250 "), "{reply}");
        let mut talk = door.secure(&certificates).await;
        talk.expect(&format!("AUTH LOGIN {}", STANDARD.encode(&sandboxed.name)), 334).await;
        talk.expect(&STANDARD.encode(&sandboxed.password), 235).await;
        for asks in ["", "ahasend-sandbox: false\r\nahasend-sandbox-result: fail\r\n"] {
            let letter = format!("{asks}{}", letter("hello@bound.example"));
            assert!(hand_in(&mut talk, "", &["you@example.org"], &letter).await.starts_with("250 "));
        }
        let statuses: Vec<String> = messages_of(&app, client.id).await.into_iter().map(|row| row.status).collect();
        assert_eq!(statuses, ["sandbox_failed", "sandbox_delivered", "received"]);
    }
}
