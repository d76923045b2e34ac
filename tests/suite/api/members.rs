//! Members over the API, and the invitations that adding them mails.

use canopy::actions::accept_invitation::{Credentials, accept_invitation, find_invitation};
use canopy::actions::change_role::change_role;
use canopy::actions::invite_member::resend_invitation;
use canopy::actions::{ActionError, Cx, notify};
use canopy::domain::ids::Id;
use canopy::domain::role::Role;
use canopy::domain::text::PersonName;
use canopy::models::{memberships, system_mails};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::app::{Agency, TestApp, on_both};

fn members(agency: &Agency) -> String {
    format!("/v2/accounts/{}/members", agency.id)
}

fn somebody() -> Value {
    json!({ "email": "New@Person.example", "name": "New Person", "role": "Billing Manager" })
}

/// The tokens of every invitation in the outbox, oldest first.
async fn mailed_tokens(app: &TestApp) -> Vec<String> {
    let (services, now) = (app.app.services.clone(), app.app.clock.now().naive_utc());
    app.write(move |conn, _| {
        let mails = system_mails::claim(conn, now, now, 100)?;
        let invites = mails.iter().filter(|mail| mail.kind == "invite");
        invites
            .map(|mail| {
                let body = notify::open(&services, mail)?;
                let link = body.text.split_once("/invite/").expect("a link").1;
                Ok(link.split_whitespace().next().expect("a token").to_owned())
            })
            .collect()
    })
    .await
}

#[tokio::test]
async fn invitations_in_the_platforms_name_are_bounded_so_that_no_tenant_sends_the_world_mail_by_them() {
    on_both(|app| async move {
        let agency = app.agency("Loud").await;
        let mut answers = Vec::new();
        for number in 0..52 {
            let body = json!({ "email": format!("nobody{number}@person.example"), "role": "Developer" });
            answers.push(app.call("POST", &members(&agency), &agency.key, Some(&body)).await);
        }
        let (taken, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(status, _)| *status == 201);
        assert_eq!((taken.len(), refused.len()), (50, 2));
        assert!(refused.iter().all(|(status, said)| *status == 409 && said.to_string().contains("quarter of an hour")));
        assert_eq!(mailed_tokens(&app).await.len(), 50);
        let (_, list) = app.call("GET", &members(&agency), &agency.key, None).await;
        assert_eq!(list["data"].as_array().map(Vec::len), Some(51), "who was not invited is no member");

        // Nor is one person mailed over and over.
        app.app.clock.step(TimeDelta::minutes(16));
        let (status, member) = app.call("POST", &members(&agency), &agency.key, Some(&somebody())).await;
        assert_eq!(status, 201, "a quarter of an hour later");
        let user: Id = member["user_id"].as_str().expect("an id").parse().expect("an id");
        let mut again = Vec::new();
        for _ in 0..6 {
            let (services, cx) = (app.app.services.clone(), app.app.cx("test"));
            let done = app.app.write(move |conn| resend_invitation(conn, &cx, &services, agency.id, user)).await;
            again.push(done.is_ok());
        }
        assert_eq!(again, [true, true, true, true, false, false]);
    })
    .await;
}

async fn accept(app: &TestApp, token: &str, credentials: Option<&str>) -> Result<Id, ActionError> {
    let (token, cx) = (token.to_owned(), app.app.cx("test"));
    let credentials = credentials
        .map(|name| Credentials { name: PersonName::parse(name).expect("a name"), password_hash: "$argon2id$".into() });
    app.app.write(move |conn| accept_invitation(conn, &cx, &token, credentials).map(|invited| invited.user.id)).await
}

#[tokio::test]
async fn an_unknown_address_is_listed_at_once_and_may_act_only_after_accepting() {
    on_both(|app| async move {
        let agency = app.agency("Acme").await;
        let (status, member) = app.call("POST", &members(&agency), &agency.key, Some(&somebody())).await;
        assert_eq!((status, &member["role"]), (201, &json!("Billing Manager")), "{member}");
        let user: Id = member["user_id"].as_str().expect("an id").parse().expect("an id");
        let (_, list) = app.call("GET", &members(&agency), &agency.key, None).await;
        assert_eq!(list["data"].as_array().map(Vec::len), Some(2));
        assert_eq!(list["data"][0]["role"], "Administrator", "the owner");
        assert!(app.read(move |conn| Ok(memberships::of_user(conn, user)?)).await.is_empty(), "inert");

        let tokens = mailed_tokens(&app).await;
        let [token] = tokens.as_slice() else { panic!("one invitation: {tokens:?}") };
        assert!(matches!(accept(&app, token, None).await, Err(ActionError::Invalid(_))), "a password is needed");
        assert_eq!(accept(&app, token, Some("Ann")).await.ok(), Some(user));
        assert_eq!(app.read(move |conn| Ok(memberships::of_user(conn, user)?)).await.len(), 1);
        assert!(matches!(accept(&app, token, Some("Eve")).await, Err(ActionError::NotFound(_))), "once only");
    })
    .await;
}

