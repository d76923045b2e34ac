//! Settings of the account and of oneself.

use canopy::models::accounts;

use crate::support::app::{PASSWORD, TestApp, on_both};
use crate::support::visitor::Visitor;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and the rest of a picture";

fn fields() -> Vec<(&'static str, &'static str)> {
    vec![
        ("name", "Harbor Studio"),
        ("website", "harbor.example"),
        ("about", ""),
        ("message_metadata_retention", "20"),
        ("message_data_retention", "3"),
        ("time_zone", "Europe/Berlin"),
        ("anchor_day", "15"),
        ("brand_name", "Harbor"),
    ]
}

#[tokio::test]
async fn an_agency_names_its_brand_and_its_clients_see_it() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let client = app.client(&agency, "alder", 0).await;
        app.member(client.id, "ana@alder.example", "administrator").await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let page = owner.upload("/settings", "/settings", &fields(), ("logo", PNG.to_vec())).await;
        assert_eq!(page.status, 303, "{}", page.html);
        let id = agency.id;
        let saved = app.read(move |conn| Ok(accounts::find(conn, id)?)).await.expect("the agency");
        assert_eq!((saved.anchor_day, saved.time_zone.as_str(), saved.data_retention), (15, "Europe/Berlin", 3));
        let ana = Visitor::signed_in(&app, "ana@alder.example").await;
        ana.get("/settings/profile").await.shows("<span>Harbor</span>").shows(&format!("/brand/{id}/logo"));
        let logo = Visitor::new(&app).get(&format!("/brand/{id}/logo")).await;
        assert_eq!(logo.headers.get("content-type").and_then(|value| value.to_str().ok()), Some("image/png"));
    })
    .await;
}

#[tokio::test]
async fn a_wrong_setting_comes_back_with_what_was_typed_and_where_it_is_wrong() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("harbor").await;
    let owner = Visitor::signed_in(&app, &agency.email).await;
    let mut wrong = fields();
    wrong[0].1 = "Harbor & Co";
    wrong[3].1 = "99";
    let page = owner.submit("/settings", "/settings", &wrong).await;
    assert_eq!(page.status, 422);
    page.shows("Choose 1 to 30 days.").shows("Harbor &#38; Co").shows("href=\"#message_metadata_retention\"");
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".to_vec();
    let page = owner.upload("/settings", "/settings", &fields(), ("logo", svg)).await;
    assert_eq!(page.status, 422);
    page.shows("no PNG, JPEG or WebP picture");
    let page = owner.upload("/settings", "/settings", &fields(), ("logo", [PNG, &[0; 200_001]].concat())).await;
    page.shows("too large");
}

#[tokio::test]
async fn who_may_not_change_the_account_gets_the_profile_and_cannot_post() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("harbor").await;
    app.member(agency.id, "ana@harbor.example", "analyst").await;
    let ana = Visitor::signed_in(&app, "ana@harbor.example").await;
    assert_eq!(ana.get("/settings").await.location, "/settings/profile");
    let page = ana.submit("/settings/profile", "/settings", &fields()).await;
    assert_eq!(page.status, 403);
    page.shows("Your role may not do this");
}

#[tokio::test]
async fn a_new_address_and_a_new_password_need_the_current_password() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("harbor").await;
    let owner = Visitor::signed_in(&app, &agency.email).await;
    let wrong = [("email", "maya@harbor.example"), ("current_password", "not it at all")];
    let page = owner.submit("/settings/profile", "/settings/profile/email", &wrong).await;
    assert_eq!(page.status, 422);
    page.shows("This is not your current password.").shows("value=\"maya@harbor.example\"");
    let right = [("email", "maya@harbor.example"), ("current_password", PASSWORD)];
    assert_eq!(owner.submit("/settings/profile", "/settings/profile/email", &right).await.status, 303);
    owner.get("/settings/profile").await.shows("A link is on its way").shows(&agency.email);
    let weak = [("current_password", PASSWORD), ("new_password", "short")];
    let page = owner.submit("/settings/profile", "/settings/profile/password", &weak).await;
    page.shows("at least 10 characters");
}

#[tokio::test]
async fn a_member_of_two_accounts_switches_between_them_and_to_no_other() {
    let app = TestApp::sqlite().await;
    let (one, two, third) = (app.agency("harbor").await, app.agency("north").await, app.agency("third").await);
    let email = one.email.clone();
    let (second, owner) = (two.id, one.owner);
    app.write(move |conn, cx| {
        let membership = canopy::models::memberships::Membership {
            account_id: second,
            user_id: owner,
            role: "analyst".into(),
            invited_by: None,
            accepted_at: Some(cx.at()),
            created_at: cx.at(),
            updated_at: cx.at(),
        };
        Ok(canopy::models::memberships::insert(conn, &membership)?)
    })
    .await;
    let visitor = Visitor::signed_in(&app, &email).await;
    let to = two.id.to_string();
    assert_eq!(visitor.submit("/settings/profile", "/switch-account", &[("account", &to)]).await.status, 303);
    visitor.get("/settings/profile").await.shows("Analyst");
    let foreign = third.id.to_string();
    assert_eq!(visitor.submit("/settings/profile", "/switch-account", &[("account", &foreign)]).await.status, 404);
}
