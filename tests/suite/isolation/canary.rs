//! Secrets that are planted are found nowhere: not in the database, not in the log, not on a page that says no.

use std::sync::Mutex;

use canopy::secrets::ApiSecret;

use crate::support::app::{PASSWORD, TestApp};
use crate::support::visitor::Visitor;

const RELAY_PASSWORD: &str = "canary-relay-password-7781";
const WRONG_PASSWORD: &str = "canary-wrong-password-7782";
const NEW_PASSWORD: &str = "canary new password 7783";

/// Everything that is logged while the test runs.
struct Log(Mutex<String>);

static LOG: Log = Log(Mutex::new(String::new()));

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        if let Ok(mut text) = self.0.lock() {
            text.push_str(&format!("{} {} {}\n", record.level(), record.target(), record.args()));
        }
    }

    fn flush(&self) {}
}

/// The bytes of the database: its file and what has not been folded into it yet.
fn database(app: &TestApp) -> Vec<u8> {
    let file = app.app.config.database_url().trim_start_matches("sqlite://").to_owned();
    let read = |end: &str| std::fs::read(format!("{file}{end}")).unwrap_or_default();
    [read(""), read("-wal")].concat()
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
}

#[tokio::test]
async fn planted_secrets_are_in_no_database_no_log_and_no_page() {
    // In a test process of its own the log is ours; beside others it may be taken, and is then not judged.
    let logging = log::set_logger(&LOG).is_ok();
    log::set_max_level(log::LevelFilter::Trace);
    let app = TestApp::sqlite().await;
    let agency = app.agency("Canary").await;
    let mut secrets = vec![
        PASSWORD.to_owned(),
        RELAY_PASSWORD.into(),
        WRONG_PASSWORD.into(),
        NEW_PASSWORD.into(),
        agency.key.clone(),
    ];
    let made_up = ApiSecret::generate().secret;
    let mut pages = Vec::new();

    let stranger = Visitor::new(&app);
    pages.push(stranger.sign_in(&agency.email, WRONG_PASSWORD).await);
    let owner = Visitor::signed_in(&app, &agency.email).await;
    let transport = [
        ("name", "Canary"),
        ("kind", "relay"),
        ("host", "127.0.0.1"),
        ("port", "9"),
        ("tls", "required"),
        ("username", "u"),
        ("password", RELAY_PASSWORD),
    ];
    let saved = owner.submit("/settings/transports", "/settings/transports/new", &transport).await;
    assert_eq!(saved.status, 303, "{}", saved.html);
    pages.push(owner.get("/settings/transports").await);
    pages.push(owner.get("/activity").await);
    pages.push(owner.get("/activity.csv").await);
    // With something wrong beside it, and without its token, a secret does not come back either.
    let wrong = transport.map(|(name, value)| if name == "port" { (name, "0") } else { (name, value) });
    pages.push(owner.submit("/settings/transports", "/settings/transports/new", &wrong).await);
    pages.push(owner.post("/settings/transports/new", &transport).await);
    let password = [("current_password", WRONG_PASSWORD), ("new_password", NEW_PASSWORD)];
    pages.push(owner.post("/settings/profile/password", &password).await);
    pages.push(owner.submit("/settings/profile", "/settings/profile/password", &password).await);

    let (status, made) = app
        .call(
            "POST",
            &format!("/v2/accounts/{}/api-keys", agency.id),
            &agency.key,
            Some(&serde_json::json!({ "label": "canary", "scopes": ["messages:read:all"] })),
        )
        .await;
    assert_eq!(status, 201, "{made}");
    secrets.push(made["secret_key"].as_str().expect("it is shown once").to_owned());
    for key in [agency.key.as_str(), &made_up] {
        for path in ["/v2/nothing", "/v2/accounts/x/api-keys", &format!("/v2/accounts/{}/api-keys", agency.id)] {
            let answer = app.http.get(format!("{}{path}", app.url)).bearer_auth(key).send().await.expect("an answer");
            let text = answer.text().await.expect("a text");
            assert!(!text.contains(key), "{path} says the key again");
        }
    }
    for page in &pages {
        for secret in &secrets {
            assert!(!page.html.contains(secret.as_str()), "a page ({}) holds {secret}", page.status);
        }
    }
    let bytes = database(&app);
    assert!(holds(&bytes, &agency.email), "this is the database");
    let log = LOG.0.lock().expect("the log").clone();
    for secret in &secrets {
        assert!(!holds(&bytes, secret), "the database holds {secret}");
        assert!(!log.contains(secret.as_str()), "the log holds {secret}");
    }
    println!(
        "{} secrets planted, {} pages, {} bytes of database, {} bytes of log (judged: {logging})",
        secrets.len(),
        pages.len(),
        bytes.len(),
        log.len()
    );
}
