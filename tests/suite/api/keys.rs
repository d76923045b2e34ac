//! API keys of the own account and of a sub account.

use canopy::domain::ids::Id;
use canopy::models::api_keys;
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::support::app::{Agency, Client, TestApp, on_both};

fn own(agency: &Agency) -> String {
    format!("/v2/accounts/{}/api-keys", agency.id)
}

fn of_child(agency: &Agency, child: Id) -> String {
    format!("/v2/accounts/{}/sub-accounts/{child}/api-keys", agency.id)
}

fn texts(key: &Value) -> Vec<&str> {
    key["scopes"].as_array().expect("scopes").iter().map(|row| row["scope"].as_str().expect("a scope")).collect()
}

async fn setting(app: &TestApp) -> (Agency, Client) {
    let agency = app.agency("Acme").await;
    let client = app.client(&agency, "globex", 0).await;
    (agency, client)
}

#[tokio::test]
async fn a_key_lives_its_whole_life_over_the_api_and_its_secret_is_shown_once() {
    on_both(|app| async move {
        let agency = app.agency("Acme").await;
        let wanted =
            json!({ "label": " CI ", "scopes": ["domains:read", "accounts:read"], "ip_allow_list": ["127.0.0.9/8"] });
        let (status, key) = app.call("POST", &own(&agency), &agency.key, Some(&wanted)).await;
        assert_eq!(status, 201, "{key}");
        assert_eq!(key["label"], "CI");
        assert_eq!(key["ip_allow_list"], json!(["127.0.0.0/8"]));
        assert_eq!(texts(&key), ["domains:read", "accounts:read"], "in the order given");
        assert_eq!(key["scopes"][0]["domain_id"], Value::Null);
        let secret = key["secret_key"].as_str().expect("the secret").to_owned();
        let path = format!("{}/{}", own(&agency), key["id"].as_str().expect("an id"));

        assert_eq!(app.call("GET", "/v2/ping", &secret, None).await.0, 200);
        let (status, read) = app.call("GET", &path, &agency.key, None).await;
        assert_eq!((status, read.get("secret_key")), (200, None));
        let (_, list) = app.call("GET", &own(&agency), &agency.key, None).await;
        assert_eq!(list["data"].as_array().map(Vec::len), Some(2));
        assert!(!list.to_string().contains(&secret));

        let (status, changed) =
            app.call("PUT", &path, &agency.key, Some(&json!({ "label": "CI 2", "scopes": null }))).await;
        assert_eq!((status, &changed["label"], texts(&changed)), (200, &json!("CI 2"), texts(&key)));
        let (status, _) = app.call("PUT", &path, &agency.key, Some(&json!({ "label": "CI 2" }))).await;
        assert_eq!(status, 400, "something must change");
        let (_, cleared) = app.call("PUT", &path, &agency.key, Some(&json!({ "ip_allow_list": [] }))).await;
        assert_eq!(cleared["ip_allow_list"], json!([]));

        let (status, gone) = app.call("DELETE", &path, &agency.key, None).await;
        let message = format!("api key {} (CI 2) deleted successfully", key["id"].as_str().expect("an id"));
        assert_eq!((status, gone), (200, json!({ "message": message })));
        assert_eq!(app.call("GET", "/v2/ping", &secret, None).await.0, 401, "refused from then on");
        assert_eq!(app.call("DELETE", &path, &agency.key, None).await.0, 404);
    })
    .await;
}

#[tokio::test]
async fn what_a_new_key_may_not_be_is_refused_with_the_field() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Acme").await;
    for (body, words) in [
        (json!({ "label": "", "scopes": ["accounts:read"] }), "label"),
        (json!({ "label": "x".repeat(256), "scopes": ["accounts:read"] }), "label"),
        (json!({ "label": "x", "scopes": [] }), "scopes"),
        (json!({ "label": "x", "scopes": ["accounts:fly"] }), "scopes"),
        (json!({ "label": "x", "scopes": ["accounts:read", "accounts:read"] }), "twice"),
        (json!({ "label": "x", "scopes": ["messages:send:{elsewhere.example}"] }), "elsewhere.example"),
        (json!({ "label": "x", "scopes": ["accounts:read"], "ip_allow_list": ["0.0.0.0/0"] }), "ip_allow_list"),
        (json!({ "scopes": ["accounts:read"] }), "label"),
        (json!({ "label": "x" }), "scopes"),
    ] {
        let (status, answer) = app.call("POST", &own(&agency), &agency.key, Some(&body)).await;
        assert_eq!(status, 400, "{body}");
        assert!(answer["message"].as_str().is_some_and(|message| message.contains(words)), "{body}: {answer}");
    }
}

