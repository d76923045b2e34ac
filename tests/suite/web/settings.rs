//! Settings of the account and of oneself.

use canopy::actions::ensure_period::ensure_period;
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
        assert_eq!((saved.brand_name.as_deref(), saved.data_retention), (Some("Harbor"), 3));
        let ana = Visitor::signed_in(&app, "ana@alder.example").await;
        ana.get("/settings/profile").await.shows("<span>Harbor</span>").shows(&format!("/brand/{id}/logo"));
        let logo = Visitor::new(&app).get(&format!("/brand/{id}/logo")).await;
        assert_eq!(logo.headers.get("content-type").and_then(|value| value.to_str().ok()), Some("image/png"));
    })
    .await;
}

#[tokio::test]
async fn what_another_billing_period_does_is_said_before_it_is_saved_and_until_it_begins() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let id = agency.id;
        app.write(move |conn, cx| ensure_period(conn, id, cx.now)).await;
        let anchor = || async {
            let saved = app.read(move |conn| Ok(accounts::find(conn, id)?)).await.expect("the agency");
            (saved.anchor_day, saved.time_zone)
        };
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let page = owner.submit("/settings", "/settings", &fields()).await;
        assert_eq!(page.status, 303, "{}", page.html);
        assert_eq!(anchor().await, (1, "UTC".to_owned()), "it was not read yet");
        let address = page.location.split('#').next().expect("an address").to_owned();
        let asked = owner.get(&address).await;
        asked.shows("The billing period is not changed yet.").shows("All other settings are saved.");
        asked.shows("The running period ends on ").shows("A short period of 14 of ").shows("Full periods follow it.");
        asked.shows("name=\"confirmed\" value=\"15 Europe/Berlin\"");

        // What was read is another day than the one that is saved: it is asked again.
        let mut other = fields();
        other[6].1 = "20";
        other.push(("confirmed", "15 Europe/Berlin"));
        assert!(owner.submit(&address, "/settings", &other).await.location.starts_with("/settings?anchor_day=20"));
        let mut read = fields();
        read.push(("confirmed", "15 Europe/Berlin"));
        assert_eq!(owner.submit(&address, "/settings", &read).await.location, "/settings");
        assert_eq!(anchor().await, (15, "Europe/Berlin".to_owned()));
        owner
            .get("/settings")
            .await
            .shows("A change is saved and applies from the next period.")
            .shows("A short period of 14 of ");
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
