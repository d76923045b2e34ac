//! Every parameter, header and field of the API's own document, with every hostile value, on both databases: an answer
//! that the document knows, and none that says that something broke here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use canopy::api::openapi::document;
use canopy::secrets::DkimKey;
use futures_util::future::join_all;
use serde_json::{Map, Value, json};

use super::{encoded, letters, shown, texts};
use crate::isolation::world::World;
use crate::isolation::writes;
use crate::support::app::{TestApp, on_both};

/// Stands in a body where a hostile value is to be.
const HERE: &str = "@@here@@";
/// Requests at once.
const AT_ONCE: usize = 8;

/// One operation of the document, with what it is asked with.
struct Operation {
    method: String,
    /// With names in braces.
    path: String,
    parameters: Vec<Value>,
    /// A body that is taken, and the body's schema.
    body: Option<(Value, Value)>,
    key: String,
    /// What stands for the names of the path.
    names: Vec<(String, String)>,
}

impl Operation {
    fn address(&self, instead: Option<(&str, &str)>) -> String {
        self.names.iter().fold(self.path.clone(), |path, (name, value)| {
            let value = instead.filter(|(other, _)| other == name).map_or(value.as_str(), |(_, hostile)| hostile);
            path.replace(&format!("{{{name}}}"), value)
        })
    }

    fn in_query(&self) -> Vec<String> {
        let named = self.parameters.iter().filter(|parameter| parameter["in"] == "query");
        named.map(|parameter| parameter["name"].as_str().expect("a name").to_owned()).collect()
    }
}

/// What was asked, and how it went.
#[derive(Default)]
struct Tally {
    asked: usize,
    wrong: Vec<String>,
}

/// A request to be sent.
struct Asked {
    address: String,
    idempotency: Option<Vec<u8>>,
    body: String,
}

impl Asked {
    fn new(address: String, body: &str) -> Self {
        Self { address, idempotency: None, body: body.to_owned() }
    }

    /// What is wrong with the answer, if anything.
    async fn sent(&self, app: &TestApp, operation: &Operation) -> Option<String> {
        let method = reqwest::Method::from_bytes(operation.method.as_bytes()).expect("a method");
        let mut request = app.http.request(method, format!("{}{}", app.url, self.address)).bearer_auth(&operation.key);
        if let Some(key) = &self.idempotency {
            request = request.header("idempotency-key", key.as_slice());
        }
        if !self.body.is_empty() {
            request = request.header("content-type", "application/json").body(self.body.clone());
        }
        let answer = request.send().await.expect("the program answers");
        let status = answer.status().as_u16();
        let kept = answer.headers().get("cache-control").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let text = answer.text().await.unwrap_or_default();
        let read: Option<Map<String, Value>> = serde_json::from_str(&text).ok();
        let is_refusal = read.is_some_and(|read| read.len() == 1 && read["message"].is_string());
        let right = (status < 400 || (status < 500 && is_refusal)) && kept.as_deref() == Some("no-store");
        let (address, body) = (shown(&self.address), shown(&self.body));
        (!right).then(|| format!("{} {address} {body}: {status} {kept:?} {}", operation.method, shown(&text)))
    }
}

impl Tally {
    async fn ask(&mut self, app: &TestApp, operation: &Operation, all: &[Asked]) {
        for some in all.chunks(AT_ONCE) {
            let answers = join_all(some.iter().map(|asked| asked.sent(app, operation))).await;
            self.wrong.extend(answers.into_iter().flatten());
        }
        self.asked += all.len();
    }
}

fn operations(world: &World, in_a_day: &str) -> Vec<Operation> {
    let document = serde_json::to_value(document()).expect("JSON");
    let writes = writes::all(world, &world.agency.key, in_a_day);
    let (mut all, key_of_domains) = (Vec::new(), pem());
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let method = method.to_uppercase();
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let taken = writes.iter().rfind(|write| write.0 == method && write.1 == *path);
            assert!(schema.is_null() || taken.is_some(), "{method} {path} has no body that is taken");
            let of_parent = ["sub-accounts", "transports", "members"].iter().any(|word| path.contains(word));
            let parents = taken.map_or(of_parent, |write| write.5 == world.agency.key);
            let (account, key) =
                if parents { (world.agency.id, &world.agency.key) } else { (world.own.id, &world.own.key) };
            let parameters: Vec<Value> = operation["parameters"].as_array().cloned().unwrap_or_default();
            let names = path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| {
                let value = match name {
                    "account_id" => account.to_string(),
                    "sub_account_id" => world.own.id.to_string(),
                    "domain" if parents => "made.example".to_owned(),
                    "domain" => world.own.domain.clone(),
                    "key_id" => world.things.key.to_string(),
                    "smtp_credential_id" => world.things.credential.to_string(),
                    "message_id" => world.things.message.to_string(),
                    "transport_id" => world.things.transport.to_string(),
                    "user_id" => world.things.user.to_string(),
                    other => panic!("the tests do not know {other}"),
                };
                (name.to_owned(), value)
            });
            let names = names.collect();
            let mut taken = taken.filter(|_| !schema.is_null()).map(|write| write.3.clone());
            if let Some(body) = taken.as_mut().filter(|body| body["domain"] == "made.example") {
                body["dkim_private_key"] = json!(key_of_domains);
            }
            let body = taken.map(|body| (body, resolved(&document, schema)));
            all.push(Operation { method, path: path.clone(), parameters, body, key: key.clone(), names });
        }
    }
    all
}

