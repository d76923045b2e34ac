//! The API's routes, from its own table.

use std::collections::BTreeMap;

use canopy::api::routes::listed;
use canopy::domain::ids::Id;
use serde_json::{Value, json};

use super::world::{MALFORMED, MARK, Things, World};
use crate::support::app::{TestApp, on_both};

/// Served to anyone.
const OPEN: &[&str] = &["/v2/openapi.json"];

/// A body that would be taken if the address were one's own. A new route that takes a body is given one here.
pub(super) fn body(method: &str, path: &str, domain: &str) -> Option<Value> {
    let end = path.strip_prefix("/v2/accounts/{account_id}").unwrap_or(path);
    let value = match (method, end) {
        ("GET", _) => return None,
        ("PUT", "") => json!({ "name": "Renamed" }),
        ("POST", "/members") => json!({ "email": "new@member.example", "name": "New", "role": "Analyst" }),
        ("POST", "/api-keys" | "/sub-accounts/{sub_account_id}/api-keys") => {
            json!({ "label": "Made", "scopes": ["messages:read:all"] })
        }
        ("PUT", "/api-keys/{key_id}" | "/sub-accounts/{sub_account_id}/api-keys/{key_id}") => {
            json!({ "label": "Changed" })
        }
        ("POST", "/smtp-credentials") => json!({ "name": "Made", "scope": "global" }),
        ("POST", "/domains") => json!({ "domain": "added.example" }),
        ("PUT", "/domains/{domain}") => json!({ "tracking_subdomain": "links" }),
        ("POST", "/messages") => {
            json!({ "from": { "email": format!("a@{domain}") }, "recipients": [{ "email": "b@reader.example" }],
                    "subject": "x", "text_content": "x" })
        }
        ("POST", "/messages/conversation") => {
            json!({ "from": { "email": format!("a@{domain}") }, "to": [{ "email": "b@reader.example" }],
                    "subject": "x", "text_content": "x" })
        }
        ("POST", "/sub-accounts") => json!({ "name": "Made", "website": "made.example" }),
        ("POST", "/transports") => json!({ "name": "Made", "kind": "mailbox" }),
        ("PUT", "/transports/{transport_id}") => json!({ "name": "Changed" }),
        ("PUT", "/sub-accounts/{sub_account_id}/transport") => json!({ "transport_id": null }),
        ("PUT", "/sub-accounts/{sub_account_id}") => json!({ "name": "Renamed" }),
        ("POST", "/sub-accounts/{sub_account_id}/suspend") => json!({ "reason": "a test" }),
        ("POST", "/suppressions") => json!({ "email": "b@reader.example" }),
        ("DELETE", _) | ("POST", "/domains/{domain}/check-dns" | "/sub-accounts/{sub_account_id}/unsuspend") => {
            return None;
        }
        other => panic!("the isolation tests do not know {other:?}: give it a body here"),
    };
    Some(value)
}

/// What the names in a path stand for. A new name is given its meaning here.
pub(super) fn parts(things: &Things) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("account_id", things.account.to_string()),
        ("sub_account_id", things.account.to_string()),
        ("key_id", things.key.to_string()),
        ("smtp_credential_id", things.credential.to_string()),
        ("domain", things.domain.clone()),
        ("message_id", things.message.to_string()),
        ("user_id", things.user.to_string()),
        ("transport_id", things.transport.to_string()),
    ])
}

pub(super) fn names(path: &str) -> Vec<String> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).map(str::to_owned).collect()
}

pub(super) fn filled(path: &str, values: &BTreeMap<&str, String>) -> String {
    names(path).iter().fold(path.to_owned(), |path, name| {
        let value = values.get(name.as_str()).unwrap_or_else(|| panic!("the isolation tests do not know {{{name}}}"));
        path.replace(&format!("{{{name}}}"), value)
    })
}

