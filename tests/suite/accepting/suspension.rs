//! A suspension holds from its commit: nothing is accepted after the call returned.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use canopy::actions::ActionError;
use canopy::actions::lift_suspension::lift_suspension;
use canopy::actions::suspend_account::{Hold, suspend_account};
use canopy::domain::text::SuspendReason;

use crate::support::app::{TestApp, on_both};
use crate::support::environment::number;

fn hold() -> Hold {
    Hold::manual(SuspendReason::parse("Complaints").expect("a reason"))
}

pub async fn suspend(app: &TestApp, parent: canopy::domain::ids::Id, child: canopy::domain::ids::Id) {
    let services = Arc::clone(&app.app.services);
    app.write(move |conn, cx| suspend_account(conn, cx, &services, parent, child, &hold())).await;
}

#[tokio::test]
async fn no_message_is_accepted_after_the_suspension_returned() {
    on_both(|app| async move {
        let agency = app.agency("Hold").await;
        let client = app.client(&agency, "hold", 0).await;
        for _ in 0..number("CANOPY_SOAK_SUSPENSIONS", 20) {
            let suspended = AtomicBool::new(false);
            let sends = (0..40).map(|number| {
                let (suspended, app, client) = (&suspended, &app, &client);
                async move {
                    tokio::time::sleep(std::time::Duration::from_micros(number * 200)).await;
                    let after = suspended.load(Ordering::SeqCst);
                    let result = app.accept(client, &["ann@example.org"]).await;
                    assert!(!(after && result.is_ok()), "accepted after the suspension was committed");
                    result.is_ok()
                }
            });
            let stop = async {
                suspend(&app, agency.id, client.id).await;
                suspended.store(true, Ordering::SeqCst);
            };
            tokio::join!(futures_util::future::join_all(sends), stop);
            let refused = app.accept(&client, &["ann@example.org"]).await.expect_err("on hold");
            assert!(matches!(refused, ActionError::Suspended { parent: false }));
            let (parent, child) = (agency.id, client.id);
            app.write(move |conn, cx| lift_suspension(conn, cx, parent, child)).await;
            app.accept(&client, &["ann@example.org"]).await.expect("lifted");
        }
    })
    .await;
}

#[tokio::test]
async fn a_suspended_account_has_its_key_refused_and_its_parent_still_manages_it() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Keys").await;
    let client = app.client(&agency, "keys", 0).await;
    assert_eq!(app.call("GET", "/v2/ping", &client.key, None).await.0, 200);
    let path = format!("/v2/accounts/{}/sub-accounts/{}", agency.id, client.id);
    let reason = serde_json::json!({ "reason": "Complaints" });
    let (status, body) = app.call("POST", &format!("{path}/suspend"), &agency.key, Some(&reason)).await;
    assert_eq!((status, body["status"].as_str()), (200, Some("suspended")), "{body}");
    let refused = app.send("GET", "/v2/ping", &client.key, None, &[]).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()["x-canopy-reason"], "account_suspended");
    let (status, body) = app.call("GET", &path, &agency.key, None).await;
    assert_eq!((status, body["status"].as_str()), (200, Some("suspended")));
    let (status, body) = app.call("POST", &format!("{path}/unsuspend"), &agency.key, None).await;
    assert_eq!((status, body["status"].as_str()), (200, Some("active")), "{body}");
    assert_eq!(app.call("GET", "/v2/ping", &client.key, None).await.0, 200);
}