/// A schema without references, and with the properties of all its parts.
fn resolved(document: &Value, schema: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return resolved(document, document.pointer(&reference[1..]).expect("a whole document"));
    }
    let mut properties = Map::new();
    for part in ["allOf", "oneOf", "anyOf"].iter().flat_map(|list| schema[*list].as_array().into_iter().flatten()) {
        let part = resolved(document, part);
        if part["type"] == "array" {
            return part;
        }
        properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        properties.insert(name.clone(), resolved(document, property));
    }
    let mut whole = schema.clone();
    whole["properties"] = Value::Object(properties);
    if !schema["items"].is_null() {
        whole["items"] = resolved(document, &schema["items"]);
    }
    whole
}

/// `body` once for each place that the schema knows, with [`HERE`] in it.
fn places(body: &Value, schema: &Value, all: &mut Vec<Value>, whole: &dyn Fn(Value) -> Value) {
    all.push(whole(json!(HERE)));
    let fields = schema["properties"].as_object().filter(|fields| !fields.is_empty());
    let is = |kind: &str| {
        schema["type"] == kind || schema["type"].as_array().is_some_and(|kinds| kinds.contains(&json!(kind)))
    };
    if let Some(fields) = fields {
        let object = body.as_object().cloned().unwrap_or_default();
        for (name, property) in fields {
            let inner = object.get(name).cloned().unwrap_or(Value::Null);
            places(&inner, property, all, &|value| {
                let mut object = object.clone();
                object.insert(name.clone(), value);
                whole(Value::Object(object))
            });
        }
    } else if is("object") {
        all.push(whole(json!({ "name": HERE })));
        all.push(whole(json!({ HERE: "value" })));
    } else if is("array") {
        let first = body.get(0).cloned().unwrap_or(Value::Null);
        places(&first, &schema["items"], all, &|value| whole(json!([value])));
    }
}

/// What stands in JSON where a value is: texts, and everything else.
fn values() -> Vec<String> {
    let mut all: Vec<String> = texts().iter().map(|text| json!(text).to_string()).collect();
    let others = [
        r#""\ud800""#,
        r#""\udc00\ud800""#,
        r#""\u0000""#,
        "9223372036854775807",
        "9223372036854775808",
        "-1",
        "2147483648",
        "1e400",
        "1.5",
        "true",
        "null",
        "[]",
        "{}",
        r#"[["\u0000"]]"#,
        r#"{"\u0000":"\u0000"}"#,
    ];
    all.extend(others.map(str::to_owned));
    all
}

/// Every place that an operation has for a value, with every value.
fn everywhere(operation: &Operation) -> Vec<Asked> {
    let body = operation.body.as_ref().map(|(body, _)| body.to_string()).unwrap_or_default();
    let mut all = Vec::new();
    for value in encoded() {
        let of_path = operation.names.iter().map(|(name, _)| operation.address(Some((name, &value))));
        let query = operation.in_query();
        let of_query = query.iter().map(|name| format!("{}?{name}={value}", operation.address(None)));
        all.extend(of_path.chain(of_query).map(|address| Asked::new(address, &body)));
    }
    let Some((taken, schema)) = &operation.body else { return all };
    let address = operation.address(None);
    for key in [letters(255).as_bytes(), letters(256).as_bytes(), b"\xff\xfe", "\u{10ffff}".as_bytes(), b"a\tb"] {
        all.push(Asked { idempotency: Some(key.to_vec()), ..Asked::new(address.clone(), &body) });
    }
    for body in bodies(taken, schema) {
        let body = body.to_string();
        let is_name = body.contains(&format!("\"{HERE}\":"));
        for value in values().iter().filter(|value| !is_name || value.starts_with('"')) {
            all.push(Asked::new(address.clone(), &body.replace(&format!("\"{HERE}\""), value)));
        }
    }
    all
}

fn bodies(taken: &Value, schema: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    places(taken, schema, &mut all, &|value| value);
    all
}

/// A key in PEM form: with one at hand none is made for each request.
fn pem() -> String {
    let key = STANDARD.encode(DkimKey::generate().to_pkcs8_der());
    let lines: Vec<String> = key.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_and_parameter_of_the_api_takes_or_refuses_any_value() {
    on_both(|app| async move {
        let world = World::new(&app).await;
        let in_a_day = (app.app.clock.now() + chrono::TimeDelta::days(1)).to_rfc3339();
        let made = json!({ "domain": "made.example" });
        let domains = format!("/v2/accounts/{}/domains", world.agency.id);
        assert_eq!(app.call("POST", &domains, &world.agency.key, Some(&made)).await.0, 201);
        let mut tally = Tally::default();
        let mut operations = operations(&world, &in_a_day);
        // What takes sending away comes last.
        operations.sort_by_key(|operation| operation.path.ends_with("suspend"));
        let (mut fields, count) = (0, operations.len());
        for operation in &operations {
            if operation.method == "GET" {
                let (status, answer) = app.call("GET", &operation.address(None), &operation.key, None).await;
                assert_eq!(status, 200, "{}: {answer}", operation.path);
            }
            let in_body = operation.body.as_ref().map_or(0, |(taken, schema)| bodies(taken, schema).len());
            fields += in_body + operation.names.len() + operation.in_query().len();
            tally.ask(&app, operation, &everywhere(operation)).await;
        }
        println!("{count} operations, {fields} fields and parameters, {} requests", tally.asked);
        let some: Vec<&String> = tally.wrong.iter().take(40).collect();
        assert!(tally.wrong.is_empty(), "{} of {}: {some:#?}", tally.wrong.len(), tally.asked);
        assert!(count >= 40 && fields >= 250, "{count} {fields}");
    })
    .await;
}
