//! A real HTTPS server (Python's own) that serves MTA-STS policies by host, and misbehaves on request.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::environment::{helper_script, python};
use super::process::Process;

/// What a host answers with.
#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    pub kind: &'static str,
    pub body: String,
    /// How often the body is sent, one after the other.
    pub times: u32,
    /// The pause before each.
    pub wait: Duration,
}

impl Answer {
    /// A policy as it should be served.
    pub fn policy(body: &str) -> Self {
        Self { status: 200, kind: "text/plain", body: body.to_owned(), times: 1, wait: Duration::ZERO }
    }
}

#[derive(Default)]
struct Seen {
    settings: usize,
    requests: Vec<String>,
}

/// The running server; gone on drop.
pub struct PolicyServer {
    process: Mutex<Process>,
    port: u16,
    seen: Mutex<Seen>,
}

impl PolicyServer {
    /// Serves on a loopback address under this certificate; every host is 404 at first.
    pub fn start(address: Ipv4Addr, certificate: &Path, key: &Path) -> Option<Self> {
        let script = helper_script("policy_server.py");
        let [certificate, key] = [certificate, key].map(|path| path.display().to_string());
        let args = [script.display().to_string(), address.to_string(), certificate, key];
        let process = Process::spawn(python()?, &args, &[]);
        let port = process.next_json()["port"].as_u64().and_then(|port| u16::try_from(port).ok());
        let port = port.expect("the server says its port first");
        Some(Self { process: Mutex::new(process), port, seen: Mutex::default() })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on `host` answers with this.
    pub async fn serve(&self, host: &str, answer: Answer) {
        self.tell(&json!({
            "host": host, "status": answer.status, "type": answer.kind, "body": answer.body,
            "times": answer.times, "wait": answer.wait.as_secs_f64(),
        }))
        .await;
    }

    /// Gives a command and waits until it was obeyed.
    async fn tell(&self, command: &Value) {
        let before = self.read(|seen| seen.settings);
        self.process.lock().expect("no test panics while talking to the server").tell(&command.to_string());
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.read(|seen| seen.settings) == before {
            assert!(Instant::now() < deadline, "the policy server does not answer");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends it: nobody listens from now on.
    pub fn stop(&self) {
        self.process.lock().expect("no test panics while talking to the server").kill();
    }

    /// The requests for policies of `host` so far; one for another path fails the test.
    pub async fn requests(&self, host: &str) -> usize {
        // What it said before it obeys was said in that order.
        self.tell(&json!({ "host": "" })).await;
        self.read(|seen| seen.requests.iter().filter(|one| *one == host).count())
    }

    fn read<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        let mut seen = self.seen.lock().expect("no test panics while reading the server");
        let process = self.process.lock().expect("no test panics while reading the server");
        while let Some(line) = process.line_so_far() {
            let event: Value = serde_json::from_str(&line).expect("the server speaks JSON");
            if event["event"] == "set" {
                seen.settings += 1;
            } else {
                assert_eq!(event["path"], "/.well-known/mta-sts.txt");
                seen.requests.push(event["host"].as_str().expect("a host").to_owned());
            }
        }
        look(&seen)
    }
}
