//! Messages leave: signed so that others agree, through the account's transport.

use canopy::actions::choose_transport::choose_transport;
use canopy::actions::return_path;
use canopy::actions::transport_changes::TransportChanges;
use canopy::domain::return_path::{Mark, Purpose, ReturnAddress};
use canopy::domain::transport::Tls;
use canopy::jobs::sweep_mailbox;
use canopy::models::{domains, usage};
use chrono::TimeDelta;

use super::{accept, attempts, choose_new, counter_of, deliver, message, queued, send_through, to_port};
use crate::support::app::on_both;
use crate::support::dkim_verify::dkim_verify;
use crate::support::smtp_sink::SmtpSink;

#[tokio::test]
async fn a_message_arrives_at_the_smarthost_with_a_signature_that_an_independent_verifier_accepts() {
    on_both(|app| async move {
        let Some(sink) = SmtpSink::start() else { return };
        let agency = app.agency("Smarthost").await;
        let client = app.client(&agency, "smarthost", 0).await;
        send_through(&app, agency.id, &sink).await;
        let id = accept(&app, &client, &["ann@example.org"]).await[0];
        assert_eq!(deliver(&app).await, 1);
        let arrived = sink.wait_for(1).await.remove(0);
        assert_eq!(arrived.recipients, ["ann@example.org"]);
        let address = ReturnAddress::parse(&arrived.sender).expect("a return path of its own");
        assert_eq!(address.host, "bounces.canopy.example", "the platform's, while the domain has none");
        let secrets = &app.app.services.secrets;
        assert_eq!(return_path::verify(secrets, &address), Some(id));
        let text = arrived.text();
        let header = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).expect(name);
            line.trim().to_owned()
        };
        let mark = Mark::parse(&header("X-Canopy-Id:")).expect("a mark");
        assert_eq!(return_path::verify_mark(secrets, &mark), Some(id));
        assert!(header("Feedback-ID:").starts_with(&format!("{mark}:")), "{text}");
        let complaints = header("CFBL-Address:");
        let complaints = ReturnAddress::parse(complaints.trim_end_matches("; report=arf")).expect("an address");
        assert_eq!((complaints.purpose, return_path::verify(secrets, &complaints)), (Purpose::Complaint, Some(id)));
        assert!(text.contains(&format!("Message-ID: <{id}@smarthost.example>")), "{text}");
        let (account, name) = (client.id, client.domain.clone());
        let domain = app.read(move |conn| Ok(domains::find(conn, account, &name)?)).await.expect("the domain");
        let record = format!("v=DKIM1; k=rsa; p={}", domain.dkim_public);
        let verdict = dkim_verify(&arrived.content, &[("canopy._domainkey.smarthost.example", &record)]);
        assert!(verdict.is_none_or(|verdict| verdict == Ok(())), "{text}");

        let row = message(&app, id).await;
        assert_eq!((row.status.as_str(), row.num_attempts), ("delivered", 1));
        assert!(row.sent_at.is_some() && row.delivered_at >= row.sent_at);
        let story = attempts(&app, id).await;
        assert_eq!((story.len(), story[0].status.as_str(), story[0].code), (1, "delivered", Some(250)));
        assert_eq!(story[0].host, format!("127.0.0.1:{}", sink.port()));
        assert_eq!(queued(&app, client.id).await, (0, 0));
        let counted = counter_of(&app, id).await;
        assert_eq!((counted.accepted, counted.delivered, counted.deferred), (1, 1, 0));
        let root = agency.id;
        let days = app.read(move |conn| Ok(usage::totals(conn, root, "2000-01-01", "2999-01-01")?)).await;
        assert_eq!(days.iter().map(|day| day.delivered).sum::<i64>(), 1);
        assert_eq!(deliver(&app).await, 0, "nothing is left to do");
    })
    .await;
}

