//! What waits from a domain that is removed ends; what waits from one whose DNS fails for a while does not.

use std::sync::Arc;

use canopy::actions::accept_message::Prepared;
use canopy::actions::claim_deliveries::{Wanted, claim_deliveries};
use canopy::actions::delete_domain::delete_domain;
use canopy::actions::set_limits::set_limits;
use canopy::domain::ids::Id;
use canopy::domain::limits::{AtCap, Limits};
use canopy::jobs::Leader;
use canopy::models::{clearings, domains, held, messages};
use chrono::TimeDelta;

use super::{accept, attempts, counter_of, deliver, ids, message, queued, send_through};
use crate::support::app::{Client, TestApp, on_both, prepared};
use crate::support::smtp_sink::{Behaviour, SmtpSink};

const SAID: &str = "its domain was removed from the account";

async fn remove(app: &TestApp, client: &Client) {
    let (account, name) = (client.id, client.domain.clone());
    app.write(move |conn, cx| delete_domain(conn, cx, account, &name)).await;
}

/// Status and the whole story of a message.
async fn told(app: &TestApp, id: Id) -> (String, String) {
    let events = app.read(move |conn| Ok(messages::events(conn, id)?)).await;
    let tried = attempts(app, id).await;
    let lines = events.into_iter().map(|event| event.log).chain(tried.into_iter().map(|attempt| attempt.log));
    (message(app, id).await.status, lines.collect::<Vec<_>>().join("\n"))
}

async fn later(app: &TestApp, client: &Client, recipients: &[&str]) -> Vec<Id> {
    let first_attempt = Some(app.app.clock.now() + TimeDelta::days(2));
    let request = Prepared { first_attempt, ..prepared(client, recipients) };
    ids(&app.app.committer.accept(request).await.expect("accepted"))
}

#[tokio::test]
async fn what_waits_from_a_removed_domain_ends_and_the_others_go_on() {
    on_both(|app| async move {
        let Some(sink) = SmtpSink::start() else { return };
        let agency = app.agency("Removed").await;
        let client = app.client(&agency, "removed", 4).await;
        app.verified_domain(client.id, "stays.example").await;
        let stays = Client { domain: "stays.example".into(), ..client.clone() };
        send_through(&app, agency.id, &sink).await;
        let (parent, child) = (agency.id, client.id);
        let holds = Limits { at_cap: AtCap::Hold, ..Limits::default() };
        app.write(move |conn, cx| set_limits(conn, cx, parent, child, holds)).await;

        sink.set("busy@example.org", Behaviour::RefuseMessage("451 4.3.0 Busy")).await;
        let deferred = accept(&app, &client, &["busy@example.org"]).await[0];
        deliver(&app).await;
        assert_eq!(message(&app, deferred).await.status, "deferred");
        let due = accept(&app, &client, &["due@example.org"]).await[0];
        let scheduled = later(&app, &client, &["later@example.org"]).await[0];
        let other = accept(&app, &stays, &["other@example.org"]).await[0];
        let kept = accept(&app, &client, &["held@example.org"]).await[0];
        let other_kept = accept(&app, &stays, &["other-held@example.org"]).await[0];
        assert_eq!(message(&app, kept).await.status, "held");
        remove(&app, &client).await;

        // Before anybody kept house: what is due is not sent, and says so.
        deliver(&app).await;
        let (status, story) = told(&app, due).await;
        assert!(status == "failed" && story.contains(SAID), "{status}: {story}");
        assert_eq!(message(&app, other).await.status, "delivered");
        assert_eq!(message(&app, scheduled).await.status, "scheduled", "its hour has not come");

        let mut leader = Leader::new(Arc::clone(&app.app));
        leader.round().await.expect("it keeps house");
        for id in [scheduled, deferred, kept] {
            let (status, story) = told(&app, id).await;
            assert!(status == "failed" && story.contains(SAID), "{status}: {story}");
        }
        assert_eq!(message(&app, other_kept).await.status, "held", "of the domain that stays");
        assert_eq!(queued(&app, client.id).await, (0, 0));
        let counted = counter_of(&app, due).await;
        assert_eq!((counted.accepted, counted.failed, counted.delivered), (4, 3, 1), "what was held never counted");
        assert_eq!(app.read(move |conn| Ok(held::count(conn, child)?)).await, 1);
        assert!(app.read(|conn| Ok(clearings::oldest(conn)?)).await.is_none(), "nothing is left to clear");
        assert_eq!(sink.messages().len(), 1, "nothing of the removed domain left");
    })
    .await;
}

