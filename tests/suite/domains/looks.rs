//! Looks at DNS: when they are made, and what they may change.

use canopy::dns_check;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Owner, a_minute_passes, agency_owner, owner, publish, withdraw};
use crate::support::app::{TestApp, on_both};

async fn valid(app: &TestApp, owner: &Owner, name: &str) -> Value {
    app.call("GET", &owner.path(name), &owner.key, None).await.1["dns_valid"].clone()
}

#[tokio::test]
async fn a_second_look_within_a_minute_answers_from_the_first() {
    on_both(|app| async move {
        let owner = agency_owner(&app, "Minute").await;
        let domain = owner.add(&app, "minute.example", json!({})).await;
        let before = owner.check(&app, "minute.example").await;
        assert_eq!(before["dns_valid"], false);
        publish(&app, &domain);
        assert_eq!(owner.check(&app, "minute.example").await, before, "the first look still answers");
        a_minute_passes(&app);
        let after = owner.check(&app, "minute.example").await;
        assert_eq!(after["dns_valid"], true);
        let records = after["dns_records"].as_array().expect("records");
        assert!(records.iter().all(|record| record["propagated"] == true), "{after}");
    })
    .await;
}

#[tokio::test]
async fn other_settings_are_looked_at_at_once() {
    let app = TestApp::sqlite().await;
    let owner = agency_owner(&app, "Other").await;
    owner.add(&app, "other.example", json!({})).await;
    owner.check(&app, "other.example").await;
    app.app.clock.step(TimeDelta::seconds(1));
    let body = json!({ "dkim_selector": "fresh" });
    let (_, domain) = app.call("PUT", &owner.path("other.example"), &owner.key, Some(&body)).await;
    publish(&app, &domain);
    assert_eq!(owner.check(&app, "other.example").await["dns_valid"], true);
}

#[tokio::test]
async fn the_background_verifies_a_published_domain_and_loses_it_only_after_an_hour_of_failures() {
    on_both(|app| async move {
        let owner = agency_owner(&app, "Background").await;
        let domain = owner.add(&app, "back.example", json!({})).await;
        publish(&app, &domain);
        assert_eq!(dns_check::recheck_due(&app.app, 10).await.expect("it rechecks"), 0, "time to publish first");
        app.app.clock.step(TimeDelta::minutes(11));
        assert_eq!(dns_check::recheck_due(&app.app, 10).await.expect("it rechecks"), 1);
        assert_eq!(valid(&app, &owner, "back.example").await, true);
        withdraw(&app, "back.example");
        // Three looks within minutes: not yet, however often somebody presses the button.
        for _ in 0..4 {
            app.app.clock.step(TimeDelta::minutes(2));
            assert_eq!(owner.check(&app, "back.example").await["dns_valid"], true);
        }
        app.app.clock.step(TimeDelta::minutes(31));
        dns_check::recheck_due(&app.app, 10).await.expect("it rechecks");
        assert_eq!(valid(&app, &owner, "back.example").await, true, "not within the hour");
        app.app.clock.step(TimeDelta::minutes(31));
        dns_check::recheck_due(&app.app, 10).await.expect("it rechecks");
        assert_eq!(valid(&app, &owner, "back.example").await, false, "an hour of failures");
        publish(&app, &domain);
        app.app.clock.step(TimeDelta::minutes(31));
        dns_check::recheck_due(&app.app, 10).await.expect("it rechecks");
        assert_eq!(valid(&app, &owner, "back.example").await, true, "and back, when the records are");
    })
    .await;
}

#[tokio::test]
async fn one_good_look_between_failures_starts_the_count_anew() {
    let app = TestApp::sqlite().await;
    let owner = agency_owner(&app, "Between").await;
    let domain = owner.add(&app, "between.example", json!({})).await;
    publish(&app, &domain);
    owner.check(&app, "between.example").await;
    for _ in 0..4 {
        for _ in 0..2 {
            withdraw(&app, "between.example");
            app.app.clock.step(TimeDelta::minutes(40));
            assert_eq!(owner.check(&app, "between.example").await["dns_valid"], true);
        }
        publish(&app, &domain);
        app.app.clock.step(TimeDelta::minutes(40));
        assert_eq!(owner.check(&app, "between.example").await["dns_valid"], true);
    }
}

#[tokio::test]
async fn a_lost_domain_is_told_once_to_whoever_may_mend_it_at_the_client_and_at_the_agency() {
    on_both(|app| async move {
        let agency = app.agency("Harbor").await;
        app.member(agency.id, "support@harbor.example", "support").await;
        let client = owner(&app, &agency, "lark").await;
        app.member(client.id, "it@lark.example", "developer").await;
        app.member(client.id, "books@lark.example", "billing_manager").await;
        let domain = client.add(&app, "lark-mail.example", json!({})).await;
        publish(&app, &domain);
        assert_eq!(client.check(&app, "lark-mail.example").await["dns_valid"], true);
        assert_eq!(app.outbox().await, []);
        withdraw(&app, "lark-mail.example");
        for _ in 0..5 {
            app.app.clock.step(TimeDelta::minutes(40));
            dns_check::recheck_due(&app.app, 10).await.expect("it rechecks");
        }
        assert_eq!(valid(&app, &client, "lark-mail.example").await, false);
        let subject = "lark-mail.example has stopped sending: its DNS records are missing";
        // The domain that every client of the tests is given has no records either.
        let mut told = app.outbox().await;
        told.retain(|(_, said)| !said.starts_with("lark.example"));
        told.sort();
        let told: Vec<(&str, &str)> = told.iter().map(|(reader, said)| (reader.as_str(), said.as_str())).collect();
        assert_eq!(told, [("it@lark.example", subject), (agency.email.as_str(), subject)]);
    })
    .await;
}
