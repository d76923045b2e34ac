//! Whoever has not signed in is known by a signed cookie alone: no page that they ask for stores a row, and their forms
//! are as safe as those of a session.

use std::collections::BTreeMap;

use canopy::actions::add_user::{NewUser, add_user};
use canopy::actions::{set_up, share_domain};
use canopy::domain::email_address::EmailAddress;
use canopy::domain::role::Role;
use canopy::domain::text::PersonName;
use diesel::prelude::*;
use diesel::sql_query;

use super::routes::dashboard;
use crate::support::app::{Agency, Client, PASSWORD, TestApp, on_both};
use crate::support::visitor::Visitor;
use crate::web::links::mailed_link;

/// How often a stranger comes by.
const TIMES: usize = 3;

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    rows: i64,
}

/// How many rows each table has.
async fn rows(app: &TestApp) -> BTreeMap<String, i64> {
    let tables = if app.app.db.is_shared() {
        "SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = 'public'"
    } else {
        "SELECT name FROM sqlite_master WHERE type = 'table'"
    };
    app.read(move |conn| {
        let tables = sql_query(tables).load::<Name>(conn)?;
        let count = |Name { name }: Name| {
            let counted = sql_query(format!("SELECT count(*) AS rows FROM \"{name}\"")).get_result::<Count>(conn)?;
            Ok((name, counted.rows))
        };
        tables.into_iter().map(count).collect()
    })
    .await
}

/// Every page behind a link that somebody was sent, with a right token.
async fn links(app: &TestApp, agency: &Agency, client: &Client) -> Vec<String> {
    let (account, email) = (client.id, agency.email.clone());
    let (services, domain) = (app.app.services.clone(), client.domain.clone());
    let shared = app
        .write(move |conn, cx| {
            let domain = share_domain::share_domain(conn, cx, &services, account, &domain)?;
            Ok(share_domain::share_token(&services, &domain)?.expect("a link"))
        })
        .await;
    let invited = app
        .write(move |conn, cx| {
            let new = NewUser {
                email: EmailAddress::parse("ana@oakone.example").expect("an address"),
                name: PersonName::parse("Ana").expect("a name"),
                role: Role::Administrator,
                password_hash: None,
            };
            Ok(add_user(conn, cx, account, new)?.invitation.expect("a link"))
        })
        .await;
    Visitor::new(app).submit("/forgot", "/forgot", &[("email", &email)]).await;
    let reset = mailed_link(app, &email, "/reset/").await.expect("a link");
    vec![format!("/invite/{}", invited.as_str()), format!("/dns/{shared}"), reset]
}

#[tokio::test]
async fn no_page_that_a_stranger_asks_for_stores_a_row() {
    on_both(|app| async move {
        let set_up = app.write(set_up::offer).await.expect("an empty database");
        let before = rows(&app).await;
        let set_up = format!("/setup/{}", set_up.as_str());
        for _ in 0..TIMES {
            assert!(!Visitor::new(&app).get(&set_up).await.token().is_empty());
        }
        assert_eq!(rows(&app).await, before, "the first set-up");

        let agency = app.agency("Oak").await;
        let client = app.client(&agency, "oakone", 0).await;
        let links = links(&app, &agency, &client).await;
        let public = ["/sign-in", "/sign-in?next=%2Fusage", "/forgot"].map(str::to_owned);
        let before = rows(&app).await;
        let returning = Visitor::new(&app);
        for page in public.iter().chain(&links) {
            for _ in 0..TIMES {
                assert!(!Visitor::new(&app).get(page).await.token().is_empty(), "{page} has a form");
                assert_eq!(returning.get(page).await.status, 200, "{page}");
            }
        }
        let mut asked = 0;
        for route in dashboard() {
            let path = route.path.replace(['{', '}'], "");
            let stranger = Visitor::new(&app);
            for _ in 0..TIMES {
                let page = match route.method {
                    "POST" => stranger.post(&path, &[("csrf_token", "made up")]).await,
                    _ => stranger.get(&path).await,
                };
                assert!(page.status < 500, "{path}: {}", page.html);
                asked += 1;
            }
        }
        for (method, path) in canopy::api::routes::listed() {
            let (status, _) = app.call(&method, &path.replace(['{', '}'], ""), "made-up", None).await;
            assert!(status < 500, "{path}");
        }
        assert_eq!(rows(&app).await, before, "nothing of {asked} requests is stored");
        assert!(asked > 300, "{asked}");
    })
    .await;
}

#[tokio::test]
async fn a_strangers_form_is_taken_with_their_own_token_alone_and_no_more_once_they_signed_in() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let (visitor, other) = (Visitor::new(&app), Visitor::new(&app));
        let (own, foreign) = (visitor.get("/sign-in").await.token(), other.get("/sign-in").await.token());
        let fields = |token: &str| {
            [("csrf_token", token), ("email", agency.email.as_str()), ("password", PASSWORD)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
        };
        let send = async |token: &str| {
            let fields = fields(token);
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
            visitor.post("/sign-in", &fields).await.status
        };
        for wrong in ["", "made up", &foreign, &own[..64], &"0".repeat(128)] {
            assert_eq!(send(wrong).await, 403, "{wrong}");
        }
        assert_eq!(send(&own).await, 303, "opened before, and masked anew on each page");
        assert_eq!(visitor.post("/sign-out", &[("csrf_token", &own)]).await.status, 403, "it is a stranger's");
        assert_eq!(visitor.get("/settings/profile").await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_strangers_cookie_that_was_changed_is_nobodys() {
    let app = TestApp::sqlite().await;
    let page = Visitor::new(&app).get("/sign-in").await;
    let (cookie, token) = (page.cookie("canopy").expect("a cookie"), page.token());
    let pair = cookie.split(';').next().expect("a value").to_owned();
    let (head, last) = pair.split_at(pair.len() - 1);
    let changed = format!("{head}{}", if last == "A" { "B" } else { "A" });
    let send = async |cookie: &str| {
        let fields = [("csrf_token", token.as_str()), ("email", "a@b.example"), ("password", "x")];
        Visitor::new(&app).post_with("/sign-in", &fields, &[("cookie", cookie)]).await.status
    };
    assert_eq!((send(&changed).await, send(&pair).await), (403, 422));
}

#[tokio::test]
async fn what_a_page_said_to_a_stranger_is_said_once() {
    let app = TestApp::sqlite().await;
    let (agency, other) = (app.agency("Oak").await, app.agency("Elm").await);
    let email = "keeper@elm.example";
    app.member(other.id, email, "analyst").await;
    let owner = Visitor::signed_in(&app, &agency.email).await;
    let fields = [("name", "Keeper"), ("email", email), ("role", "analyst")];
    assert_eq!(owner.fill("/settings/members", &fields).await.status, 303);
    let link = mailed_link(&app, email, "/invite/").await.expect("a link");
    let visitor = Visitor::new(&app);
    let page = visitor.submit(&link, &link, &[]).await;
    assert_eq!((page.status, page.location.as_str()), (303, "/sign-in?next=%2F"));
    visitor.get(&page.location).await.shows("You are a member of Oak now.");
    assert!(!visitor.get(&page.location).await.html.contains("You are a member"));
}
