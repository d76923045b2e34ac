//! Links that work once: first set-up, password reset, invitation.

use canopy::actions::add_user::{NewUser, add_user};
use canopy::actions::{notify, set_up};
use canopy::domain::email_address::EmailAddress;
use canopy::domain::role::Role;
use canopy::domain::text::PersonName;
use canopy::models::{sessions, system_mails, users};
use chrono::TimeDelta;

use crate::support::app::{PASSWORD, TestApp, on_both};
use crate::support::visitor::Visitor;

const NEW: &str = "a brand new pass phrase";
const RESET: &str = "/reset/";
const CONFIRM: &str = "/settings/profile/email/";

#[tokio::test]
async fn the_set_up_link_makes_the_first_owner_once() {
    on_both(|app| async move {
        let token = app.write(set_up::offer).await.expect("an empty database");
        let path = format!("/setup/{}", token.as_str());
        let visitor = Visitor::new(&app);
        let mut fields = vec![
            ("account", "Harbor Studio"),
            ("website", "harbor.example"),
            ("name", "Maya Lindqvist"),
            ("email", "maya@harbor.example"),
            ("password", "short"),
        ];
        let page = visitor.submit(&path, &path, &fields).await;
        assert_eq!(page.status, 422);
        page.shows("at least 10 characters").shows("value=\"Harbor Studio\"");
        fields[4].1 = NEW;
        assert_eq!(visitor.submit(&path, &path, &fields).await.status, 303);
        visitor.get("/settings/profile").await.shows("maya@harbor.example").shows("Harbor Studio");
        assert_eq!(visitor.get(&path).await.status, 404);
        assert!(app.write(set_up::offer).await.is_none(), "somebody is there now");
        assert_eq!(Visitor::new(&app).sign_in("maya@harbor.example", NEW).await.status, 303);
    })
    .await;
}

/// The link to `place` in the newest mail to `email`; waits for the mail, because it may be written after the answer.
pub async fn mailed_link(app: &TestApp, email: &str, place: &str) -> Option<String> {
    let services = app.app.services.clone();
    for _ in 0..100 {
        let (now, email) = (app.app.clock.now().naive_utc(), email.to_owned());
        let mails = app.write(move |conn, _| Ok(system_mails::claim(conn, now, now, 50)?)).await;
        let mine = mails.iter().rfind(|mail| mail.recipient == email);
        if let Some(mail) = mine {
            let text = notify::open(&services, mail).expect("a mail that opens").text;
            let link = text.split_whitespace().find(|word| word.contains(place))?;
            return link.split(place).nth(1).map(|token| format!("{place}{token}"));
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    None
}

#[tokio::test]
async fn a_reset_link_works_once_ends_every_session_and_opens_a_throttled_account() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let elsewhere = Visitor::signed_in(&app, &agency.email).await;
        let visitor = Visitor::new(&app);
        let known = visitor.submit("/forgot", "/forgot", &[("email", &agency.email)]).await;
        let path = mailed_link(&app, &agency.email, RESET).await.expect("a mail");
        let other = visitor.submit("/forgot", "/forgot", &[("email", "nobody@harbor.example")]).await;
        assert_eq!(known.html.replace(&agency.email, ""), other.html.replace("nobody@harbor.example", ""));
        let page = visitor.submit(&path, &path, &[("password", NEW)]).await;
        assert_eq!((page.status, page.location.as_str()), (303, "/"));
        assert_eq!(visitor.get("/settings/profile").await.status, 200, "signed in by the link");
        assert_eq!(elsewhere.get("/settings/profile").await.status, 303, "the other session is over");
        assert_eq!(Visitor::new(&app).get(&path).await.status, 404);
        let late = visitor.submit("/settings/profile", &path, &[("password", "yet another phrase")]).await;
        assert_eq!(late.status, 404, "used up");
        assert_eq!(Visitor::new(&app).sign_in(&agency.email, PASSWORD).await.status, 422);
        assert_eq!(Visitor::new(&app).sign_in(&agency.email, NEW).await.status, 303);
    })
    .await;
}

#[tokio::test]
async fn a_reset_link_is_over_after_an_hour() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("harbor").await;
    let visitor = Visitor::new(&app);
    visitor.submit("/forgot", "/forgot", &[("email", &agency.email)]).await;
    let path = mailed_link(&app, &agency.email, RESET).await.expect("a mail");
    assert_eq!(visitor.get(&path).await.status, 200);
    app.app.clock.step(TimeDelta::minutes(61));
    assert_eq!(visitor.get(&path).await.status, 404);
}

