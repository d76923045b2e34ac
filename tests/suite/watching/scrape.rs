//! The numbers of `/metrics` are what happened: real messages, a real relay, a real report that comes back.

use std::sync::Arc;

use canopy::actions::set_limits::set_limits;
use canopy::actions::suspend_account::{Hold, suspend_account};
use canopy::delivery::worker;
use canopy::domain::limits::{AtCap, Limits};
use canopy::domain::text::SuspendReason;
use canopy::jobs::Leader;
use chrono::TimeDelta;

use super::{Scrape, TOKEN, watched};
use crate::delivery::send_through;
use crate::returning::fixtures::one;
use crate::returning::mx::{Mx, about};
use crate::support::app::{Client, On, TestApp, prepared};
use crate::support::smtp_sink::{Behaviour, SmtpSink};

/// An agency whose accounts have sent, bounced, held and been refused.
pub struct Traffic {
    pub sender: Client,
    pub holding: Client,
    mx: Mx,
}

/// Of `sender` four were asked for and three accepted; one each was delivered, put off and refused by the relay, and
/// the delivered one came back as bounced. One waits for its hour, one is held at a cap, one was refused on hold.
pub async fn traffic(app: &TestApp) -> Option<Traffic> {
    let sink = SmtpSink::start()?;
    sink.set("nobody@receiver.example", Behaviour::RefuseRecipient("550 5.1.1 nobody here")).await;
    sink.set("later@receiver.example", Behaviour::RefuseRecipient("451 4.2.0 later")).await;
    let agency = app.agency("Watching").await;
    let sender = app.client(&agency, "sender", 3).await;
    send_through(app, agency.id, &sink).await;
    let four = ["ann@receiver.example", "nobody@receiver.example", "later@receiver.example", "over@receiver.example"];
    app.accept(&sender, &four).await.expect("three of four");
    app.accept(&sender, &["more@receiver.example"]).await.expect_err("over the cap");

    let holding = app.client(&agency, "holding", 1).await;
    let (parent, child) = (agency.id, holding.id);
    let limits = Limits { at_cap: AtCap::Hold, ..Limits::default() };
    app.write(move |conn, cx| set_limits(conn, cx, parent, child, limits)).await;
    let mut later = prepared(&holding, &["ann@receiver.example"]);
    later.first_attempt = Some(app.app.clock.now() + TimeDelta::hours(5));
    app.app.committer.accept(later).await.expect("for later");
    app.accept(&holding, &["ann@receiver.example"]).await.expect("held");

    let stopped = app.client(&agency, "stopped", 0).await;
    suspend(app, parent, stopped.id).await;
    app.accept(&stopped, &["ann@receiver.example", "bo@receiver.example"]).await.expect_err("on hold");

    assert_eq!(worker::run_once(&app.app).await, 3);
    let arrived = sink.wait_for(1).await;
    let mx = Mx::of(app);
    let about = about(app, &arrived[0]);
    assert_eq!(mx.send(None, &about.return_path, about.fill(&one("dsn", "postfix"))).await, 250);
    assert_eq!(mx.send(None, &about.return_path, about.fill(&one("dsn", "postfix"))).await, 250, "replayed");
    assert_eq!(mx.send(None, "stranger@nowhere.example", b"Subject: x\r\n\r\nx\r\n".to_vec()).await, 550);
    let mut leader = Leader::new(Arc::clone(&app.app));
    assert!(leader.round().await.expect("a round"), "it leads");
    Some(Traffic { sender, holding, mx })
}

async fn suspend(app: &TestApp, parent: canopy::domain::ids::Id, child: canopy::domain::ids::Id) {
    let services = Arc::clone(&app.app.services);
    let hold = Hold::manual(SuspendReason::parse("Complaints").expect("a reason"));
    app.write(move |conn, cx| suspend_account(conn, cx, &services, parent, child, &hold)).await;
}

