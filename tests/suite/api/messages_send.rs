//! `POST messages` and `POST messages/conversation`.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{accepted, counter, id_of, path, plain, sent, stored};
use crate::support::app::{Client, TestApp, on_both};
use crate::support::environment::number;

#[tokio::test]
async fn a_send_makes_one_message_a_recipient_and_counts_each() {
    on_both(|app| async move {
        let agency = app.agency("Send").await;
        let client = app.client(&agency, "send", 0).await;
        let mut body = plain(&client, &["Ann@Example.org", "bob@example.org"]);
        body["recipients"][0]["name"] = json!("Ann");
        body["tags"] = json!(["welcome"]);
        let entries = sent(&app, &client, &body).await;
        assert_eq!(entries.len(), 2);
        for (entry, (email, name)) in entries.iter().zip([("Ann@example.org", "Ann"), ("bob@example.org", "")]) {
            assert_eq!(entry["object"], "message");
            assert_eq!(entry["status"], "queued");
            assert_eq!(entry["error"], Value::Null);
            assert_eq!(entry["recipient"], json!({ "email": email, "name": name }));
            assert_eq!(entry["id"], format!("<{}@send.example>", id_of(entry)));
            assert!(entry.get("schedule").is_none());
        }
        let rows = stored(&app, &client).await;
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].content_id, rows[1].content_id, "nothing differs, so one content is kept");
        let counter = counter(&app, &client).await.expect("counted");
        assert_eq!((counter.accepted, counter.suppressed, counter.failed), (2, 0, 0));
    })
    .await;
}

#[tokio::test]
async fn a_malformed_recipient_is_an_error_entry_and_the_rest_go_through() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Malformed").await;
    let client = app.client(&agency, "malformed", 0).await;
    let entries = sent(&app, &client, &plain(&client, &["ann@example.org", "not an address", "bob@example.org"])).await;
    let statuses: Vec<&Value> = entries.iter().map(|entry| &entry["status"]).collect();
    assert_eq!(statuses, ["queued", "error", "queued"]);
    assert_eq!(entries[1]["id"], Value::Null);
    assert_eq!(entries[1]["recipient"]["email"], "not an address");
    assert!(entries[1]["error"].as_str().is_some_and(|error| error.contains("@")), "{}", entries[1]);
    assert_eq!((stored(&app, &client).await.len(), accepted(&app, &client).await), (2, 2));
}

#[tokio::test]
async fn the_cap_is_granted_in_order_and_then_refuses_with_its_reason() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Cap").await;
    let client = app.client(&agency, "cap", 3).await;
    let five = ["a@x.example", "b@x.example", "broken", "c@x.example", "d@x.example"];
    let entries = sent(&app, &client, &plain(&client, &five)).await;
    let statuses: Vec<&Value> = entries.iter().map(|entry| &entry["status"]).collect();
    assert_eq!(statuses, ["queued", "queued", "error", "queued", "error"]);
    assert!(entries[4]["error"].as_str().is_some_and(|error| error.contains("cap of 3")), "{}", entries[4]);
    assert_eq!(accepted(&app, &client).await, 3);

    let body = plain(&client, &["e@x.example"]);
    let refused = app.send("POST", &path(&client, "messages"), &client.key, Some(&body), &[]).await;
    assert_eq!(refused.status(), 403);
    assert_eq!(refused.headers()["x-canopy-reason"], "cap_reached");
    let answer: Value = refused.json().await.expect("JSON");
    assert_eq!(answer.as_object().expect("an object").len(), 1);
    let message = answer["message"].as_str().expect("a message");
    assert!(
        message.contains("cap of 3") && message.contains("3 are used") && message.contains("resets at"),
        "{message}"
    );
    assert_eq!(accepted(&app, &client).await, 3);

    let mut sandbox = plain(&client, &["f@x.example"]);
    sandbox["sandbox"] = json!(true);
    assert_eq!(sent(&app, &client, &sandbox).await[0]["status"], "queued", "the sandbox is not counted");
}

