//! Who is shown `/metrics`, and where.

use std::time::{Duration, Instant};

use secrecy::ExposeSecret as _;

use super::{Scrape, TOKEN, watched};
use crate::support::app::{On, TestApp};
use crate::support::ports;
use crate::support::process::Process;

#[tokio::test]
async fn without_a_token_of_its_own_the_site_has_no_metrics() {
    let app = TestApp::sqlite().await;
    for token in ["", TOKEN] {
        let answer = app.http.get(format!("{}/metrics", app.url)).bearer_auth(token).send().await.expect("an answer");
        assert_eq!(answer.status(), 404);
        assert!(!answer.text().await.expect("text").contains("canopy_"));
    }
}

#[tokio::test]
async fn the_site_shows_its_metrics_to_whoever_has_the_token_and_to_nobody_else() {
    let app = watched(On::Sqlite).await.expect("SQLite is always there");
    assert!(Scrape::of(&app).await.has("canopy_build_info"));
    let url = format!("{}/metrics", app.url);
    let long = format!("Bearer {TOKEN}x");
    for wrong in ["", "Bearer", "Bearer ", "Bearer a-token-of-the-tests-2", long.as_str(), "Basic YTpi", TOKEN] {
        let answer = app.http.get(&url).header("Authorization", wrong).send().await.expect("an answer");
        assert_eq!(answer.status(), 401, "{wrong}");
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
        assert!(!answer.text().await.expect("text").contains("canopy_"), "{wrong}");
    }
    assert_eq!(app.http.get(&url).send().await.expect("an answer").status(), 401, "nothing shown");
    assert_eq!(app.http.post(&url).bearer_auth(TOKEN).send().await.expect("an answer").status(), 405);
}

fn free_address() -> String {
    ports::free().to_string()
}

#[tokio::test]
async fn a_listener_of_their_own_serves_metrics_and_nothing_else() {
    let app = TestApp::sqlite().await;
    let (site, metrics) = (free_address(), free_address());
    let folder = app.app.config.data_dir.display().to_string();
    let env = [
        ("CANOPY_DATABASE_URL", app.app.config.database_url()),
        ("CANOPY_SECRET_KEY", app.app.config.secret_key.expose_secret()),
        ("CANOPY_LISTEN", site.as_str()),
        ("CANOPY_METRICS_LISTEN", metrics.as_str()),
        ("CANOPY_DATA_DIR", folder.as_str()),
        ("RUST_LOG", "error"),
    ];
    let _program = Process::canopy(&["serve"], &env);
    let deadline = Instant::now() + Duration::from_secs(60);
    let text = loop {
        if let Ok(answer) = app.http.get(format!("http://{metrics}/metrics")).send().await {
            break answer.text().await.expect("text");
        }
        assert!(Instant::now() < deadline, "it does not serve");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let scrape = Scrape::read(text);
    assert_eq!(scrape.count("canopy_database_up"), 1);
    for path in ["/", "/sign-in", "/v2/ping", "/metrics/x"] {
        let answer = app.http.get(format!("http://{metrics}{path}")).send().await.expect("an answer");
        assert_eq!(answer.status(), 404, "{path}");
    }
    while app.http.get(format!("http://{site}/healthz")).send().await.is_err() {
        assert!(Instant::now() < deadline, "the site does not serve");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let on_the_site = app.http.get(format!("http://{site}/metrics")).send().await.expect("an answer");
    assert_eq!(on_the_site.status(), 404, "the site itself has none without a token");
}