#[tokio::test]
async fn an_invited_person_chooses_a_password_and_is_in_under_the_agencys_name() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let client = app.client(&agency, "alder", 0).await;
        let token = app
            .write(move |conn, cx| {
                let new = NewUser {
                    email: EmailAddress::parse("ana@alder.example").expect("an address"),
                    name: PersonName::parse("Ana").expect("a name"),
                    role: Role::Administrator,
                    password_hash: None,
                };
                Ok(add_user(conn, cx, client.id, new)?.invitation.expect("a link"))
            })
            .await;
        let path = format!("/invite/{}", token.as_str());
        let visitor = Visitor::new(&app);
        visitor.get(&path).await.shows("Join alder").shows("<span>harbor</span>").shows("value=\"Ana\"");
        let page = visitor.submit(&path, &path, &[("name", "Ana Ruiz"), ("password", NEW)]).await;
        assert_eq!(page.status, 303, "{}", page.html);
        visitor.get("/settings/profile").await.shows("Ana Ruiz").shows("<span>harbor</span>");
        assert_eq!(visitor.get(&path).await.status, 404);
        let user = app.read(|conn| Ok(users::find_by_email(conn, "ana@alder.example")?)).await.expect("Ana");
        assert_eq!(app.read(move |conn| Ok(sessions::of_user(conn, user.id)?.len())).await, 1);
    })
    .await;
}

/// Asks to sign in with `new` from now on; answers the link that was mailed there.
async fn asked_to_change(app: &TestApp, visitor: &Visitor, new: &str) -> String {
    let fields = [("email", new), ("current_password", PASSWORD)];
    let page = visitor.fill("/settings/profile/email", &fields).await;
    assert_eq!(page.status, 303, "{}", page.html);
    mailed_link(app, new, CONFIRM).await.expect("a mail to the new address")
}

async fn address_of(app: &TestApp, user: canopy::domain::ids::Id) -> String {
    app.read(move |conn| Ok(users::find(conn, user)?)).await.expect("the user").email
}

#[tokio::test]
async fn the_link_to_a_new_address_works_once_for_the_person_who_asked_and_the_old_address_is_told() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        app.member(agency.id, "eve@harbor.example", "administrator").await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let link = asked_to_change(&app, &owner, "Maya@harbor.example").await;
        assert_eq!(address_of(&app, agency.owner).await, agency.email, "nothing before the link is opened");
        assert_eq!(Visitor::new(&app).sign_in("maya@harbor.example", PASSWORD).await.status, 422);

        let eve = Visitor::signed_in(&app, "eve@harbor.example").await;
        let page = eve.get(&link).await;
        assert_eq!(page.status, 404);
        page.shows("Ask for a new one.");
        let stranger = Visitor::new(&app).get(&link).await;
        assert!(stranger.status == 303 && stranger.location.starts_with("/sign-in?next="), "{}", stranger.location);
        assert_eq!(owner.get(&format!("{link}x")).await.status, 404, "another token");
        assert_eq!(address_of(&app, agency.owner).await, agency.email, "nobody else used it up or changed anything");

        assert_eq!(owner.get(&link).await.location, "/settings/profile");
        owner.get("/settings/profile").await.shows("You sign in with Maya@harbor.example from now on.");
        assert_eq!(owner.get(&link).await.status, 404, "it works once");
        assert_eq!(Visitor::new(&app).sign_in("maya@harbor.example", PASSWORD).await.status, 303);
        assert_eq!(Visitor::new(&app).sign_in(&agency.email, PASSWORD).await.status, 422, "the old one is over");
        let now = app.app.clock.now().naive_utc();
        let mails = app.write(move |conn, _| Ok(system_mails::claim(conn, now, now, 50)?)).await;
        assert!(mails.iter().any(|mail| mail.kind == "email_changed" && mail.recipient == agency.email));
    })
    .await;
}

#[tokio::test]
async fn the_link_to_a_new_address_is_over_after_an_hour_after_a_newer_one_and_where_the_address_is_taken() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let first = asked_to_change(&app, &owner, "one@harbor.example").await;
        let second = asked_to_change(&app, &owner, "two@harbor.example").await;
        assert_eq!(owner.get(&first).await.status, 404, "a newer one was asked for");
        app.app.clock.step(TimeDelta::minutes(61));
        assert_eq!(owner.get(&second).await.status, 404, "an hour is over");
        let third = asked_to_change(&app, &owner, "three@harbor.example").await;
        app.member(agency.id, "three@harbor.example", "analyst").await;
        let page = owner.get(&third).await;
        assert_eq!(page.status, 409);
        page.shows("Somebody signs in with that address already.");
        assert_eq!(address_of(&app, agency.owner).await, agency.email);
    })
    .await;
}

#[tokio::test]
async fn links_to_new_addresses_are_bounded_per_person_and_a_refused_form_keeps_the_address() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        app.member(agency.id, "eve@harbor.example", "administrator").await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        for number in 0..5 {
            asked_to_change(&app, &owner, &format!("new{number}@harbor.example")).await;
        }
        let fields = [("email", "sixth@harbor.example"), ("current_password", PASSWORD)];
        let refused = owner.fill("/settings/profile/email", &fields).await;
        assert_eq!(refused.status, 422);
        refused.shows("Wait a quarter of an hour").shows("sixth@harbor.example");
        let mailed = app.outbox().await;
        assert!(!mailed.iter().any(|(reader, _)| reader == "sixth@harbor.example"), "{mailed:?}");
        let eve = Visitor::signed_in(&app, "eve@harbor.example").await;
        asked_to_change(&app, &eve, "eva@harbor.example").await;
        app.app.clock.step(TimeDelta::minutes(16));
        asked_to_change(&app, &owner, "sixth@harbor.example").await;
    })
    .await;
}