#[tokio::test]
async fn sandbox_messages_end_as_asked_are_not_counted_and_never_queue() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Sandbox").await;
    let client = app.client(&agency, "sandbox", 1).await;
    for (result, status) in [
        (None, "Sandbox Delivered"),
        (Some("deliver"), "Sandbox Delivered"),
        (Some("bounce"), "Sandbox Bounced"),
        (Some("defer"), "Sandbox Deferred"),
        (Some("fail"), "Sandbox Failed"),
        (Some("suppress"), "Sandbox Suppressed"),
    ] {
        let mut body = plain(&client, &["ann@example.org"]);
        body["sandbox"] = json!(true);
        if let Some(result) = result {
            body["sandbox_result"] = json!(result);
        }
        let entries = sent(&app, &client, &body).await;
        let message = path(&client, &format!("messages/{}", id_of(&entries[0])));
        let (code, shown) = app.call("GET", &message, &client.key, None).await;
        assert_eq!((code, shown["status"].as_str()), (200, Some(status)));
        assert_eq!(shown["delivery_attempts"].as_array().map(Vec::len), Some(1));
    }
    assert_eq!(accepted(&app, &client).await, 0);
    let account = client.id;
    let queued = app.read(move |conn| Ok(canopy::models::queue::of_account(conn, account, 10)?)).await;
    assert_eq!(queued, []);
    let mut wrong = plain(&client, &["ann@example.org"]);
    wrong["sandbox_result"] = json!("explode");
    assert_eq!(app.call("POST", &path(&client, "messages"), &client.key, Some(&wrong)).await.0, 400);
}

#[tokio::test]
async fn a_retry_gets_the_identical_answer_and_sends_nothing_more() {
    on_both(|app| async move {
        let agency = app.agency("Retry").await;
        let client = app.client(&agency, "retry", 0).await;
        let (url, body) = (path(&client, "messages"), plain(&client, &["ann@example.org"]));
        let key = [("Idempotency-Key", "order-1")];
        let first = app.send("POST", &url, &client.key, Some(&body), &key).await;
        assert_eq!(first.status(), 202);
        assert!(first.headers().get("idempotent-replayed").is_none());
        let first = first.bytes().await.expect("a body");
        let again = app.send("POST", &url, &client.key, Some(&body), &key).await;
        assert_eq!(
            (again.status().as_u16(), &again.headers()["idempotent-replayed"]),
            (202, &"true".parse().expect("ASCII"))
        );
        assert_eq!(again.bytes().await.expect("a body"), first);
        let other = app.send("POST", &url, &client.key, Some(&plain(&client, &["bob@example.org"])), &key).await;
        assert_eq!(other.status(), 422);
        assert_eq!((stored(&app, &client).await.len(), accepted(&app, &client).await), (1, 1));
    })
    .await;
}

/// Keys in the short form; `bin/soak retries` takes those of `CANOPY_SOAK_KEYS`.
const KEYS: u64 = 3;

#[tokio::test]
async fn fifty_retries_at_once_make_one_message() {
    on_both(|app| async move {
        let agency = app.agency("Burst").await;
        let client = app.client(&agency, "burst", 0).await;
        let keys = number("CANOPY_SOAK_KEYS", KEYS);
        for number in 0..keys {
            fifty_retries(&app, &client, &format!("burst-{number}")).await;
        }
        assert_eq!(accepted(&app, &client).await, i64::try_from(keys).expect("few"));
        assert_eq!(stored(&app, &client).await.len() as u64, keys.min(1000));
        println!("{keys} keys, 50 retries at once of each, on {:?}", app.app.db.backend());
    })
    .await;
}

/// One message, answered alike as often as it is asked for; and no other under its key.
async fn fifty_retries(app: &TestApp, client: &Client, key: &str) {
    let (url, body) = (path(client, "messages"), plain(client, &["ann@example.org"]));
    let key = [("Idempotency-Key", key)];
    let answers = join_all((0..50).map(|_| app.send("POST", &url, &client.key, Some(&body), &key))).await;
    let (mut fresh, mut bodies) = (0, Vec::new());
    for answer in answers {
        let replayed =
            answer.headers().get("idempotent-replayed").map(|value| value.to_str().expect("ASCII").to_owned());
        match (answer.status().as_u16(), replayed.as_deref()) {
            (202, None) => fresh += 1,
            (202, Some("true")) => {}
            (409, Some("false")) => {
                let after = answer.headers()["retry-after"].to_str().expect("ASCII").parse::<u32>();
                assert!(after.is_ok_and(|seconds| seconds >= 1));
                continue;
            }
            other => panic!("{other:?}"),
        }
        bodies.push(answer.bytes().await.expect("a body"));
    }
    assert_eq!(fresh, 1);
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    let changed = plain(client, &["bob@example.org"]);
    assert_eq!(app.send("POST", &url, &client.key, Some(&changed), &key).await.status(), 422);
}

