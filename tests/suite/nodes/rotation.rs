//! A new first key in `secret_key`, with the old one behind it: whatever was signed and sealed before goes on working.

use canopy::actions::add_user::{NewUser, add_user};
use canopy::actions::choose_transport::choose_transport;
use canopy::actions::create_transport::create_transport;
use canopy::actions::transport_changes::TransportChanges;
use canopy::actions::{notify, return_path, set_up, share_domain};
use canopy::app::App;
use canopy::clock::Clock;
use canopy::delivery::worker;
use canopy::domain::email_address::EmailAddress;
use canopy::domain::ids::Id;
use canopy::domain::return_path::ReturnAddress;
use canopy::domain::role::Role;
use canopy::domain::text::{PersonName, TransportName};
use canopy::domain::transport::{RelayHost, Tls, TransportKind};
use canopy::models::system_mails;
use canopy::secrets::SecretKeys;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::support::app::{Client, PASSWORD, TestApp, on_both};
use crate::support::node::Node;
use crate::support::smtp_sink::SmtpSink;
use crate::support::visitor::Visitor;

/// A node with this `secret_key` over the same database.
async fn node(app: &TestApp, keys: &str) -> Node {
    Node::start(
        app,
        &[("CANOPY_SECRET_KEY", keys), ("CANOPY_PUBLIC_URL", "http://canopy.test"), ("CANOPY_ROLES", "web")],
    )
    .await
}

/// The key that `app` began with, a new one, and both, the new one first.
fn rotated(app: &TestApp) -> (String, String) {
    let old = app.app.config.secret_key.expose_secret().to_owned();
    let new = SecretKeys::generate().1.replacen("1:", "2:", 1);
    let both = format!("{new}, {old}");
    (new, both)
}

