//! Transports over the API: made, changed, chosen, and deleted only when nobody's mail leaves by them.

use canopy::models::audit;
use serde_json::{Value, json};

use crate::support::app::{Agency, TestApp, on_both};

fn relay() -> Value {
    json!({ "name": "Marketing", "kind": "relay", "host": "smtp.relay.example", "port": 465, "tls": "implicit",
            "username": "u", "password": "hunter2", "source_ip": "192.0.2.7", "helo": "Out.Example.com",
            "max_connections": 5, "messages_per_second": 20 })
}

async fn create(app: &TestApp, agency: &Agency, body: &Value) -> Value {
    let (status, made) = app.call("POST", &base(agency), &agency.key, Some(body)).await;
    assert_eq!(status, 201, "{made}");
    made
}

fn base(agency: &Agency) -> String {
    format!("/v2/accounts/{}/transports", agency.id)
}

fn id(made: &Value) -> &str {
    made["id"].as_str().expect("an id")
}

#[tokio::test]
async fn a_transport_is_made_read_changed_and_deleted_and_its_password_is_never_shown() {
    on_both(|app| async move {
        let agency = app.agency("Makes").await;
        let made = create(&app, &agency, &relay()).await;
        for (field, value) in [
            ("object", json!("transport")),
            ("account_id", json!(agency.id.to_string())),
            ("kind", json!("relay")),
            ("host", json!("smtp.relay.example")),
            ("port", json!(465)),
            ("tls", json!("implicit")),
            ("username", json!("u")),
            ("has_password", json!(true)),
            ("source_ip", json!("192.0.2.7")),
            ("helo", json!("out.example.com")),
            ("max_connections", json!(5)),
            ("messages_per_second", json!(20)),
            ("default", json!(false)),
        ] {
            assert_eq!(made[field], value, "{field}");
        }
        assert!(!made.to_string().contains("hunter2") && made.get("password").is_none());
        let one = format!("{}/{}", base(&agency), id(&made));
        assert_eq!(app.call("GET", &one, &agency.key, None).await, (200, made.clone()));

        // The password goes to no other server, port or user, and under no weaker encryption.
        for change in [
            json!({ "host": "smtp.evil.example" }),
            json!({ "port": 25 }),
            json!({ "username": "another" }),
            json!({ "tls": "opportunistic" }),
            json!({ "tls": "none" }),
        ] {
            let (status, answer) = app.call("PUT", &one, &agency.key, Some(&change)).await;
            assert_eq!(status, 400, "{change}: {answer}");
            assert!(answer["message"].as_str().is_some_and(|text| text.starts_with("password: ")), "{answer}");
        }
        assert_eq!(app.call("GET", &one, &agency.key, None).await.1, made, "nothing was changed");
        let change = json!({ "name": "Renamed", "tls": "required", "default": true, "max_connections": 0, "helo": "" });
        let (status, changed) = app.call("PUT", &one, &agency.key, Some(&change)).await;
        assert_eq!((status, &changed["name"], &changed["has_password"]), (200, &json!("Renamed"), &json!(true)));
        assert_eq!((&changed["default"], &changed["helo"]), (&json!(true), &Value::Null));
        let (status, direct) = app.call("PUT", &one, &agency.key, Some(&json!({ "kind": "direct" }))).await;
        assert_eq!((status, &direct["host"], &direct["has_password"]), (200, &Value::Null, &json!(false)), "{direct}");

        let (status, answer) = app.call("DELETE", &one, &agency.key, None).await;
        assert_eq!(status, 409, "{answer}");
        assert!(answer["message"].as_str().is_some_and(|text| text.contains("default")), "{answer}");
        app.call("PUT", &one, &agency.key, Some(&json!({ "default": false }))).await;
        assert_eq!(app.call("DELETE", &one, &agency.key, None).await.0, 200);
        assert_eq!(app.call("GET", &one, &agency.key, None).await.0, 404);
        assert_eq!(app.call("DELETE", &one, &agency.key, None).await.0, 404);

        let root = agency.id;
        let entries =
            app.read(move |conn| Ok(audit::page(conn, root, &audit::Filter::default(), None, true, 100)?)).await;
        let actions: Vec<&str> = entries.iter().map(|entry| entry.action.as_str()).collect();
        let expected = ["create", "update", "set_default", "update", "set_default", "delete"];
        assert_eq!(actions, expected.map(|verb| format!("transport.{verb}")));
        assert!(entries.iter().all(|entry| !format!("{entry:?}").contains("hunter2")));
    })
    .await;
}

