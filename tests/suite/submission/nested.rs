//! Messages within messages: how deep they may lie, and that older ones which lie deeper are shown without harm.

use canopy::actions::accept_message::{Outcome, Prepared};

use super::door::{Door, hand_in, letter, messages_of};
use crate::support::app::{on_both, prepared};
use crate::support::visitor::Visitor;

/// A message that lies `depth` deep in others.
fn forwarded(from: &str, depth: usize) -> String {
    format!("From: {from}\r\n{}Subject: inside\r\n\r\nx\r\n", "Content-Type: message/rfc822\r\n\r\n".repeat(depth))
}

/// Parts that lie `depth` deep in others.
fn parted(from: &str, depth: usize) -> String {
    let open = |at| format!("Content-Type: multipart/mixed; boundary=b{at}\r\n\r\n--b{at}\r\n");
    format!("From: {from}\r\n{}\r\nx\r\n", (0..depth).map(open).collect::<String>())
}

#[tokio::test]
async fn messages_nested_beyond_fifty_get_552_and_nested_less_are_taken() {
    on_both(|app| async move {
        let agency = app.agency("Nested").await;
        let client = app.client(&agency, "nested", 0).await;
        let door = Door::trusted(&app, client.id);
        let mut talk = door.talk().await;
        talk.expect("EHLO mailer.test", 250).await;
        for make in [forwarded, parted] {
            for depth in [51, 40_000] {
                let reply = hand_in(&mut talk, "", &["you@example.org"], &make("hello@nested.example", depth)).await;
                assert!(reply.starts_with("552 5.3.4 ") && reply.contains("more than 50 deep"), "{reply}");
            }
            let reply = hand_in(&mut talk, "", &["you@example.org"], &make("hello@nested.example", 50)).await;
            assert!(reply.starts_with("250 "), "{reply}");
        }
        let reply = hand_in(&mut talk, "", &["you@example.org"], &letter("hello@nested.example")).await;
        assert!(reply.starts_with("250 "), "{reply}");
        assert_eq!(messages_of(&app, client.id).await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_message_stored_before_there_was_a_bound_is_shown_by_api_and_page() {
    on_both(|app| async move {
        let agency = app.agency("Stored").await;
        let client = app.client(&agency, "stored", 0).await;
        app.member(client.id, "dev@stored.example", "developer").await;
        let person = Visitor::signed_in(&app, "dev@stored.example").await;
        for make in [forwarded, parted] {
            let raw = make("hello@stored.example", 40_000).into_bytes();
            let old = Prepared { contents: vec![raw], is_raw: true, ..prepared(&client, &["you@example.org"]) };
            let taken = app.app.committer.accept(old).await.expect("accepted");
            let Outcome::Queued { id } = taken.entries[0].outcome else { panic!("it is queued") };

            let path = format!("/v2/accounts/{}/messages/{id}", client.id);
            let (status, shown) = app.call("GET", &path, &client.key, None).await;
            assert_eq!(status, 200, "{shown}");
            let files = shown["content_parsed"]["attachments"].as_array().map(Vec::len);
            assert_eq!(files, Some(1), "what lies deep is one file");
            let page = person.get(&format!("/account/messages/{id}")).await.ok();
            assert!(page.contains("you@example.org"), "{page}");
        }
        assert_eq!(app.call("GET", "/v2/ping", &client.key, None).await.0, 200, "everybody goes on");
    })
    .await;
}