/// Status and body, in which what was asked for is blotted out.
async fn ask(app: &TestApp, method: &str, path: &str, key: &str, body: Option<&Value>, blot: &str) -> (u16, String) {
    let mut request = app.http.request(method.parse().expect("a method"), format!("{}{path}", app.url));
    if !key.is_empty() {
        request = request.bearer_auth(key);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    let response = request.send().await.expect("the program answers");
    let status = response.status().as_u16();
    (status, response.text().await.expect("a text").replace(blot, "(id)"))
}

#[tokio::test]
async fn a_key_that_is_not_the_accounts_is_refused_like_none_there_is() {
    on_both(|app| async move {
        let world = World::new(&app).await;
        let before = world.heads(&app).await;
        let unknown = Id::new(app.app.clock.now()).to_string();
        let ids = [world.agency.id, world.own.id, world.sibling.id, world.other.id, world.foreign.id, world.deleted.id];
        // Whose key it is; the last three open nothing at all.
        let keys = [
            ("parent", Some(world.agency.id), world.agency.key.as_str()),
            ("child", Some(world.own.id), &world.own.key),
            ("sibling", Some(world.sibling.id), &world.sibling.key),
            ("other parent", Some(world.other.id), &world.other.key),
            ("other child", Some(world.foreign.id), &world.foreign.key),
            ("deleted child", None, &world.deleted.key),
            ("nobody", None, ""),
            ("a made-up key", None, "canopy_made_up"),
        ];
        let mut asked = 0;
        for (method, path) in listed().into_iter().filter(|(_, path)| path.contains("{account_id}")) {
            for (who, account, key) in keys {
                let targets = ids.iter().filter(|id| Some(**id) != account).map(Id::to_string);
                let targets = targets.chain([unknown.clone(), MALFORMED.to_owned()]);
                let mut answers: Vec<(u16, String)> = Vec::new();
                for target in targets {
                    let mut values = parts(&world.things);
                    values.insert("account_id", target.clone());
                    let address = filled(&path, &values);
                    let body = body(&method, &path, &world.own.domain);
                    answers.push(ask(&app, &method, &address, key, body.as_ref(), &target).await);
                    asked += 1;
                }
                answers.dedup();
                assert_eq!(answers.len(), 1, "{who} {method} {path} tells them apart: {answers:?}");
                assert_eq!(answers[0].0, 401, "{who} {method} {path}: {answers:?}");
            }
        }
        assert_eq!(world.heads(&app).await, before, "something was changed");
        println!("{asked} requests to accounts that are not the key's: all refused alike");
        assert!(asked > 1_000, "{asked}");
    })
    .await;
}

#[tokio::test]
async fn what_belongs_to_somebody_else_is_refused_like_what_is_not_there() {
    let app = TestApp::sqlite().await;
    let world = World::new(&app).await;
    let unknown = Things {
        account: Id::new(app.app.clock.now()),
        key: Id::new(app.app.clock.now()),
        credential: Id::new(app.app.clock.now()),
        domain: "unknown.example".into(),
        message: Id::new(app.app.clock.now()),
        user: Id::new(app.app.clock.now()),
        job: Id::new(app.app.clock.now()),
        transport: Id::new(app.app.clock.now()),
        view: Id::new(app.app.clock.now()),
    };
    let deleted = Things { account: world.deleted.id, ..unknown.clone() };
    let before = world.heads(&app).await;
    let mut asked = 0;
    for (method, path) in listed() {
        for name in names(&path).into_iter().filter(|name| name != "account_id") {
            // Who asks from where, for whom: a parent about its clients, a client about itself.
            let of_parent = path.contains("sub_account_id") || path.contains("transport_id");
            let (account, key, own) = if of_parent {
                (world.agency.id, &world.agency.key, &world.things)
            } else {
                (world.own.id, &world.own.key, &world.things)
            };
            let mut answers = Vec::new();
            for (whose, things) in [
                ("unknown", &unknown),
                ("foreign", &world.foreign_things),
                ("deleted", &deleted),
                ("sibling", &world.sibling_things),
            ] {
                // A sibling is the parent's own as well.
                if whose == "sibling" && (name == "sub_account_id" || name == "transport_id") {
                    continue;
                }
                let mut values = parts(own);
                values.insert("account_id", account.to_string());
                let wanted = parts(things)[name.as_str()].clone();
                values.insert(static_name(&name), wanted.clone());
                let body = body(&method, &path, &world.own.domain);
                let address = filled(&path, &values);
                answers.push((whose, ask(&app, &method, &address, key, body.as_ref(), &wanted).await));
                asked += 1;
            }
            let first = answers[0].1.clone();
            assert!((400..500).contains(&first.0), "{method} {path} {{{name}}}: {first:?}");
            for (whose, answer) in &answers {
                assert_eq!(*answer, first, "{method} {path}: {{{name}}} that is {whose}");
            }
            let mut values = parts(own);
            values.insert("account_id", account.to_string());
            values.insert(static_name(&name), MALFORMED.to_owned());
            let body = body(&method, &path, &world.own.domain);
            let (status, text) = ask(&app, &method, &filled(&path, &values), key, body.as_ref(), MALFORMED).await;
            assert!((400..500).contains(&status), "{method} {path}: {{{name}}} that is malformed: {status} {text}");
            asked += 1;
        }
    }
    assert_eq!(world.heads(&app).await, before, "something was changed");
    println!("{asked} requests for what is not theirs: all refused alike");
    assert!(asked > 80, "{asked}");
}

fn static_name(name: &str) -> &'static str {
    ["sub_account_id", "key_id", "smtp_credential_id", "domain", "message_id", "user_id", "transport_id"]
        .into_iter()
        .find(|known| *known == name)
        .unwrap_or_else(|| panic!("the isolation tests do not know {{{name}}}"))
}