#[tokio::test]
async fn a_known_person_is_invited_too_and_keeps_their_password() {
    let app = TestApp::sqlite().await;
    let (agency, other) = (app.agency("Acme").await, app.agency("Other").await);
    let body = json!({ "email": other.email, "role": "Developer" });
    let (status, member) = app.call("POST", &members(&agency), &agency.key, Some(&body)).await;
    assert_eq!((status, &member["user_id"]), (201, &json!(other.owner)));
    let owner = other.owner;
    assert_eq!(app.read(move |conn| Ok(memberships::of_user(conn, owner)?)).await.len(), 1, "inert");
    let tokens = mailed_tokens(&app).await;
    assert_eq!(accept(&app, &tokens[0], Some("Somebody else")).await.ok(), Some(owner));
    let user = app.read(move |conn| Ok(canopy::models::users::find(conn, owner)?)).await.expect("the user");
    assert_eq!(user.name, "Test Person");
    assert_ne!(user.password_hash.as_deref(), Some("$argon2id$"));
}

#[tokio::test]
async fn a_member_cannot_be_added_twice_whatever_the_case_of_the_address() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Acme").await;
    let body = json!({ "email": agency.email.to_uppercase(), "role": "Analyst" });
    let response = app.send("POST", &members(&agency), &agency.key, Some(&body), &[]).await;
    assert_eq!(response.status(), 409);
    assert_eq!(response.headers().get("idempotent-replayed"), None);
    for wrong in
        [json!({ "email": "x", "role": "Analyst" }), json!({ "email": "a@b.example", "role": "Owner" }), json!({})]
    {
        assert_eq!(app.call("POST", &members(&agency), &agency.key, Some(&wrong)).await.0, 400, "{wrong}");
    }
    assert!(mailed_tokens(&app).await.is_empty());
}

#[tokio::test]
async fn the_owner_stays_and_anybody_else_can_be_removed_with_their_invitation() {
    on_both(|app| async move {
        let agency = app.agency("Acme").await;
        let one = |user: &str| format!("{}/{user}", members(&agency));
        assert_eq!(app.call("DELETE", &one(&agency.owner.to_string()), &agency.key, None).await.0, 403);
        assert_eq!(app.call("DELETE", &one(&agency.id.to_string()), &agency.key, None).await.0, 404);
        assert_eq!(app.call("DELETE", &one("me"), &agency.key, None).await.0, 400);
        let (_, member) = app.call("POST", &members(&agency), &agency.key, Some(&somebody())).await;
        let user = member["user_id"].as_str().expect("an id");
        let tokens = mailed_tokens(&app).await;
        assert_eq!(app.call("DELETE", &one(user), &agency.key, None).await.0, 200);
        assert_eq!(app.call("DELETE", &one(user), &agency.key, None).await.0, 404);
        assert!(matches!(accept(&app, &tokens[0], Some("Ann")).await, Err(ActionError::NotFound(_))), "taken back");
    })
    .await;
}

#[tokio::test]
async fn an_invitation_ends_after_a_week_and_a_new_one_ends_the_old() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Acme").await;
    let (_, member) = app.call("POST", &members(&agency), &agency.key, Some(&somebody())).await;
    let user: Id = member["user_id"].as_str().expect("an id").parse().expect("an id");
    let first = mailed_tokens(&app).await.remove(0);
    let (account, services) = (agency.id, app.app.services.clone());
    app.write(move |conn, cx| resend_invitation(conn, cx, &services, account, user)).await;
    let tokens = mailed_tokens(&app).await;
    let second = tokens.iter().find(|token| **token != first).expect("a second link").clone();
    assert!(accept(&app, &first, Some("Ann")).await.is_err(), "the old link");
    app.app.clock.step(TimeDelta::days(7));
    let now = app.app.clock.now().naive_utc();
    let found = app.app.read(move |conn| find_invitation(conn, now, &second).map(|_| ())).await;
    assert!(matches!(found, Err(ActionError::NotFound("invitation"))));
}

#[tokio::test]
async fn a_role_changes_for_all_but_the_owner_and_oneself() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Acme").await;
    let (account, owner) = (agency.id, agency.owner);
    let dev = app.member(account, "dev@acme.example", "developer").await;
    let mut cx = app.app.cx("dev@acme.example");
    let row = app.write(move |conn, cx| change_role(conn, cx, account, dev, Role::Support)).await;
    assert_eq!(row.role, "support");
    let change = async |cx: Cx, user: Id, role: Role| {
        app.app.write(move |conn| change_role(conn, &cx, account, user, role)).await
    };
    assert!(matches!(change(cx.clone(), owner, Role::Analyst).await, Err(ActionError::Forbidden(_))));
    assert!(matches!(change(cx.clone(), dev, Role::Owner).await, Err(ActionError::Invalid(_))));
    cx.actor.kind = canopy::actions::ActorKind::User;
    cx.actor.id = Some(dev);
    assert!(matches!(change(cx, dev, Role::Administrator).await, Err(ActionError::Forbidden(_))));
}
