//! A real SMTP server (aiosmtpd) that records what it takes and misbehaves on request, per recipient.

use super::environment::{helper_script, python};
use super::process::Process;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What the server does when a recipient is named.
pub enum Behaviour {
    /// Takes the message: what it does to everybody at first.
    Accept,
    /// Answers RCPT (or, for `greeting` in place of an address, every new connection) with this reply, as `451 4.2.0 later` or `550 5.1.1 nobody here`.
    RefuseRecipient(&'static str),
    /// Takes the recipient, then answers the whole message with this reply.
    RefuseMessage(&'static str),
    /// Closes the connection in place of an answer to RCPT.
    DropConnection,
    /// Takes and records the message, then closes the connection in place of the 250.
    DropAfterMessage,
    /// Answers RCPT only after this long.
    Slow(Duration),
}

/// A message the server took.
#[derive(Debug, Clone)]
pub struct Received {
    /// Counts from 1; equal numbers mean that one connection carried both messages.
    pub connection: u64,
    /// Who signed in, where the server asked for it.
    pub login: Option<String>,
    /// Whether it came encrypted.
    pub tls: bool,
    /// The address of MAIL FROM.
    pub sender: String,
    /// The addresses of RCPT TO.
    pub recipients: Vec<String>,
    /// The message as it came, without the dots of the transfer.
    pub content: Vec<u8>,
}

/// What the server has told so far.
#[derive(Default)]
struct Seen {
    connections: usize,
    settings: usize,
    /// Recipients whose answer it kept waiting.
    waiting: usize,
    messages: Vec<Received>,
}

/// The running server; gone on drop.
pub struct SmtpSink {
    process: Mutex<Process>,
    port: u16,
    seen: Mutex<Seen>,
}

impl SmtpSink {
    /// A server that takes mail from anybody.
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// A server that takes mail only after AUTH with this name and password.
    pub fn with_login(user: &str, password: &str) -> Option<Self> {
        Self::start_with(&[user, password])
    }

    /// A server on another loopback address or a port of one's choice; 0 is any.
    pub fn at(address: &str, port: u16) -> Option<Self> {
        Self::start_with(&["--at", address, &port.to_string()])
    }

    /// A server that offers STARTTLS with this certificate and key.
    pub fn with_tls(certificate: &str, key: &str) -> Option<Self> {
        Self::start_with(&["--tls", certificate, key])
    }

    /// A server that offers STARTTLS and then cannot do it.
    pub fn with_broken_tls() -> Option<Self> {
        Self::start_with(&["--broken-tls"])
    }

    fn start_with(login: &[&str]) -> Option<Self> {
        let script = helper_script("smtp_sink.py");
        let args = std::iter::once(script.to_str().expect("a path in UTF-8")).chain(login.iter().copied());
        let process = Process::spawn(python()?, &args.collect::<Vec<_>>(), &[]);
        let port = process.next_json()["port"].as_u64().and_then(|port| u16::try_from(port).ok());
        let port = port.expect("the server says its port first");
        Some(Self { process: Mutex::new(process), port, seen: Mutex::default() })
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on, does this to `recipient` (`*`: to everybody without a behaviour of their own).
    pub async fn set(&self, recipient: &str, behaviour: Behaviour) {
        let command = match behaviour {
            Behaviour::Accept => json!({"behaviour": "accept"}),
            Behaviour::RefuseRecipient(reply) => json!({"behaviour": "refuse_recipient", "reply": reply}),
            Behaviour::RefuseMessage(reply) => json!({"behaviour": "refuse_message", "reply": reply}),
            Behaviour::DropConnection => json!({"behaviour": "drop_connection"}),
            Behaviour::DropAfterMessage => json!({"behaviour": "drop_after_message"}),
            Behaviour::Slow(time) => json!({"behaviour": "slow", "seconds": time.as_secs_f64()}),
        };
        let mut command = command;
        command["recipient"] = recipient.into();
        let before = self.read(|seen| seen.settings);
        self.process.lock().expect("no test panics while talking to the sink").tell(&command.to_string());
        self.until(|seen| seen.settings > before).await;
    }

    /// Everything taken so far, in order.
    pub fn messages(&self) -> Vec<Received> {
        self.read(|seen| seen.messages.clone())
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> usize {
        self.read(|seen| seen.connections)
    }

    /// Waits until at least `count` messages were taken; fails the test after 30 seconds.
    pub async fn wait_for(&self, count: usize) -> Vec<Received> {
        self.until(|seen| seen.messages.len() >= count).await;
        self.messages()
    }

    /// Waits until it has been asked about at least `count` recipients that it is slow about.
    pub async fn wait_for_slow(&self, count: usize) {
        self.until(|seen| seen.waiting >= count).await;
    }

    async fn until(&self, reached: impl Fn(&Seen) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !self.read(&reached) {
            assert!(Instant::now() < deadline, "the sink took only {} messages", self.messages().len());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn read<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        let mut seen = self.seen.lock().expect("no test panics while reading the sink");
        let process = self.process.lock().expect("no test panics while reading the sink");
        while let Some(line) = process.line_so_far() {
            seen.note(&serde_json::from_str(&line).expect("the sink speaks JSON"));
        }
        look(&seen)
    }
}

impl Seen {
    fn note(&mut self, event: &Value) {
        match event["event"].as_str() {
            Some("connection") => self.connections += 1,
            Some("set") => self.settings += 1,
            Some("waiting") => self.waiting += 1,
            Some("message") => self.messages.push(Received::from_event(event)),
            other => panic!("the sink said {other:?}"),
        }
    }
}

impl Received {
    fn from_event(event: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Self {
            connection: event["connection"].as_u64().expect("a number"),
            login: text(&event["login"]),
            tls: event["tls"] == true,
            sender: text(&event["sender"]).unwrap_or_default(),
            recipients: event["recipients"].as_array().expect("a list").iter().filter_map(text).collect(),
            content: STANDARD.decode(event["content"].as_str().expect("base64")).expect("base64"),
        }
    }

    /// The message as text, for messages that are.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.content).into_owned()
    }
}