#[tokio::test]
async fn a_scrape_counts_what_was_accepted_refused_delivered_bounced_and_reported() {
    for on in [On::Sqlite, On::Postgres] {
        let Some(app) = watched(on).await else { return };
        let before = Scrape::of(&app).await;
        let Some(traffic) = traffic(&app).await else { return };
        let (status, _) = app.call("GET", "/v2/ping", &traffic.sender.key, None).await;
        assert_eq!(status, 200);
        let scrape = Scrape::of(&app).await;
        for (series, expected) in [
            ("canopy_messages_accepted_total{kind=\"queued\"}", 3),
            ("canopy_messages_accepted_total{kind=\"scheduled\"}", 1),
            ("canopy_messages_accepted_total{kind=\"held\"}", 1),
            ("canopy_messages_accepted_total{kind=\"suppressed\"}", 0),
            ("canopy_messages_refused_total{reason=\"cap\"}", 2),
            ("canopy_messages_refused_total{reason=\"suspended\"}", 2),
            ("canopy_messages_refused_total{reason=\"failed\"}", 0),
            ("canopy_commit_group_size_sum", 5),
            ("canopy_commit_group_size_count", 5),
            ("canopy_commit_seconds_count", 5),
            ("canopy_deliveries_total{outcome=\"delivered\",transport=\"relay\"}", 1),
            ("canopy_deliveries_total{outcome=\"deferred\",transport=\"relay\"}", 1),
            ("canopy_deliveries_total{outcome=\"bounced\",transport=\"relay\"}", 1),
            ("canopy_deliveries_total{outcome=\"delivered\",transport=\"mailbox\"}", 0),
            ("canopy_delivery_attempt_seconds_count{transport=\"relay\"}", 3),
            ("canopy_reports_total{kind=\"bounce\"}", 1),
            ("canopy_reports_total{kind=\"complaint\"}", 0),
            ("canopy_smtp_connections_total{result=\"taken\"}", 3),
            ("canopy_smtp_refusals_total{reason=\"relay\"}", 1),
            ("canopy_smtp_refusals_total{reason=\"replayed\"}", 1),
            ("canopy_http_request_seconds_count{route=\"api\",status=\"2xx\"}", 1),
            ("canopy_http_request_seconds_count{route=\"probe\",status=\"2xx\"}", 1),
            ("canopy_database_up", 1),
            ("canopy_database_connections{state=\"most\"}", 8),
        ] {
            assert_eq!(scrape.count(series), expected, "{on:?} {series}");
        }
        assert!(before.of_series("canopy_start_time_seconds") > 1_700_000_000.);
        assert!(scrape.has("canopy_build_info"));
        standing(&app, &scrape, &traffic).await;
        drop(traffic.mx);
        let ended = Scrape::of(&app).await;
        assert_eq!(ended.count("canopy_smtp_connections_open"), 0, "{on:?}");
    }
}

/// What the database knows: the queue, the accounts, the lease.
async fn standing(app: &TestApp, scrape: &Scrape, traffic: &Traffic) {
    for (state, waiting) in [("deferred", 1), ("scheduled", 1), ("held", 1), ("waiting", 0), ("leaving", 0)] {
        assert_eq!(scrape.count(&format!("canopy_queue_messages{{state=\"{state}\"}}")), waiting, "{state}");
        let oldest = scrape.of_series(&format!("canopy_queue_oldest_seconds{{state=\"{state}\"}}"));
        // The clock was stepped by sixteen seconds since.
        assert_eq!(oldest >= 16., waiting > 0, "{state}: {oldest}");
    }
    assert!(scrape.of_series("canopy_queue_overdue_seconds") < 60., "the deferred one is due in minutes");
    let account = traffic.sender.id;
    for (name, expected) in [("delivered", 0), ("bounced", 2), ("complained", 0)] {
        assert_eq!(scrape.count(&format!("canopy_account_{name}{{account=\"{account}\"}}")), expected, "{name}");
    }
    assert!(scrape.text.contains(&traffic.holding.id.to_string()), "it has sent");
    let now = app.app.clock.now().timestamp() as f64;
    let until = scrape.of_series("canopy_leader_lease_until_seconds");
    assert!((until - now).abs() < 60., "{until} {now}");
    let read_at = scrape.of_series("canopy_standing_read_time_seconds");
    assert!((read_at - now).abs() < 60., "{read_at} {now}");
}

#[tokio::test]
async fn the_database_is_read_for_metrics_once_in_fifteen_seconds_however_often_they_are_asked_for() {
    let app = watched(On::Sqlite).await.expect("SQLite is always there");
    let agency = app.agency("Often").await;
    let client = app.client(&agency, "often", 0).await;
    let waiting = "canopy_queue_messages{state=\"waiting\"}";
    assert_eq!(Scrape::of(&app).await.count(waiting), 0);
    app.accept(&client, &["ann@receiver.example"]).await.expect("accepted");
    let again = app.http.get(format!("{}/metrics", app.url)).bearer_auth(TOKEN).send().await.expect("an answer");
    let again = Scrape::read(again.text().await.expect("text"));
    assert_eq!(again.count(waiting), 0, "what was read is told again");
    assert_eq!(again.count("canopy_messages_accepted_total{kind=\"queued\"}"), 1, "what was counted is told at once");
    assert_eq!(Scrape::of(&app).await.count(waiting), 1);
}
