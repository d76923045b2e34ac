//! A running demo, and people who sign in to it.

use serde_json::Value;
use thirtyfour::By;

use crate::support::browser::Browser;
use crate::support::process::Process;
use crate::support::temp_dir::TempDir;

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
    }
}

/// Types into the first element that matches.
pub async fn fill(browser: &Browser, selector: &str, text: &str) {
    let found = browser.driver.find(By::Css(selector)).await;
    let found = found.unwrap_or_else(|error| panic!("no {selector}: {error}"));
    found.clear().await.expect("it can be emptied");
    found.send_keys(text).await.expect("it can be typed into");
}

/// Clicks the first element that matches.
pub async fn press(browser: &Browser, selector: &str) {
    let found = browser.driver.find(By::Css(selector)).await;
    let found = found.unwrap_or_else(|error| panic!("no {selector}: {error}"));
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
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no page stayed long enough to be read");
}
