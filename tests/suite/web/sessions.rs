//! How a session begins and ends.

use chrono::TimeDelta;

use crate::support::app::{On, PASSWORD, TestApp, on_both};
use crate::support::visitor::Visitor;

#[tokio::test]
async fn the_key_is_rotated_at_sign_in_and_only_its_digest_is_stored() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("harbor").await;
    let visitor = Visitor::new(&app);
    let before = visitor.get("/sign-in").await.cookie("canopy").expect("a cookie");
    let after = visitor.sign_in(&agency.email, PASSWORD).await.cookie("canopy").expect("a new cookie");
    assert_ne!(before.split(';').next(), after.split(';').next());
    for word in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(after.contains(word), "{after}");
    }
    let owner = agency.owner;
    let rows = app.read(move |conn| Ok(canopy::models::sessions::of_user(conn, owner)?)).await;
    assert_eq!(rows.len(), 1);
    let key = after.trim_start_matches("canopy=").split(';').next().unwrap_or_default().to_owned();
    assert!(!key.is_empty() && !rows[0].state.contains(&key));
}

#[tokio::test]
async fn with_https_the_cookie_is_pinned_to_the_host() {
    let app =
        TestApp::start_with(On::Sqlite, |settings| settings.set("public_url", "https://mail.harbor.example")).await;
    let app = app.expect("SQLite is always there");
    let page = Visitor::new(&app).get("/sign-in").await;
    let cookie = page.cookie("__Host-canopy").expect("a pinned cookie");
    assert!(cookie.contains("Secure") && cookie.contains("Path=/") && !cookie.contains("Domain"), "{cookie}");
    assert!(page.headers.contains_key("strict-transport-security"));
}

#[tokio::test]
async fn signing_out_ends_the_session_for_every_later_request() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let visitor = Visitor::signed_in(&app, &agency.email).await;
        let page = visitor.get("/settings/profile").await;
        assert_eq!(visitor.post("/sign-out", &[("csrf_token", &page.token())]).await.location, "/sign-in");
        for _ in 0..5 {
            assert_eq!(visitor.get("/settings/profile").await.status, 303);
        }
    })
    .await;
}

#[tokio::test]
async fn changing_the_password_ends_every_other_session_and_keeps_this_one() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let here = Visitor::signed_in(&app, &agency.email).await;
        let there = Visitor::signed_in(&app, &agency.email).await;
        let fields = [("current_password", PASSWORD), ("new_password", "a brand new pass phrase")];
        let page = here.submit("/settings/profile", "/settings/profile/password", &fields).await;
        assert_eq!(page.status, 303, "{}", page.html);
        here.get("/settings/profile").await.shows("Your password is changed.");
        assert_eq!(there.get("/settings/profile").await.status, 303);
        assert_eq!(there.sign_in(&agency.email, PASSWORD).await.status, 422);
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_when_idle_and_at_its_absolute_limit() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("harbor").await;
    let visitor = Visitor::signed_in(&app, &agency.email).await;
    app.app.clock.step(TimeDelta::hours(11));
    assert_eq!(visitor.get("/settings/profile").await.status, 200, "used in time");
    app.app.clock.step(TimeDelta::hours(13));
    assert_eq!(visitor.get("/settings/profile").await.status, 303, "idle for too long");
    let visitor = Visitor::signed_in(&app, &agency.email).await;
    let mut last = 200;
    for _ in 0..40 {
        app.app.clock.step(TimeDelta::hours(10));
        last = visitor.get("/settings/profile").await.status;
    }
    assert_eq!(last, 303, "fourteen days and more after signing in");
}

#[tokio::test]
async fn one_device_and_all_others_can_be_signed_out() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("harbor").await;
    let (here, there) = (Visitor::signed_in(&app, &agency.email).await, Visitor::signed_in(&app, &agency.email).await);
    let page = here.get("/settings/sessions").await;
    let other = page.html.split("name=\"session\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let fields = [("session", other.expect("the other device"))];
    here.submit("/settings/sessions", "/settings/sessions/end", &fields).await;
    assert_eq!(there.get("/settings/profile").await.status, 303);
    let third = Visitor::signed_in(&app, &agency.email).await;
    here.submit("/settings/sessions", "/settings/sessions/end-others", &[]).await;
    assert_eq!((third.get("/settings/profile").await.status, here.get("/settings/profile").await.status), (303, 200));
}
