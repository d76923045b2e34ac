//! The six operations, as the contract has them.

use serde_json::{Value, json};

use super::{a_minute_passes, agency_owner, owner, publish};
use crate::support::app::{TestApp, on_both};

#[tokio::test]
async fn a_new_domain_has_every_field_and_its_records() {
    on_both(|app| async move {
        let owner = agency_owner(&app, "Fields").await;
        let domain = owner.add(&app, " Shop.Example.COM. ", json!({ "tracking_subdomain": "Click" })).await;
        assert_eq!(domain["domain"], "shop.example.com");
        assert_eq!(domain["object"], "domain");
        assert_eq!((&domain["dns_valid"], &domain["rotation_ready"]), (&json!(false), &json!(false)));
        assert_eq!(domain["tracking_subdomain"], "click");
        for field in [
            "last_dns_check_at",
            "return_path_subdomain",
            "subscription_subdomain",
            "media_subdomain",
            "dkim_rotation_interval_days",
            "dkim_selector",
            "dsn_recipient",
        ] {
            assert_eq!(domain.get(field), Some(&Value::Null), "{field} is there and null");
        }
        let records = domain["dns_records"].as_array().expect("records");
        let hosts: Vec<&str> = records.iter().filter_map(|record| record["host"].as_str()).collect();
        assert!(hosts.contains(&"canopy._domainkey.shop.example.com") && hosts.contains(&"click.shop.example.com"));
        assert_eq!(records.iter().filter(|record| record["required"] == true).count(), 3);
        assert!(records.iter().all(|record| record["propagated"] == false && record["label"].is_string()));
        let (status, again) = app.call("GET", &owner.path("SHOP.example.com"), &owner.key, None).await;
        assert_eq!((status, &again), (200, &domain));
    })
    .await;
}

#[tokio::test]
async fn adding_a_domain_twice_is_a_conflict_and_a_retry_with_its_key_is_answered_again() {
    let app = TestApp::sqlite().await;
    let owner = agency_owner(&app, "Twice").await;
    let body = json!({ "domain": "twice.example" });
    let headers = [("Idempotency-Key", "one")];
    let first = app.send("POST", &owner.path(""), &owner.key, Some(&body), &headers).await;
    assert_eq!(first.status(), 201);
    let first: Value = first.json().await.expect("JSON");
    let replay = app.send("POST", &owner.path(""), &owner.key, Some(&body), &headers).await;
    assert_eq!(replay.headers().get("idempotent-replayed").expect("a replay"), "true");
    assert_eq!(replay.json::<Value>().await.expect("JSON"), first);
    let fresh = app.send("POST", &owner.path(""), &owner.key, Some(&body), &[]).await;
    assert_eq!(fresh.status(), 409);
    assert!(fresh.headers().get("retry-after").is_none() && fresh.headers().get("idempotent-replayed").is_none());
}

#[tokio::test]
async fn what_cannot_be_a_domain_or_its_settings_is_refused_with_its_field() {
    let app = TestApp::sqlite().await;
    let owner = agency_owner(&app, "Refused").await;
    let cases = [
        ("https://a.example/", json!({}), "domain"),
        ("localhost", json!({}), "domain"),
        ("10.0.0.1", json!({}), "domain"),
        ("a.example", json!({ "dkim_selector": "a.b" }), "dkim_selector"),
        ("a.example", json!({ "dkim_selector": "a".repeat(63) }), "dkim_selector"),
        ("a.example", json!({ "tracking_subdomain": "a_b" }), "tracking_subdomain"),
        ("a.example", json!({ "media_subdomain": "track" }), "media_subdomain"),
        ("a.example", json!({ "dkim_private_key": "-----BEGIN" }), "dkim_private_key"),
        ("a.example", json!({ "dkim_rotation_interval_days": 30 }), "dkim_rotation_interval_days"),
    ];
    for (name, more, field) in cases {
        let (status, answer) = owner.try_add(&app, name, more.clone()).await;
        assert_eq!(status, 400, "{name} {more}: {answer}");
        let message = answer["message"].as_str().expect("a message");
        assert!(message.starts_with(&format!("{field}: ")), "{message}");
    }
    let (_, list) = app.call("GET", &owner.path(""), &owner.key, None).await;
    assert_eq!(list["data"], json!([]), "nothing was made");
}

#[tokio::test]
async fn a_selector_is_normalised_and_an_empty_one_clears_it_again() {
    let app = TestApp::sqlite().await;
    let owner = agency_owner(&app, "Selector").await;
    let domain = owner.add(&app, "selector.example", json!({ "dkim_selector": " S1 " })).await;
    assert_eq!(domain["dkim_selector"], "s1");
    let update = async |body: Value| app.call("PUT", &owner.path("selector.example"), &owner.key, Some(&body)).await;
    assert_eq!(update(json!({ "dkim_selector": null })).await.1["dkim_selector"], "s1", "null keeps");
    let (status, cleared) = update(json!({ "dkim_selector": "  " })).await;
    assert_eq!((status, &cleared["dkim_selector"]), (200, &Value::Null));
    assert!(cleared["dns_records"].to_string().contains("canopy._domainkey.selector.example"));
    assert_eq!(update(json!({ "dkim_rotation_interval_days": 30 })).await.0, 400);
}

