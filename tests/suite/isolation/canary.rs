//! Secrets that are planted are found nowhere: not in the database, not in the log, not on a page that says no.

use std::sync::Mutex;

use canopy::secrets::ApiSecret;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::app::{PASSWORD, TestApp, on_both};
use crate::support::dump;
use crate::support::visitor::Visitor;
use crate::web::links::mailed_link;

const RELAY_PASSWORD: &str = "canary-relay-password-7781";
const WRONG_PASSWORD: &str = "canary-wrong-password-7782";
const NEW_PASSWORD: &str = "canary new password 7783";

const OF_THE_VISITOR: [&str; 3] = [" cookie_store", " reqwest", " hyper"];

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

/// A dump of the database: SQLite's file and what has not been folded into it yet, or every row of PostgreSQL as text.
async fn database(app: &TestApp) -> Vec<u8> {
    if app.app.db.is_shared() {
        return dump::dump(app).await.into_bytes();
    }
    let file = app.app.config.database_url().trim_start_matches("sqlite://").to_owned();
    let read = |end: &str| std::fs::read(format!("{file}{end}")).unwrap_or_default();
    [read(""), read("-wal")].concat()
}

/// As it is, or in hexadecimal, which is how PostgreSQL writes bytes.
fn holds(bytes: &[u8], secret: &str) -> bool {
    let found = |what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    found(secret.as_bytes()) || found(canopy::secrets::hex(secret.as_bytes()).as_bytes())
}

#[tokio::test]
async fn planted_secrets_are_in_no_database_no_log_and_no_page() {
    // In a test process of its own the log is ours; beside others it may be taken, and is then not judged.
    let logging = log::set_logger(&LOG).is_ok();
    log::set_max_level(log::LevelFilter::Trace);
    on_both(|app| planted(app, logging)).await;
}

async fn planted(app: TestApp, logging: bool) {
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
    let owner = Visitor::new(&app);
    let cookie = owner.sign_in(&agency.email, PASSWORD).await.cookie("canopy").expect("a session");
    let cookie = cookie.split(';').next().and_then(|pair| pair.split_once('=')).expect("a value").1.to_owned();
    secrets.push(cookie);
    stranger.fill("/forgot", &[("email", agency.email.as_str())]).await;
    let link = mailed_link(&app, &agency.email, "/reset/").await.expect("a link");
    secrets.push(link.trim_start_matches("/reset/").to_owned());
    // Its own page says it again; the log and the database must not.
    assert_eq!(stranger.get(&link).await.status, 200);
    assert_eq!(stranger.post(&link, &[("password", NEW_PASSWORD)]).await.status, 403);
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

    // Under a key, so that the answer is kept for a retry.
    for (rest, field, body) in [
        ("api-keys", "secret_key", json!({ "label": "canary", "scopes": ["messages:read:all"] })),
        ("smtp-credentials", "password", json!({ "name": "canary", "scope": "global" })),
    ] {
        let path = format!("/v2/accounts/{}/{rest}", agency.id);
        let made = app.send("POST", &path, &agency.key, Some(&body), &[("Idempotency-Key", rest)]).await;
        let made: Value = made.json().await.expect("JSON");
        secrets.push(made[field].as_str().unwrap_or_else(|| panic!("it is shown once: {made}")).to_owned());
    }
    secrets.push(app.app.config.secret_key.expose_secret().to_owned());
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
    let bytes = database(&app).await;
    assert!(holds(&bytes, &agency.email), "this is the database");
    let log = LOG.0.lock().expect("the log").clone();
    // The visitor's own browser tells what it sends.
    let told: Vec<&str> = log.lines().filter(|line| !OF_THE_VISITOR.iter().any(|name| line.contains(name))).collect();
    for secret in &secrets {
        assert!(!holds(&bytes, secret), "the database holds {secret}");
        let line = told.iter().find(|line| line.contains(secret.as_str()));
        assert!(line.is_none(), "the log holds {secret}: {line:?}");
    }
    println!(
        "{} secrets planted on {:?}, {} pages, {} bytes of database, {} bytes of log (judged: {logging})",
        secrets.len(),
        app.app.db.backend(),
        pages.len(),
        bytes.len(),
        log.len()
    );
}