#[tokio::test]
async fn a_key_never_gives_its_own_account_what_it_does_not_hold() {
    on_both(|app| async move {
        let agency = app.agency("Acme").await;
        app.verified_domain(agency.id, "acme.example").await;
        app.verified_domain(agency.id, "acme.test").await;
        let held = ["api-keys:write", "api-keys:read", "messages:send:{acme.example}"].map(str::to_owned);
        let weak = app.key(agency.id, &held).await;
        let post = async |scopes: Value| {
            let body = json!({ "label": "x", "scopes": scopes });
            app.call("POST", &own(&agency), &weak, Some(&body)).await
        };
        assert_eq!(post(json!(["api-keys:read", "messages:send:{acme.example}"])).await.0, 201);
        for beyond in
            ["accounts:read", "messages:send:all", "messages:send:{acme.test}", "messages:read:{acme.example}"]
        {
            let (status, answer) = post(json!(["api-keys:read", beyond])).await;
            assert_eq!(status, 403, "{beyond}: {answer}");
        }
        let (_, strong) = app
            .call("POST", &own(&agency), &agency.key, Some(&json!({ "label": "strong", "scopes": ["accounts:read"] })))
            .await;
        let path = format!("{}/{}", own(&agency), strong["id"].as_str().expect("an id"));
        let body = json!({ "scopes": ["accounts:read", "accounts:write"] });
        assert_eq!(app.call("PUT", &path, &weak, Some(&body)).await.0, 403, "nor through an update");
        let body = json!({ "scopes": ["accounts:read", "api-keys:read"] });
        assert_eq!(app.call("PUT", &path, &weak, Some(&body)).await.0, 200, "what the key keeps is not given");
    })
    .await;
}

#[tokio::test]
async fn a_parents_key_gives_a_child_anything_a_child_can_have_and_nothing_of_parents() {
    on_both(|app| async move {
        let (agency, client) = setting(&app).await;
        let path = of_child(&agency, client.id);
        let weak = app.key(agency.id, &["sub-account-api-keys:write".to_owned()]).await;
        let scopes = json!([
            "messages:send:all",
            "messages:send:{globex.example}",
            "domains:delete:{globex.example}",
            "suppressions:wipe"
        ]);
        let (status, key) = app.call("POST", &path, &weak, Some(&json!({ "label": "Boot", "scopes": scopes }))).await;
        assert_eq!(status, 201, "{key}");
        assert_eq!(texts(&key), ["messages:send:all", "domains:delete:{globex.example}", "suppressions:wipe"]);
        assert_eq!(key["account_id"], json!(client.id));
        assert!(key["scopes"][1]["domain_id"].is_string());
        for parents in ["sub-accounts:read", "sub-account-api-keys:write"] {
            let body = json!({ "label": "x", "scopes": ["domains:read", parents] });
            assert_eq!(app.call("POST", &path, &agency.key, Some(&body)).await.0, 400, "{parents}");
        }
        let secret = key["secret_key"].as_str().expect("the secret");
        assert_eq!(app.call("GET", "/v2/ping", secret, None).await.0, 200);
        assert_eq!(app.call("GET", &path, secret, None).await.0, 401, "the path is the parent's");
        let below = format!("/v2/accounts/{0}/sub-accounts/{0}/api-keys", client.id);
        assert_eq!(app.call("GET", &below, &client.key, None).await.0, 403, "a child manages no children");
    })
    .await;
}

