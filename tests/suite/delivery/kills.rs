//! kill -9 at random, in the middle of accepting and delivering: nothing acknowledged is lost, nothing counted twice.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use canopy::models::messages::{self, Filter};
use chrono::TimeDelta;
use futures_util::future::join_all;
use secrecy::ExposeSecret;
use serde_json::json;

use super::{accept, attempts, counter_of, deliver, queued};
use crate::support::app::{Client, On, TestApp};
use crate::support::ports;
use crate::support::process::Process;
use crate::support::smtp_sink::{Behaviour, SmtpSink};

const KILLS: usize = 10;
const SENDERS: usize = 8;

/// The program as its own process over the test's database.
struct Node {
    process: Process,
    url: String,
}

impl Node {
    async fn start(app: &TestApp, sink: &SmtpSink) -> Self {
        let address = ports::free();
        let config = &app.app.config;
        let env = [
            ("CANOPY_DATABASE_URL", config.database_url().to_owned()),
            ("CANOPY_SECRET_KEY", config.secret_key.expose_secret().to_owned()),
            ("CANOPY_DATA_DIR", config.data_dir.display().to_string()),
            ("CANOPY_LISTEN", address.to_string()),
            ("CANOPY_DEFAULT_TRANSPORT", format!("smtp://127.0.0.1:{}", sink.port())),
            ("CANOPY_RATE_LIMIT_PER_SECOND", "100000".into()),
            ("CANOPY_RATE_LIMIT_BURST", "100000".into()),
            ("RUST_LOG", "warn".into()),
        ];
        let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let node = Self { process: Process::canopy(&["serve"], &env), url: format!("http://{address}") };
        let deadline = Instant::now() + Duration::from_secs(30);
        while app.http.get(format!("{}/v2/ping", node.url)).send().await.is_err() {
            assert!(Instant::now() < deadline, "the program does not serve");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        node
    }

    /// Sends until the program is gone; answers the recipients whose messages were acknowledged.
    async fn send_until_gone(&self, app: &TestApp, client: &Client, numbers: &AtomicUsize) -> Vec<String> {
        let path = format!("{}/v2/accounts/{}/messages", self.url, client.id);
        let mut acknowledged = Vec::new();
        loop {
            let recipient = format!("r{}@example.org", numbers.fetch_add(1, Ordering::SeqCst));
            let body = json!({ "from": { "email": format!("hello@{}", client.domain) }, "subject": "Hello",
                               "recipients": [{ "email": recipient }], "text_content": "Hello there" });
            let sent = app.http.post(&path).bearer_auth(&client.key).json(&body).send().await;
            let Ok(response) = sent else { return acknowledged };
            let status = response.status().as_u16();
            assert!(status == 202, "{status}: {:?}", response.text().await);
            acknowledged.push(recipient);
        }
    }
}

#[tokio::test]
async fn killed_again_and_again_under_load_it_loses_nothing_and_counts_nothing_twice() {
    let Some(sink) = SmtpSink::start() else { return };
    let through = format!("smtp://127.0.0.1:{}", sink.port());
    let app = TestApp::start_with(On::Sqlite, |settings| settings.set("default_transport", through)).await;
    let app = app.expect("SQLite is always there");
    let agency = app.agency("Kills").await;
    let client = app.client(&agency, "kills", 0).await;
    let numbers = AtomicUsize::new(0);
    let mut acknowledged = Vec::new();
    for round in 0..KILLS {
        let mut node = Node::start(&app, &sink).await;
        let pid = node.process.id();
        let senders = join_all((0..SENDERS).map(|_| node.send_until_gone(&app, &client, &numbers)));
        let kill = async {
            // Spread over the life of a message: some kills early, some with deliveries long under way.
            tokio::time::sleep(Duration::from_millis(60 + 53 * round as u64)).await;
            let killed = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status();
            assert!(killed.is_ok_and(|status| status.success()));
        };
        let (sent, ()) = tokio::join!(senders, kill);
        node.process.wait();
        acknowledged.extend(sent.into_iter().flatten());
    }
    // The leases of the killed run out, and what they held is delivered.
    app.app.clock.step(TimeDelta::minutes(6));
    deliver(&app).await;
    check(&app, &client, &sink, &acknowledged).await;
}

#[tokio::test]
async fn told_to_end_it_finishes_what_is_under_way() {
    let Some(sink) = SmtpSink::start() else { return };
    let app = TestApp::sqlite().await;
    let agency = app.agency("Polite").await;
    let client = app.client(&agency, "polite", 0).await;
    let recipients: Vec<String> = (0..60).map(|n| format!("r{n}@example.org")).collect();
    let all = accept(&app, &client, &recipients.iter().map(String::as_str).collect::<Vec<_>>()).await;
    sink.set("*", Behaviour::Slow(Duration::from_millis(300))).await;
    let mut node = Node::start(&app, &sink).await;
    sink.wait_for(5).await;
    node.process.terminate();
    assert!(node.process.wait().success());
    let story = app.read(move |conn| Ok(messages::attempts_of(conn, &all)?)).await;
    assert!(!story.is_empty() && story.iter().all(|attempt| attempt.status == "delivered"), "{story:?}");
    assert_eq!((story.len(), queued(&app, client.id).await.0), (sink.messages().len(), 60 - story.len() as i64));
}

async fn check(app: &TestApp, client: &Client, sink: &SmtpSink, acknowledged: &[String]) {
    assert!(acknowledged.len() > KILLS, "there was load: {}", acknowledged.len());
    let account = client.id;
    let rows =
        app.read(move |conn| Ok(messages::page(conn, account, &Filter::default(), None, false, 1_000_000)?)).await;
    let stored: HashSet<&str> = rows.iter().map(|row| row.recipient.as_str()).collect();
    let lost = acknowledged.iter().filter(|recipient| !stored.contains(recipient.as_str())).count();
    assert_eq!((lost, stored.len()), (0, rows.len()), "every acknowledged message is stored, once");
    assert_eq!(queued(app, account).await, (0, 0));
    assert!(rows.iter().all(|row| row.status == "delivered"), "all are delivered");
    let counted = counter_of(app, rows[0].id).await;
    let total = i64::try_from(rows.len()).expect("few");
    assert_eq!((counted.accepted, counted.delivered), (total, total), "each counted once");
    let arrived = sink.messages();
    let different: HashSet<&str> = arrived.iter().map(|one| one.recipients[0].as_str()).collect();
    assert_eq!(different, stored, "each arrived");
    let mut repeated = 0;
    for row in rows.iter().filter(|row| row.num_attempts > 1) {
        repeated += attempts(app, row.id).await.len() - 1;
    }
    assert!(arrived.len() - different.len() <= repeated, "a second copy only of what was under way at a kill");
    println!(
        "{KILLS} kills: {} acknowledged, {} stored, {} arrived, {} of them twice, {repeated} were under way",
        acknowledged.len(),
        rows.len(),
        different.len(),
        arrived.len() - different.len()
    );
}
