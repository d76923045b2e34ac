use serde_json::json;

use super::*;

fn now() -> DateTime<Utc> {
    "2026-11-24T12:00:00Z".parse().expect("an instant")
}

fn base() -> Value {
    json!({
        "from": {"email": "noreply@a.example", "name": "A"},
        "recipients": [{"email": "one@b.example"}],
        "subject": "Hi",
        "text_content": "Hello",
    })
}

fn message(changes: &Value) -> Result<Draft, Refusal> {
    let mut body = base();
    for (field, value) in changes.as_object().expect("an object") {
        body[field] = value.clone();
    }
    let input: MessageInput = serde_json::from_value(body).expect("the shape is right");
    Draft::from_message(input, now())
}

fn refused(changes: &Value) -> String {
    message(changes).expect_err("refused").message().to_owned()
}

fn conversation(changes: &Value) -> Result<Draft, Refusal> {
    let mut body = base();
    body["to"] = json!([{"email": "to@b.example", "name": "To"}]);
    for (field, value) in changes.as_object().expect("an object") {
        body[field] = value.clone();
    }
    Draft::from_conversation(serde_json::from_value(body).expect("the shape is right"), now())
}

#[test]
fn the_contracts_example_is_a_draft() {
    let draft = message(&json!({
        "recipients": [{"email": "user@b.example", "name": "John Doe", "substitutions": {"first_name": "J"}}],
        "html_content": "<h1>Welcome {{first_name}}!</h1>",
        "substitutions": {"first_name": "John"},
        "tags": ["welcome", "welcome"],
        "tracking": {"open": true, "click": null},
        "retention": {"metadata": 1, "data": 0},
        "schedule": {"first_attempt": "2026-11-25T00:00:00Z"},
        "something_else": [1, 2, 3],
    }))
    .expect("valid");
    assert_eq!(draft.from.address.domain(), "a.example");
    assert_eq!(draft.tags.len(), 1);
    assert_eq!((draft.track_opens, draft.track_clicks), (Some(true), None));
    assert_eq!(draft.retention.data_days, Some(0));
    assert!(draft.schedule.first_attempt.is_some() && draft.sandbox.is_none());
    assert_eq!(draft.recipients[0].mailbox.as_ref().expect("valid").name.as_deref(), Some("John Doe"));
}

#[test]
fn every_refusal_names_its_field() {
    for (field, value) in [
        ("from", json!(null)),
        ("from", json!({"email": "nobody"})),
        ("from", json!({"email": "a@a.example", "name": "a\r\nb"})),
        ("recipients", json!([])),
        ("recipients", json!([{"name": "No address"}])),
        ("recipients", json!(vec![json!({"email": "x@b.example"}); 101])),
        ("reply_to", json!({"email": "x"})),
        ("subject", json!(" ")),
        ("subject", json!("a\nb")),
        ("subject", json!("s".repeat(999))),
        ("text_content", json!("")),
        ("text_content", json!("a\u{0}b")),
        ("amp_content", json!("x".repeat(MAX_BODY_BYTES + 1))),
        ("attachments", json!([{"data": "x", "content_type": "text/plain"}])),
        ("headers", json!({"Bcc": "x@b.example"})),
        ("tags", json!(vec!["t"; 11])),
        ("tags", json!(["t".repeat(65)])),
        ("sandbox_result", json!("explode")),
        ("retention", json!({"metadata": 0})),
        ("schedule", json!({"expires": "2020-01-01T00:00:00Z"})),
    ] {
        let message = refused(&json!({ field: value }));
        assert!(message.starts_with(field), "{field}: {message}");
    }
}

#[test]
fn null_counts_as_absent() {
    let nulls = json!({
        "reply_to": null, "html_content": null, "attachments": null, "headers": null, "tags": null, "sandbox": null,
        "sandbox_result": null, "tracking": null, "retention": null, "schedule": null, "substitutions": null,
    });
    assert!(message(&nulls).is_ok());
}

#[test]
fn a_malformed_recipient_refuses_only_itself() {
    let draft = message(&json!({"recipients": [
        {"email": "good@b.example"}, {"email": "bad"}, {"email": "evil@b.example", "name": "x\r\nBcc: y@b.example"},
    ]}))
    .expect("the others go through");
    let valid: Vec<bool> = draft.recipients.iter().map(|recipient| recipient.mailbox.is_ok()).collect();
    assert_eq!(valid, [true, false, false]);
}

#[test]
fn a_sandbox_message_delivers_unless_told_otherwise() {
    assert_eq!(message(&json!({"sandbox": true})).expect("valid").sandbox, Some(SandboxResult::Deliver));
    let bounce = json!({"sandbox": true, "sandbox_result": "bounce"});
    assert_eq!(message(&bounce).expect("valid").sandbox, Some(SandboxResult::Bounce));
    assert_eq!(message(&json!({"sandbox_result": "bounce"})).expect("valid").sandbox, None);
}

#[test]
fn a_reply_to_header_beside_the_field_is_refused() {
    let both = json!({"reply_to": {"email": "r@a.example"}, "headers": {"Reply-To": "x@a.example"}});
    assert!(refused(&both).starts_with("headers"));
}

#[test]
fn a_conversation_has_at_most_fifty_recipients_in_all() {
    let many = |n| json!(vec![json!({"email": "x@b.example"}); n]);
    assert!(conversation(&json!({"to": many(20), "cc": many(20), "bcc": many(10)})).is_ok());
    assert!(conversation(&json!({"to": many(20), "cc": many(20), "bcc": many(11)})).is_err());
    assert!(conversation(&json!({"to": []})).is_err());
}

#[test]
fn a_conversation_keeps_to_cc_and_bcc_apart() {
    let draft =
        conversation(&json!({"cc": [{"email": "cc@b.example"}], "bcc": [{"email": "bcc@b.example"}]})).expect("valid");
    let count = |kind| draft.mailboxes(kind).len();
    assert_eq!([count(RecipientKind::To), count(RecipientKind::Cc), count(RecipientKind::Bcc)], [1, 1, 1]);
    let clash = json!({"cc": [{"email": "cc@b.example"}], "headers": {"CC": "x@b.example"}});
    assert!(conversation(&clash).is_err());
}
