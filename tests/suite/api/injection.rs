//! Whatever stands in a field that reaches a header, a message has the headers it would have anyway, and the people it was
//! written to. What could not be written into a header is refused.

use std::collections::BTreeSet;

use canopy::delivery::transport::mailbox::Mailbox;
use canopy::delivery::worker;
use canopy::domain::ids::Id;
use mail_parser::MessageParser;
use serde_json::{Value, json};

use super::{id_of, path};
use crate::support::app::{Client, TestApp};

const PAYLOADS: [&str; 18] = [
    "a\r\nX-Injected: yes",
    "a\nX-Injected: yes",
    "a\rX-Injected: yes",
    "a\0X-Injected: yes",
    "a\r\n\r\nX-Injected: in the body",
    "a\n\nX-Injected: in the body",
    "a\r\n X-Injected: folded",
    "\r\nX-Injected: yes",
    "ü\r\nX-Injected: yes",
    "a\u{2028}X-Injected: yes",
    "a\u{85}X-Injected: yes",
    "a\u{b}X-Injected: yes\u{c}",
    "=?utf-8?q?a=0D=0AX-Injected:_yes?=",
    "a%0d%0aX-Injected: yes",
    "a\" <x@evil.example>, \"",
    "a, x@evil.example",
    "Zoë 漢字 😀 שלום",
    "\u{202e}evil\u{200b}",
];

/// Every field that reaches a header, of both requests.
const FIELDS: [&str; 15] = [
    "/from/email",
    "/from/name",
    "/recipients/0/email",
    "/recipients/0/name",
    "/recipients/0/substitutions/who",
    "/substitutions/what",
    "/subject",
    "/reply_to/email",
    "/reply_to/name",
    "/headers/X-Own",
    "/headers/List-Unsubscribe",
    "/attachments/0/file_name",
    "/attachments/0/content_type",
    "/attachments/0/content_id",
    "/tags/0",
];
const OF_A_CONVERSATION: [&str; 7] =
    ["/from/name", "/to/0/email", "/to/0/name", "/cc/0/email", "/cc/0/name", "/bcc/0/email", "/bcc/0/name"];

fn common(client: &Client) -> Value {
    json!({
        "from": { "email": format!("hello@{}", client.domain), "name": "Shop" },
        "reply_to": { "email": "reply@shop.example", "name": "Reply" },
        "subject": "Hello {{ who }} {{ what }}", "text_content": "Hello there",
        "substitutions": { "what": "there", "who": "you" },
        "headers": { "X-Own": "own", "List-Unsubscribe": "<https://shop.example/u>" },
        "attachments": [{ "data": "text", "content_type": "text/plain", "file_name": "file.txt", "content_id": "c1" }],
        "tags": ["welcome"],
    })
}

fn single(client: &Client) -> Value {
    let mut body = common(client);
    let you = json!({ "email": "you@reader.example", "name": "You", "substitutions": { "who": "you" } });
    body["recipients"] = json!([you]);
    body
}

fn conversation(client: &Client) -> Value {
    let mut body = common(client);
    for (list, who) in [("to", "you"), ("cc", "cat"), ("bcc", "bob")] {
        body[list] = json!([{ "email": format!("{who}@reader.example"), "name": who }]);
    }
    // Where nobody is left in To, each copy is to whom it goes.
    body["to"].as_array_mut().expect("a list").push(json!({ "email": "yan@reader.example" }));
    body
}

/// A message as it left.
struct Left {
    names: BTreeSet<String>,
    people: BTreeSet<String>,
}

