//! A template, and behind a NUL the values for it as JSON, rendered as the API renders them.
#![no_main]

use std::sync::LazyLock;

use canopy::actions::renderers::Renderers;
use canopy::domain::ids::Id;
use canopy::domain::message::draft::Draft;
use chrono::DateTime;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

static RENDERERS: LazyLock<Renderers> = LazyLock::new(|| Renderers::start().expect("threads"));
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().build().expect("a runtime"));

fuzz_target!(|text: &str| {
    let (template, values) = text.split_once('\0').unwrap_or((text, "{}"));
    let values = serde_json::from_str::<Value>(values).ok().filter(Value::is_object).unwrap_or_else(|| json!({}));
    let body = json!({ "from": { "email": "a@b.example" }, "recipients": [{ "email": "c@d.example" }],
        "subject": "x", "text_content": template, "html_content": template, "substitutions": values });
    let input = serde_json::from_value(body).expect("its shape is right");
    let Ok(draft) = Draft::from_message(input, DateTime::UNIX_EPOCH) else { return };
    drop(RUNTIME.block_on(RENDERERS.prepare(Id::new(DateTime::UNIX_EPOCH), draft)));
});
