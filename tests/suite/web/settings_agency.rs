//! Settings that are the agency's: what its mail costs, who belongs to it, how its mail leaves.

use canopy::actions::set_plan::plan_in_force;
use canopy::delivery::worker::run_once;
use canopy::models::{memberships, messages, transports};

use crate::support::app::{TestApp, on_both};
use crate::support::visitor::Visitor;

const PLAN: &str = "/settings/plan";
const TRANSPORT: &str = "/settings/transport";
const MEMBERS: &str = "/settings/members";

const STEPS: [(&str, &str); 7] = [
    ("currency", "EUR"),
    ("fee", "1,234.50"),
    ("included", "10 000"),
    ("up_to", "1000"),
    ("price", "0.85"),
    ("up_to", ""),
    ("price", "0.5"),
];

fn with<'a>(fields: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [fields, more].concat()
}

#[tokio::test]
async fn a_plan_is_tried_changed_row_by_row_and_saved_without_script() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        owner.get(PLAN).await.shows("The cost of your mail is not set.");
        let page = owner.submit(PLAN, PLAN, &with(&STEPS, &[("do", "preview"), ("messages", "12,000")])).await;
        // 1,234.50 + 1,000 at 0.85 + 1,000 at 0.50.
        page.shows("€1,235.85").shows("Messages 10,001 to 11,000").shows("Messages from 11,001 on");
        let id = agency.id;
        let now = app.app.clock.now().naive_utc();
        assert_eq!(app.read(move |conn| plan_in_force(conn, id, now)).await, None, "a preview saves nothing");
        let page = owner.submit(PLAN, PLAN, &with(&STEPS, &[("do", "add")])).await;
        assert_eq!(page.html.matches("name=\"up_to\"").count(), 3);
        page.shows("value=\"0.85\"");
        let page = owner.submit(PLAN, PLAN, &with(&STEPS, &[("do", "remove-0")])).await;
        assert_eq!(page.html.matches("name=\"up_to\"").count(), 1);
        assert!(!page.html.contains("value=\"0.85\""));
        for (field, value) in [("fee", "12.345"), ("currency", "XAU"), ("included", "many")] {
            let wrong: Vec<_> =
                STEPS.iter().map(|(name, had)| (*name, if *name == field { value } else { *had })).collect();
            let page = owner.submit(PLAN, PLAN, &with(&wrong, &[("do", "save")])).await;
            assert_eq!(page.status, 422, "{field}");
            page.shows(&format!("{field}-error"));
        }
        let page = owner.submit(PLAN, PLAN, &with(&STEPS, &[("do", "save")])).await;
        assert_eq!(page.status, 303, "{}", page.html);
        owner.get("/usage").await.shows("€1,234.50");
        owner.get(PLAN).await.shows("€1,234.50").shows("0.85, then 0.50 per 1,000");
    })
    .await;
}