/// Reads one, whose lines must be sound whatever was asked for.
fn read(raw: &[u8], why: &str) -> Left {
    let text = String::from_utf8_lossy(raw);
    let (head, _) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{why}: no end of the header"));
    assert!(head.is_ascii() && !head.contains('\0'), "{why}: {head}");
    assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "{why}: a bare end of a line");
    let lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
    let name = |line: &str| line.split_once(':').unwrap_or_else(|| panic!("{why}: no field: {line}")).0.to_lowercase();
    let names: Vec<String> = lines.map(name).collect();
    let names_once: BTreeSet<String> = names.iter().cloned().collect();
    assert_eq!(names.len(), names_once.len(), "{why}: a field stands there twice: {names:?}");
    let message = MessageParser::default().parse(raw).unwrap_or_else(|| panic!("{why}: unreadable"));
    let fields = [message.from(), message.to(), message.cc(), message.bcc(), message.reply_to()];
    let people = fields.into_iter().flatten().flat_map(|field| field.iter());
    Left { names: names_once, people: people.filter_map(|one| one.address().map(str::to_lowercase)).collect() }
}

#[tokio::test]
async fn no_field_brings_a_header_or_a_recipient_with_it() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Inject").await;
    let client = app.client(&agency, "inject", 0).await;
    let of_one = FIELDS.iter().map(|field| ("messages", *field, single(&client)));
    let of_many = OF_A_CONVERSATION.iter().map(|field| ("messages/conversation", *field, conversation(&client)));
    let mut sent: Vec<(String, Vec<Id>, Option<&str>)> = Vec::new();
    let (mut refused, mut tried) = (0, 0);
    for (rest, field, clean) in of_one.chain(of_many) {
        for payload in PAYLOADS.map(Some).into_iter().chain([None]) {
            let mut body = clean.clone();
            if let Some(payload) = payload {
                *body.pointer_mut(field).expect("the field is there") = json!(payload);
            }
            let (status, answer) = app.call("POST", &path(&client, rest), &client.key, Some(&body)).await;
            assert!(matches!(status, 202 | 400 | 403), "{field} {payload:?}: {status} {answer}");
            assert!(status == 202 || payload.is_some(), "{field}: {answer}");
            tried += 1;
            refused += usize::from(status != 202);
            let entries = answer["data"].as_array().into_iter().flatten().filter(|entry| entry["id"].is_string());
            sent.push((format!("{rest} {field} {payload:?}"), entries.map(id_of).collect(), payload));
        }
    }
    // A name of a header is refused whatever it hides.
    for payload in PAYLOADS {
        let mut body = single(&client);
        body["headers"] = json!({ payload: "value" });
        assert_eq!(app.call("POST", &path(&client, "messages"), &client.key, Some(&body)).await.0, 400, "{payload:?}");
    }
    while worker::run_once(&app.app).await > 0 {}
    let left = check(&app, &client, &sent);
    println!("{tried} requests: {refused} refused, {left} messages left");
    assert!(refused > 50 && left > 100, "{refused} {left}");
}

/// Each message beside the one that was asked for without anything too much; how many left.
fn check(app: &TestApp, client: &Client, sent: &[(String, Vec<Id>, Option<&str>)]) -> usize {
    let mailbox = Mailbox::new(app.app.config.data_dir.join("mailbox"));
    let read_one = |id: &Id, why: &str| mailbox.read(client.id, *id).expect("readable").map(|raw| read(&raw, why));
    let (mut names, mut people) = (BTreeSet::new(), BTreeSet::new());
    for (why, ids, _) in sent.iter().filter(|(.., payload)| payload.is_none()) {
        for left in ids.iter().filter_map(|id| read_one(id, why)) {
            names.extend(left.names);
            people.extend(left.people);
        }
    }
    assert!(names.contains("x-own") && names.contains("subject") && people.len() == 5, "{names:?} {people:?}");
    let mut count = 0;
    for (why, ids, _) in sent {
        for left in ids.iter().filter_map(|id| read_one(id, why)) {
            let strange: Vec<_> = left.names.difference(&names).collect();
            assert!(strange.is_empty(), "{why}: {strange:?}");
            let strange: Vec<_> = left.people.difference(&people).collect();
            assert!(strange.is_empty(), "{why}: {strange:?}");
            count += 1;
        }
    }
    count
}
