//! The JSON API, spoken to over HTTP as a client does.

mod account;
mod injection;
mod keys;
mod members;
mod messages_read;
mod messages_send;
mod openapi;
mod smtp_credentials;
mod suppressions;
mod templates;
mod transports;
mod usage;

use canopy::domain::ids::Id;
use canopy::models::counters::Counter;
use canopy::models::messages::{self, Filter, Message};
use canopy::models::{counters, periods};
use serde_json::{Value, json};

use crate::support::app::{Client, TestApp};

/// The path of an account's resource.
pub fn path(client: &Client, rest: &str) -> String {
    format!("/v2/accounts/{}/{rest}", client.id)
}

/// A plain send to `recipients`.
pub fn plain(client: &Client, recipients: &[&str]) -> Value {
    let recipients: Vec<Value> = recipients.iter().map(|email| json!({ "email": email })).collect();
    json!({ "from": { "email": format!("hello@{}", client.domain), "name": "Shop" }, "recipients": recipients,
            "subject": "Hello", "text_content": "Hello there" })
}

/// Sends `body`, which must be accepted; answers the entries.
pub async fn sent(app: &TestApp, client: &Client, body: &Value) -> Vec<Value> {
    let (status, answer) = app.call("POST", &path(client, "messages"), &client.key, Some(body)).await;
    assert_eq!(status, 202, "{answer}");
    answer["data"].as_array().expect("a list").clone()
}

/// Every message of an account, newest first.
pub async fn stored(app: &TestApp, client: &Client) -> Vec<Message> {
    let account = client.id;
    app.read(move |conn| Ok(messages::page(conn, account, &Filter::default(), None, false, 1000)?)).await
}

/// An account's counter of the period that runs; `None` while nothing was counted.
pub async fn counter(app: &TestApp, client: &Client) -> Option<Counter> {
    let (account, now) = (client.id, app.app.clock.now().naive_utc());
    app.read(move |conn| {
        let parent = canopy::models::accounts::find(conn, account)?.expect("the account is there").root_id();
        let Some(period) = periods::containing(conn, parent, now)? else { return Ok(None) };
        Ok(counters::find(conn, account, period.id)?)
    })
    .await
}

/// What an account used of its cap.
pub async fn accepted(app: &TestApp, client: &Client) -> i64 {
    counter(app, client).await.map_or(0, |counter| counter.accepted)
}

/// The UUID in `<uuid@domain>`.
pub fn id_of(entry: &Value) -> Id {
    let text = entry["id"].as_str().expect("an id");
    text.trim_start_matches('<').split('@').next().and_then(|id| id.parse().ok()).expect("<uuid@domain>")
}
