//! Fields that are only read have no effect when they are written: every one of them, in every body.

use std::collections::BTreeSet;

use canopy::api::openapi::document;
use canopy::models::accounts;
use serde_json::{Map, Value, json};

use super::world::World;
use super::writes::{self, Write};
use crate::support::app::{TestApp, on_both};
use crate::support::visitor::Visitor;

const UUID: &str = "0199ffff-ffff-7fff-bfff-ffffffffffff";
const TEXT: &str = "mass-assigned";
const TIME: &str = "2001-02-03T04:05:06Z";
const NUMBER: i64 = 424_242;

/// The fields that the request of an operation has, by our own document.
fn writable(method: &str, path: &str) -> BTreeSet<String> {
    let document = serde_json::to_value(document()).expect("JSON");
    let schema =
        &document["paths"][path][method.to_lowercase()]["requestBody"]["content"]["application/json"]["schema"];
    let mut fields = BTreeSet::new();
    collect(&document, schema, &mut fields);
    assert!(!fields.is_empty(), "{method} {path} has no body in the document: {schema}");
    fields
}

fn collect(document: &Value, schema: &Value, fields: &mut BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        return collect(document, document.pointer(&reference[1..]).expect("a whole document"), fields);
    }
    for part in ["allOf", "oneOf", "anyOf"].iter().flat_map(|list| schema[list].as_array().into_iter().flatten()) {
        collect(document, part, fields);
    }
    fields.extend(schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
}

/// A value that nobody would choose, of the kind that is there.
fn bogus(value: &Value) -> Value {
    match value {
        Value::Bool(on) => json!(!on),
        Value::Number(_) => json!(NUMBER),
        Value::String(text) if text.parse::<uuid::Uuid>().is_ok() => json!(UUID),
        Value::String(text) if text.len() > 18 && text.contains('T') && text.ends_with('Z') => json!(TIME),
        Value::Array(_) => json!([TEXT]),
        Value::Object(_) => json!({ TEXT: TEXT }),
        _ => json!(TEXT),
    }
}

