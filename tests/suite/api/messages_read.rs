//! Reading messages, and taking scheduled ones back.

use canopy::domain::ids::Id;
use canopy::models::messages::{self, Attempt};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{accepted, counter, id_of, path, plain, sent, stored};
use crate::support::app::{Client, TestApp};

async fn get(app: &TestApp, client: &Client, rest: &str) -> Value {
    let (status, answer) = app.call("GET", &path(client, rest), &client.key, None).await;
    assert_eq!(status, 200, "{rest}: {answer}");
    answer
}

fn subjects(list: &Value) -> Vec<&str> {
    let data = list["data"].as_array().expect("a list");
    data.iter().map(|message| message["subject"].as_str().expect("a subject")).collect()
}

async fn send_subject(
    app: &TestApp,
    client: &Client,
    subject: &str,
    recipient: &str,
    change: impl Fn(&mut Value),
) -> Value {
    let mut body = plain(client, &[recipient]);
    body["subject"] = json!(subject);
    change(&mut body);
    sent(app, client, &body).await.remove(0)
}

#[tokio::test]
async fn a_message_is_found_by_all_three_forms_of_its_id() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Forms").await;
    let client = app.client(&agency, "forms", 0).await;
    let entry = send_subject(&app, &client, "Hello", "ann@example.org", |_| ()).await;
    let id = id_of(&entry);
    for form in [
        id.to_string(),
        format!("{id}@forms.example"),
        format!("%3C{id}@forms.example%3E"),
        format!("%3c{id}%40forms.example%3e"),
        format!("<{id}@forms.example>"),
    ] {
        let message = get(&app, &client, &format!("messages/{form}")).await;
        assert_eq!(message["id"], id.to_string(), "{form}");
        assert_eq!(message["message_id"], entry["id"]);
    }
    for form in
        [format!("{id}@other.example"), "nonsense".to_owned(), "01890a5d-ac96-774b-bcce-b302099a8057".to_owned()]
    {
        let (status, _) = app.call("GET", &path(&client, &format!("messages/{form}")), &client.key, None).await;
        assert_eq!(status, 404, "{form}");
    }
}

#[tokio::test]
async fn a_message_shows_every_field_of_the_contract() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Shape").await;
    let client = app.client(&agency, "shape", 0).await;
    let entry = send_subject(&app, &client, "Hello", "ann@example.org", |body| body["tags"] = json!(["a"])).await;
    let message = get(&app, &client, &format!("messages/{}", id_of(&entry))).await;
    let mut fields: Vec<&str> = message.as_object().expect("an object").keys().map(String::as_str).collect();
    fields.sort_unstable();
    let mut wanted = vec![
        "account_id",
        "bounce_classification",
        "click_count",
        "content",
        "content_parsed",
        "created_at",
        "delivered_at",
        "delivery_attempts",
        "direction",
        "domain_id",
        "id",
        "is_bounce_notification",
        "message_id",
        "num_attempts",
        "object",
        "open_count",
        "recipient",
        "reference_message_id",
        "retain_until",
        "sender",
        "sent_at",
        "status",
        "subject",
        "tags",
        "updated_at",
    ];
    assert_eq!(fields, wanted);
    assert_eq!(
        (&message["status"], &message["direction"], &message["tags"]),
        (&json!("Received"), &json!("outbound"), &json!(["a"]))
    );
    assert_eq!((&message["sent_at"], &message["delivered_at"]), (&Value::Null, &Value::Null));
    let raw = message["content"].as_str().expect("raw content");
    assert!(
        raw.contains("\r\n\r\n") && raw.contains(&format!("Message-ID: {}", entry["id"].as_str().expect("an id"))),
        "{raw}"
    );
    assert!(raw.contains("To: <ann@example.org>"), "{raw}");

    let list = get(&app, &client, "messages").await;
    let mut fields: Vec<&str> = list["data"][0].as_object().expect("an object").keys().map(String::as_str).collect();
    fields.sort_unstable();
    wanted.retain(|field| !field.starts_with("content"));
    assert_eq!(fields, wanted, "a list leaves the content out");
}

#[tokio::test]
async fn what_a_message_said_is_gone_when_its_retention_ends() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Retention").await;
    let client = app.client(&agency, "retention", 0).await;
    let kept =
        send_subject(&app, &client, "Kept", "ann@example.org", |body| body["retention"] = json!({ "data": 2 })).await;
    let never =
        send_subject(&app, &client, "Never", "ann@example.org", |body| body["retention"] = json!({ "data": 0 })).await;
    let shown = |entry: &Value| format!("messages/{}", id_of(entry));
    assert!(get(&app, &client, &shown(&kept)).await["content"].is_string());
    let hidden = get(&app, &client, &shown(&never)).await;
    assert!(hidden.get("content").is_none() && hidden.get("content_parsed").is_none());
    app.app.clock.step(TimeDelta::days(2));
    let expired = get(&app, &client, &shown(&kept)).await;
    assert!(expired.get("content").is_none() && expired.get("content_parsed").is_none());
    assert_eq!(expired["subject"], "Kept", "the metadata stays");
}

