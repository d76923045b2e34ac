//! What was handed in arrives as it was, but for what is not for its recipients; and it is a message like any other.

use std::sync::Arc;

use canopy::jobs::Leader;
use canopy::models::{domains, messages};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::door::{Door, hand_in, letter, messages_of};
use crate::delivery::send_through;
use crate::support::app::{Client, TestApp, on_both};
use crate::support::dkim_verify::dkim_verify;
use crate::support::smtp_sink::SmtpSink;

/// Everything that must not change on its way: odd spaces, 8-bit text, dots, a file, a long line, blank lines at the end.
fn odd(from: &str) -> String {
    let file: String = (0..60).map(|line| format!("{}==\r\n", "QUJD".repeat(18).split_at(70 - line).0)).collect();
    format!(
        "Received: from inside by mailer; Tue, 24 Nov 2026 12:00:00 +0000\r\nX-Odd:   two  spaces \t\r\nFROM: Ann <{from}>\r\n\
         To: you@example.org,\r\n\tthey@example.org\r\nBcc: hidden@example.org\r\nMessage-ID: <own@mailer>\r\nDate: Tue, 24 Nov 2026 12:00:00 +0000\r\n\
         AhaSend-Tags: one, two\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=\"=_x\"\r\n\r\nahasend-tags: text\r\n--=_x\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 8bit\r\n\r\nGrüße  \r\n..dots\r\n{}\r\n--=_x\r\nContent-Type: application/octet-stream; name=a.bin\r\n\
         Content-Disposition: attachment; filename=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n{file}--=_x--\r\n\r\n\r\n",
        "long ".repeat(180)
    )
}

async fn api(app: &TestApp, client: &Client, id: &str) -> Value {
    let (status, body) = app.call("GET", &format!("/v2/accounts/{}/messages/{id}", client.id), &client.key, None).await;
    assert_eq!(status, 200, "{body}");
    body
}