/// The body with every field that is only read, and some that only rows have.
fn loaded(body: &Value, shown: &Map<String, Value>, writable: &BTreeSet<String>) -> (Value, usize) {
    let mut body = body.as_object().cloned().unwrap_or_default();
    let rows_only = [
        "parent_id",
        "account_id",
        "owner_id",
        "root_id",
        "deleted_at",
        "created_by",
        "secret_digest",
        "public_key",
        "verified_at",
        "role",
        "accepted_at",
        "used",
        "suspended",
        "status",
        "created_at",
        "updated_at",
        "id",
        "object",
    ];
    let shown_only = shown.iter().map(|(name, value)| (name.clone(), bogus(value)));
    let extra: Vec<(String, Value)> = rows_only
        .iter()
        .map(|name| {
            (
                (*name).to_owned(),
                json!(if name.ends_with("_at") {
                    TIME
                } else if name.ends_with("id") {
                    UUID
                } else {
                    TEXT
                }),
            )
        })
        .chain(shown_only)
        .filter(|(name, _)| !writable.contains(name) && !body.contains_key(name))
        .collect();
    let count = extra.len();
    body.extend(extra);
    (Value::Object(body), count)
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

#[tokio::test]
async fn fields_that_are_only_read_have_no_effect_in_any_body() {
    on_both(|app| async move {
        let world = World::new(&app).await;
        let key = world.agency.key.clone();
        let own_domain = format!("/v2/accounts/{}/domains/{}", world.own.id, world.own.domain);
        let in_a_day = (app.app.clock.now() + chrono::TimeDelta::days(1)).to_rfc3339();
        let writes = writes::all(&world, &key, &in_a_day);
        every_body_of_the_document_is_there(&writes);
        let mut written = 0;
        for (method, path, address, body, read, key) in writes {
            let shown = if read.is_empty() { Value::Null } else { app.call("GET", &read, key, None).await.1 };
            let shown = if read.is_empty() { created(&app, method, &address, key, &body).await } else { shown };
            let (body, count) = loaded(&vary(&body), &object(&shown), &writable(method, &path));
            let (status, answer) = app.call(method, &address, key, Some(&body)).await;
            assert!((200..300).contains(&status), "{method} {address}: {status} {answer} to {body}");
            let after = if read.is_empty() { answer } else { app.call("GET", &read, key, None).await.1 };
            let text = after.to_string();
            for value in [UUID, TEXT, TIME, &NUMBER.to_string()] {
                assert!(!text.contains(value), "{method} {path} took {value}: {after}");
            }
            if address == own_domain {
                assert_eq!(after, shown, "a verified domain stays as it is");
                assert_eq!(after["dns_valid"], true);
            }
            let kept = [
                "id",
                "account_id",
                "parent_account_id",
                "owner_id",
                "created_at",
                "public_key",
                "status",
                "domain",
                "dns_valid",
                "last_dns_check_at",
            ];
            for name in kept.iter().filter(|_| !read.is_empty()) {
                assert_eq!(after.get(*name), shown.get(*name), "{method} {path}: {name}");
            }
            written += count;
        }
        println!("{written} read-only fields written: none had an effect");
        assert!(written > 120, "{written}");
    })
    .await;
}

/// A route that takes a body and is not among the writes above is not shown to be safe.
fn every_body_of_the_document_is_there(writes: &[Write<'_>]) {
    let document = serde_json::to_value(document()).expect("JSON");
    let written: BTreeSet<String> = writes.iter().map(|(method, path, ..)| format!("{method} {path}")).collect();
    let paths = document["paths"].as_object().expect("paths").iter();
    let operations = paths.flat_map(|(path, all)| all.as_object().expect("methods").iter().map(move |one| (path, one)));
    let with_body = operations.filter(|(_, (_, operation))| !operation["requestBody"].is_null());
    let documented: BTreeSet<String> =
        with_body.map(|(path, (method, _))| format!("{} {path}", method.to_uppercase())).collect();
    assert_eq!(written, documented);
}

/// What the same request answers without anything too much.
async fn created(app: &TestApp, method: &str, address: &str, key: &str, body: &Value) -> Value {
    let (status, answer) = app.call(method, address, key, Some(body)).await;
    assert!((200..300).contains(&status), "{method} {address}: {status} {answer}");
    answer
}

/// The same wish once more: names that may exist once are changed.
fn vary(body: &Value) -> Value {
    let mut body = object(body);
    for (name, value) in [("email", "again@member.example"), ("domain", "again.example")] {
        if body.contains_key(name) {
            body.insert(name.to_owned(), json!(value));
        }
    }
    if body.contains_key("kind") {
        body.insert("name".into(), json!("Made again"));
    }
    if body.contains_key("tracking_subdomain") {
        body.insert("tracking_subdomain".into(), json!("go"));
    }
    Value::Object(body)
}

#[tokio::test]
async fn forms_of_the_dashboard_take_no_field_that_they_do_not_show() {
    let app = TestApp::sqlite().await;
    let world = World::new(&app).await;
    app.member(world.agency.id, "dev@oak.example", "developer").await;
    let dev = Visitor::signed_in(&app, "dev@oak.example").await;
    let other = world.other.id.to_string();
    let extra = [
        ("parent_id", other.as_str()),
        ("owner_id", UUID),
        ("role", "owner"),
        ("account_id", other.as_str()),
        ("id", UUID),
        ("monthly_credit", "7"),
        ("deleted_at", TIME),
    ];
    let mut fields = vec![("name", "Dev Eloper")];
    fields.extend(extra);
    assert_eq!(dev.submit("/settings/profile", "/settings/profile", &fields).await.status, 303);
    assert_eq!(dev.get("/settings/members").await.html.matches("Owner</td>").count(), 1, "nobody became the owner");
    let owner = Visitor::signed_in(&app, &world.agency.email).await;
    let mut fields = vec![
        ("name", "Oak"),
        ("website", "oak.example"),
        ("about", ""),
        ("message_metadata_retention", "20"),
        ("message_data_retention", "3"),
        ("time_zone", "UTC"),
        ("anchor_day", "1"),
        ("brand_name", ""),
    ];
    fields.extend(extra);
    assert_eq!(owner.submit("/settings", "/settings", &fields).await.status, 303);
    let (id, owner_id) = (world.agency.id, world.agency.owner);
    let account = app.read(move |conn| Ok(accounts::find(conn, id)?)).await.expect("the agency");
    assert_eq!((account.parent_id, account.owner_id, account.monthly_credit), (None, Some(owner_id), 0));
    let path = format!("/sub-accounts/{}/cap", world.own.id);
    let mut fields = vec![("cap", "500"), ("cap_kind", "number"), ("kind", "number")];
    fields.extend(extra.iter().filter(|(name, _)| *name != "monthly_credit"));
    owner.submit("/settings/profile", &path, &fields).await;
    let child = world.own.id;
    let account = app.read(move |conn| Ok(accounts::find(conn, child)?)).await.expect("the child");
    assert_eq!((account.parent_id, account.deleted_at), (Some(id), None));
}