#[tokio::test]
async fn lists_are_narrowed_by_every_filter() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Filters").await;
    let client = app.client(&agency, "filters", 0).await;
    app.verified_domain(client.id, "second.example").await;
    send_subject(&app, &client, "First 100%", "Ann@Example.org", |body| body["tags"] = json!(["a", "b"])).await;
    let start = app.app.clock.now();
    app.app.clock.step(TimeDelta::minutes(10));
    let second = send_subject(&app, &client, "Second", "bob@example.org", |body| {
        body["from"]["email"] = json!("hi@second.example");
        body["tags"] = json!(["b"]);
    })
    .await;
    send_subject(&app, &client, "Third", "bob@example.org", |body| body["sandbox"] = json!(true)).await;
    let middle = (start + TimeDelta::minutes(5)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let id = second["id"].as_str().expect("an id").replace('<', "%3C").replace('>', "%3E");
    for (query, wanted) in [
        ("".to_owned(), vec!["Third", "Second", "First 100%"]),
        ("status=Received".to_owned(), vec!["Second", "First 100%"]),
        ("status=Sandbox%20Delivered,Bounced".to_owned(), vec!["Third"]),
        ("sender=hi@second.example".to_owned(), vec!["Second"]),
        ("recipient=ann@example.ORG".to_owned(), vec!["First 100%"]),
        ("subject=100%25".to_owned(), vec!["First 100%"]),
        ("subject=%25".to_owned(), vec!["First 100%"]),
        ("tags=b".to_owned(), vec!["Second", "First 100%"]),
        ("tags=b,a".to_owned(), vec!["First 100%"]),
        (format!("message_id_header={id}"), vec!["Second"]),
        ("message_id_header=nonsense".to_owned(), vec![]),
        (format!("from_time={middle}"), vec!["Third", "Second"]),
        (format!("to_time={middle}"), vec!["First 100%"]),
    ] {
        assert_eq!(subjects(&get(&app, &client, &format!("messages?{query}")).await), wanted, "{query}");
    }
    for query in ["status=Lost", "from_time=now", "sender=x", "limit=0", "limit=101", "after=a&before=b", "after=x"] {
        let (status, _) = app.call("GET", &path(&client, &format!("messages?{query}")), &client.key, None).await;
        assert_eq!(status, 400, "{query}");
    }
}

#[tokio::test]
async fn a_key_sees_and_cancels_only_what_its_domains_sent() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Reach").await;
    let client = app.client(&agency, "reach", 0).await;
    app.verified_domain(client.id, "second.example").await;
    let mine = send_subject(&app, &client, "Mine", "ann@example.org", |_| ()).await;
    let other = send_subject(&app, &client, "Other", "ann@example.org", |body| {
        body["from"]["email"] = json!("hi@second.example");
        body["schedule"] = json!({ "first_attempt": app.app.clock.now() + TimeDelta::hours(1) });
    })
    .await;
    let scopes = ["messages:read:{reach.example}".to_owned(), "messages:cancel:{reach.example}".to_owned()];
    let narrow = app.key(client.id, &scopes).await;
    let (_, list) = app.call("GET", &path(&client, "messages"), &narrow, None).await;
    assert_eq!(subjects(&list), ["Mine"]);
    let of = |entry: &Value| path(&client, &format!("messages/{}", id_of(entry)));
    assert_eq!(app.call("GET", &of(&mine), &narrow, None).await.0, 200);
    assert_eq!(app.call("GET", &of(&other), &narrow, None).await.0, 403);
    assert_eq!(app.call("DELETE", &format!("{}/cancel", of(&other)), &narrow, None).await.0, 403);
    let sender = app.key(client.id, &["messages:send:all".into()]).await;
    assert_eq!(app.call("GET", &path(&client, "messages"), &sender, None).await.0, 403);
    let stranger = app.client(&agency, "stranger", 0).await;
    let (status, _) =
        app.call("GET", &path(&stranger, &format!("messages/{}", id_of(&mine))), &stranger.key, None).await;
    assert_eq!(status, 404, "another account's message is not there");
}

