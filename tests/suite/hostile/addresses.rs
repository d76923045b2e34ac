//! An address with one letter percent-encoded is the same address: every route answers as it does to the plain one.

use canopy::api::routes::listed;

use crate::isolation::dashboard::filled;
use crate::isolation::routes::dashboard;
use crate::isolation::world::World;
use crate::support::app::{TestApp, on_both};
use crate::support::visitor::{Page, Visitor};

/// `/sub-accounts` as `/%73ub-accounts`: the first letter of each part in turn.
fn written_otherwise(path: &str) -> Vec<String> {
    let starts = path.match_indices('/').map(|(at, _)| at + 1);
    let letters = starts.filter(|at| path[*at..].starts_with(|letter: char| letter.is_ascii_alphabetic()));
    letters
        .map(|at| {
            let letter = u32::from(path.as_bytes()[at]);
            format!("{}%{letter:02x}{}", &path[..at], &path[at + 1..])
        })
        .collect()
}

/// What a page is: where it leads, and what it is called.
fn gist(page: &Page) -> (u16, String, String) {
    let title = page.html.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap_or_default();
    // The address that somebody comes back to is written as it came.
    let location = page.location.split("?next=").next().unwrap_or_default().to_owned();
    (page.status, location, title.to_owned())
}

async fn same_for(visitor: &Visitor, method: &str, path: &str) -> usize {
    let ask = |path: String| async move {
        if method == "GET" { visitor.get(&path).await } else { visitor.post(&path, &[]).await }
    };
    let plain = gist(&ask(path.to_owned()).await);
    let others = written_otherwise(path);
    for other in &others {
        let page = gist(&ask(other.clone()).await);
        assert_eq!(page, plain, "{method} {other}");
    }
    others.len()
}

#[tokio::test]
async fn a_route_written_with_an_escape_is_guarded_like_its_plain_form() {
    let app = TestApp::sqlite().await;
    let world = World::new(&app).await;
    let mut asked = 0;
    for who in ["", "own@member.example", &world.agency.email] {
        let visitor = if who.is_empty() { Visitor::new(&app) } else { Visitor::signed_in(&app, who).await };
        for route in dashboard() {
            asked += same_for(&visitor, route.method, &filled(&route.path, &world.things, "1")).await;
        }
    }
    println!("{asked} addresses written in another way");
    assert!(asked > 600, "{asked}");
}

#[tokio::test]
async fn a_route_of_the_api_written_with_an_escape_is_the_same_route() {
    on_both(|app| async move {
        let world = World::new(&app).await;
        let mut asked = 0;
        for (method, path) in listed().into_iter().filter(|(method, _)| method == "GET") {
            let path = path
                .replace("{account_id}", &world.own.id.to_string())
                .replace("{sub_account_id}", &world.own.id.to_string())
                .replace("{message_id}", &world.things.message.to_string())
                .replace("{domain}", &world.things.domain)
                .replace("{key_id}", &world.things.key.to_string())
                .replace("{smtp_credential_id}", &world.things.credential.to_string());
            let plain = app.call(&method, &path, &world.own.key, None).await;
            for other in written_otherwise(&path) {
                assert_eq!(app.call(&method, &other, &world.own.key, None).await, plain, "{other}");
                assert_eq!(
                    app.call(&method, &other, "nobody", None).await.0,
                    app.call(&method, &path, "nobody", None).await.0
                );
                asked += 1;
            }
        }
        assert!(asked > 50, "{asked}");
    })
    .await;
}

#[tokio::test]
async fn a_retry_of_a_request_written_with_an_escape_is_the_same_request() {
    on_both(|app| async move {
        let agency = app.agency("Oak").await;
        let body = serde_json::json!({ "label": "Once", "scopes": ["messages:read:all"] });
        let path = format!("/v2/accounts/{}/smtp-credentials", agency.id);
        let body_of = serde_json::json!({ "name": "Once", "scope": "global" });
        let headers = [("idempotency-key", "one-key")];
        let first = app.send("POST", &path, &agency.key, Some(&body_of), &headers).await;
        assert_eq!(first.status().as_u16(), 201);
        let other = path.replace("/smtp-", "/%73mtp-");
        let again = app.send("POST", &other, &agency.key, Some(&body_of), &headers).await;
        assert_eq!(again.status().as_u16(), 201);
        assert_eq!(again.headers().get("idempotent-replayed").and_then(|value| value.to_str().ok()), Some("true"));
        let changed = app.send("POST", &other, &agency.key, Some(&body), &headers).await;
        assert_eq!(changed.status().as_u16(), 422);
    })
    .await;
}

/// Files, pages, probes and the API: what is fit for one reader alone is kept by nobody on the way.
#[tokio::test]
async fn no_cache_keeps_an_answer_of_the_api_or_a_page() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Oak").await;
    let base = format!("/v2/accounts/{}", agency.id);
    for (method, path, key, expected) in [
        ("GET", "/v2/ping", agency.key.as_str(), 200),
        ("GET", "/v2/openapi.json", "", 200),
        ("GET", &format!("{base}/domains"), &agency.key, 200),
        ("GET", &format!("{base}/domains"), "nobody", 401),
        ("POST", &format!("{base}/sub-accounts"), &agency.key, 400),
        ("GET", &format!("{base}/nothing"), &agency.key, 404),
        ("GET", "/v2", &agency.key, 404),
        ("PATCH", "/v2/ping", &agency.key, 405),
        ("GET", &format!("{base}/messages?subject=%00"), &agency.key, 400),
        ("GET", "/%762/ping", &agency.key, 200),
        ("GET", "/sign-in", "", 200),
        ("GET", "/nothing", "", 404),
        ("GET", "/sub-accounts", "", 303),
        ("GET", "/sign-in?next=%00", "", 400),
        ("OPTIONS", "/sign-in", "", 405),
    ] {
        let answer = app.send(method, path, key, None, &[]).await;
        assert_eq!(answer.status().as_u16(), expected, "{method} {path}");
        let kept = answer.headers().get("cache-control").and_then(|value| value.to_str().ok());
        assert_eq!(kept, Some("no-store"), "{method} {path}");
    }
}

#[tokio::test]
async fn a_limit_of_requests_is_answered_with_no_store() {
    let slow = |settings: &mut canopy::config::Settings| {
        settings.set("rate_limit_per_second", "1");
        settings.set("rate_limit_burst", "1");
    };
    let app = TestApp::start_with(crate::support::app::On::Sqlite, slow).await.expect("SQLite");
    let agency = app.agency("Oak").await;
    let path = format!("/v2/accounts/{}", agency.id);
    let mut limited = None;
    for _ in 0..5 {
        let answer = app.send("GET", &path, &agency.key, None, &[]).await;
        if answer.status().as_u16() == 429 {
            limited = answer.headers().get("cache-control").and_then(|value| value.to_str().ok()).map(str::to_owned);
        }
    }
    assert_eq!(limited.as_deref(), Some("no-store"));
}
