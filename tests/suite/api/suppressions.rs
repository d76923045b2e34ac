//! Suppressions over the API, and that they hold.

use canopy::models::audit;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{accepted, counter, id_of, path, plain, sent};
use crate::support::app::{Client, TestApp, on_both};

fn later(app: &TestApp, days: i64) -> String {
    (app.app.clock.now() + TimeDelta::days(days)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

async fn suppress(app: &TestApp, client: &Client, email: &str, domain: Option<&str>) -> (u16, Value) {
    let mut body = json!({ "email": email, "reason": "asked", "expires_at": later(app, 10) });
    if let Some(domain) = domain {
        body["domain"] = json!(domain);
    }
    app.call("POST", &path(client, "suppressions"), &client.key, Some(&body)).await
}

async fn list(app: &TestApp, client: &Client, query: &str) -> Vec<(String, String)> {
    let (status, answer) = app.call("GET", &path(client, &format!("suppressions?{query}")), &client.key, None).await;
    assert_eq!(status, 200, "{query}: {answer}");
    let text = |row: &Value, field: &str| row[field].as_str().expect("a text").to_owned();
    answer["data"].as_array().expect("rows").iter().map(|row| (text(row, "email"), text(row, "domain"))).collect()
}

async fn status_of(app: &TestApp, client: &Client, from: &str, to: &str) -> String {
    let mut body = plain(client, &[to]);
    body["from"]["email"] = json!(from);
    let entries = sent(app, client, &body).await;
    let (_, shown) =
        app.call("GET", &path(client, &format!("messages/{}", id_of(&entries[0]))), &client.key, None).await;
    shown["status"].as_str().expect("a status").to_owned()
}

#[tokio::test]
async fn a_suppressed_recipient_is_kept_as_a_record_and_not_counted() {
    on_both(|app| async move {
        let agency = app.agency("Held").await;
        let client = app.client(&agency, "held", 1).await;
        let (status, answer) = suppress(&app, &client, "Ann@Example.org", Some("held.example")).await;
        assert_eq!((status, &answer["object"]), (201, &json!("list")), "{answer}");
        let row = &answer["data"][0];
        assert_eq!(
            (&row["object"], &row["email"], &row["domain"], &row["reason"]),
            (&json!("suppression"), &json!("Ann@example.org"), &json!("held.example"), &json!("asked"))
        );
        assert_eq!(row["expires_at"], later(&app, 10));
        let entries = sent(&app, &client, &plain(&client, &["ANN@example.org", "bob@example.org"])).await;
        assert_eq!((&entries[0]["status"], &entries[1]["status"]), (&json!("queued"), &json!("queued")));
        let counter = counter(&app, &client).await.expect("counted");
        assert_eq!((counter.accepted, counter.suppressed), (1, 1), "the cap of one is left for the other");
        let (_, shown) =
            app.call("GET", &path(&client, &format!("messages/{}", id_of(&entries[0]))), &client.key, None).await;
        assert_eq!(
            (&shown["status"], &shown["delivery_attempts"][0]["status"]),
            (&json!("Suppressed"), &json!("Suppressed"))
        );
    })
    .await;
}

#[tokio::test]
async fn without_a_domain_every_domain_is_meant_and_later_ones_too() {
    on_both(|app| async move {
        let agency = app.agency("Every").await;
        let client = app.client(&agency, "every", 0).await;
        app.verified_domain(client.id, "second.example").await;
        let (status, answer) = suppress(&app, &client, "ann@example.org", None).await;
        assert_eq!((status, answer["data"].as_array().map(Vec::len)), (201, Some(2)), "{answer}");
        app.verified_domain(client.id, "third.example").await;
        let mut domains: Vec<String> = list(&app, &client, "").await.into_iter().map(|(_, domain)| domain).collect();
        domains.sort();
        assert_eq!(domains, ["every.example", "second.example", "third.example"]);
        for from in ["hi@every.example", "hi@second.example", "hi@third.example"] {
            assert_eq!(status_of(&app, &client, from, "ann@example.org").await, "Suppressed", "{from}");
        }
        let (status, _) = app
            .call(
                "DELETE",
                &path(&client, "suppressions?email=Ann@example.org&domain=second.example"),
                &client.key,
                None,
            )
            .await;
        assert_eq!(status, 200);
        assert_eq!(status_of(&app, &client, "hi@second.example", "ann@example.org").await, "Received", "let go alone");
        assert_eq!(status_of(&app, &client, "hi@third.example", "ann@example.org").await, "Suppressed");
        app.verified_domain(client.id, "fourth.example").await;
        assert_eq!(status_of(&app, &client, "hi@fourth.example", "ann@example.org").await, "Suppressed");
        assert_eq!(
            app.call("DELETE", &path(&client, "suppressions?email=ann@example.org"), &client.key, None).await.0,
            200
        );
        app.verified_domain(client.id, "fifth.example").await;
        assert_eq!(status_of(&app, &client, "hi@fifth.example", "ann@example.org").await, "Received");
        assert_eq!(list(&app, &client, "").await, []);
    })
    .await;
}

#[tokio::test]
async fn an_account_without_domains_sees_what_waits_for_its_first() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("None").await;
    let bare = Client { id: agency.id, key: agency.key.clone(), domain: "none.example".into() };
    let (status, answer) = suppress(&app, &bare, "ann@example.org", None).await;
    assert_eq!((status, &answer["data"][0]["domain"]), (201, &json!("*")));
    assert_eq!(list(&app, &bare, "").await, [("ann@example.org".to_owned(), "*".to_owned())]);
    app.verified_domain(agency.id, "none.example").await;
    assert_eq!(list(&app, &bare, "").await, [("ann@example.org".to_owned(), "none.example".to_owned())]);
}

#[tokio::test]
async fn one_that_is_there_already_conflicts_until_it_expires() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Twice").await;
    let client = app.client(&agency, "twice", 0).await;
    assert_eq!(suppress(&app, &client, "ann@example.org", Some("twice.example")).await.0, 201);
    let again = json!({ "email": "ANN@example.org", "domain": "Twice.example.", "expires_at": later(&app, 5) });
    let answer = app.send("POST", &path(&client, "suppressions"), &client.key, Some(&again), &[]).await;
    assert_eq!(answer.status(), 409);
    assert!(answer.headers().get("idempotent-replayed").is_none() && answer.headers().get("retry-after").is_none());
    assert_eq!(
        suppress(&app, &client, "ann@example.org", None).await.0,
        201,
        "for every domain is more than there was"
    );
    assert_eq!(suppress(&app, &client, "ann@example.org", None).await.0, 409);
    app.app.clock.step(TimeDelta::days(11));
    assert_eq!(list(&app, &client, "").await, []);
    assert_eq!(status_of(&app, &client, "hi@twice.example", "ann@example.org").await, "Received");
    assert_eq!(suppress(&app, &client, "ann@example.org", Some("twice.example")).await.0, 201);
}

