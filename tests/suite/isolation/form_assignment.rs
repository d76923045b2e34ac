//! Every form of the dashboard, sent with a field for every column of every table that it does not show: what is written
//! is what is written without them, and nothing of them is stored.

use canopy::models::audit::Entry;
use serde_json::Value;

use super::submitted::{self, Told, told};
use crate::support::app::{TestApp, on_both};
use crate::support::dump::dump;
use crate::support::environment::package_root;

const UUID: &str = "0199ffff-ffff-7fff-bfff-ffffffffffff";
const TEXT: &str = "mass-assigned";
const DAY: &str = "2001-02-03";
const TIME: &str = "2001-02-03T04:05:06";
const NUMBER: &str = "424242424";
/// Of the words that a person, a key or an account is called by.
const WORDS: [(&str, &str); 4] = [("owner", UUID), ("creator", TEXT), ("permissions", TEXT), ("is_admin", "on")];

/// Every name of a column, with a value of its kind that nobody would choose.
fn columns() -> Vec<(String, &'static str)> {
    let schema = std::fs::read_to_string(package_root().join("src/models/schema.rs")).expect("the schema");
    let mut all: Vec<(String, &'static str)> = schema
        .lines()
        .filter_map(|line| line.trim().trim_end_matches(',').split_once(" -> "))
        .map(|(name, kind)| (name.to_owned(), bogus(kind)))
        .collect();
    all.extend(WORDS.map(|(name, value)| (name.to_owned(), value)));
    all.sort_unstable();
    all.dedup_by(|a, b| a.0 == b.0);
    all
}

fn bogus(kind: &str) -> &'static str {
    match kind.trim_start_matches("Nullable<").trim_end_matches('>') {
        "Binary" => UUID,
        "Bool" => "on",
        "Integer" | "BigInt" | "SmallInt" => NUMBER,
        "Timestamp" => TIME,
        "Date" => DAY,
        _ => TEXT,
    }
}

/// What was written, but for what differs from one installation to the next: ids, keys and moments.
fn said(told: &[Told]) -> Vec<String> {
    let entry = |path: &str, entry: &Entry| {
        let state =
            |text: &Option<String>| text.as_deref().map(|text| blotted(&serde_json::from_str(text).expect("JSON")));
        let (before, after) = (state(&entry.before), state(&entry.after));
        format!("{path}: {} {} {before:?} {after:?}", entry.action, blotted(&Value::from(entry.target.as_str())))
    };
    told.iter().flat_map(|told| told.entries.iter().map(|one| entry(told.path, one))).collect()
}

fn blotted(value: &Value) -> Value {
    match value {
        Value::String(text) if text.parse::<uuid::Uuid>().is_ok() => "(id)".into(),
        Value::String(text) if text.starts_with("20") && text.contains('T') => "(moment)".into(),
        Value::Array(all) => all.iter().map(blotted).collect(),
        Value::Object(all) => all
            .iter()
            .map(|(name, value)| {
                let random = matches!(name.as_str(), "public_key" | "username");
                (name.clone(), if random { "(random)".into() } else { blotted(value) })
            })
            .collect(),
        other => other.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_form_of_any_route_takes_a_field_that_it_does_not_show() {
    let columns = columns();
    assert!(columns.len() > 200, "{}", columns.len());
    let plain = said(&told(&TestApp::sqlite().await, &[]).await);
    on_both(|app| {
        let (columns, plain) = (columns.clone(), plain.clone());
        async move {
            let all = told(&app, &columns).await;
            let faults: Vec<String> = all.iter().filter_map(Told::fault).collect();
            assert!(faults.is_empty(), "{} of {}: {faults:#?}", faults.len(), all.len());
            let said = said(&all);
            let differing = said.iter().zip(&plain).filter(|(loaded, plain)| loaded != plain).collect::<Vec<_>>();
            assert!(differing.is_empty() && said.len() == plain.len(), "{differing:#?}");
            let stored = dump(&app).await.to_lowercase();
            for marker in [TEXT, DAY, NUMBER, UUID, &UUID.replace('-', "")] {
                let at = stored.find(marker);
                assert_eq!(at, None, "{marker}: {:?}", at.map(|at| &stored[at.saturating_sub(200)..at + 60]));
            }
            let forms = submitted::cases().count() + 1;
            println!(
                "{forms} forms with {} fields each: none had an effect on {:?}",
                columns.len(),
                app.app.db.backend()
            );
        }
    })
    .await;
}
