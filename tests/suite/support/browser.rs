//! A real Chromium, driven through chromedriver: what a person sees, pictures of it, and axe's opinion of it.

use super::environment::{need, package_root, tool};
use super::process::Process;
use super::temp_dir::TempDir;
use serde::Deserialize;
use serde_json::json;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;
use thirtyfour::{CapabilitiesHelper, ChromeCapabilities, ChromiumLikeCapabilities, WebDriver};

/// Nothing of Chromium's own may leave the machine or wait for it.
const FLAGS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
];

/// An open browser with a profile of its own. Dropping it ends the browser, then its driver, then the profile.
pub struct Browser {
    /// The page, to click and read in.
    pub driver: WebDriver,
    port: u16,
    axe: PathBuf,
    _chromedriver: Process,
    _profile: TempDir,
}

/// A rule of accessibility that the page breaks.
#[derive(Debug, Deserialize)]
pub struct Violation {
    /// The rule, as `image-alt`.
    pub id: String,
    /// What to do, in words.
    pub help: String,
    /// The elements, as axe selects them.
    pub elements: Vec<String>,
}

impl Browser {
    /// A browser with JavaScript.
    pub async fn open() -> Option<Self> {
        Self::open_with(true).await
    }

    /// A browser whose pages cannot run scripts.
    pub async fn without_javascript() -> Option<Self> {
        Self::open_with(false).await
    }

    async fn open_with(scripts: bool) -> Option<Self> {
        let chromedriver = need("chromedriver", tool("CANOPY_TEST_CHROMEDRIVER", &["/usr/bin/chromedriver"]))?;
        let places = "target/test-venv/lib/axe.min.js";
        let axe = need("axe.min.js", tool("CANOPY_TEST_AXE", &[places]))?;
        let profile = TempDir::new();
        let chromedriver = Process::spawn(chromedriver, &["--port=0", "--log-level=SEVERE"], &[]);
        let port = port_of(&chromedriver);
        let wanted = capabilities(&profile, scripts);
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), wanted).await.expect("Chromium starts");
        let browser = Self { driver, port, axe, _chromedriver: chromedriver, _profile: profile };
        browser.viewport(1280, 900).await;
        Some(browser)
    }

    /// Opens an address.
    pub async fn goto(&self, address: &str) {
        self.driver.goto(address).await.unwrap_or_else(|error| panic!("{address}: {error}"));
    }

    /// Sets the page's size in CSS pixels; a window would not go below 500.
    pub async fn viewport(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Shows pages as to somebody who prefers a dark screen, or a light one.
    pub async fn prefer_dark(&self, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    /// Puts files that pages offer into `folder`, without asking.
    pub async fn downloads_to(&self, folder: &std::path::Path) {
        let wish = json!({"behavior": "allow", "downloadPath": folder});
        self.devtools("Browser.setDownloadBehavior", wish).await;
    }

    async fn devtools(&self, method: &str, params: serde_json::Value) {
        let sent = self.driver.cdp().send_raw(method, params).await;
        sent.unwrap_or_else(|error| panic!("{method}: {error}"));
    }

    /// A picture of what is on the screen, as `target/screenshots/<name>.png`.
    pub async fn screenshot(&self, name: &str) -> PathBuf {
        let folder = package_root().join("target/screenshots");
        fs::create_dir_all(&folder).expect("the target folder can be written");
        let file = folder.join(format!("{name}.png"));
        let picture = self.driver.screenshot_as_png().await.expect("Chromium takes a picture");
        fs::write(&file, picture).expect("the target folder can be written");
        file
    }

    /// What axe finds wrong with the open page. Needs scripts.
    pub async fn accessibility_violations(&self) -> Vec<Violation> {
        // Through the driver, which the page's content security policy does not bind.
        let axe = fs::read_to_string(&self.axe).expect("axe.min.js can be read");
        self.driver.execute(axe, vec![]).await.expect("axe loads");
        let ask = "const done = arguments[arguments.length - 1]; \
                   axe.run().then(r => done(r.violations.map(v => ({id: v.id, help: v.help, \
                   elements: v.nodes.map(n => n.target.join(' '))}))), e => done(String(e)));";
        let answer = self.driver.execute_async(ask, vec![]).await.expect("axe answers");
        answer.convert().expect("axe lists what it found")
    }
}

impl Drop for Browser {
    /// Ends the browser by a request of our own: the one of `WebDriver`'s drop waits two minutes for a connection of
    /// the test's runtime, which is blocked by that very drop.
    fn drop(&mut self) {
        let request = format!("DELETE /session/{} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", self.driver.session_id());
        if let Ok(mut connection) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)) {
            let _ = connection.set_read_timeout(Some(Duration::from_secs(10)));
            let _ = connection.write_all(request.as_bytes());
            let _ = connection.read(&mut [0; 64]);
        }
        let _ = self.driver.clone().leak();
    }
}

/// chromedriver chooses a free port itself and says which.
fn port_of(chromedriver: &Process) -> u16 {
    while let Some(line) = chromedriver.next_line() {
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            return port.trim_end_matches('.').parse().expect("a port is a number");
        }
    }
    panic!("chromedriver ended without naming its port");
}

fn capabilities(profile: &TempDir, scripts: bool) -> ChromeCapabilities {
    let mut wanted = ChromeCapabilities::new();
    for flag in FLAGS {
        wanted.add_arg(flag).expect("flags are text");
    }
    wanted.add_arg(&format!("--user-data-dir={}", profile.path().display())).expect("flags are text");
    if !scripts {
        let block = json!({"profile.managed_default_content_settings.javascript": 2});
        wanted.add_experimental_option("prefs", block).expect("settings are JSON");
    }
    if let Some(chromium) = tool("CANOPY_TEST_CHROMIUM", &["/usr/bin/chromium"]) {
        wanted.set_binary(&chromium.to_string_lossy()).expect("a path is text");
    }
    wanted.accept_insecure_certs(true).expect("a yes or no");
    wanted
}
