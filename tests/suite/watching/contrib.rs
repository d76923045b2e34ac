//! The alerts and the dashboard of `contrib/` ask for what there is.

use std::collections::BTreeSet;

use serde_json::Value;

use super::scrape::traffic;
use super::{Scrape, watched};
use crate::support::app::On;
use crate::support::environment::package_root;

fn file(path: &str) -> String {
    std::fs::read_to_string(package_root().join("contrib").join(path)).expect("the file is there")
}

/// Every name of a metric of ours in `text`.
fn names(text: &str) -> BTreeSet<String> {
    let part = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    text.split(|sign| !part(sign)).filter(|word| word.starts_with("canopy_")).map(str::to_owned).collect()
}

/// What the panels of a dashboard ask, with their titles.
fn panels(dashboard: &Value) -> Vec<(String, Vec<String>)> {
    let all = dashboard["panels"].as_array().expect("panels");
    let asks = |panel: &Value| {
        let targets = panel["targets"].as_array().cloned().unwrap_or_default();
        targets.iter().map(|target| target["expr"].as_str().expect("an expression").to_owned()).collect::<Vec<_>>()
    };
    let titled = |panel: &Value| (panel["title"].as_str().expect("a title").to_owned(), asks(panel));
    all.iter().filter(|panel| panel["type"] != "row").map(titled).collect()
}

#[tokio::test]
async fn every_metric_that_the_alerts_and_the_dashboard_name_is_in_a_real_scrape() {
    let app = watched(On::Sqlite).await.expect("SQLite is always there");
    let Some(_traffic) = traffic(&app).await else { return };
    let scrape = Scrape::of(&app).await;
    let alerts = file("prometheus/alerts.yml");
    let dashboard: Value = serde_json::from_str(&file("grafana/dashboard.json")).expect("the dashboard is JSON");
    let mut named = names(&alerts);
    assert!(named.len() >= 10, "{named:?}");
    let mut titles = BTreeSet::new();
    for (title, asks) in panels(&dashboard) {
        assert!(!asks.is_empty() && titles.insert(title.clone()), "{title}: asks nothing, or is there twice");
        for ask in asks {
            let found = names(&ask);
            assert!(!found.is_empty(), "{title}: {ask}");
            named.extend(found);
        }
    }
    assert!(titles.len() >= 12, "{titles:?}");
    for name in &named {
        assert!(scrape.has(name), "{name} is named, but nothing exports it");
    }
    println!("{} metrics named by {} panels and the alerts, all exported", named.len(), titles.len());
}

#[test]
fn every_alert_says_how_bad_it_is_and_what_to_do() {
    let alerts = file("prometheus/alerts.yml");
    let rules: Vec<&str> = alerts.split("- alert: ").skip(1).collect();
    assert!(rules.len() >= 10, "{}", rules.len());
    for rule in rules {
        let name = rule.lines().next().unwrap_or_default();
        for part in ["expr:", "for:", "severity:", "summary:", "description:"] {
            assert!(rule.contains(part), "{name} has no {part}");
        }
    }
}
