//! Soft bounces: one says little about an address, five within thirty days say enough.

use canopy::actions::accept_message::Outcome;
use canopy::models::suppressions;
use chrono::TimeDelta;

use super::fixtures::one;
use super::mx::{Mx, about_id};
use crate::support::app::{Client, TestApp, on_both};

async fn bounce(app: &TestApp, mx: &Mx, client: &Client, report: &str) {
    let accepted = app.accept(client, &["full@receiver.example"]).await.expect("accepted");
    let Outcome::Queued { id } = accepted.entries[0].outcome else { panic!("queued") };
    canopy::delivery::worker::run_once(&app.app).await;
    let about = about_id(app, client, id, "full@receiver.example");
    assert_eq!(mx.send(None, &about.return_path, about.fill(&one("dsn", report))).await, 250);
}

async fn suppressed(app: &TestApp, client: &Client) -> Vec<String> {
    let (account, now) = (client.id, app.app.clock.now().naive_utc());
    let rows = app.read(move |conn| Ok(suppressions::of_email(conn, account, "full@receiver.example", now)?)).await;
    rows.into_iter().map(|row| row.reason).collect()
}

#[tokio::test]
async fn five_soft_bounces_in_thirty_days_suppress_an_address_and_a_refused_sender_never_does() {
    on_both(|app| async move {
        let agency = app.agency("Soft").await;
        let (client, blocked) = (app.client(&agency, "soft", 0).await, app.client(&agency, "blocked", 0).await);
        let mx = Mx::of(&app);
        bounce(&app, &mx, &client, "postfix-full").await;
        app.app.clock.step(TimeDelta::days(31));
        for _ in 0..4 {
            bounce(&app, &mx, &client, "postfix-full").await;
        }
        assert!(suppressed(&app, &client).await.is_empty(), "the first is too long ago");
        bounce(&app, &mx, &client, "postfix-expired").await;
        let reasons = suppressed(&app, &client).await;
        assert!(reasons.len() == 1 && reasons[0].starts_with("5 soft bounces in 30 days"), "{reasons:?}");
        for _ in 0..6 {
            bounce(&app, &mx, &blocked, "ses").await;
        }
        assert!(suppressed(&app, &blocked).await.is_empty(), "that is about the sender");
    })
    .await;
}
