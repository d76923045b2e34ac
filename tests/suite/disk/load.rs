//! A program over a database that fails, and those who send to it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use canopy::domain::ids::Id;
use canopy::models::Db;
use canopy::models::messages::{self, Filter};
use diesel::prelude::*;
use diesel::sql_query;
use futures_util::future::join_all;
use tokio::time::sleep;

use crate::submission::door::letter;
use crate::support::app::{Client, TestApp};
use crate::support::faulty_disk::FaultyDisk;
use crate::support::mailer::Mailer;
use crate::support::node::Node;
use crate::support::ports;

/// Of each kind.
const SENDERS: usize = 3;

pub struct Load {
    pub app: TestApp,
    pub client: Client,
    /// Recipients of what was promised.
    pub promised: Mutex<BTreeSet<String>>,
    /// How many were told to come again, or nothing.
    pub not_promised: AtomicUsize,
    numbers: AtomicUsize,
    over: AtomicBool,
}

/// A running program and where it takes mail over SMTP.
pub struct Running {
    pub node: Node,
    smtp: std::net::SocketAddr,
}

impl Load {
    pub async fn new() -> Self {
        Self::of(TestApp::sqlite().await).await
    }

    /// Over the database of `app`.
    pub async fn of(app: TestApp) -> Self {
        let agency = app.agency("Disk").await;
        let client = app.client(&agency, "disk", 0).await;
        let (promised, not_promised, numbers) = (Mutex::default(), AtomicUsize::new(0), AtomicUsize::new(0));
        Self { app, client, promised, not_promised, numbers, over: AtomicBool::new(false) }
    }

    /// Starts the program over `disk`, once it answers.
    pub async fn start(&self, disk: &FaultyDisk) -> Running {
        let (url, faults) = (disk.url(), disk.env());
        let mut options: Vec<(&str, &str)> = faults.iter().map(|(name, value)| (*name, value.as_str())).collect();
        options.push(("CANOPY_DATABASE_URL", &url));
        self.start_with(options).await
    }

    /// Starts it with options of its own.
    pub async fn start_with(&self, mut options: Vec<(&str, &str)>) -> Running {
        self.over.store(false, Ordering::SeqCst);
        let (smtp, account) = (ports::free(), self.client.id.to_string());
        let address = smtp.to_string();
        options.extend([
            ("CANOPY_ROLES", "web"),
            ("CANOPY_TRUSTED_LISTEN", &address),
            ("CANOPY_TRUSTED_ACCOUNT", &account),
            // It says much of a disk that fails.
            ("RUST_LOG", "off"),
        ]);
        let running = Running { node: Node::start(&self.app, &options).await, smtp };
        running.node.until("it takes mail", async |_| Mailer::at(smtp).await.is_some()).await;
        running
    }

    /// Those who send have had enough.
    pub fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    /// Clients send by both ways until it is over.
    pub async fn send(&self, to: &Running) {
        let api = (0..SENDERS).map(|_| async {
            while !self.over.load(Ordering::SeqCst) {
                self.note(self.by_api(to).await).await;
            }
        });
        let smtp = (0..SENDERS).map(|number| async move {
            while !self.over.load(Ordering::SeqCst) {
                self.by_smtp(to, number % 2 == 0).await;
            }
        });
        tokio::join!(join_all(api), join_all(smtp));
    }

    fn next(&self) -> String {
        format!("r{}@example.org", self.numbers.fetch_add(1, Ordering::SeqCst))
    }

    /// Recipient and whether it was promised.
    async fn by_api(&self, to: &Running) -> (String, bool) {
        let recipient = self.next();
        let answer = tokio::select! {
            answer = to.node.send(&self.client, &recipient) => answer,
            () = self.until_over() => None,
        };
        let status = answer.map_or(0, |answer| answer.status().as_u16());
        assert!([0, 202, 503].contains(&status), "{status}");
        (recipient, status == 202)
    }

    /// Hands in until it is over or the conversation is.
    async fn by_smtp(&self, to: &Running, as_one_group: bool) {
        let Some(mut mailer) = Mailer::at(to.smtp).await else { return sleep(Duration::from_millis(5)).await };
        let from = format!("hello@{}", self.client.domain);
        while !self.over.load(Ordering::SeqCst) {
            let (recipient, message) = (self.next(), letter(&from));
            let code = tokio::select! {
                code = mailer.hand_in(as_one_group, &from, &recipient, &message) => code,
                () = self.until_over() => None,
            };
            assert!(matches!(code, None | Some(250 | 421 | 451)), "{code:?}");
            self.note((recipient, code == Some(250))).await;
            if code.is_none() {
                return;
            }
        }
    }

    async fn until_over(&self) {
        while !self.over.load(Ordering::SeqCst) {
            sleep(Duration::from_millis(10)).await;
        }
        // What was answered by now is heard.
        sleep(Duration::from_millis(50)).await;
    }

    async fn note(&self, (recipient, promised): (String, bool)) {
        if promised {
            self.promised.lock().expect("nobody panics").insert(recipient);
        } else {
            self.not_promised.fetch_add(1, Ordering::SeqCst);
            sleep(Duration::from_millis(5)).await;
        }
    }

    pub fn promises(&self) -> usize {
        self.promised.lock().expect("nobody panics").len()
    }

    /// Waits until so many more were promised; how long that took.
    pub async fn until_promised(&self, more: usize) -> Duration {
        let (begun, wanted) = (Instant::now(), self.promises() + more);
        while self.promises() < wanted {
            assert!(begun.elapsed() < Duration::from_secs(60), "nothing is accepted any more");
            sleep(Duration::from_millis(2)).await;
        }
        begun.elapsed()
    }

    /// Fails unless a database that was left like this is sound and has all that was promised, once.
    pub fn check(&self, folder: &Path) {
        let db = Db::open(&format!("sqlite://{}", folder.join("canopy.db").display()), 1).expect("it opens");
        self.check_rows(&db);
        let sound = db.read(|conn| sql_query("PRAGMA integrity_check").get_result::<Said>(conn));
        assert_eq!(sound.expect("it can be read").integrity_check, "ok");
    }

    /// Fails unless all that was promised is in a database, once.
    pub fn check_rows(&self, db: &Db) {
        let account: Id = self.client.id;
        let rows = db
            .read(|conn| messages::page(conn, account, &Filter::default(), None, false, 10_000_000))
            .expect("it can be read");
        let stored: BTreeSet<String> = rows.iter().map(|row| row.recipient.clone()).collect();
        assert_eq!(stored.len(), rows.len(), "nothing is stored twice");
        let promised = self.promised.lock().expect("nobody panics");
        let lost: Vec<&String> = promised.difference(&stored).collect();
        assert!(lost.is_empty(), "{} of {} promised are lost: {lost:?}", lost.len(), promised.len());
    }
}

#[derive(QueryableByName)]
struct Said {
    #[diesel(sql_type = diesel::sql_types::Text)]
    integrity_check: String,
}