#[tokio::test]
async fn a_refusal_is_replayed_too() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Refusal").await;
    let client = app.client(&agency, "refusal", 0).await;
    let mut body = plain(&client, &["ann@example.org"]);
    body["subject"] = json!("");
    let key = [("Idempotency-Key", "wrong")];
    let first = app.send("POST", &path(&client, "messages"), &client.key, Some(&body), &key).await;
    assert_eq!((first.status().as_u16(), first.headers().get("idempotent-replayed")), (400, None));
    let again = app.send("POST", &path(&client, "messages"), &client.key, Some(&body), &key).await;
    assert_eq!((again.status().as_u16(), again.headers()["idempotent-replayed"].to_str().ok()), (400, Some("true")));
    assert_eq!(first.text().await.expect("a body"), again.text().await.expect("a body"));
}

#[tokio::test]
async fn templates_take_a_recipients_values_over_the_requests() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Templates").await;
    let client = app.client(&agency, "templates", 0).await;
    let mut body = plain(&client, &["ann@example.org", "bob@example.org", "eve@example.org"]);
    body["subject"] = json!("Hi {{ name }}");
    body["html_content"] = json!("<p>{{ name }}</p>");
    body["substitutions"] = json!({ "name": "friend" });
    body["recipients"][0]["substitutions"] = json!({ "name": "<Ann>" });
    body["recipients"][2]["substitutions"] = json!({ "name": {} });
    body["text_content"] = json!("{{ name ~ '' if name is string else name.missing.deeper }}");
    let entries = sent(&app, &client, &body).await;
    let statuses: Vec<&Value> = entries.iter().map(|entry| &entry["status"]).collect();
    assert_eq!(statuses, ["queued", "queued", "error"], "only the recipient whose values break it is refused");
    assert!(entries[2]["error"].as_str().is_some_and(|error| error.starts_with("text_content:")), "{}", entries[2]);
    let shown = |entry: &Value| path(&client, &format!("messages/{}", id_of(entry)));
    let (_, ann) = app.call("GET", &shown(&entries[0]), &client.key, None).await;
    assert_eq!(ann["subject"], "Hi <Ann>");
    assert_eq!(ann["content_parsed"]["parts"][1]["content"].as_str().map(str::trim_end), Some("<p>&lt;Ann&gt;</p>"));
    let (_, bob) = app.call("GET", &shown(&entries[1]), &client.key, None).await;
    assert_eq!(bob["subject"], "Hi friend");

    body["text_content"] = json!("{% if %}");
    let (status, answer) = app.call("POST", &path(&client, "messages"), &client.key, Some(&body)).await;
    assert_eq!(status, 400);
    assert!(answer["message"].as_str().is_some_and(|message| message.starts_with("text_content:")), "{answer}");
}

#[tokio::test]
async fn a_conversation_shows_its_recipients_each_other_but_for_the_hidden() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Conversation").await;
    let client = app.client(&agency, "conversation", 0).await;
    let body = json!({ "from": { "email": "me@conversation.example" }, "to": [{ "email": "ann@example.org", "name": "Ann" }],
        "cc": [{ "email": "bob@example.org" }], "bcc": [{ "email": "eve@example.org" }],
        "subject": "{{ plain }}", "text_content": "Hi {{ all }}" });
    let (status, answer) = app.call("POST", &path(&client, "messages/conversation"), &client.key, Some(&body)).await;
    assert_eq!((status, answer["data"].as_array().map(Vec::len)), (202, Some(3)));
    let hidden = path(&client, &format!("messages/{}", id_of(&answer["data"][2])));
    let (_, shown) = app.call("GET", &hidden, &client.key, None).await;
    assert_eq!(shown["recipient"], "eve@example.org");
    let headers = &shown["content_parsed"]["headers"];
    assert!(headers["To"][0].as_str().is_some_and(|to| to.contains("ann@example.org")), "{headers}");
    assert!(headers["Cc"][0].as_str().is_some_and(|cc| cc.contains("bob@example.org")), "{headers}");
    let content = shown["content"].as_str().expect("the content");
    assert!(!content.contains("eve@example.org") && content.contains("Hi {{ all }}"), "{content}");
    assert_eq!(accepted(&app, &client).await, 3);
}

