//! Those who send, and those who report, while the program is killed under them.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::net::TcpStream;

use super::mailers::Mailers;
use crate::returning::fixtures::one;
use crate::returning::mx::{about, send_to};
use crate::support::app::{Client, TestApp};
use crate::support::ports;
use crate::support::process::Process;
use crate::support::smtp_sink::{Received, SmtpSink};

const SENDERS: usize = 6;
const REPORTERS: usize = 2;
/// The cap of each capped client, and how many recipients are tried in a row.
pub const CAP: usize = 25;
pub const TRIED: usize = 30;
/// Every so many messages of the client without a cap go to somebody who does not exist.
const BOUNCED: usize = 7;

/// The program as its own process over the test's database.
pub struct Node {
    pub process: Process,
    pub url: String,
    pub mx: SocketAddr,
    pub submission: SocketAddr,
}

impl Node {
    pub async fn start(world: &World<'_>) -> Self {
        let World { app, sink, mailers, .. } = world;
        let (config, address) = (&app.app.config, ports::free());
        let (mx, submission) = (ports::free(), ports::free());
        let file = |name: &str| mailers.certificates.path(name).display().to_string();
        let env = [
            ("CANOPY_DATABASE_URL", config.database_url().to_owned()),
            ("CANOPY_SECRET_KEY", config.secret_key.expose_secret().to_owned()),
            ("CANOPY_DATA_DIR", config.data_dir.display().to_string()),
            ("CANOPY_LISTEN", address.to_string()),
            ("CANOPY_MX_LISTEN", mx.to_string()),
            ("CANOPY_SUBMISSION_LISTEN", submission.to_string()),
            ("CANOPY_SUBMISSION_TLS_CERT", file("cert.pem")),
            ("CANOPY_SUBMISSION_TLS_KEY", file("key.pem")),
            ("CANOPY_DEFAULT_TRANSPORT", format!("smtp://127.0.0.1:{}", sink.port())),
            // Nobody listens there: what members are told stays in the outbox, where it can be counted.
            ("CANOPY_SYSTEM_MAIL", "smtp://127.0.0.1:9".into()),
            ("CANOPY_RATE_LIMIT_PER_SECOND", "100000".into()),
            ("CANOPY_RATE_LIMIT_BURST", "100000".into()),
            ("RUST_LOG", "error".into()),
        ];
        let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let node =
            Self { process: Process::canopy(&["serve"], &env), url: format!("http://{address}"), mx, submission };
        let deadline = Instant::now() + Duration::from_secs(60);
        while app.http.get(format!("{}/readyz", node.url)).send().await.is_err()
            || TcpStream::connect(mx).await.is_err()
            || TcpStream::connect(submission).await.is_err()
        {
            assert!(Instant::now() < deadline, "the program does not serve");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        node
    }
}

/// One request, sent again under its key until it is answered.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Which client: 0 is the one without a cap.
    pub client: usize,
    pub key: String,
    pub recipient: String,
}

pub struct World<'a> {
    pub app: &'a TestApp,
    pub sink: &'a SmtpSink,
    pub clients: Vec<Client>,
    pub mailers: Mailers,
    /// Recipients that were answered with 202, by wish.
    pub acknowledged: Mutex<Vec<Wish>>,
    /// Recipients that were refused at the cap.
    pub refused: Mutex<Vec<Wish>>,
    unanswered: Mutex<VecDeque<Wish>>,
    held: Mutex<Vec<Wish>>,
    /// What the sink took and is to be reported.
    to_report: Mutex<Vec<Received>>,
    pub reported: Mutex<Vec<String>>,
    looked_at: AtomicUsize,
    numbers: AtomicUsize,
    gone: AtomicBool,
}

impl<'a> World<'a> {
    pub async fn new(app: &'a TestApp, sink: &'a SmtpSink, kills: usize) -> Self {
        let agency = app.agency("Soak").await;
        let mut clients = vec![app.client(&agency, "open", 0).await];
        for number in 0..kills * 2 {
            clients.push(app.client(&agency, &format!("capped{number}"), CAP as i64).await);
        }
        let mailers = Mailers::new(app, &agency, kills).await;
        Self {
            app,
            sink,
            clients,
            mailers,
            acknowledged: Mutex::default(),
            refused: Mutex::default(),
            unanswered: Mutex::default(),
            held: Mutex::default(),
            to_report: Mutex::default(),
            reported: Mutex::default(),
            looked_at: AtomicUsize::new(0),
            numbers: AtomicUsize::new(0),
            gone: AtomicBool::new(false),
        }
    }

