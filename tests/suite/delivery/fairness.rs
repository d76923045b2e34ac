//! One account's backlog never delays another's message.

use std::collections::HashMap;

use canopy::actions::claim_deliveries::{Wanted, claim_deliveries};
use canopy::models::messages;

use super::{accept, deliver};
use crate::support::app::{TestApp, on_both};

const BACKLOG: usize = 2000;

#[tokio::test]
async fn a_backlog_of_two_thousand_does_not_delay_anothers_message() {
    on_both(|app| async move {
        let agency = app.agency("Fair").await;
        let busy = app.client(&agency, "busy", 0).await;
        let quiet = app.client(&agency, "quiet", 0).await;
        let recipients: Vec<String> = (0..BACKLOG).map(|n| format!("r{n}@example.org")).collect();
        let mut all = Vec::with_capacity(BACKLOG + 1);
        for chunk in recipients.chunks(100) {
            let chunk: Vec<&str> = chunk.iter().map(String::as_str).collect();
            all.extend(accept(&app, &busy, &chunk).await);
        }
        let late = accept(&app, &quiet, &["ann@example.org"]).await[0];
        all.push(late);
        assert_eq!(deliver(&app).await, BACKLOG + 1);
        let mut attempts = app.read(move |conn| Ok(messages::attempts_of(conn, &all)?)).await;
        assert_eq!(attempts.len(), BACKLOG + 1);
        attempts.sort_by_key(|attempt| attempt.id);
        let place = attempts.iter().position(|attempt| attempt.message_id == late).expect("delivered");
        let places = app.app.config.delivery_workers;
        assert!(place < places, "among the first {places}, not attempt {place} of {}", attempts.len());
    })
    .await;
}

#[tokio::test]
async fn an_account_with_slow_receivers_leaves_places_for_others() {
    on_both(|app| async move {
        let agency = app.agency("Places").await;
        let slow = app.client(&agency, "slow", 0).await;
        let other = app.client(&agency, "swift", 0).await;
        let recipients: Vec<String> = (0..40).map(|n| format!("r{n}@example.org")).collect();
        accept(&app, &slow, &recipients.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let claim = |wanted: Wanted| {
            let app = &app;
            async move { app.write(move |conn, cx| claim_deliveries(conn, cx.now, &wanted)).await }
        };
        let first = claim(Wanted { limit: 16, per_account: 12, ..Wanted::default() }).await;
        assert_eq!(first.len(), 12, "three quarters of the places");
        let wanted =
            Wanted { limit: 4, per_account: 12, under_way: HashMap::from([(slow.id, 12)]), ..Wanted::default() };
        assert_eq!(claim(wanted.clone()).await.len(), 0);
        accept(&app, &other, &["ann@example.org"]).await;
        let next = claim(wanted).await;
        assert_eq!(next.iter().map(|one| one.message.account_id).collect::<Vec<_>>(), [other.id]);
    })
    .await;
}

#[tokio::test]
async fn accounts_are_served_in_turn_when_more_wait_than_a_node_can_take() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Turns").await;
    let mut clients = Vec::new();
    for n in 0..5 {
        let client = app.client(&agency, &format!("turn{n}"), 0).await;
        accept(&app, &client, &["ann@example.org", "bob@example.org"]).await;
        clients.push(client.id);
    }
    let mut served = Vec::new();
    for _ in 0..5 {
        let wanted = Wanted { limit: 2, per_account: 2, ..Wanted::default() };
        let claimed = app.write(move |conn, cx| claim_deliveries(conn, cx.now, &wanted)).await;
        served.extend(claimed.into_iter().map(|one| one.message.account_id));
    }
    let mut first_round = served[..5].to_vec();
    first_round.sort_unstable();
    assert_eq!(first_round, clients, "everybody once before anybody twice: {served:?}");
}
