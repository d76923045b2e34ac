//! kill -9 while reports come in: what was answered with 250 is recorded, and what comes again counts once.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use canopy::actions::accept_message::Outcome;
use canopy::domain::ids::Id;
use canopy::models::messages::{self, Filter};
use canopy::models::{counters, usage};
use futures_util::future::join_all;
use secrecy::ExposeSecret;
use tokio::net::TcpStream;

use super::fixtures::one;
use super::mx::{about_id, message, send_to};
use crate::support::app::{Client, TestApp, on_both};
use crate::support::ports;
use crate::support::process::Process;

const MESSAGES: usize = 150;
const KILLS: u64 = 5;
const SENDERS: usize = 6;

/// The program over the test's database, receiving at the address it answers with.
async fn start(app: &TestApp) -> (Process, SocketAddr) {
    let (config, address) = (&app.app.config, ports::free());
    let env = [
        ("CANOPY_DATABASE_URL", config.database_url().to_owned()),
        ("CANOPY_SECRET_KEY", config.secret_key.expose_secret().to_owned()),
        ("CANOPY_DATA_DIR", config.data_dir.display().to_string()),
        ("CANOPY_LISTEN", ports::free().to_string()),
        ("CANOPY_MX_LISTEN", address.to_string()),
        ("CANOPY_ROLES", "web,mx".into()),
        ("RUST_LOG", "error".into()),
    ];
    let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let process = Process::canopy(&["serve"], &env);
    let deadline = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(address).await.is_err() {
        assert!(Instant::now() < deadline, "the program does not listen");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    (process, address)
}

/// Sends a report about each of `waiting` that it can get, until all were answered or the program is gone; answers
/// whose reports were taken.
async fn send_all(app: &TestApp, client: &Client, address: SocketAddr, waiting: Vec<Id>) -> Vec<Id> {
    let waiting = Mutex::new(waiting);
    let report = one("dsn", "postfix");
    let sender = || async {
        let mut taken = Vec::new();
        loop {
            let next = waiting.lock().expect("no sender panics").pop();
            let Some(id) = next else { return taken };
            let about = about_id(app, client, id, "ann@receiver.example");
            match send_to(address, None, &about.return_path, about.fill(&report)).await {
                250 => taken.push(id),
                0 => return taken,
                code => panic!("{code}"),
            }
        }
    };
    join_all((0..SENDERS).map(|_| sender())).await.into_iter().flatten().collect()
}

#[tokio::test]
async fn killed_while_reports_come_in_it_forgets_none_that_it_took_and_counts_each_once() {
    on_both(|app| async move {
        let agency = app.agency("Shot").await;
        let client = app.client(&agency, "shot", 0).await;
        let mut all = Vec::new();
        for _ in 0..MESSAGES / 50 {
            let accepted = app.accept(&client, &["ann@receiver.example"; 50]).await.expect("accepted");
            all.extend(accepted.entries.iter().map(|entry| match entry.outcome {
                Outcome::Queued { id } => id,
                _ => panic!("queued"),
            }));
        }
        assert_eq!(canopy::delivery::worker::run_once(&app.app).await, MESSAGES);
        let mut taken: HashSet<Id> = HashSet::new();
        let mut rounds = 0;
        for round in 0..KILLS {
            let (mut process, address) = start(&app).await;
            let waiting: Vec<Id> = all.iter().copied().filter(|id| !taken.contains(id)).collect();
            let kill = async {
                tokio::time::sleep(Duration::from_millis(40 + 37 * round)).await;
                process.kill();
            };
            let (new, ()) = tokio::join!(send_all(&app, &client, address, waiting), kill);
            taken.extend(new);
            let (bounced, counted) = state(&app, &client, all[0]).await;
            assert!(taken.is_subset(&bounced), "a report that was answered with 250 is lost");
            assert_eq!(counted, (bounced.len() as i64, (MESSAGES - bounced.len()) as i64), "counters are the messages");
            rounds += 1;
        }
        let before = taken.len();
        let (process, address) = start(&app).await;
        // Those that got no answer come again, and so do all others: mail servers may.
        assert_eq!(send_all(&app, &client, address, all.clone()).await.len(), MESSAGES);
        process.terminate();
        let (bounced, counted) = state(&app, &client, all[0]).await;
        assert_eq!((bounced.len(), counted), (MESSAGES, (MESSAGES as i64, 0)));
        let ids = all.clone();
        let events = app.read(move |conn| Ok(messages::events_of(conn, &ids)?.len())).await;
        assert_eq!(events, MESSAGES, "each tells it once");
        println!("{rounds} kills, {before} of {MESSAGES} reports taken between them");
    })
    .await;
}

/// Which messages bounced, and how many bounced and were delivered by the counters.
async fn state(app: &TestApp, client: &Client, one: Id) -> (HashSet<Id>, (i64, i64)) {
    let row = message(app, one).await;
    let (account, period, day) = (client.id, row.period_id, row.day);
    app.read(move |conn| {
        let filter = Filter { statuses: vec!["bounced".into()], ..Filter::default() };
        let rows = messages::page(conn, account, &filter, None, false, 1000)?;
        let counter = counters::find(conn, account, period)?.expect("a counter");
        let days = usage::days(conn, account, &day, &day)?;
        assert_eq!(days.iter().map(|day| day.bounced).sum::<i64>(), counter.bounced);
        Ok((rows.into_iter().map(|row| row.id).collect(), (counter.bounced, counter.delivered)))
    })
    .await
}