#[tokio::test]
async fn wrong_requests_are_refused() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Wrong").await;
    let client = app.client(&agency, "wrong", 0).await;
    let good = json!({ "email": "ann@example.org", "expires_at": later(&app, 5) });
    for (field, value) in [
        ("email", json!("nobody")),
        ("expires_at", json!("tomorrow")),
        ("expires_at", json!("2020-01-01T00:00:00Z")),
        ("expires_at", Value::Null),
        ("domain", json!("other.example")),
        ("reason", json!("x".repeat(256))),
    ] {
        let mut body = good.clone();
        body[field] = value.clone();
        let (status, answer) = app.call("POST", &path(&client, "suppressions"), &client.key, Some(&body)).await;
        assert_eq!(status, 400, "{field} {value}: {answer}");
    }
    for (method, rest, wanted) in [
        ("GET", "suppressions?domain=other.example", 404),
        ("GET", "suppressions?email=nobody", 400),
        ("GET", "suppressions?limit=1&limit=2", 400),
        ("DELETE", "suppressions", 400),
        ("DELETE", "suppressions?email=ann@example.org", 404),
        ("DELETE", "suppressions/all?domain=other.example", 404),
        ("PUT", "suppressions", 405),
    ] {
        let (status, answer) = app.call(method, &path(&client, rest), &client.key, None).await;
        assert_eq!(status, wanted, "{method} {rest}: {answer}");
        assert!(answer["message"].is_string(), "{method} {rest}: {answer}");
    }
    for (method, rest) in [
        ("GET", "suppressions"),
        ("POST", "suppressions"),
        ("DELETE", "suppressions?email=a@b.example"),
        ("DELETE", "suppressions/all"),
    ] {
        let key = app.key(client.id, &["domains:read".into()]).await;
        assert_eq!(app.call(method, &path(&client, rest), &key, Some(&good)).await.0, 403, "{method} {rest}");
    }
}

#[tokio::test]
async fn lists_are_filtered_paged_and_wiped_and_every_change_is_audited() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Wipe").await;
    let client = app.client(&agency, "wipe", 0).await;
    app.verified_domain(client.id, "second.example").await;
    for number in 0..5 {
        assert_eq!(suppress(&app, &client, &format!("p{number}@example.org"), Some("wipe.example")).await.0, 201);
    }
    assert_eq!(suppress(&app, &client, "p0@example.org", Some("second.example")).await.0, 201);
    assert_eq!(list(&app, &client, "email=P0@example.org").await.len(), 2);
    assert_eq!(list(&app, &client, "domain=second.example").await.len(), 1);
    assert_eq!(list(&app, &client, &format!("from_time={}", later(&app, 1))).await.len(), 0);
    let (_, first) = app.call("GET", &path(&client, "suppressions?limit=4"), &client.key, None).await;
    let next = first["pagination"]["next_cursor"].as_str().expect("a cursor");
    assert_eq!(list(&app, &client, &format!("limit=4&after={next}")).await.len(), 2);
    let wipe = |rest: &str| path(&client, &format!("suppressions/all{rest}"));
    assert_eq!(app.call("DELETE", &wipe("?domain=second.example"), &client.key, None).await.0, 200);
    assert_eq!(list(&app, &client, "").await.len(), 5);
    assert_eq!(app.call("DELETE", &wipe(""), &client.key, None).await.0, 200);
    assert_eq!(app.call("DELETE", &wipe(""), &client.key, None).await.0, 200, "nothing left is no error");
    assert_eq!(list(&app, &client, "").await, []);
    let root = agency.id;
    let entries = app.read(move |conn| Ok(audit::page(conn, root, &audit::Filter::default(), None, true, 100)?)).await;
    let count = |action: &str| entries.iter().filter(|entry| entry.action == action).count();
    assert_eq!((count("suppression.create"), count("suppression.wipe")), (6, 2));
    assert_eq!(accepted(&app, &client).await, 0);
}
