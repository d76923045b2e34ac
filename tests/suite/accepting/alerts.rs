//! Members of the parent are told at 80 % and at 100 % of a cap: once per crossing, again after a raise.

use canopy::actions::update_sub_account::{Changes, update_sub_account};
use canopy::domain::cap::MonthlyCap;
use canopy::domain::ids::Id;

use crate::support::app::{TestApp, on_both};

async fn set_cap(app: &TestApp, parent: Id, child: Id, cap: i64) {
    let changes = Changes { cap: Some(MonthlyCap::new(cap).expect("a cap")), ..Changes::default() };
    app.write(move |conn, cx| update_sub_account(conn, cx, parent, child, &changes)).await;
}

#[tokio::test]
async fn each_threshold_is_told_once_and_a_raise_arms_it_again() {
    on_both(|app| async move {
        let agency = app.agency("Alerts").await;
        app.member(agency.id, "analyst@alerts.example", "analyst").await;
        let client = app.client(&agency, "alerts", 10).await;
        for _ in 0..7 {
            app.accept(&client, &["ann@example.org"]).await.expect("under the cap");
        }
        assert_eq!(app.outbox().await, [], "70 % is nothing to tell");
        app.accept(&client, &["ann@example.org"]).await.expect("under the cap");
        let told = app.outbox().await;
        assert_eq!(told, [(agency.email.clone(), "alerts has used 80 % of its monthly cap".to_owned())]);
        for _ in 0..2 {
            app.accept(&client, &["ann@example.org"]).await.expect("under the cap");
        }
        assert_eq!(app.outbox().await, [(agency.email.clone(), "alerts has reached its monthly cap".to_owned())]);
        app.accept(&client, &["ann@example.org"]).await.expect_err("at the cap");
        assert_eq!(app.outbox().await, [], "a refusal is no crossing");
        set_cap(&app, agency.id, client.id, 20).await;
        for _ in 0..6 {
            app.accept(&client, &["ann@example.org"]).await.expect("under the new cap");
        }
        assert_eq!(app.outbox().await, [(agency.email.clone(), "alerts has used 80 % of its monthly cap".to_owned())]);
    })
    .await;
}
