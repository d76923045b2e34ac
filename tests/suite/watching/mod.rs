//! What whoever runs Canopy watches it by: `/metrics`, the alerts and the dashboard of `contrib/`, and `canopy check`.

mod contrib;
mod doctor;
mod doctor_dns;
mod doctor_inbound;
mod doctor_page;
mod doctor_program;
mod far_clock;
mod integrity;
mod scrape;
mod serving;

use std::collections::BTreeMap;

use crate::support::app::{On, TestApp};

/// What the tests' Prometheus shows.
pub const TOKEN: &str = "a-token-of-the-tests-1";

/// A program that serves its metrics.
pub async fn watched(on: On) -> Option<TestApp> {
    TestApp::start_with(on, |settings| settings.set("metrics_token", TOKEN)).await
}

/// A scrape: the text format's lines, each series with its value.
pub struct Scrape {
    pub text: String,
    series: BTreeMap<String, f64>,
}

impl Scrape {
    /// Asks the site, late enough for the database to be read again.
    pub async fn of(app: &TestApp) -> Self {
        app.app.clock.step(chrono::TimeDelta::seconds(16));
        let answer = app.http.get(format!("{}/metrics", app.url)).bearer_auth(TOKEN).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let kind = answer.headers()["content-type"].to_str().expect("a content type").to_owned();
        assert!(kind.starts_with("text/plain") && kind.contains("version=0.0.4"), "{kind}");
        Self::read(answer.text().await.expect("text"))
    }

    pub fn read(text: String) -> Self {
        let line = |line: &str| {
            let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
            (series.to_owned(), value.parse().unwrap_or_else(|_| panic!("no number: {line}")))
        };
        let series = text.lines().filter(|line| !line.starts_with('#')).map(line).collect();
        Self { text, series }
    }

    /// The value of a series, as it is written.
    pub fn of_series(&self, series: &str) -> f64 {
        *self.series.get(series).unwrap_or_else(|| panic!("no {series} in {}", self.text))
    }

    /// A value that is a count.
    pub fn count(&self, series: &str) -> i64 {
        let value = self.of_series(series);
        assert_eq!(value.fract(), 0., "{series}: {value}");
        value as i64
    }

    /// Whether any series has this name.
    pub fn has(&self, name: &str) -> bool {
        self.series.keys().any(|series| series.split('{').next() == Some(name))
    }
}