#[tokio::test]
async fn settings_lock_once_the_domain_is_verified() {
    let app = TestApp::sqlite().await;
    let owner = agency_owner(&app, "Locks").await;
    let domain = owner.add(&app, "locks.example", json!({ "tracking_subdomain": "click" })).await;
    publish(&app, &domain);
    assert_eq!(owner.check(&app, "locks.example").await["dns_valid"], true);
    for body in [json!({ "dkim_selector": "other" }), json!({ "tracking_subdomain": "go" })] {
        let (status, answer) = app.call("PUT", &owner.path("locks.example"), &owner.key, Some(&body)).await;
        assert_eq!(status, 400, "{answer}");
        assert!(answer["message"].as_str().expect("a message").contains("locked"), "{answer}");
    }
    let same = json!({ "tracking_subdomain": "click" });
    assert_eq!(app.call("PUT", &owner.path("locks.example"), &owner.key, Some(&same)).await.0, 200);
}

#[tokio::test]
async fn the_list_is_paged_and_filtered_by_what_is_verified() {
    let app = TestApp::sqlite().await;
    let owner = agency_owner(&app, "Lists").await;
    for name in ["a.example", "b.example", "c.example"] {
        owner.add(&app, name, json!({})).await;
    }
    let (_, domain) = app.call("GET", &owner.path("b.example"), &owner.key, None).await;
    publish(&app, &domain);
    owner.check(&app, "b.example").await;
    let names = async |query: &str| {
        let (status, list) = app.call("GET", &format!("{}?{query}", owner.path("")), &owner.key, None).await;
        assert_eq!(status, 200, "{list}");
        let rows = list["data"].as_array().expect("rows").clone();
        rows.iter().map(|row| row["domain"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("dns_valid=true").await, ["b.example"]);
    assert_eq!(names("dns_valid=false").await, ["c.example", "a.example"]);
    assert_eq!(names("limit=2").await, ["c.example", "b.example"]);
    assert_eq!(app.call("GET", &format!("{}?dns_valid=maybe", owner.path("")), &owner.key, None).await.0, 400);
}

#[tokio::test]
async fn each_operation_takes_its_scope_and_a_foreign_domain_is_not_found() {
    let app = TestApp::sqlite().await;
    let owner = agency_owner(&app, "Scopes").await;
    owner.add(&app, "scopes.example", json!({})).await;
    let reader = app.key(owner.id, &["domains:read".into()]).await;
    let deleter = app.key(owner.id, &["domains:delete:{other.example}".into()]).await;
    let body = json!({ "domain": "more.example" });
    let one = owner.path("scopes.example");
    for (method, path, key) in [
        ("POST", owner.path(""), &reader),
        ("PUT", one.clone(), &reader),
        ("DELETE", one.clone(), &reader),
        ("DELETE", one.clone(), &deleter),
        ("POST", format!("{one}/check-dns"), &reader),
        ("GET", one.clone(), &deleter),
        ("GET", owner.path(""), &deleter),
    ] {
        assert_eq!(app.call(method, &path, key, Some(&body)).await.0, 403, "{method} {path}");
    }
    let other = agency_owner(&app, "Others").await;
    for (method, path) in [
        ("GET", other.path("scopes.example")),
        ("PUT", other.path("scopes.example")),
        ("DELETE", other.path("scopes.example")),
        ("POST", other.path("scopes.example/check-dns")),
        ("POST", other.path("not_a_name/check-dns")),
    ] {
        assert_eq!(app.call(method, &path, &other.key, Some(&json!({}))).await.0, 404, "{method} {path}");
    }
    assert_eq!(app.call("GET", &owner.path(""), &other.key, None).await.0, 401);
}

#[tokio::test]
async fn a_removed_domain_is_gone_with_the_scopes_that_named_it() {
    on_both(|app| async move {
        let agency = app.agency("Removes").await;
        let owner = owner(&app, &agency, "removes").await;
        owner.add(&app, "gone.example", json!({})).await;
        let scopes = json!({ "label": "k", "scopes": ["messages:send:{gone.example}", "domains:read"] });
        let keys = format!("/v2/accounts/{}/api-keys", owner.id);
        let (status, key) = app.call("POST", &keys, &owner.key, Some(&scopes)).await;
        assert_eq!(status, 201, "{key}");
        let (status, answer) = app.call("DELETE", &owner.path("gone.example"), &owner.key, None).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(app.call("GET", &owner.path("gone.example"), &owner.key, None).await.0, 404);
        assert_eq!(app.call("DELETE", &owner.path("gone.example"), &owner.key, None).await.0, 404);
        let id = key["id"].as_str().expect("an id");
        let (_, key) = app.call("GET", &format!("{keys}/{id}"), &owner.key, None).await;
        assert!(!key.to_string().contains("gone.example"), "{key}");
        let sub_account = format!("/v2/accounts/{}/sub-accounts/{}", agency.id, owner.id);
        let (_, shown) = app.call("GET", &sub_account, &agency.key, None).await;
        assert_eq!(shown["domain_count"], 1, "only the one it had");
        a_minute_passes(&app);
        owner.add(&app, "gone.example", json!({})).await;
    })
    .await;
}
