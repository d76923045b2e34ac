//! A mail program that hands in messages (Python's smtplib): what our listeners say is read by somebody else.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::json;

use super::environment::{helper_script, tool};

/// How it hands in what it has.
#[derive(Clone, Debug)]
pub struct MailProgram {
    server: SocketAddr,
    starttls: bool,
    authority: Option<PathBuf>,
    login: Option<(String, String)>,
    mechanism: &'static str,
}

/// What the server said last.
#[derive(Debug)]
pub struct Said {
    /// 0 where there was no reply.
    pub code: u16,
    pub text: String,
}

impl MailProgram {
    /// In the clear, without signing in.
    pub fn at(server: SocketAddr) -> Self {
        Self { server, starttls: false, authority: None, login: None, mechanism: "PLAIN" }
    }

    /// By STARTTLS or not at all, trusting this authority (a file in PEM), or nobody but the system's.
    pub fn insisting_on_tls(self, authority: Option<PathBuf>) -> Self {
        Self { starttls: true, authority, ..self }
    }

    /// Signs in, by `PLAIN` or `LOGIN`.
    pub fn signing_in(self, user: &str, password: &str, mechanism: &'static str) -> Self {
        Self { login: Some((user.to_owned(), password.to_owned())), mechanism, ..self }
    }

    /// Hands in one message; with nobody to send it to it only gets as far as that.
    pub async fn send(&self, from: &str, to: &[&str], message: &[u8]) -> Said {
        let asked = json!({
            "host": self.server.ip().to_string(), "port": self.server.port(), "tls": self.starttls,
            "authority": self.authority, "login": self.login, "mechanism": self.mechanism, "from": from, "to": to,
        });
        let message = message.to_vec();
        let told = tokio::task::spawn_blocking(move || run(&asked.to_string(), &message)).await.expect("it ends");
        let told: serde_json::Value = serde_json::from_slice(&told).expect("JSON");
        let code = told["code"].as_u64().and_then(|code| u16::try_from(code).ok()).expect("a code");
        Said { code, text: told["text"].as_str().unwrap_or_default().to_owned() }
    }
}

/// Its standard library is enough, so that any Python does.
fn run(asked: &str, message: &[u8]) -> Vec<u8> {
    let python = tool("CANOPY_TEST_PYTHON", &["target/test-venv/bin/python"]).unwrap_or_else(|| "python3".into());
    let mut program = Command::new(python)
        .arg(helper_script("mail_program.py"))
        .arg(asked)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut stdin = program.stdin.take().expect("its input");
    // A server that refuses early ends the program before it has read everything.
    drop(stdin.write_all(message));
    drop(stdin);
    program.wait_with_output().expect("it ends").stdout
}
