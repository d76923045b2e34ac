use serde_json::json;

use super::super::input::MessageInput;
use super::*;

fn draft(changes: &Value) -> Draft {
    let mut body = json!({
        "from": {"email": "noreply@a.example"}, "recipients": [{"email": "one@b.example"}], "subject": "Hi", "text_content": "Hello",
    });
    for (field, value) in changes.as_object().expect("an object") {
        body[field] = value.clone();
    }
    let input: MessageInput = serde_json::from_value(body).expect("the shape is right");
    Draft::from_message(input, chrono::DateTime::from_timestamp_nanos(0)).expect("valid")
}

fn map(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).expect("an object")
}

fn text(template: &str, recipient: Value) -> Result<String, Refusal> {
    let draft = draft(&json!({"text_content": template, "substitutions": {"name": "all", "shop": "S"}}));
    let rendered = Templates::compile(&draft)?.render(&map(recipient))?;
    Ok(rendered.text.expect("a text").into_owned())
}

#[test]
fn the_recipients_values_come_before_the_requests() {
    assert_eq!(text("{{ name }} {{ shop }}", json!({"name": "Ann"})), Ok("Ann S".to_owned()));
    assert_eq!(text("{{ name }} {{ shop }}", json!({})), Ok("all S".to_owned()));
}

#[test]
fn a_name_that_is_not_given_prints_as_nothing() {
    assert_eq!(text("Hi {{ missing }}!", json!({})), Ok("Hi !".to_owned()));
    assert!(text("Hi {{ missing.deeper }}!", json!({})).is_err());
}

#[test]
fn conditions_loops_and_filters_work() {
    let template = "{% for item in items %}{{ item.n|upper }}{% if not loop.last %}, {% endif %}{% endfor %}";
    assert_eq!(text(template, json!({"items": [{"n": "a"}, {"n": "b"}]})), Ok("A, B".to_owned()));
}

#[test]
fn values_are_escaped_in_html_and_amp_only() {
    let draft = draft(&json!({
        "subject": "{{ v }}", "text_content": "{{ v }}", "html_content": "<b>{{ v }}</b>", "amp_content": "<i>{{ v }}</i>",
    }));
    let rendered = Templates::compile(&draft).expect("compiles").render(&map(json!({"v": "<&>"}))).expect("renders");
    assert_eq!((rendered.subject.as_ref(), rendered.text.as_deref()), ("<&>", Some("<&>")));
    assert_eq!(rendered.html.as_deref(), Some("<b>&lt;&amp;&gt;</b>"));
    assert_eq!(rendered.amp.as_deref(), Some("<i>&lt;&amp;&gt;</i>"));
}

#[test]
fn content_without_marks_is_left_alone() {
    let draft = draft(&json!({"text_content": "100 % {of} it } }"}));
    let templates = Templates::compile(&draft).expect("compiles");
    assert!(templates.env.is_none());
    assert!(matches!(templates.render(&Map::new()).expect("renders").text, Some(Cow::Borrowed(_))));
}

#[test]
fn a_value_cannot_break_the_subject_line() {
    let draft = draft(&json!({"subject": "Hi {{ n }}"}));
    let rendered = Templates::compile(&draft).expect("compiles").render(&map(json!({"n": "x\r\nBcc: y@b.example"})));
    assert_eq!(rendered.expect("renders").subject, "Hi x  Bcc: y@b.example");
}

#[test]
fn a_wrong_template_is_refused_with_field_and_line() {
    let refusal = text("fine\n{% if %}", json!({})).expect_err("refused");
    assert!(refusal.message().starts_with("text_content: The template is wrong on line 2"), "{refusal}");
}

#[test]
fn a_template_can_neither_load_others_nor_run_away() {
    let doubling = format!("{{% set x = 'xxxxxxxxxxxxxxxx' %}}{}{{{{ x }}}}", "{% set x = x ~ x %}".repeat(40));
    let looping = "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}x{% endfor %}{% endfor %}{% endfor %}";
    let repeating = "{{ 'x' * 99999999 }}";
    let recursing = "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}";
    let joining = "{{ range(9000)|join('x' * 9000) }}";
    let padding = "{{ '%099999999d'|format(1) }}{{ 'x'|indent(99999999, true) }}";
    for template in [
        &doubling,
        looping,
        repeating,
        recursing,
        joining,
        padding,
        "{% include 'subject' %}{% include '/etc/passwd' %}",
    ] {
        assert!(text(template, json!({})).is_err(), "{template:.60}");
    }
}
