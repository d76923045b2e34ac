//! Every form needs the token of its own session, and loses nothing when it has not.

use canopy::domain::ids::Id;

use crate::support::app::{PASSWORD, TestApp, on_both};
use crate::support::visitor::Visitor;

/// Everything that takes a form, with a field that must come back.
fn forms(child: Id) -> Vec<(String, &'static str)> {
    let fixed = [
        ("/sign-in", "email"),
        ("/sign-out", "kept"),
        ("/forgot", "email"),
        ("/reset/x", "kept"),
        ("/invite/x", "name"),
        ("/setup/x", "account"),
        ("/theme", "theme"),
        ("/switch-account", "account"),
        ("/view-as/raise", "kept"),
        ("/view-as/leave", "kept"),
        ("/settings", "about"),
        ("/settings/profile", "name"),
        ("/settings/profile/email", "email"),
        ("/settings/profile/password", "kept"),
        ("/settings/sessions/end", "session"),
        ("/settings/sessions/end-others", "kept"),
    ];
    let mut all: Vec<_> = fixed.map(|(path, field)| (path.to_owned(), field)).into();
    all.push((format!("/sub-accounts/{child}/view-as"), "reason"));
    all
}

#[tokio::test]
async fn without_with_a_foreign_and_with_a_stale_token_every_form_is_refused_and_keeps_what_was_typed() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let child = app.client(&agency, "alder", 0).await;
        let visitor = Visitor::signed_in(&app, &agency.email).await;
        let foreign = Visitor::signed_in(&app, &agency.email).await.get("/settings/profile").await.token();
        let stale = visitor.get("/settings/profile").await.token();
        visitor.submit("/settings/profile", "/sign-out", &[]).await;
        visitor.sign_in(&agency.email, PASSWORD).await;
        for (path, field) in forms(child.id) {
            for token in [None, Some(foreign.as_str()), Some(stale.as_str())] {
                let mut fields = vec![(field, "typed with care"), ("password", "hunter2 hunter2")];
                fields.extend(token.map(|token| ("csrf_token", token)));
                let page = visitor.post(&path, &fields).await;
                assert_eq!(page.status, 403, "{path} {token:?}");
                page.shows(&format!("name=\"{field}\" value=\"typed with care\""));
                assert!(!page.html.contains("hunter2"), "{path}: a secret came back");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_form_from_another_site_is_refused_even_with_the_right_token() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("harbor").await;
    let visitor = Visitor::signed_in(&app, &agency.email).await;
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let token = visitor.get("/settings/profile").await.token();
        let fields = [("csrf_token", token.as_str()), ("name", "Mallory")];
        let page = visitor.post_with("/settings/profile", &fields, &[(name, value)]).await;
        assert_eq!(page.status, 403, "{name}: {value}");
        assert!(!page.html.contains("Mallory"), "what another site typed is not offered to be sent");
    }
    let token = visitor.get("/settings/profile").await.token();
    let fields = [("csrf_token", token.as_str()), ("name", "Maya")];
    let own = [("origin", app.url.as_str()), ("sec-fetch-site", "same-origin")];
    assert_eq!(visitor.post_with("/settings/profile", &fields, &own).await.status, 303);
}

#[tokio::test]
async fn a_lost_session_keeps_what_was_typed_through_signing_in() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("harbor").await;
    let visitor = Visitor::signed_in(&app, &agency.email).await;
    let token = visitor.get("/settings/profile").await.token();
    app.app.clock.step(chrono::TimeDelta::hours(13));
    let fields = [("csrf_token", token.as_str()), ("name", "Maya \"M\" Lindqvist")];
    let page = visitor.post("/settings/profile", &fields).await;
    assert_eq!(page.status, 403);
    page.shows("You were signed out.").shows("action=\"/sign-in\"");
    let carried = page.html.split("name=\"carried\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let carried = carried.expect("what was typed").replace("&#34;", "\"").replace("&quot;", "\"");
    let token = page.token();
    let fields = [
        ("csrf_token", token.as_str()),
        ("email", &agency.email),
        ("password", PASSWORD),
        ("next", "/settings/profile"),
        ("carried", &carried),
    ];
    let page = visitor.post("/sign-in", &fields).await;
    assert_eq!(page.status, 200);
    page.shows("action=\"/settings/profile\"").shows("Lindqvist");
    let token = page.token();
    let again = [("csrf_token", token.as_str()), ("name", "Maya \"M\" Lindqvist")];
    assert_eq!(visitor.post("/settings/profile", &again).await.status, 303);
}

#[tokio::test]
async fn a_token_is_masked_afresh_on_every_page() {
    let app = TestApp::sqlite().await;
    let visitor = Visitor::new(&app);
    let (one, two) = (visitor.get("/sign-in").await.token(), visitor.get("/sign-in").await.token());
    assert_ne!(one, two);
    for token in [one, two] {
        let page = visitor.post("/sign-in", &[("csrf_token", &token), ("email", "a@b.example")]).await;
        assert_eq!(page.status, 422, "both are of this session");
    }
}