#[tokio::test]
async fn a_stored_password_is_never_shown_and_goes_to_no_other_host() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let smtp = |host: &'static str, tls: &'static str, password: &'static str| {
            [
                ("kind", "smtp"),
                ("host", host),
                ("port", "587"),
                ("tls", tls),
                ("username", "maya"),
                ("password", password),
            ]
        };
        let page = owner.submit(TRANSPORT, TRANSPORT, &smtp("relay.example", "starttls", "")).await;
        assert_eq!(page.status, 422);
        page.shows("password-error");
        let page = owner.submit(TRANSPORT, TRANSPORT, &smtp("relay.example", "none", "open sesame")).await;
        assert_eq!(page.status, 422, "no password in clear");
        page.shows("tls-error");
        assert!(!page.html.contains("open sesame"));
        let page = owner.submit(TRANSPORT, TRANSPORT, &smtp("relay.example", "starttls", "open sesame")).await;
        assert_eq!(page.status, 303, "{}", page.html);
        let page = owner.get(TRANSPORT).await;
        page.shows("relay.example").shows("One is stored.");
        assert!(!page.html.contains("open sesame"));
        assert_eq!(
            owner.submit(TRANSPORT, TRANSPORT, &smtp("relay.example", "implicit", "")).await.status,
            303,
            "it is kept"
        );
        let page = owner.submit(TRANSPORT, TRANSPORT, &smtp("thief.example", "starttls", "")).await;
        assert_eq!(page.status, 422, "the password stays with its host");
        let id = agency.id;
        let row = app.read(move |conn| Ok(transports::find(conn, id)?)).await.expect("a row");
        assert_eq!((row.host.as_str(), row.tls.as_str()), ("relay.example", "implicit"));
        let opened = app.app.services.secrets.open("transport", &row.password_sealed.expect("sealed")).expect("opened");
        assert_eq!(opened, b"open sesame");
        assert_eq!(owner.submit(TRANSPORT, TRANSPORT, &[("kind", "default")]).await.status, 303);
        assert!(app.read(move |conn| Ok(transports::find(conn, id)?)).await.is_none());
        owner.get("/activity?kind=transport.").await.shows("Transport set to relay.example:587");
    })
    .await;
}

#[tokio::test]
async fn a_test_message_is_an_ordinary_one() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("harbor").await;
    let owner = Visitor::signed_in(&app, &agency.email).await;
    let page = owner.submit(TRANSPORT, "/settings/transport/test", &[("domain", "harbor.example")]).await;
    assert_eq!(page.status, 422, "no verified domain");
    app.verified_domain(agency.id, "harbor.example").await;
    let page = owner.submit(TRANSPORT, "/settings/transport/test", &[("domain", "harbor.example")]).await;
    assert!(page.location.starts_with("/account/messages/"), "{} {}", page.status, page.html);
    assert_eq!(run_once(&app.app).await, 1);
    let id = agency.id;
    let all = app.read(move |conn| Ok(messages::page(conn, id, &messages::Filter::default(), None, false, 10)?)).await;
    assert_eq!((all.len(), all[0].recipient.as_str(), all[0].status.as_str()), (1, agency.email.as_str(), "delivered"));
    owner.get(&page.location).await.shows("Test message");
}

#[tokio::test]
async fn members_are_invited_changed_and_removed_and_the_owner_stays() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let page = owner.submit(MEMBERS, MEMBERS, &[("email", "no address"), ("role", "king")]).await;
        assert_eq!(page.status, 422);
        page.shows("email-error").shows("role-error");
        let invite = [("email", "ana@harbor.example"), ("name", "Ana"), ("role", "support")];
        assert_eq!(owner.submit(MEMBERS, MEMBERS, &invite).await.status, 303);
        owner.get(MEMBERS).await.shows("ana@harbor.example").shows("invited").shows("Send again");
        let page = owner.submit(MEMBERS, MEMBERS, &invite).await;
        page.shows("already a member");
        let id = agency.id;
        let all = app.read(move |conn| Ok(memberships::of_account(conn, id)?)).await;
        let ana = all.iter().find(|(_, user)| user.email == "ana@harbor.example").expect("invited").1.id;
        for (path, fields) in [("resend", vec![]), ("role", vec![("role", "analyst")]), ("remove", vec![])] {
            let page = owner.submit(MEMBERS, &format!("{MEMBERS}/{ana}/{path}"), &fields).await;
            assert_eq!(page.status, 303, "{path}: {}", page.html);
        }
        assert!(!owner.get(MEMBERS).await.html.contains("ana@harbor.example"));
        app.member(agency.id, "admin@harbor.example", "administrator").await;
        let admin = Visitor::signed_in(&app, "admin@harbor.example").await;
        for (path, fields) in [("role", vec![("role", "analyst")]), ("remove", vec![])] {
            let page = admin.submit(MEMBERS, &format!("{MEMBERS}/{}/{path}", agency.owner), &fields).await;
            assert_eq!(page.status, 403, "{path}");
        }
    })
    .await;
}