#[tokio::test]
async fn without_a_key_nothing_but_the_document_is_answered() {
    let app = TestApp::sqlite().await;
    let world = World::new(&app).await;
    for (method, path) in listed() {
        let address = filled(&path, &parts(&world.things));
        let status = ask(&app, &method, &address, "", None, "").await.0;
        assert_eq!(status == 401, !OPEN.contains(&path.as_str()), "{method} {path}: {status}");
    }
}

#[tokio::test]
async fn lists_of_an_agency_never_hold_anything_of_another() {
    let app = TestApp::sqlite().await;
    let world = World::new(&app).await;
    let mut read = 0;
    for (method, path) in listed().into_iter().filter(|(method, _)| method == "GET") {
        for (account, key) in [(world.agency.id, &world.agency.key), (world.own.id, &world.own.key)] {
            let mut values = parts(&world.things);
            values.insert("account_id", account.to_string());
            let (status, text) = ask(&app, &method, &filled(&path, &values), key, None, "").await;
            assert!(status < 500 && !text.contains(MARK), "{path}: {text}");
            read += usize::from(status == 200);
        }
    }
    assert!(read > 12, "{read} lists and things were read");
}

#[tokio::test]
async fn head_answers_as_get_does_and_without_a_body_whoever_asks() {
    let app = TestApp::sqlite().await;
    let world = World::new(&app).await;
    let mut asked = 0;
    for (_, path) in listed().into_iter().filter(|(method, _)| method == "GET") {
        for (account, key) in [
            (world.agency.id, world.agency.key.as_str()),
            (world.own.id, world.own.key.as_str()),
            (world.agency.id, world.own.key.as_str()),
            (world.agency.id, ""),
        ] {
            let mut values = parts(&world.things);
            values.insert("account_id", account.to_string());
            let address = filled(&path, &values);
            let get = app.send("GET", &address, key, None, &[]).await;
            let head = app.send("HEAD", &address, key, None, &[]).await;
            assert_eq!(head.status(), get.status(), "{path}");
            assert_eq!(head.headers().get("content-type"), get.headers().get("content-type"), "{path}");
            assert!(head.bytes().await.expect("an answer").is_empty(), "{path}");
            asked += 1;
        }
    }
    assert!(asked > 60, "{asked}");
}
