//! A `canopy serve` of its own over a test's database.

use std::time::{Duration, Instant};

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::app::{Client, TestApp};
use super::ports;
use super::process::Process;

/// Long enough for a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running program; killed with this value.
pub struct Node {
    pub process: Process,
    /// `http://127.0.0.1:port`.
    pub url: String,
    http: reqwest::Client,
}

/// An address that was free a moment ago.
pub fn free_address() -> String {
    ports::free().to_string()
}

impl Node {
    /// Starts one over the database of `app`, with options beside or in place of the usual; does not wait for it.
    pub fn spawn(app: &TestApp, options: &[(&str, &str)]) -> Self {
        let config = &app.app.config;
        let listen = free_address();
        let folder = config.data_dir.display().to_string();
        let mut env = vec![
            ("CANOPY_DATABASE_URL", config.database_url()),
            ("CANOPY_SECRET_KEY", config.secret_key.expose_secret()),
            ("CANOPY_DATA_DIR", folder.as_str()),
            ("CANOPY_LISTEN", listen.as_str()),
            ("CANOPY_TRANSPORT_ALLOW", "127.0.0.0/8"),
            ("CANOPY_RATE_LIMIT_PER_SECOND", "100000"),
            ("CANOPY_RATE_LIMIT_BURST", "100000"),
            ("RUST_LOG", "error"),
        ];
        env.extend_from_slice(options);
        let process = Process::canopy(&["serve"], &env);
        Self { process, url: format!("http://{listen}"), http: reqwest::Client::new() }
    }

    /// The same, once it answers.
    pub async fn start(app: &TestApp, options: &[(&str, &str)]) -> Self {
        let node = Self::spawn(app, options);
        node.until("it answers", async |node| node.http.get(format!("{}/healthz", node.url)).send().await.is_ok())
            .await;
        node
    }

    /// Waits until `reached`; fails the test after a minute.
    pub async fn until(&self, what: &str, reached: impl AsyncFn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !reached(self).await {
            assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// One GET, with a key where one is given.
    pub async fn get(&self, path: &str, key: Option<&str>) -> Option<reqwest::Response> {
        let request = self.http.get(format!("{}{path}", self.url));
        let request = if let Some(key) = key { request.bearer_auth(key) } else { request };
        request.timeout(PATIENCE).send().await.ok()
    }

    /// The status of a GET; 0 where nothing was answered.
    pub async fn status(&self, path: &str) -> u16 {
        self.get(path, None).await.map_or(0, |answer| answer.status().as_u16())
    }

    /// Asks to send one message; none where nothing was answered.
    pub async fn send(&self, client: &Client, recipient: &str) -> Option<reqwest::Response> {
        let path = format!("{}/v2/accounts/{}/messages", self.url, client.id);
        let body = json!({ "from": { "email": format!("hello@{}", client.domain) }, "subject": "Hello",
                           "recipients": [{ "email": recipient }], "text_content": "Hello there" });
        self.http.post(path).bearer_auth(&client.key).json(&body).timeout(PATIENCE).send().await.ok()
    }

    /// Sends one message, which must be accepted; answers what was said.
    pub async fn accepted(&self, client: &Client, recipient: &str) -> Value {
        let answer = self.send(client, recipient).await.expect("an answer");
        assert_eq!(answer.status(), 202);
        answer.json().await.expect("JSON")
    }
}
