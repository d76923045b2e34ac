//! What a template may ask of the processor, of memory and of the stack, and what its sender hears.

use serde_json::{Value, json};

use super::{accepted, path, plain, sent};
use crate::support::app::{Client, TestApp};

async fn refused(app: &TestApp, client: &Client, body: &Value) -> String {
    let (status, answer) = app.call("POST", &path(client, "messages"), &client.key, Some(body)).await;
    assert_eq!(status, 400, "{answer}");
    answer["message"].as_str().expect("a sentence").to_owned()
}

#[tokio::test]
async fn chains_that_the_compiler_would_follow_too_far_are_refused_with_field_and_line() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Chains").await;
    let client = app.client(&agency, "chains", 0).await;
    for (field, template, line) in [
        ("text_content", format!("Hello\n{{{{ {}1 }}}}", "-".repeat(6_000)), 2),
        ("html_content", format!("{{{{ {}x }}}}", "not ".repeat(6_000)), 1),
        ("subject", format!("{{{{ x{} }}}}", "|e".repeat(400)), 1),
        ("amp_content", format!("\n\n{{{{ 1{} }}}}", "+1".repeat(6_000)), 3),
        ("text_content", format!("{{% if x %}}{}{{% endif %}}", "{% elif y %}".repeat(6_000)), 1),
        ("text_content", "{% for x in y %}".repeat(6_000), 1),
    ] {
        let mut body = plain(&client, &["ann@example.org"]);
        body["sandbox"] = json!(true);
        body[field] = json!(template);
        let said = refused(&app, &client, &body).await;
        let start = format!("{field}: The template is too complicated on line {line}: ");
        assert!(said.starts_with(&start), "{said}");
    }
    assert_eq!(sent(&app, &client, &plain(&client, &["ann@example.org"])).await.len(), 1, "everybody goes on");
}

#[tokio::test]
async fn a_template_that_works_too_much_refuses_its_request_and_names_the_field() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Work").await;
    let client = app.client(&agency, "work", 0).await;
    let recipients: Vec<String> = (0..100).map(|number| format!("a{number}@example.org")).collect();
    let recipients: Vec<&str> = recipients.iter().map(String::as_str).collect();
    let slices = "{% for i in range(20000) %}{{ ('é'*600000)[i:i+1] }}{% endfor %}";
    let sets = "{% set a = [a, a] %}{% set b = [b, b] %}".repeat(40);
    let doubled = format!("{{% set a = [1] %}}{{% set b = [1] %}}{sets}{{{{ a == b }}}}");
    for (field, template) in [("text_content", slices), ("html_content", doubled.as_str()), ("subject", slices)] {
        let mut body = plain(&client, &recipients);
        body[field] = json!(template);
        let said = refused(&app, &client, &body).await;
        assert!(said.starts_with(&format!("{field}: The template does too much work on line 1")), "{said}");
    }
    assert_eq!(accepted(&app, &client).await, 0, "of a request that is refused nobody is written to");
}

#[tokio::test]
async fn a_long_list_of_recipients_gets_an_ordinary_template_each() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Ordinary").await;
    let client = app.client(&agency, "ordinary", 0).await;
    let recipients: Vec<String> = (0..100).map(|number| format!("a{number}@example.org")).collect();
    let recipients: Vec<&str> = recipients.iter().map(String::as_str).collect();
    let mut body = plain(&client, &recipients);
    body["substitutions"] =
        json!({ "items": (0..50).map(|n| json!({ "name": format!("Item {n}"), "price": n })).collect::<Vec<_>>() });
    body["html_content"] = json!(
        "<ul>{% for item in items if item.price > 3 %}<li>{{ item.name|title }}{% if item.name[:4] == 'Item' %}: \
         {{ '%.2f'|format(item.price) }}{% endif %}</li>{% endfor %}</ul>{{ items|sum(attribute='price') }}"
    );
    let entries = sent(&app, &client, &body).await;
    assert!(entries.iter().all(|entry| entry["status"] == "queued"), "{entries:?}");
}