#[tokio::test]
async fn without_a_transport_of_its_own_an_account_delivers_into_the_mailbox() {
    on_both(|app| async move {
        let agency = app.agency("Mailbox").await;
        let client = app.client(&agency, "mailbox", 0).await;
        let ids = accept(&app, &client, &["ann@example.org", "bob@example.org"]).await;
        assert_eq!(deliver(&app).await, 2);
        for id in ids {
            let raw = app.app.mailbox.read(client.id, id).expect("readable").expect("delivered");
            let raw = String::from_utf8(raw).expect("text");
            let from = raw.lines().next().and_then(|line| line.strip_prefix("Return-Path: <")?.strip_suffix('>'));
            let address = from.and_then(ReturnAddress::parse).expect("where it came from stands first");
            assert_eq!(return_path::verify(&app.app.services.secrets, &address), Some(id));
            assert!(raw.contains("\r\nDKIM-Signature: "));
            assert_eq!(message(&app, id).await.status, "delivered");
            assert_eq!(attempts(&app, id).await[0].host, "mailbox");
        }
        assert_eq!(sweep_mailbox(&app.app).expect("swept"), 0, "retention keeps them");
        app.app.clock.step(TimeDelta::days(8));
        assert_eq!(sweep_mailbox(&app.app).expect("swept"), 2, "seven days are over");
        assert!(app.app.mailbox.list(client.id).expect("readable").is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_account_signs_in_at_its_own_relay_and_a_sibling_uses_the_parents() {
    on_both(|app| async move {
        let (Some(parents), Some(own)) = (SmtpSink::start(), SmtpSink::with_login("relay-user", "relay-secret")) else {
            return;
        };
        let agency = app.agency("Relays").await;
        let (client, sibling) = (app.client(&agency, "own", 0).await, app.client(&agency, "sibling", 0).await);
        send_through(&app, agency.id, &parents).await;
        let signed_in = TransportChanges {
            tls: Some(Tls::None),
            username: Some("relay-user".into()),
            password: Some("relay-secret".into()),
            ..to_port(own.port())
        };
        choose_new(&app, client.id, signed_in).await;
        accept(&app, &client, &["ann@example.org"]).await;
        accept(&app, &sibling, &["bob@example.org"]).await;
        assert_eq!(deliver(&app).await, 2);
        let arrived = own.wait_for(1).await.remove(0);
        assert_eq!(
            (arrived.recipients, arrived.login.as_deref()),
            (vec!["ann@example.org".into()], Some("relay-user"))
        );
        assert_eq!(parents.wait_for(1).await[0].recipients, ["bob@example.org"]);
        let (parent, account) = (agency.id, client.id);
        app.write(move |conn, cx| choose_transport(conn, cx, parent, account, None)).await;
        accept(&app, &client, &["eve@example.org"]).await;
        assert_eq!(deliver(&app).await, 1);
        assert_eq!(parents.wait_for(2).await[1].recipients, ["eve@example.org"], "back to the parent's");
    })
    .await;
}

#[tokio::test]
async fn bounces_go_to_an_address_of_the_messages_own_once_the_return_path_stands() {
    on_both(|app| async move {
        let Some(sink) = SmtpSink::start() else { return };
        let agency = app.agency("Returns").await;
        let client = app.client(&agency, "returns", 0).await;
        send_through(&app, agency.id, &sink).await;
        let (account, name) = (client.id, client.domain.clone());
        app.write(move |conn, _| {
            let mut domain = domains::find(conn, account, &name)?.expect("the domain");
            domain.record_states = r#"{"return_path":{"ok":true}}"#.into();
            Ok(domains::save(conn, &domain)?)
        })
        .await;
        let id = accept(&app, &client, &["ann@example.org"]).await[0];
        assert_eq!(deliver(&app).await, 1);
        let address = ReturnAddress::parse(&sink.wait_for(1).await[0].sender).expect("a return path of its own");
        assert_eq!(address.host, "bounces.returns.example");
        assert_eq!(return_path::verify(&app.app.services.secrets, &address), Some(id));
    })
    .await;
}