#[tokio::test]
async fn keys_of_another_agencys_child_and_of_a_deleted_one_are_not_found() {
    let app = TestApp::sqlite().await;
    let (agency, client) = setting(&app).await;
    let other = app.agency("Other").await;
    let (_, list) = app.call("GET", &of_child(&agency, client.id), &agency.key, None).await;
    let key = list["data"][0]["id"].as_str().expect("the client's key").to_owned();
    let body = json!({ "label": "x", "scopes": ["domains:read"] });
    let all = async |agency: &Agency| {
        let path = of_child(agency, client.id);
        let one = format!("{path}/{key}");
        let mut statuses = Vec::new();
        for (method, path) in [("GET", &path), ("POST", &path), ("GET", &one), ("PUT", &one), ("DELETE", &one)] {
            statuses.push(app.call(method, path, &agency.key, Some(&body)).await.0);
        }
        statuses
    };
    assert_eq!(all(&other).await, [404; 5]);
    let child = format!("/v2/accounts/{}/sub-accounts/{}", agency.id, client.id);
    assert_eq!(app.call("DELETE", &child, &agency.key, None).await.0, 200);
    assert_eq!(all(&agency).await, [404; 5]);
    assert_eq!(app.read(move |conn| Ok(api_keys::count(conn, client.id)?)).await, 0);
}

#[tokio::test]
async fn a_parent_manages_the_keys_of_a_suspended_child_which_are_refused_all_the_same() {
    let app = TestApp::sqlite().await;
    let (agency, client) = setting(&app).await;
    let suspend = format!("/v2/accounts/{}/sub-accounts/{}/suspend", agency.id, client.id);
    assert_eq!(app.call("POST", &suspend, &agency.key, Some(&json!({ "reason": "spam" }))).await.0, 200);
    let body = json!({ "label": "x", "scopes": ["domains:read"] });
    let (status, key) = app.call("POST", &of_child(&agency, client.id), &agency.key, Some(&body)).await;
    assert_eq!(status, 201);
    assert_eq!(app.call("GET", "/v2/ping", key["secret_key"].as_str().expect("secret"), None).await.0, 401);
}

#[tokio::test]
async fn a_key_cannot_shut_itself_out_but_a_parent_may_shut_a_childs_key_out() {
    on_both(|app| async move {
        let (agency, client) = setting(&app).await;
        let (_, list) = app.call("GET", &own(&agency), &agency.key, None).await;
        let path = format!("{}/{}", own(&agency), list["data"][0]["id"].as_str().expect("an id"));
        let away = json!({ "label": "away", "ip_allow_list": ["203.0.113.0/24"] });
        let (status, answer) = app.call("PUT", &path, &agency.key, Some(&away)).await;
        assert_eq!(status, 409, "{answer}");
        let (_, kept) = app.call("GET", &path, &agency.key, None).await;
        assert_eq!((&kept["label"], &kept["ip_allow_list"]), (&json!("test"), &json!([])), "nothing was saved");
        // Within these it may bind others too: a key that is bound to networks widens none.
        let covered = json!({ "ip_allow_list": ["127.0.0.1", "203.0.113.0/24"] });
        assert_eq!(app.call("PUT", &path, &agency.key, Some(&covered)).await.0, 200);

        let (_, list) = app.call("GET", &of_child(&agency, client.id), &agency.key, None).await;
        let path = format!("{}/{}", of_child(&agency, client.id), list["data"][0]["id"].as_str().expect("an id"));
        assert_eq!(app.call("PUT", &path, &agency.key, Some(&away)).await.0, 200);
        let (status, answer) = app.call("GET", "/v2/ping", &client.key, None).await;
        assert_eq!(status, 403, "{answer}");
    })
    .await;
}

#[tokio::test]
async fn a_retried_creation_answers_the_same_secret_and_makes_one_key() {
    on_both(|app| async move {
        let agency = app.agency("Acme").await;
        let body = json!({ "label": "x", "scopes": ["domains:read"] });
        let header = [("Idempotency-Key", "k1")];
        let first = app.send("POST", &own(&agency), &agency.key, Some(&body), &header).await;
        assert_eq!((first.status().as_u16(), first.headers().get("idempotent-replayed")), (201, None));
        let first = first.text().await.expect("a body");
        let again = app.send("POST", &own(&agency), &agency.key, Some(&body), &header).await;
        assert_eq!(again.headers()["idempotent-replayed"], "true");
        assert_eq!(again.text().await.expect("a body"), first);
        let id = agency.id;
        assert_eq!(app.read(move |conn| Ok(api_keys::count(conn, id)?)).await, 2);
        app.app.clock.step(chrono::TimeDelta::minutes(6));
        let late = app.send("POST", &own(&agency), &agency.key, Some(&body), &header).await;
        assert_eq!(late.headers().get("idempotent-replayed"), None, "a secret is kept for five minutes");
        assert_ne!(late.text().await.expect("a body"), first);
    })
    .await;
}