#[tokio::test]
async fn a_scheduled_message_waits_and_can_be_taken_back_once() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Schedule").await;
    let client = app.client(&agency, "schedule", 0).await;
    let first = (app.app.clock.now() + TimeDelta::hours(2)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let entry = send_subject(&app, &client, "Later", "ann@example.org", |body| {
        body["schedule"] = json!({ "first_attempt": first })
    })
    .await;
    assert_eq!((&entry["status"], &entry["schedule"]), (&json!("scheduled"), &json!({ "first_attempt": first })));
    let url = path(&client, &format!("messages/{}", id_of(&entry)));
    let (status, answer) = app.call("DELETE", &format!("{url}/cancel"), &client.key, None).await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer["message"].is_string());
    let (_, shown) = app.call("GET", &url, &client.key, None).await;
    assert_eq!(shown["status"], "Failed");
    assert_eq!(shown["delivery_attempts"][0]["status"], "Failed");
    assert!(shown["delivery_attempts"][0]["log"].as_str().is_some_and(|log| log.contains("Cancelled")), "{shown}");
    assert_eq!(app.call("DELETE", &format!("{url}/cancel"), &client.key, None).await.0, 400, "it is cancelled already");
    let counter = counter(&app, &client).await.expect("counted");
    assert_eq!((counter.accepted, counter.failed), (1, 1), "it stays counted: it was accepted");

    let now = send_subject(&app, &client, "Now", "ann@example.org", |_| ()).await;
    let url = path(&client, &format!("messages/{}/cancel", id_of(&now)));
    assert_eq!(app.call("DELETE", &url, &client.key, None).await.0, 400, "only scheduled ones can be cancelled");
}

#[tokio::test]
async fn cursors_show_every_message_once_while_more_arrive() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Cursors").await;
    let client = app.client(&agency, "cursors", 0).await;
    for number in 0..7 {
        send_subject(&app, &client, &number.to_string(), "ann@example.org", |_| ()).await;
    }
    let (mut seen, mut query) = (Vec::new(), "messages?limit=3".to_owned());
    loop {
        let list = get(&app, &client, &query).await;
        seen.extend(subjects(&list).into_iter().map(str::to_owned));
        send_subject(&app, &client, "new", "ann@example.org", |_| ()).await;
        let pagination = &list["pagination"];
        if pagination["has_more"] == false {
            let back = pagination["previous_cursor"].as_str().expect("a page before");
            let list = get(&app, &client, &format!("messages?limit=3&before={back}")).await;
            assert_eq!(subjects(&list), ["3", "2", "1"]);
            break;
        }
        query = format!("messages?limit=3&after={}", pagination["next_cursor"].as_str().expect("a cursor"));
    }
    assert_eq!(seen, ["6", "5", "4", "3", "2", "1", "0"]);
    assert_eq!(stored(&app, &client).await.len() as i64, accepted(&app, &client).await);
}

#[tokio::test]
async fn a_messages_story_is_told_in_order_and_leaves_out_what_is_still_running() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Story").await;
    let client = app.client(&agency, "story", 0).await;
    let first = (app.app.clock.now() + TimeDelta::hours(1)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let entry = send_subject(&app, &client, "Story", "ann@example.org", |body| {
        body["schedule"] = json!({ "first_attempt": first });
    })
    .await;
    let (account_id, message_id) = (client.id, id_of(&entry));
    app.write(move |conn, cx| {
        let attempt = |number: i32, status: &str, over: bool| Attempt {
            id: Id::new(cx.now),
            message_id,
            account_id,
            number,
            started_at: cx.at(),
            finished_at: over.then(|| cx.at() + TimeDelta::seconds(i64::from(number))),
            status: status.into(),
            host: "mx.example.org".into(),
            code: Some(250),
            log: format!("answer {number}"),
        };
        let rows = [attempt(2, "bounced", true), attempt(1, "deferred", true), attempt(3, "started", false)];
        Ok(messages::insert_attempts(conn, &rows)?)
    })
    .await;
    app.app.clock.step(TimeDelta::minutes(1));
    let url = path(&client, &format!("messages/{message_id}"));
    assert_eq!(app.call("DELETE", &format!("{url}/cancel"), &client.key, None).await.0, 200);
    let (_, shown) = app.call("GET", &url, &client.key, None).await;
    let story: Vec<(&Value, &Value)> = shown["delivery_attempts"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|event| (&event["status"], &event["log"]))
        .collect();
    assert_eq!(story[..2], [(&json!("Deferred"), &json!("answer 1")), (&json!("Bounced"), &json!("answer 2"))]);
    assert_eq!((story.len(), story[2].0), (3, &json!("Failed")));
}
