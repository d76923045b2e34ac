//! A transport that is set on its page carries a test message through a real mail server, and the message's page tells
//! what came of it: taken, turned away at sign-in, without the encryption that was asked for, refused in words.

use canopy::delivery::worker;

use crate::support::app::{TestApp, on_both};
use crate::support::smtp_sink::{Behaviour, SmtpSink};
use crate::support::visitor::Visitor;

/// Sends a test and makes the attempt; answers the page of the message.
async fn tested(app: &TestApp, dev: &Visitor) -> String {
    let sent = dev.fill("/account/test", &[("domain", "wired.example")]).await;
    assert_eq!(sent.status, 303, "{}", sent.html);
    assert_eq!(worker::run_once(&app.app).await, 1);
    dev.get(&sent.location).await.ok()
}

#[tokio::test]
async fn a_test_message_shows_what_the_server_of_the_saved_transport_answered() {
    on_both(|app| async move {
        let Some(sink) = SmtpSink::with_login("post", "the right one") else { return };
        let agency = app.agency("wires").await;
        let client = app.client(&agency, "wired", 0).await;
        app.member(client.id, "dev@wired.example", "developer").await;
        let (owner, dev) =
            (Visitor::signed_in(&app, &agency.email).await, Visitor::signed_in(&app, "dev@wired.example").await);
        let (path, port) = (format!("/sub-accounts/{}/transport", client.id), sink.port().to_string());
        let save = async |tls: &str, password: &str| {
            let fields = [
                ("host", "127.0.0.1"),
                ("port", port.as_str()),
                ("tls", tls),
                ("username", "post"),
                ("password", password),
            ];
            owner.fill_and_follow(&path, &fields).await
        };

        assert!(save("none", "the right one").await.contains(&format!("leaves through 127.0.0.1:{port}")));
        let page = tested(&app, &dev).await;
        assert!(page.contains("Delivered") && page.contains("2.0.0 taken"), "{page}");
        let taken = sink.messages();
        assert_eq!((taken.len(), taken[0].login.as_deref()), (1, Some("post")));
        assert_eq!(taken[0].recipients, ["dev@wired.example"]);

        save("none", "a wrong one").await;
        let page = tested(&app, &dev).await;
        assert!(page.contains("it refused our sign-in") && page.contains("535"), "{page}");
        assert!(!page.contains("a wrong one"), "a secret is on the page");

        save("starttls", "the right one").await;
        let page = tested(&app, &dev).await;
        assert!(page.contains("it offers no STARTTLS"), "{page}");
        assert_eq!(sink.messages().len(), 1, "nothing left without the encryption that was asked for");

        save("none", "the right one").await;
        sink.set("dev@wired.example", Behaviour::RefuseRecipient("550 5.7.1 We take nothing from wired")).await;
        let page = tested(&app, &dev).await;
        assert!(page.contains("We take nothing from wired") && page.contains("550"), "{page}");
    })
    .await;
}
