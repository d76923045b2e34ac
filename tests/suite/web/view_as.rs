//! View as: a reason, a banner, nothing changed unless raised, everything in the audit.

use canopy::models::audit::{self, Filter};
use chrono::TimeDelta;

use crate::support::app::{Agency, Client, TestApp, on_both};
use crate::support::visitor::{Page, Visitor};

async fn begin(visitor: &Visitor, client: &Client) -> u16 {
    let path = format!("/sub-accounts/{}/view-as", client.id);
    visitor.submit("/settings/profile", &path, &[("reason", "ticket 4512")]).await.status
}

async fn actions(app: &TestApp, agency: &Agency) -> Vec<(String, bool)> {
    let root = agency.id;
    let page = app.read(move |conn| Ok(audit::page(conn, root, &Filter::default(), None, true, 100)?)).await;
    let relevant = page.into_iter().filter(|entry| entry.action.starts_with("view_as") || entry.on_behalf_of.is_some());
    relevant.map(|entry| (entry.action, entry.on_behalf_of.is_some())).collect()
}

const SETTINGS: [(&str, &str); 5] = [
    ("name", "Alder Renamed"),
    ("website", "alder.example"),
    ("about", ""),
    ("message_metadata_retention", "20"),
    ("message_data_retention", "3"),
];

#[tokio::test]
async fn view_as_is_read_only_until_raised_and_every_step_is_noted_on_behalf_of_the_client() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let client = app.client(&agency, "alder", 0).await;
        let visitor = Visitor::signed_in(&app, &agency.email).await;
        assert_eq!(begin(&visitor, &client).await, 303);
        visitor.get("/settings/profile").await.shows("You are viewing as").shows("ticket 4512").shows("read only");
        assert_eq!(visitor.submit("/settings/profile", "/settings", &SETTINGS).await.status, 403);
        assert_eq!(visitor.submit("/settings/profile", "/view-as/raise", &[]).await.status, 303);
        visitor.get("/settings/profile").await.shows("with changes allowed");
        assert_eq!(visitor.submit("/settings/profile", "/settings", &SETTINGS).await.status, 303);
        assert_eq!(visitor.submit("/settings/profile", "/view-as/leave", &[]).await.status, 303);
        let page = visitor.get("/settings/profile").await;
        assert!(!page.html.contains("You are viewing as"));
        let expected = ["view_as.begin", "view_as.raise", "account.update", "view_as.end"];
        assert_eq!(actions(&app, &agency).await, expected.map(|action| (action.to_owned(), true)));
    })
    .await;
}

#[tokio::test]
async fn view_as_ends_after_an_hour() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("harbor").await;
    let client = app.client(&agency, "alder", 0).await;
    let visitor = Visitor::signed_in(&app, &agency.email).await;
    begin(&visitor, &client).await;
    app.app.clock.step(TimeDelta::minutes(61));
    let page = visitor.get("/settings/profile").await;
    assert!(page.status == 200 && !page.html.contains("You are viewing as"));
}

#[tokio::test]
async fn nobody_views_as_without_a_reason_or_the_role_or_as_another_agencys_client() {
    let app = TestApp::sqlite().await;
    let (agency, other) = (app.agency("harbor").await, app.agency("north").await);
    let (client, foreign) = (app.client(&agency, "alder", 0).await, app.client(&other, "birch", 0).await);
    let owner = Visitor::signed_in(&app, &agency.email).await;
    let path = format!("/sub-accounts/{}/view-as", client.id);
    assert_eq!(owner.submit(&path, &path, &[("reason", " ")]).await.status, 422);
    assert_eq!(begin(&owner, &foreign).await, 404);
    let unknown = owner.get("/sub-accounts/0199e3a0-0000-7000-8000-000000000000/view-as").await;
    let others = owner.get(&format!("/sub-accounts/{}/view-as", foreign.id)).await;
    let malformed = owner.get("/sub-accounts/not-an-id/view-as").await;
    assert_eq!((unknown.status, others.status, malformed.status), (404, 404, 404));
    let said = |page: &Page| {
        let main = page.html.split("<main").nth(1).map(str::to_owned);
        main.expect("the page inside the navigation")
    };
    assert!(said(&unknown) == said(&others) && said(&others) == said(&malformed), "refused alike");
    for role in ["analyst", "billing_manager"] {
        let email = format!("{role}@harbor.example");
        app.member(agency.id, &email, role).await;
        assert_eq!(begin(&Visitor::signed_in(&app, &email).await, &client).await, 403, "{role}");
    }
    app.member(agency.id, "support@harbor.example", "support").await;
    let support = Visitor::signed_in(&app, "support@harbor.example").await;
    assert_eq!(begin(&support, &client).await, 303);
    assert_eq!(support.submit("/settings/profile", "/view-as/raise", &[]).await.status, 403);
}

#[tokio::test]
async fn a_wrong_turn_keeps_the_banner_and_the_way_out_and_a_stranger_gets_a_bare_page() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("harbor").await;
    let client = app.client(&agency, "alder", 0).await;
    let owner = Visitor::signed_in(&app, &agency.email).await;
    let lost = owner.get("/nothing-here").await;
    assert_eq!(lost.status, 404);
    lost.shows("Page not found").shows("aria-label=\"Main\"").shows("Sign out");
    begin(&owner, &client).await;
    let refused = owner.get("/account/test").await;
    assert_eq!(refused.status, 403);
    refused.shows("You are viewing as <strong>alder</strong>").shows("action=\"/view-as/leave\"").shows("read only");
    let token = refused.token();
    assert_eq!(
        owner.post("/view-as/leave", &[("csrf_token", &token)]).await.status,
        303,
        "the way out works from there"
    );
    let stranger = Visitor::new(&app).get("/nothing-here").await;
    assert_eq!(stranger.status, 404);
    assert!(!stranger.html.contains("Sign out"), "{}", stranger.html);
}