#[tokio::test]
async fn a_long_queue_is_cleared_slice_by_slice_and_again_after_what_was_under_way() {
    on_both(|app| async move {
        let agency = app.agency("Long").await;
        let client = app.client(&agency, "long", 0).await;
        app.verified_domain(client.id, "beside.example").await;
        let beside = Client { domain: "beside.example".into(), ..client.clone() };
        let names: Vec<String> = (0..700).map(|number| format!("r{number}@example.org")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        // In turn, so that no slice is of one domain alone.
        for part in names.chunks(100) {
            later(&app, &client, part).await;
            later(&app, &beside, &part[..10]).await;
        }
        remove(&app, &client).await;
        let mut leader = Leader::new(Arc::clone(&app.app));
        leader.round().await.expect("it keeps house");
        assert_eq!(queued(&app, client.id).await, (0, 70), "those of the other domain");
        assert!(app.read(|conn| Ok(clearings::oldest(conn)?)).await.is_none());

        // The name again: another domain, from which mail leaves.
        app.verified_domain(client.id, &client.domain).await;
        let again = accept(&app, &client, &["again@example.org"]).await[0];
        leader.round().await.expect("it keeps house");
        deliver(&app).await;
        assert_eq!(message(&app, again).await.status, "delivered");
    })
    .await;
}

#[tokio::test]
async fn what_is_under_way_when_its_domain_goes_ends_when_it_comes_back() {
    on_both(|app| async move {
        let agency = app.agency("Under way").await;
        let client = app.client(&agency, "way", 0).await;
        let id = accept(&app, &client, &["ann@example.org"]).await[0];
        let wanted = Wanted { limit: 16, per_account: 16, ..Wanted::default() };
        let claimed = app.write(move |conn, cx| claim_deliveries(conn, cx.now, &wanted)).await;
        assert_eq!(claimed.len(), 1);
        remove(&app, &client).await;
        let mut leader = Leader::new(Arc::clone(&app.app));
        leader.round().await.expect("it keeps house");
        assert_eq!(message(&app, id).await.status, "received", "it may be arriving");
        app.app.clock.step(TimeDelta::seconds(41));
        leader.round().await.expect("it keeps house");
        let (status, story) = told(&app, id).await;
        assert!(status == "failed" && story.contains(SAID) && story.contains("No answer was recorded"), "{story}");
        assert!(app.read(|conn| Ok(clearings::oldest(conn)?)).await.is_none());
    })
    .await;
}

#[tokio::test]
async fn what_was_accepted_leaves_signed_while_the_domain_fails_its_checks() {
    on_both(|app| async move {
        let Some(sink) = SmtpSink::start() else { return };
        let agency = app.agency("Flap").await;
        let client = app.client(&agency, "flap", 0).await;
        send_through(&app, agency.id, &sink).await;
        let id = accept(&app, &client, &["ann@example.org"]).await[0];
        let (account, name) = (client.id, client.domain.clone());
        app.write(move |conn, _| {
            let mut domain = domains::find(conn, account, &name)?.expect("the domain");
            domain.verified_at = None;
            Ok(domains::save(conn, &domain)?)
        })
        .await;
        assert!(app.accept(&client, &["bob@example.org"]).await.is_err(), "nothing new is taken");
        let mut leader = Leader::new(Arc::clone(&app.app));
        leader.round().await.expect("it keeps house");
        assert_eq!(deliver(&app).await, 1);
        assert_eq!(message(&app, id).await.status, "delivered");
        let arrived = sink.wait_for(1).await.remove(0);
        assert!(arrived.text().contains("DKIM-Signature:") && arrived.text().contains("d=flap.example"));
    })
    .await;
}
