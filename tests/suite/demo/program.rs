//! The real program, started as its documentation says.

use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::process::Process;
use crate::support::smtp_sink::SmtpSink;
use crate::support::temp_dir::TempDir;

fn start(data: &Path, more: &[&str]) -> (Process, Value) {
    let data = data.to_str().expect("a path in UTF-8");
    let args = [&["demo", "--json", "--listen", "127.0.0.1:0", "--data", data], more].concat();
    let process = Process::canopy(&args, &[]);
    let said = process.next_json();
    (process, said)
}

fn end(mut process: Process) {
    let told = Instant::now();
    process.terminate();
    assert!(process.wait().success(), "it ends well");
    assert!(told.elapsed() < Duration::from_secs(10), "it took {:?}", told.elapsed());
    assert_eq!(process.next_line(), None, "nothing follows on standard output");
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}"))
}

#[tokio::test]
async fn what_the_demo_prints_opens_its_doors_and_a_message_sent_at_once_arrives() {
    let dir = TempDir::new();
    let data = dir.path().join("demo");
    let (process, said) = start(&data, &["--sub-accounts", "12", "--days", "40"]);
    let roles: Vec<&str> = said["users"].as_array().expect("a list").iter().map(|user| text(user, "role")).collect();
    for role in ["Administrator", "Support", "Billing Manager", "Analyst"] {
        assert!(roles.contains(&role), "{roles:?}");
    }
    let (http, api) = (reqwest::Client::new(), text(&said, "api"));
    let ping = http.get(format!("{api}/v2/ping")).bearer_auth(text(&said, "api_key")).send().await.expect("an answer");
    assert_eq!(ping.status(), 200);

    let child = &said["sub_account"];
    let body = json!({
        "from": { "email": format!("hello@{}", text(child, "domain")) },
        "recipients": [{ "email": "ada@inbox.example" }],
        "subject": "Welcome",
        "text_content": "Hello Ada",
    });
    let messages = format!("{api}/v2/accounts/{}/messages", text(child, "id"));
    let sent = http.post(messages).bearer_auth(text(child, "api_key")).json(&body).send().await.expect("an answer");
    assert_eq!(sent.status(), 202, "{}", sent.text().await.unwrap_or_default());
    let mail = first_mail(&Path::new(text(&said, "mailbox")).join(text(child, "id")).join("new")).await;
    assert!(mail.contains("Subject: Welcome") && mail.contains("DKIM-Signature:"), "{mail}");
    assert!(greeting(text(&said, "mx")).starts_with("220 "), "bounces come in at {}", said["mx"]);
    end(process);
}

/// What the listener for bounces says first.
fn greeting(address: &str) -> String {
    let mut stream = std::net::TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time to wait");
    let mut said = [0; 100];
    let length = stream.read(&mut said).expect("a greeting");
    String::from_utf8_lossy(&said[..length]).into_owned()
}

/// The first message that lands in `folder`.
async fn first_mail(folder: &Path) -> String {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let files = std::fs::read_dir(folder).into_iter().flatten();
        if let Some(file) = files.flatten().next() {
            return std::fs::read_to_string(file.path()).expect("a message in text");
        }
        assert!(Instant::now() < deadline, "nothing arrived in {}", folder.display());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[test]
fn a_second_start_finds_everything_again_whatever_it_asks_for() {
    let dir = TempDir::new();
    let (process, first) = start(dir.path(), &["--sub-accounts", "3", "--days", "5"]);
    end(process);
    let mode = std::fs::metadata(dir.path().join("sign-ins.json")).expect("the sign-ins are kept").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "only its owner reads it");
    let (process, second) = start(dir.path(), &["--sub-accounts", "9"]);
    end(process);
    for field in ["account_id", "api_key", "users", "client_users", "sub_account", "mailbox"] {
        assert_eq!(first[field], second[field], "{field}");
    }
}

#[test]
fn a_start_that_cannot_work_says_why_in_one_sentence_and_makes_nothing() {
    let dir = TempDir::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let data = dir.path().join("demo");
    let said = |args: &[&str]| {
        let args = [&["demo", "--data", data.to_str().expect("UTF-8")], args].concat();
        let output = Command::new(env!("CARGO_BIN_EXE_canopy")).args(args).output().expect("it starts");
        assert!(!output.status.success() && output.stdout.is_empty());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(said(&["--listen", &address]).contains("choose another with --listen"));
    let free = ["--listen", "127.0.0.1:0"];
    for wrong in [["--relay", "http://127.0.0.1:25"], ["--dns", "nowhere"], ["--sub-accounts", "0"]] {
        let said = said(&[free, wrong].concat());
        assert!(said.contains(wrong[0]), "{said}");
    }
    assert!(!data.exists(), "nothing was made");
}

#[tokio::test]
async fn with_a_relay_mail_leaves_by_it_though_the_agency_has_a_default_of_its_own() {
    let Some(sink) = SmtpSink::start() else { return };
    let dir = TempDir::new();
    let relay = format!("smtp://127.0.0.1:{}", sink.port());
    let (process, said) = start(&dir.path().join("demo"), &["--sub-accounts", "3", "--days", "5", "--relay", &relay]);
    let child = &said["sub_account"];
    let body = json!({
        "from": { "email": format!("hello@{}", text(child, "domain")) },
        "recipients": [{ "email": "ada@inbox.example" }],
        "subject": "Welcome",
        "text_content": "Hello Ada",
    });
    let messages = format!("{}/v2/accounts/{}/messages", text(&said, "api"), text(child, "id"));
    let key = text(child, "api_key");
    let sent = reqwest::Client::new().post(messages).bearer_auth(key).json(&body).send().await.expect("an answer");
    assert_eq!(sent.status(), 202);
    assert_eq!(sink.wait_for(1).await[0].recipients, ["ada@inbox.example"]);
    end(process);
}
