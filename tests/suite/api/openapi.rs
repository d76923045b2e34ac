//! The API's document: served to anyone, and held against the published contract where that lies beside the checkout.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use canopy::api::openapi::document;
use canopy::api::routes::listed;
use serde_json::Value;

use crate::support::app::TestApp;
use crate::support::environment::{helper_script, python};

/// What we answer beyond the contract.
const OUR_OWN: [&str; 4] = [
    "/v2/openapi.json",
    "/v2/accounts/{account_id}/transports",
    "/v2/accounts/{account_id}/transports/{transport_id}",
    "/v2/accounts/{account_id}/sub-accounts/{sub_account_id}/transport",
];

#[tokio::test]
async fn the_document_is_served_without_a_key() {
    let app = TestApp::sqlite().await;
    let response = app.http.get(format!("{}/v2/openapi.json", app.url)).send().await.expect("an answer");
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"application/json".parse().unwrap())
    );
    let served: Value = response.json().await.expect("JSON");
    assert_eq!(served, serde_json::to_value(document()).expect("JSON"));
    assert_eq!(served["openapi"], "3.1.0");
}

/// The published contract as JSON; `None` where it is not at hand.
fn contract() -> Option<Value> {
    let file = std::env::var_os("CANOPY_TEST_CONTRACT").filter(|file| !file.is_empty());
    let Some(file) = file else {
        eprintln!("skipped: CANOPY_TEST_CONTRACT names no contract");
        return None;
    };
    let output = Command::new(python()?).arg(helper_script("yaml_to_json.py")).arg(file).output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}

/// Follows a reference, if it is one.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => resolved(document, document.pointer(&reference[1..]).expect("a whole document")),
        None => value,
    }
}

/// The required fields of a schema with their schemas, those of its parts included.
fn required(document: &Value, schema: &Value) -> Vec<(String, Value)> {
    let schema = resolved(document, schema);
    let parts = schema["allOf"].as_array().into_iter().flatten();
    let mut fields: Vec<(String, Value)> = parts.flat_map(|part| required(document, part)).collect();
    let properties = all_properties(document, schema);
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let property = properties.iter().find(|(known, _)| known == name).map(|(_, schema)| schema.clone());
        fields.push((name.to_owned(), property.unwrap_or(Value::Null)));
    }
    fields
}

fn all_properties(document: &Value, schema: &Value) -> Vec<(String, Value)> {
    let schema = resolved(document, schema);
    let parts = schema["allOf"].as_array().into_iter().flatten();
    let mut properties: Vec<(String, Value)> = parts.flat_map(|part| all_properties(document, part)).collect();
    let own = schema["properties"].as_object().into_iter().flatten();
    properties.extend(own.map(|(name, schema)| (name.clone(), schema.clone())));
    properties
}

/// Every field that the contract requires of an answer and ours does not promise, rows of lists included.
fn not_promised(theirs: (&Value, &Value), ours: (&Value, &Value), at: &str, missing: &mut Vec<String>) {
    let promised = required(ours.0, ours.1);
    for (name, schema) in required(theirs.0, theirs.1) {
        let here = format!("{at}.{name}");
        let Some((_, our_schema)) = promised.iter().find(|(known, _)| *known == name) else {
            missing.push(here);
            continue;
        };
        let (schema, our_schema) = (resolved(theirs.0, &schema), resolved(ours.0, our_schema));
        let rows = (schema.get("items"), our_schema.get("items"));
        match rows {
            (Some(row), Some(our_row)) => not_promised((theirs.0, row), (ours.0, our_row), &here, missing),
            _ => not_promised((theirs.0, schema), (ours.0, our_schema), &here, missing),
        }
    }
}

fn successes(operation: &Value) -> BTreeSet<String> {
    let responses = operation["responses"].as_object().expect("responses");
    responses.keys().filter(|status| status.starts_with('2')).cloned().collect()
}

#[test]
fn every_operation_is_one_of_the_contract_with_its_successes_and_required_fields() {
    let Some(contract) = contract() else { return };
    let ours = serde_json::to_value(document()).expect("JSON");
    let mut problems = Vec::new();
    let mut compared = 0;
    for (path, item) in
        ours["paths"].as_object().expect("paths").iter().filter(|(path, _)| !OUR_OWN.contains(&path.as_str()))
    {
        for (method, operation) in item.as_object().expect("a path item") {
            let here = format!("{method} {path}");
            let Some(published) = contract["paths"][path].get(method) else {
                problems.push(format!("{here}: the contract has no such operation"));
                continue;
            };
            compared += 1;
            if successes(operation) != successes(published) {
                problems.push(format!("{here}: {:?}, not {:?}", successes(operation), successes(published)));
                continue;
            }
            for status in successes(published) {
                let schema = |operation: &Value| {
                    operation["responses"][&status]["content"]["application/json"]["schema"].clone()
                };
                let (theirs, our_schema) = (schema(published), schema(operation));
                not_promised((&contract, &theirs), (&ours, &our_schema), &here, &mut problems);
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
    println!("{compared} operations hold to the contract");
    assert!(compared >= 20);
}

/// What a path of the document is called with: ids that are none of anybody's.
fn somewhere(path: &str, account: &str) -> String {
    let path = path.replace("{account_id}", account).replace("{domain}", "some.example");
    ["{sub_account_id}", "{key_id}", "{smtp_credential_id}", "{user_id}", "{message_id}"]
        .iter()
        .fold(path, |path, name| path.replace(name, "0199ffff-ffff-7fff-bfff-ffffffffffff"))
}

#[tokio::test]
async fn a_405_names_exactly_the_methods_that_are_mounted_for_the_path() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Methods").await;
    let mut mounted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (method, path) in listed() {
        mounted.entry(path).or_default().insert(method);
    }
    let mut refused = 0;
    for (path, methods) in &mounted {
        let address = somewhere(path, &agency.id.to_string());
        let mut methods = methods.clone();
        // The same without its body.
        methods.extend(methods.contains("GET").then(|| "HEAD".to_owned()));
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            if methods.contains(method) {
                continue;
            }
            let answer = app.send(method, &address, &agency.key, None, &[]).await;
            assert_eq!(answer.status(), 405, "{method} {path}");
            let allow =
                answer.headers().get("allow").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
            let allowed: BTreeSet<String> = allow.split(", ").map(str::to_owned).collect();
            assert_eq!(allowed, methods, "{method} {path}");
            let text = answer.text().await.expect("a text");
            if method != "HEAD" {
                let body: Value = serde_json::from_str(&text).expect("JSON");
                assert!(
                    body["message"].as_str().is_some_and(|message| message.contains(&allow)),
                    "{method} {path}: {body}"
                );
            }
            refused += 1;
        }
    }
    println!("{refused} methods refused over {} paths, each with what is mounted there", mounted.len());
    assert!(refused > 100, "{refused}");
}