    pub fn is_gone(&self) {
        self.gone.store(true, Ordering::SeqCst);
    }

    pub fn is_over(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }

    /// Clients and mail programs may begin.
    pub fn begins(&self) {
        self.gone.store(false, Ordering::SeqCst);
    }

    fn next(&self) -> Wish {
        if let Some(wish) = self.unanswered.lock().expect("nobody panics").pop_front() {
            return wish;
        }
        let number = self.numbers.fetch_add(1, Ordering::SeqCst);
        let (client, name) = match number % 2 {
            0 => (0, if (number / 2).is_multiple_of(BOUNCED) { "gone" } else { "ann" }),
            _ => (1 + number / 2 / TRIED % (self.clients.len() - 1), "bob"),
        };
        Wish { client, key: format!("soak-{number}"), recipient: format!("{name}{number}@example.org") }
    }

    /// Clients send until the program is gone.
    pub async fn send_until_gone(&self, url: &str) {
        join_all((0..SENDERS).map(|_| async {
            while !self.is_over() {
                let wish = self.next();
                if !self.send(url, &wish).await {
                    self.unanswered.lock().expect("nobody panics").push_back(wish);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }))
        .await;
    }

    /// Asks again for everything that got no answer.
    pub async fn send_the_rest(&self) {
        let held = std::mem::take(&mut *self.held.lock().expect("nobody panics"));
        self.unanswered.lock().expect("nobody panics").extend(held);
        loop {
            let Some(wish) = self.unanswered.lock().expect("nobody panics").pop_front() else { return };
            assert!(self.send(&self.app.url, &wish).await, "{wish:?} gets an answer");
            assert!(self.held.lock().expect("nobody panics").is_empty(), "no lease outlives its time");
        }
    }

    /// Whether it was answered: taken, or refused at the cap.
    async fn send(&self, url: &str, wish: &Wish) -> bool {
        let client = &self.clients[wish.client];
        let body = json!({ "from": { "email": format!("hello@{}", client.domain) }, "subject": "Hello",
                           "recipients": [{ "email": wish.recipient }], "text_content": "Hello there" });
        let request = self.app.http.post(format!("{url}/v2/accounts/{}/messages", client.id)).bearer_auth(&client.key);
        let Ok(response) = request.header("Idempotency-Key", &wish.key).json(&body).send().await else { return false };
        let status = response.status().as_u16();
        let Ok(text) = response.text().await else { return false };
        let answered = match status {
            202 => &self.acknowledged,
            403 if wish.client > 0 && text.contains("cap") => &self.refused,
            // The first try was killed and its key is held until its lease runs out: asked again at the end.
            409 => &self.held,
            _ => panic!("{status}: {text}"),
        };
        answered.lock().expect("nobody panics").push(wish.clone());
        true
    }

    /// Reports what arrived for those who do not exist, until the program is gone.
    pub async fn report_until_gone(&self, mx: SocketAddr) {
        join_all((0..REPORTERS).map(|_| async {
            while !self.is_over() {
                if !self.report_one(mx).await {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        }))
        .await;
    }

    /// Reports everything that was not taken yet.
    pub async fn report_the_rest(&self, mx: SocketAddr) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.report_one(mx).await || !self.to_report.lock().expect("nobody panics").is_empty() {
            assert!(Instant::now() < deadline, "the listener takes no report");
        }
    }

    /// Whether a report was taken.
    async fn report_one(&self, mx: SocketAddr) -> bool {
        let Some(next) = self.next_to_report() else { return false };
        let about = about(self.app, &next);
        if send_to(mx, None, &about.return_path, about.fill(&one("dsn", "postfix"))).await == 250 {
            self.reported.lock().expect("nobody panics").push(next.recipients[0].clone());
            return true;
        }
        self.to_report.lock().expect("nobody panics").push(next);
        false
    }

    /// What the sink took last for somebody who does not exist.
    fn next_to_report(&self) -> Option<Received> {
        let arrived = self.sink.messages();
        let seen = self.looked_at.fetch_max(arrived.len(), Ordering::SeqCst);
        let gone = |one: &Received| one.recipients[0].starts_with("gone");
        let mut waiting = self.to_report.lock().expect("nobody panics");
        waiting.extend(arrived.into_iter().skip(seen).filter(gone));
        waiting.pop()
    }
}