#[tokio::test]
async fn files_come_back_as_they_were_sent() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Files").await;
    let client = app.client(&agency, "files", 0).await;
    let mut body = plain(&client, &["ann@example.org"]);
    body["html_content"] = json!("<img src=\"cid:dot@files.example\">");
    body["attachments"] = json!([
        { "base64": true, "data": "aGk=", "content_type": "image/png", "content_id": "<dot@files.example>", "file_name": "dot.png" },
        { "data": "BEGIN:VCALENDAR", "content_type": "text/calendar; method=REQUEST", "file_name": "meeting.ics" },
    ]);
    let entries = sent(&app, &client, &body).await;
    let (_, shown) =
        app.call("GET", &path(&client, &format!("messages/{}", id_of(&entries[0]))), &client.key, None).await;
    let files = shown["content_parsed"]["attachments"].as_array().expect("files");
    let of = |name: &str| files.iter().find(|file| file["filename"] == name).unwrap_or_else(|| panic!("{files:?}"));
    assert_eq!(
        (&of("dot.png")["content"], &of("dot.png")["content_id"]),
        (&json!("aGk="), &json!("dot@files.example"))
    );
    assert_eq!(of("meeting.ics")["content"], "QkVHSU46VkNBTEVOREFS");
    assert!(shown["content"].as_str().is_some_and(|raw| raw.contains("method=")), "the type keeps its parameters");
}

#[tokio::test]
async fn who_may_not_send_is_told_why() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Refused").await;
    let client = app.client(&agency, "refused", 0).await;
    let (url, body) = (path(&client, "messages"), plain(&client, &["ann@example.org"]));
    let reason = |answer: &reqwest::Response| {
        answer.headers().get("x-canopy-reason").map(|v| v.to_str().expect("ASCII").to_owned())
    };

    let reader = app.key(client.id, &["messages:read:all".into()]).await;
    let other = app.key(client.id, &["messages:send:{other.example}".into()]).await;
    for key in [reader, other] {
        let answer = app.send("POST", &url, &key, Some(&body), &[("Idempotency-Key", "scope")]).await;
        assert_eq!((answer.status().as_u16(), reason(&answer).as_deref()), (403, Some("scope")));
    }
    let narrow = app.key(client.id, &["messages:send:{refused.example}".into()]).await;
    let answer = app.send("POST", &url, &narrow, Some(&body), &[("Idempotency-Key", "scope")]).await;
    assert_eq!(answer.status(), 202, "a refused scope was not stored under the key");

    let mut foreign = body.clone();
    foreign["from"]["email"] = json!("hello@unknown.example");
    let (status, answer) = app.call("POST", &url, &client.key, Some(&foreign)).await;
    assert_eq!(status, 400);
    assert!(answer["message"].as_str().is_some_and(|message| message.contains("unknown.example")), "{answer}");

    let suspend = format!("/v2/accounts/{}/sub-accounts/{}/suspend", agency.id, client.id);
    assert_eq!(app.call("POST", &suspend, &agency.key, Some(&json!({ "reason": "spam" }))).await.0, 200);
    let answer = app.send("POST", &url, &client.key, Some(&body), &[]).await;
    assert_eq!((answer.status().as_u16(), reason(&answer).as_deref()), (401, Some("account_suspended")));
    assert_eq!(stored(&app, &client).await.len(), 1);
}

#[tokio::test]
async fn bodies_that_break_the_contract_are_refused_by_field() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Fields").await;
    let client = app.client(&agency, "fields", 0).await;
    let changes: [(&str, Value, &str); 9] = [
        ("from", Value::Null, "from"),
        ("recipients", json!([]), "recipients"),
        ("recipients", json!(vec![json!({ "email": "a@x.example" }); 101]), "recipients"),
        ("text_content", Value::Null, "text_content"),
        ("retention", json!({ "metadata": 31 }), "retention.metadata"),
        ("schedule", json!({ "first_attempt": "2020-01-01T00:00:00Z" }), "schedule.first_attempt"),
        ("headers", json!({ "Bcc": "x@y.example" }), "headers"),
        ("tags", json!(vec!["t"; 11]), "tags"),
        ("subject", json!(7), "invalid JSON body"),
    ];
    for (field, value, named) in changes {
        let mut body = plain(&client, &["ann@example.org"]);
        body[field] = value;
        let (status, answer) = app.call("POST", &path(&client, "messages"), &client.key, Some(&body)).await;
        let message = answer["message"].as_str().expect("a message");
        assert!(status == 400 && message.starts_with(named), "{field}: {status} {message}");
    }
    assert_eq!(stored(&app, &client).await.len(), 0);
}