#[tokio::test]
async fn a_retry_by_another_key_is_not_answered_with_the_first_ones_secret() {
    on_both(|app| async move {
        let agency = app.agency("Acme").await;
        let client = app.client(&agency, "client", 0).await;
        let all = super::super::support::rows::all_scopes();
        let other = app.key(agency.id, &all).await;
        let header = [("Idempotency-Key", "make-1")];
        let key = json!({ "label": "x", "scopes": ["domains:read"] });
        let credential = json!({ "name": "x", "scope": "global", "sandbox": true });
        let smtp = format!("/v2/accounts/{}/smtp-credentials", agency.id);
        for (path, body) in [(own(&agency), &key), (of_child(&agency, client.id), &key), (smtp, &credential)] {
            let header = [("Idempotency-Key", path.as_str())];
            let first = app.send("POST", &path, &agency.key, Some(body), &header).await;
            assert_eq!(first.status(), 201, "{path}");
            let again = app.send("POST", &path, &other, Some(body), &header).await;
            assert_eq!((again.status().as_u16(), again.headers().get("idempotent-replayed")), (422, None), "{path}");
        }

        // Where no secret is answered, whoever retries is told the same.
        let domain = json!({ "domain": "shop.example" });
        let path = format!("/v2/accounts/{}/domains", agency.id);
        let first = app.send("POST", &path, &agency.key, Some(&domain), &header).await;
        let again = app.send("POST", &path, &other, Some(&domain), &header).await;
        assert_eq!((first.status().as_u16(), again.status().as_u16()), (201, 201));
        assert_eq!(again.headers()["idempotent-replayed"], "true");
    })
    .await;
}

#[tokio::test]
async fn each_key_operation_needs_its_own_scope() {
    let app = TestApp::sqlite().await;
    let (agency, client) = setting(&app).await;
    let id = Id::new(app.app.clock.now());
    for (base, prefix) in [(own(&agency), "api-keys"), (of_child(&agency, client.id), "sub-account-api-keys")] {
        let one = format!("{base}/{id}");
        for (method, path, verb) in [
            ("GET", &base, "read"),
            ("POST", &base, "write"),
            ("GET", &one, "read"),
            ("PUT", &one, "write"),
            ("DELETE", &one, "delete"),
        ] {
            let mine = format!("{prefix}:{verb}");
            let others =
                crate::support::app::all_scopes().into_iter().filter(|scope| *scope != mine).collect::<Vec<_>>();
            let key = app.key(agency.id, &others).await;
            let (status, answer) = app.call(method, path, &key, Some(&json!({}))).await;
            assert_eq!(status, 403, "{method} {path}: {answer}");
            assert!(answer["message"].as_str().is_some_and(|message| message.contains(&mine)), "{answer}");
        }
    }
}

#[tokio::test]
async fn a_key_whose_allow_list_is_damaged_is_refused_rather_than_open_to_all() {
    on_both(|app| async move {
        let agency = app.agency("Damage").await;
        let ping = async || app.send("GET", "/v2/ping", &agency.key, None, &[]).await;
        assert_eq!(ping().await.status(), 200);
        for damaged in ["[\"203.0.113.0/24", "", "{}", "[\"nonsense\"]"] {
            let sql = format!("UPDATE api_keys SET ip_allow_list = '{damaged}'");
            app.write(move |conn, _| Ok(conn.batch_execute(&sql)?)).await;
            let answer = ping().await;
            assert_eq!(answer.status(), 403, "{damaged}");
            assert_eq!(answer.headers()["x-canopy-reason"], "ip", "{damaged}");
        }
    })
    .await;
}