/// The newest link to `place` that was mailed to `email`, opened with the keys of `app`.
async fn mailed(app: &TestApp, opened_by: &App, email: &str, place: &str) -> String {
    let services = opened_by.services.clone();
    for _ in 0..200 {
        let (now, reader) = (app.app.clock.now().naive_utc(), email.to_owned());
        let mails = app.write(move |conn, _| Ok(system_mails::claim(conn, now, now, 50)?)).await;
        if let Some(mail) = mails.iter().rfind(|mail| mail.recipient == reader) {
            let text = notify::open(&services, mail).expect("a mail sealed before opens").text;
            let link = text.split_whitespace().find(|word| word.contains(place)).expect("a link");
            return link.trim_start_matches("http://canopy.test").to_owned();
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("no mail to {email}");
}

/// A transport that signs in with a password.
async fn relay(app: &TestApp, account: Id, port: u16) {
    let services = app.app.services.clone();
    app.write(move |conn, cx| {
        let changes = TransportChanges {
            name: Some(TransportName::parse("relay").expect("a name")),
            kind: Some(TransportKind::Relay),
            host: Some(RelayHost::parse("127.0.0.1").expect("a host")),
            port: Some(port),
            tls: Some(Tls::None),
            username: Some("relay-user".into()),
            password: Some("relay-secret".into()),
            ..TransportChanges::default()
        };
        let row = create_transport(conn, cx, &services, account, &changes)?;
        choose_transport(conn, cx, account, account, Some(row.id))
    })
    .await;
}

async fn invited(app: &TestApp, account: Id) -> String {
    let token = app
        .write(move |conn, cx| {
            let new = NewUser {
                email: EmailAddress::parse("ana@alder.example").expect("an address"),
                name: PersonName::parse("Ana").expect("a name"),
                role: Role::Administrator,
                password_hash: None,
            };
            Ok(add_user(conn, cx, account, new)?.invitation.expect("a link"))
        })
        .await;
    format!("/invite/{}", token.as_str())
}

#[tokio::test]
async fn everything_signed_or_sealed_before_a_rotation_holds_after_it() {
    on_both(|app| async move {
        let Some(sink) = SmtpSink::with_login("relay-user", "relay-secret") else { return };
        let (new, both) = rotated(&app);
        let after = node(&app, &both).await;
        let mut config = app.app.config.clone();
        config.secret_key = both.clone().into();
        let worker_after = App::start(config, Clock::default(), app.app.dns.clone()).expect("it starts");

        // The set-up link of an empty installation.
        let offered = app.write(set_up::offer).await.expect("an empty database");
        assert_eq!(after.status(&format!("/setup/{}", offered.as_str())).await, 200);

        // Before: a session, a stored answer, a message in the queue, a password, links.
        let agency = app.agency("harbor").await;
        let client = app.client(&agency, "alder", 0).await;
        relay(&app, agency.id, sink.port()).await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let (answer, body, path) = sent_once(&app, &client).await;
        let invitation = invited(&app, client.id).await;
        owner
            .fill("/settings/profile/email", &[("email", "maya@harbor.example"), ("current_password", PASSWORD)])
            .await;
        Visitor::new(&app).submit("/forgot", "/forgot", &[("email", &agency.email)]).await;
        let (account, services) = (client.id, app.app.services.clone());
        let shared = app
            .write(move |conn, cx| {
                let domain = share_domain::share_domain(conn, cx, &services, account, "alder.example")?;
                Ok(share_domain::share_token(&services, &domain)?.expect("a link"))
            })
            .await;
        let reset = mailed(&app, &worker_after, &agency.email, "/reset/").await;

        // After: the same person, the same answer.
        let there = owner.at(&after.url);
        let page = there.get("/settings/profile").await;
        assert_eq!(page.status, 200, "still signed in");
        assert!(page.cookie("canopy").is_some(), "and the cookie is signed by the new key from now on");
        assert!(there.get("/settings/profile").await.cookie("canopy").is_none(), "once");
        let again = app
            .http
            .post(format!("{}{path}", after.url))
            .bearer_auth(&client.key)
            .header("Idempotency-Key", "before")
            .json(&body)
            .send()
            .await
            .expect("an answer");
        assert_eq!(again.headers().get("idempotent-replayed").and_then(|value| value.to_str().ok()), Some("true"));
        assert_eq!(again.text().await.expect("a text"), answer);

        // The message leaves signed with its domain's key, through the transport's password.
        assert_eq!(worker::run_once(&worker_after).await, 1);
        let arrived = sink.wait_for(1).await.remove(0);
        assert!(arrived.text().contains("DKIM-Signature:"), "{}", arrived.text());
        addresses_hold(&app, &worker_after, &arrived.sender);

        // Links that were mailed or shown before.
        for link in [invitation.as_str(), reset.as_str(), &format!("/dns/{shared}")] {
            assert_eq!(after.status(link).await, 200, "{link}");
        }
        there.get("/sub-accounts").await.shows("alder");
        let domain = there.get(&format!("/sub-accounts/{}/domains/alder.example", client.id)).await;
        domain.shows(&format!("/dns/{shared}"));

        // When the old key is taken away, whoever came by in between is still signed in.
        let last = node(&app, &new).await;
        assert_eq!(owner.at(&last.url).get("/settings/profile").await.status, 200);
    })
    .await;
}

/// The link to a new address carries it sealed, and signs nothing else.
#[tokio::test]
async fn the_link_to_a_new_address_that_was_mailed_before_a_rotation_works_after_it() {
    on_both(|app| async move {
        let (_, both) = rotated(&app);
        let after = node(&app, &both).await;
        let agency = app.agency("harbor").await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        owner
            .fill("/settings/profile/email", &[("email", "maya@harbor.example"), ("current_password", PASSWORD)])
            .await;
        let link = mailed(&app, &app.app, "maya@harbor.example", "/settings/profile/email/").await;
        let there = owner.at(&after.url);
        assert_eq!(there.get(&link).await.location, "/settings/profile");
        there.get("/settings/profile").await.shows("maya@harbor.example");
    })
    .await;
}

/// Sends one message under an idempotency key; answers what was said, what was asked, and where.
async fn sent_once(app: &TestApp, client: &Client) -> (String, serde_json::Value, String) {
    let path = format!("/v2/accounts/{}/messages", client.id);
    let body = json!({ "from": { "email": "hello@alder.example" }, "recipients": [{ "email": "ann@example.org" }],
                       "subject": "Hello", "text_content": "Hello" });
    let answer = app.send("POST", &path, &client.key, Some(&body), &[("Idempotency-Key", "before")]).await;
    assert_eq!(answer.status(), 202);
    (answer.text().await.expect("a text"), body, path)
}

/// Return paths and addresses for complaints: those made before hold after it, and the other way round while both are
/// known.
fn addresses_hold(app: &TestApp, after: &App, new_sender: &str) {
    let (old, both) = (&app.app.services.secrets, &after.services.secrets);
    let message = Id::new(app.app.clock.now());
    let host = "bounces.canopy.example";
    for made in [return_path::bounce_address(old, message, host), return_path::complaint_address(old, message, host)] {
        let address = ReturnAddress::parse(&made).expect("an address");
        assert_eq!(return_path::verify(both, &address), Some(message), "{made}");
    }
    let address = ReturnAddress::parse(new_sender).expect("a return path");
    assert!(return_path::verify(both, &address).is_some());
    assert!(return_path::verify(old, &address).is_none(), "the new key signs");
}

/// What a stranger's form is checked by is derived from the key that was first when its page was drawn.
#[tokio::test]
async fn a_form_that_a_stranger_opened_before_a_rotation_is_taken_after_it_while_the_old_key_is_there() {
    on_both(|app| async move {
        let (new, both) = rotated(&app);
        let (after, last) = (node(&app, &both).await, node(&app, &new).await);
        let agency = app.agency("harbor").await;
        let stranger = Visitor::new(&app);
        let token = stranger.get("/sign-in").await.token();
        let fields = [("csrf_token", token.as_str()), ("email", agency.email.as_str()), ("password", "not it at all")];
        assert_eq!(stranger.at(&last.url).post("/sign-in", &fields).await.status, 403, "the old key is gone");
        let again = Visitor::new(&app);
        let token = again.get("/sign-in").await.token();
        let fields = [("csrf_token", token.as_str()), ("email", agency.email.as_str()), ("password", PASSWORD)];
        assert_eq!(again.at(&after.url).post("/sign-in", &fields).await.status, 303);
    })
    .await;
}
