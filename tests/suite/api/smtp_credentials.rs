//! SMTP credentials over the API.

use canopy::models::{audit, smtp_credentials};
use serde_json::{Value, json};

use crate::support::app::{Client, TestApp, on_both};

fn all(client: &Client) -> String {
    format!("/v2/accounts/{}/smtp-credentials", client.id)
}

async fn made(app: &TestApp, client: &Client, body: &Value) -> Value {
    let (status, made) = app.call("POST", &all(client), &client.key, Some(body)).await;
    assert_eq!(status, 201, "{made}");
    made
}

fn names(list: &Value) -> Vec<&str> {
    list["data"].as_array().expect("a list").iter().filter_map(|row| row["name"].as_str()).collect()
}

#[tokio::test]
async fn credentials_live_their_whole_life_over_the_api_and_their_password_is_shown_once() {
    on_both(|app| async move {
        let agency = app.agency("Life").await;
        let client = app.client(&agency, "life", 0).await;
        // Domains of a global one are taken and count for nothing.
        let body = json!({ "name": " Shop ", "scope": "global", "domains": ["other.example"] });
        let global = made(&app, &client, &body).await;
        assert_eq!(
            (&global["object"], &global["name"], &global["scope"], &global["domains"], &global["sandbox"]),
            (&json!("credential_smtp"), &json!("Shop"), &json!("global"), &json!([]), &json!(false))
        );
        let body =
            json!({ "name": "Blog", "scope": "scoped", "domains": ["Life.example", "life.example"], "sandbox": true });
        let scoped = made(&app, &client, &body).await;
        assert_eq!((&scoped["domains"], &scoped["sandbox"]), (&json!(["life.example"]), &json!(true)));
        let password = global["password"].as_str().expect("the password, once").to_owned();
        let path = format!("{}/{}", all(&client), global["id"].as_str().expect("an id"));
        let (status, read) = app.call("GET", &path, &client.key, None).await;
        assert_eq!((status, read.get("password"), &read["username"]), (200, None, &global["username"]));
        let (_, list) = app.call("GET", &all(&client), &client.key, None).await;
        assert_eq!(names(&list), ["Blog", "Shop"]);
        let (_, page) = app.call("GET", &format!("{}?limit=1", all(&client)), &client.key, None).await;
        let next = page["pagination"]["next_cursor"].as_str().expect("more");
        let (_, page) = app.call("GET", &format!("{}?limit=1&after={next}", all(&client)), &client.key, None).await;
        assert_eq!(names(&page), ["Shop"]);
        let (account, root) = (client.id, agency.id);
        let (rows, entries) = app
            .read(move |conn| {
                let rows = smtp_credentials::page(conn, account, None, (None, false), 10)?;
                Ok((rows, audit::page(conn, root, &audit::Filter::default(), None, false, 10)?))
            })
            .await;
        assert!(rows.iter().all(|row| row.password_digest.len() == 32), "digests alone");
        let told = format!("{list}{entries:?}");
        assert!(told.contains("smtp_credential.create") && !told.contains(&password), "{told}");

        let (status, gone) = app.call("DELETE", &path, &client.key, None).await;
        let message = format!("smtp credential {} (Shop) deleted successfully", global["id"].as_str().expect("an id"));
        assert_eq!((status, gone), (200, json!({ "message": message })));
        for method in ["GET", "DELETE"] {
            assert_eq!(app.call(method, &path, &client.key, None).await.0, 404);
        }
    })
    .await;
}

#[tokio::test]
async fn a_key_that_is_limited_to_a_domain_reaches_what_is_bound_to_it() {
    on_both(|app| async move {
        let agency = app.agency("Reach").await;
        let client = app.client(&agency, "reach", 0).await;
        app.verified_domain(client.id, "second.example").await;
        let families = ["read", "write", "delete"].map(|what| format!("smtp-credentials:{what}:{{reach.example}}"));
        let key = app.key(client.id, &families).await;
        let limited = Client { key, ..client.clone() };
        let scoped = |domains: Value| json!({ "name": "x", "scope": "scoped", "domains": domains });
        let post = |body: Value| {
            let (app, limited) = (&app, &limited);
            async move { app.call("POST", &all(limited), &limited.key, Some(&body)).await.0 }
        };
        assert_eq!(post(json!({ "name": "x", "scope": "global" })).await, 403);
        assert_eq!(post(scoped(json!(["reach.example", "second.example"]))).await, 403);
        assert_eq!(post(scoped(json!(["reach.example"]))).await, 201);
        let both = made(&app, &client, &scoped(json!(["reach.example", "second.example"]))).await;
        let other = made(&app, &client, &scoped(json!(["second.example"]))).await;
        let global = made(&app, &client, &json!({ "name": "x", "scope": "global" })).await;
        let (_, list) = app.call("GET", &all(&limited), &limited.key, None).await;
        assert_eq!(names(&list).len(), 2, "those bound to its domain");
        for (credential, status) in [(&both, 200), (&other, 403), (&global, 403)] {
            let path = format!("{}/{}", all(&limited), credential["id"].as_str().expect("an id"));
            for method in ["GET", "DELETE"] {
                assert_eq!(app.call(method, &path, &limited.key, None).await.0, status, "{method} {credential}");
            }
        }
        let none = app.key(client.id, &["messages:send:all".to_owned()]).await;
        assert_eq!(app.call("GET", &all(&client), &none, None).await.0, 403);
        // A domain that goes takes its place with it.
        let path = format!("/v2/accounts/{}/domains/second.example", client.id);
        assert_eq!(app.call("DELETE", &path, &client.key, None).await.0, 200);
        let path = format!("{}/{}", all(&client), other["id"].as_str().expect("an id"));
        assert_eq!(app.call("GET", &path, &client.key, None).await.1["domains"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_refused_by_its_field_and_a_retry_makes_no_second_one() {
    on_both(|app| async move {
        let agency = app.agency("Wrong").await;
        let client = app.client(&agency, "wrong", 0).await;
        for (body, words) in [
            (json!({ "name": "", "scope": "global" }), "name"),
            (json!({ "name": "x".repeat(256), "scope": "global" }), "name"),
            (json!({ "name": "x" }), "scope"),
            (json!({ "name": "x", "scope": "everything" }), "everything"),
            (json!({ "name": "x", "scope": "scoped" }), "domains"),
            (json!({ "name": "x", "scope": "scoped", "domains": [] }), "domains"),
            (json!({ "name": "x", "scope": "scoped", "domains": ["other.example"] }), "other.example"),
            (json!({ "name": "x", "scope": "scoped", "domains": ["a b"] }), "domains"),
        ] {
            let (status, answer) = app.call("POST", &all(&client), &client.key, Some(&body)).await;
            assert!(status == 400 && answer["message"].as_str().is_some_and(|text| text.contains(words)), "{answer}");
        }
        let path = format!("{}/no-uuid", all(&client));
        assert_eq!(app.call("GET", &path, &client.key, None).await.0, 400);
        let body = json!({ "name": "Once", "scope": "global" });
        let mut answers = Vec::new();
        for _ in 0..2 {
            let sent = app.send("POST", &all(&client), &client.key, Some(&body), &[("Idempotency-Key", "once")]).await;
            assert_eq!(sent.status(), 201);
            answers.push(sent.text().await.expect("a text"));
        }
        assert_eq!(answers[0], answers[1], "the password too");
        assert_eq!(names(&app.call("GET", &all(&client), &client.key, None).await.1), ["Once"]);
    })
    .await;
}