#[tokio::test]
async fn a_message_arrives_byte_for_byte_signed_and_without_what_is_not_for_its_recipients() {
    on_both(|app| async move {
        let Some(sink) = SmtpSink::start() else { return };
        let agency = app.agency("Bytes").await;
        let client = app.client(&agency, "bytes", 0).await;
        send_through(&app, agency.id, &sink).await;
        let door = Door::trusted(&app, client.id);
        let mut talk = door.talk().await;
        talk.expect("EHLO mailer.test", 250).await;
        let written = odd("hello@bytes.example");
        // On the wire a dot at the beginning of a line is doubled.
        let wire = written.replace("\r\n.", "\r\n..");
        let reply = hand_in(&mut talk, "x@bytes.example", &["you@example.org", "They@Example.org"], &wire).await;
        assert!(reply.starts_with("250 2.0.0 Accepted as ") && reply.contains("@bytes.example and 1 more"), "{reply}");

        let rows = messages_of(&app, client.id).await;
        assert_eq!(rows.len(), 2);
        assert!(rows.iter().all(|row| row.content_id == rows[0].content_id), "stored once");
        assert!(rows.iter().all(|row| row.subject == "Grüße" && row.tags == r#"["one","two"]"#));
        assert_eq!(canopy::delivery::worker::run_once(&app.app).await, 2);
        for arrived in sink.wait_for(2).await {
            let text = String::from_utf8(arrived.content.clone()).expect("UTF-8");
            let row = rows.iter().find(|row| row.recipient == arrived.recipients[0]).expect("a message of ours");
            assert!(text.contains(&format!("\r\nMessage-ID: <{}>\r\n", row.header_id())), "{text}");
            assert!(!text.contains("own@mailer") && !text.contains("hidden@example.org") && !text.contains("AhaSend"));
            assert!(
                text.contains("\r\nReceived: from mailer.test\r\n\tby localhost (Canopy) with ESMTP id "),
                "{text}"
            );
            assert!(!text.contains("127.0.0.1"), "the client's address is told to nobody");
            let kept = written
                .replace("Bcc: hidden@example.org\r\n", "")
                .replace("Message-ID: <own@mailer>\r\n", "")
                .replace("AhaSend-Tags: one, two\r\n", "");
            // Blank lines at the very end may go on the way: a server that ends a message with CRLF adds none.
            assert!(text.trim_end().ends_with(kept.trim_end()), "{text}\n--- should end in\n{kept}");
            let (account, name) = (client.id, client.domain.clone());
            let domain = app.read(move |conn| Ok(domains::find(conn, account, &name)?)).await.expect("the domain");
            let record = format!("v=DKIM1; k=rsa; p={}", domain.dkim_public);
            let verdict = dkim_verify(&arrived.content, &[("canopy._domainkey.bytes.example", &record)]);
            assert!(verdict.is_none_or(|verdict| verdict == Ok(())), "{text}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_handed_in_is_shown_like_any_message_until_its_retention_ends() {
    on_both(|app| async move {
        let agency = app.agency("Shown").await;
        let client = app.client(&agency, "shown", 0).await;
        let door = Door::trusted(&app, client.id);
        let mut talk = door.talk().await;
        talk.expect("EHLO mailer.test", 250).await;
        hand_in(&mut talk, "", &["you@example.org"], &odd("hello@shown.example")).await;
        let row = messages_of(&app, client.id).await.remove(0);
        let shown = api(&app, &client, &row.header_id()).await;
        assert_eq!((shown["subject"].as_str(), shown["sender"].as_str()), (Some("Grüße"), Some("hello@shown.example")));
        assert_eq!(shown["tags"], json!(["one", "two"]));
        let content = shown["content"].as_str().expect("the message");
        assert!(content.contains("Content-Disposition: attachment; filename=a.bin"), "{content}");
        let parsed = &shown["content_parsed"];
        assert!(parsed["parts"][0]["content"].as_str().is_some_and(|text| text.contains("Grüße")), "{parsed}");
        assert_eq!(parsed["attachments"][0]["filename"], "a.bin", "{parsed}");
        assert_eq!(parsed["headers"]["Message-ID"], json!([format!("<{}>", row.header_id())]), "{parsed}");

        assert_eq!(canopy::delivery::worker::run_once(&app.app).await, 1);
        assert_eq!(api(&app, &client, &row.header_id()).await["status"], "Delivered");
        app.app.clock.step(TimeDelta::days(8));
        assert!(api(&app, &client, &row.header_id()).await.get("content").is_none(), "its retention is over");
        Leader::new(Arc::clone(&app.app)).round().await.expect("a round");
        let content = row.content_id;
        assert!(app.read(move |conn| Ok(messages::content(conn, content)?)).await.is_none(), "it is gone");
    })
    .await;
}

#[tokio::test]
async fn control_headers_are_obeyed_and_leave_no_trace() {
    on_both(|app| async move {
        let agency = app.agency("Control").await;
        let client = app.client(&agency, "control", 1).await;
        let door = Door::trusted(&app, client.id);
        let mut talk = door.talk().await;
        talk.expect("EHLO mailer.test", 250).await;
        let asking = format!(
            "AHASEND-Sandbox: true\r\nahasend-sandbox-RESULT: bounce\r\nAhasend-Track-Opens: false\r\nahasend-track-clicks: true\r\n\
             ahasend-metadata-retention: 3\r\nahasend-data-retention: 2\r\nahasend-tags: a,b\r\n{}",
            letter("hello@control.example")
        );
        for _ in 0..3 {
            hand_in(&mut talk, "", &["you@example.org"], &asking).await;
        }
        let rows = messages_of(&app, client.id).await;
        assert_eq!(rows.len(), 3, "the sandbox is not counted against the cap of one");
        let row = &rows[0];
        assert_eq!((row.status.as_str(), row.track_opens, row.track_clicks), ("sandbox_bounced", false, true));
        assert_eq!(row.tags, r#"["a","b"]"#);
        assert_eq!(row.retain_until, row.created_at + TimeDelta::days(2));
        let shown = api(&app, &client, &row.header_id()).await["content"].as_str().expect("shown").to_lowercase();
        assert!(!shown.contains("ahasend"), "{shown}");
        for (wrong, code) in [("ahasend-sandbox: perhaps", "554 5.6.0"), ("ahasend-tags: 1,2,3,4,5,6,7,8,9,10,11", "554 5.6.0")] {
            let refused = format!("{wrong}\r\n{}", letter("hello@control.example"));
            let reply = hand_in(&mut talk, "", &["you@example.org"], &refused).await;
            assert!(reply.starts_with(code) && reply.contains("ahasend-"), "{reply}");
        }
    })
    .await;
}

#[tokio::test]
async fn suppressed_recipients_are_kept_as_such_and_the_others_are_sent_to() {
    on_both(|app| async move {
        let agency = app.agency("Suppressed").await;
        let client = app.client(&agency, "suppressed", 0).await;
        let path = format!("/v2/accounts/{}/suppressions", client.id);
        let until = (app.app.clock.now() + TimeDelta::days(3)).to_rfc3339();
        let body = json!({ "email": "No@example.org", "expires_at": until, "reason": "asked" });
        assert_eq!(app.call("POST", &path, &client.key, Some(&body)).await.0, 201);
        let door = Door::trusted(&app, client.id);
        let mut talk = door.talk().await;
        talk.expect("EHLO mailer.test", 250).await;
        let to = ["no@example.org", "yes@example.org", "YES@example.org"];
        let reply = hand_in(&mut talk, "", &to, &letter("hello@suppressed.example")).await;
        assert!(reply.starts_with("250 "), "{reply}");
        let mut statuses: Vec<(String, String)> =
            messages_of(&app, client.id).await.into_iter().map(|row| (row.recipient, row.status)).collect();
        statuses.sort();
        let expected = [("no@example.org", "suppressed"), ("yes@example.org", "received")];
        assert_eq!(
            statuses,
            expected.map(|(who, what)| (who.to_owned(), what.to_owned())),
            "nobody is written to twice"
        );
    })
    .await;
}
