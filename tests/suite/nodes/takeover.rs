//! A node that is killed in the middle of delivering: another takes over what it held, within a minute.

use std::time::Duration;

use canopy::actions::claim_deliveries::LEASE;
use canopy::delivery::worker::{self, RENEW};
use canopy::jobs::LEADER_LEASE;
use canopy::models::messages;
use chrono::TimeDelta;

use crate::support::app::{On, TestApp};
use crate::support::node::Node;
use crate::support::smtp_sink::{Behaviour, SmtpSink};

#[test]
fn leases_end_within_a_minute_and_are_renewed_several_times_before() {
    assert!(LEASE <= TimeDelta::seconds(45), "with the time to notice, a minute");
    assert!(RENEW * 3 < LEASE.to_std().expect("positive"), "three failed renewals lose nothing");
    assert!(LEADER_LEASE <= TimeDelta::seconds(45));
}

#[tokio::test]
async fn what_a_killed_node_held_is_delivered_once_by_another_when_its_lease_has_ended() {
    let Some(sink) = SmtpSink::start() else { return };
    let through = format!("smtp://127.0.0.1:{}", sink.port());
    let option = through.clone();
    let app = TestApp::start_with(On::Postgres, |settings| settings.set("default_transport", option)).await;
    let Some(app) = app else { return };
    let agency = app.agency("Killed").await;
    let client = app.client(&agency, "killed", 0).await;
    sink.set("*", Behaviour::Slow(Duration::from_secs(3600))).await;
    let mut node = Node::start(&app, &[("CANOPY_DEFAULT_TRANSPORT", &through)]).await;
    for number in 0..5 {
        node.accepted(&client, &format!("r{number}@example.org")).await;
    }
    let (id, started) = (client.id, "every delivery has started");
    let all = async || {
        app.read(move |conn| Ok(messages::page(conn, id, &messages::Filter::default(), None, false, 10)?)).await
    };
    let attempts = async || {
        let ids: Vec<_> = all().await.iter().map(|row| row.id).collect();
        app.read(move |conn| Ok(messages::attempts_of(conn, &ids)?)).await
    };
    node.until(started, async |_| attempts().await.len() == 5).await;
    node.process.kill();
    sink.set("*", Behaviour::Accept).await;
    assert_eq!(worker::run_once(&app.app).await, 0, "the leases hold");
    app.app.clock.step(LEASE + TimeDelta::seconds(1));
    assert_eq!(worker::run_once(&app.app).await, 5);
    assert_eq!(sink.wait_for(5).await.len(), 5);
    assert!(all().await.iter().all(|row| row.status == "delivered" && row.num_attempts == 2));
    let lapsed =
        attempts().await.into_iter().filter(|attempt| attempt.log.starts_with("No answer was recorded")).count();
    assert_eq!(lapsed, 5, "the story of each says so");
}