#[tokio::test]
async fn a_sub_account_uses_its_choice_else_the_default_and_what_is_in_use_stays() {
    on_both(|app| async move {
        let (agency, other) = (app.agency("Chooses").await, app.agency("Other").await);
        let child = app.client(&agency, "chooses", 0).await;
        let mut all = Vec::new();
        for name in ["One", "Two"] {
            all.push(create(&app, &agency, &json!({ "name": name, "kind": "mailbox" })).await);
        }
        let foreign = create(&app, &other, &json!({ "name": "One", "kind": "direct" })).await;
        let path = format!("/v2/accounts/{}/sub-accounts/{}/transport", agency.id, child.id);
        let choose = |wanted: Value| {
            let (app, path, key) = (&app, path.clone(), agency.key.clone());
            async move { app.call("PUT", &path, &key, Some(&json!({ "transport_id": wanted }))).await }
        };
        let (status, chosen) = choose(all[0]["id"].clone()).await;
        assert_eq!((status, &chosen["object"]), (200, &json!("sub_account_transport")));
        assert_eq!((&chosen["transport_id"], &chosen["effective_transport_id"]), (&all[0]["id"], &all[0]["id"]));
        let one = format!("{}/{}", base(&agency), id(&all[0]));
        let (status, answer) = app.call("DELETE", &one, &agency.key, None).await;
        assert_eq!(status, 409, "{answer}");
        assert!(answer["message"].as_str().is_some_and(|text| text.contains("one sub account uses One")), "{answer}");

        let (_, back) = choose(Value::Null).await;
        assert_eq!((&back["transport_id"], &back["effective_transport_id"]), (&Value::Null, &Value::Null));
        app.call("PUT", &format!("{}/{}", base(&agency), id(&all[1])), &agency.key, Some(&json!({ "default": true })))
            .await;
        assert_eq!(choose(Value::Null).await.1["effective_transport_id"], all[1]["id"]);
        assert_eq!(app.call("DELETE", &one, &agency.key, None).await.0, 200);

        assert_eq!(choose(foreign["id"].clone()).await.0, 404, "another agency's");
        assert_eq!(choose(json!("x")).await.0, 400);
        assert_eq!(app.call("PUT", &path, &agency.key, Some(&json!({}))).await.0, 400, "null is said, not left out");
        let own = format!("/v2/accounts/{0}/sub-accounts/{0}/transport", agency.id);
        assert_eq!(app.call("PUT", &own, &agency.key, Some(&json!({ "transport_id": null }))).await.0, 404);
        let childs = format!("/v2/accounts/{}/transports", child.id);
        let (status, answer) = app.call("GET", &childs, &child.key, None).await;
        assert_eq!(status, 403, "{answer}");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_the_field_that_is_wrong() {
    on_both(|app| async move {
        let agency = app.agency("Wrong").await;
        create(&app, &agency, &relay()).await;
        let with = |field: &str, value: Value| {
            let mut body = relay();
            body["name"] = json!("Another");
            body[field] = value;
            body
        };
        for (field, body) in [
            ("name", with("name", json!(""))),
            ("name", with("name", json!("x".repeat(101)))),
            ("kind", with("kind", json!("smtp"))),
            ("host", with("host", json!("a b"))),
            ("host", with("host", json!(""))),
            ("host", with("host", json!("10.0.0.1"))),
            ("host", with("kind", json!("direct"))),
            ("port", with("port", json!(0))),
            ("port", with("port", json!(65536))),
            ("tls", with("tls", json!("starttls"))),
            ("username", with("username", json!(""))),
            ("password", with("password", json!(""))),
            ("source_ip", with("source_ip", json!("192.0.2"))),
            ("helo", with("helo", json!("not a name"))),
            ("max_connections", with("max_connections", json!(1001))),
            ("messages_per_second", with("messages_per_second", json!(-1))),
        ] {
            let (status, answer) = app.call("POST", &base(&agency), &agency.key, Some(&body)).await;
            assert_eq!(status, 400, "{body}: {answer}");
            let message = answer["message"].as_str().unwrap_or_default();
            assert!(message.starts_with(&format!("{field}:")), "{field}: {message}");
        }
        assert_eq!(app.call("POST", &base(&agency), &agency.key, Some(&relay())).await.0, 409, "the name is taken");
        let (_, list) = app.call("GET", &base(&agency), &agency.key, None).await;
        assert_eq!(list["data"].as_array().map(Vec::len), Some(1), "{list}");
    })
    .await;
}

#[tokio::test]
async fn transports_come_in_pages_once_per_key_and_take_their_scopes() {
    on_both(|app| async move {
        let agency = app.agency("Pages").await;
        for name in ["a", "b", "c"] {
            let body = json!({ "name": name, "kind": "mailbox" });
            let headers = [("Idempotency-Key", name)];
            let first = app.send("POST", &base(&agency), &agency.key, Some(&body), &headers).await;
            let first: Value = first.json().await.expect("JSON");
            let again = app.send("POST", &base(&agency), &agency.key, Some(&body), &headers).await;
            assert_eq!(again.headers()["idempotent-replayed"], "true");
            assert_eq!(again.json::<Value>().await.expect("JSON"), first);
        }
        let (_, page) = app.call("GET", &format!("{}?limit=2", base(&agency)), &agency.key, None).await;
        assert_eq!((&page["data"][0]["name"], &page["pagination"]["has_more"]), (&json!("c"), &json!(true)));
        let next = page["pagination"]["next_cursor"].as_str().expect("more");
        let (_, rest) = app.call("GET", &format!("{}?limit=2&after={next}", base(&agency)), &agency.key, None).await;
        assert_eq!((rest["data"].as_array().map(Vec::len), &rest["data"][0]["name"]), (Some(1), &json!("a")));

        let reader = app.key(agency.id, &["accounts:read".to_owned()]).await;
        let body = json!({ "name": "d", "kind": "mailbox" });
        assert_eq!(app.call("GET", &base(&agency), &reader, None).await.0, 200);
        assert_eq!(app.call("POST", &base(&agency), &reader, Some(&body)).await.0, 403);
        let writer = app.key(agency.id, &["accounts:write".to_owned()]).await;
        assert_eq!(app.call("GET", &base(&agency), &writer, None).await.0, 403);
        assert_eq!(app.call("POST", &base(&agency), &writer, Some(&body)).await.0, 201);
    })
    .await;
}
