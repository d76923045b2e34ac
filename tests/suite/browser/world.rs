//! A running demo, and people who sign in to it.

use std::time::{Duration, Instant};

use serde_json::Value;
use thirtyfour::{By, WebElement};

use crate::support::browser::Browser;
use crate::support::process::Process;
use crate::support::temp_dir::TempDir;

/// How long a page may take on a busy machine, and how often it is looked at meanwhile.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(50);

/// The program with a demo's data.
pub struct Demo {
    said: Value,
    _process: Process,
    _data: TempDir,
}

impl Demo {
    pub fn start() -> Self {
        let data = TempDir::new();
        let folder = data.path().join("demo").display().to_string();
        let arguments =
            ["demo", "--json", "--listen", "127.0.0.1:0", "--data", &folder, "--sub-accounts", "14", "--days", "45"];
        let process = Process::canopy(&arguments, &[]);
        let said = process.next_json();
        Self { said, _process: process, _data: data }
    }

    /// `path` of the dashboard.
    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.text("dashboard").trim_end_matches('/'))
    }

    fn text(&self, name: &str) -> &str {
        self.said[name].as_str().unwrap_or_else(|| panic!("the demo tells its {name}: {}", self.said))
    }

    /// The sub account that is ready to send.
    pub fn child(&self) -> &str {
        self.said["sub_account"]["id"].as_str().expect("the demo tells a sub account")
    }

    pub fn child_name(&self) -> &str {
        self.said["sub_account"]["name"].as_str().expect("the demo tells a sub account")
    }

    /// Signs in as the first user with this role.
    pub async fn sign_in(&self, browser: &Browser, role: &str) {
        let users = self.said["users"].as_array().expect("the demo tells its users");
        let user = users.iter().find(|user| user["role"] == role).unwrap_or_else(|| panic!("nobody is {role}"));
        self.sign_in_as(browser, user).await;
    }

    /// Signs in as somebody of a client.
    pub async fn sign_in_client(&self, browser: &Browser) {
        self.sign_in_as(browser, &self.said["client_users"][0]).await;
    }

    async fn sign_in_as(&self, browser: &Browser, user: &Value) {
        browser.goto(&self.address("/sign-in")).await;
        fill(browser, "#email", user["email"].as_str().expect("an address")).await;
        fill(browser, "#password", user["password"].as_str().expect("a password")).await;
        press(browser, "main form button.btn").await;
        left(browser, "/sign-in").await;
    }
}

/// Waits until the browser shows another page than `path`: whatever it is sent to before that may be overtaken by the
/// answer it still waits for.
async fn left(browser: &Browser, path: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let here = browser.driver.current_url().await.expect("an address");
        if here.path() != path {
            return;
        }
        assert!(Instant::now() < deadline, "still at {here}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// The first element that matches, as soon as it is there: the page it stands on may be on its way.
async fn first(browser: &Browser, selector: &str) -> WebElement {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match browser.driver.find(By::Css(selector)).await {
            Ok(found) => return found,
            Err(error) => assert!(Instant::now() < deadline, "no {selector}: {error}"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Types into the first element that matches.
pub async fn fill(browser: &Browser, selector: &str, text: &str) {
    let found = first(browser, selector).await;
    found.clear().await.expect("it can be emptied");
    found.send_keys(text).await.expect("it can be typed into");
}

/// Clicks the first element that matches.
pub async fn press(browser: &Browser, selector: &str) {
    let found = first(browser, selector).await;
    found.click().await.unwrap_or_else(|error| panic!("{selector} cannot be pressed: {error}"));
}

/// What the page says. Right after a press the old page may still be there, and gone before it was read: then again.
pub async fn text(browser: &Browser) -> String {
    for _ in 0..100 {
        if let Ok(body) = browser.driver.find(By::Tag("body")).await
            && let Ok(text) = body.text().await
        {
            return text;
        }
        tokio::time::sleep(PAUSE).await;
    }
    panic!("no page stayed long enough to be read");
}
