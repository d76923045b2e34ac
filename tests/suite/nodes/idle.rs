//! Clients that are slow, or do nothing at all, while others want to be served: those are, and memory stays bounded.
//!
//! The short form runs with the other tests; `bin/soak idle` opens as many of each kind as `CANOPY_SOAK_IDLE` says, and
//! judges how long others wait.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::submission::door::letter;
use crate::support::app::{Client, TestApp};
use crate::support::environment::number;
use crate::support::mailer::Mailer;
use crate::support::node::Node;
use crate::support::ports;

/// Of each kind, in the short form.
const EACH: u64 = 120;
/// What the trusted listener takes in all is 2000.
const MOST_OF_MAIL: u64 = 600;
/// Served between the idle ones.
const SERVED: usize = 40;
/// What one of them may cost in memory.
const KILOBYTES: u64 = 200;

/// What each kind says before it falls silent; `None` for those that hand in mail.
fn kinds(client: &Client) -> Vec<(&'static str, bool, String)> {
    let head = format!(
        "POST /v2/accounts/{}/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 20000\r\n\r\n{{",
        client.id, client.key
    );
    let from = format!("hello@{}", client.domain);
    let mail = format!("EHLO slow.test\r\nMAIL FROM:<{from}>\r\nRCPT TO:<a@example.org>\r\nDATA\r\nSubject: half");
    vec![
        ("says nothing", false, String::new()),
        ("half a header", false, "GET /sign-in HTTP/1.1\r\nHost: x\r\nX-Slow: ".into()),
        ("half a body", false, head),
        ("reads no answer", false, "GET /v2/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(4)),
        ("says nothing over SMTP", true, String::new()),
        ("half a command", true, "EHLO slow.test\r\nMAIL FR".into()),
        ("half a message", true, mail),
    ]
}

/// The memory of a process, in kilobytes.
fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

/// Serves others by both ways; how long each took, the longest last.
async fn serve(node: &Node, smtp: SocketAddr, client: &Client) -> Vec<Duration> {
    let mut times = Vec::new();
    for number in 0..SERVED {
        let begun = Instant::now();
        let recipient = format!("r{number}@example.org");
        let answer = match node.send(client, &recipient).await {
            Some(answer) => Some(answer),
            // A connection that was kept may have ended in between.
            None => node.send(client, &recipient).await,
        };
        assert_eq!(answer.expect("an answer").status(), 202);
        let from = format!("hello@{}", client.domain);
        let mut mailer = Mailer::at(smtp).await.expect("it listens");
        let code = mailer.hand_in(true, &from, "s@example.org", &letter(&from)).await;
        assert_eq!(code, Some(250), "mail is taken");
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_and_slow_clients_keep_nobody_else_waiting_and_cost_little_memory() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Idle").await;
    let client = app.client(&agency, "idle", 0).await;
    let (smtp, account) = (ports::free(), client.id.to_string());
    let address = smtp.to_string();
    let options = [("CANOPY_ROLES", "web"), ("CANOPY_TRUSTED_LISTEN", &address), ("CANOPY_TRUSTED_ACCOUNT", &account)];
    let node = Node::start(&app, &options).await;
    node.until("it takes mail", async |_| Mailer::at(smtp).await.is_some()).await;
    let http: SocketAddr = node.url.trim_start_matches("http://").parse().expect("an address");
    let each = number("CANOPY_SOAK_IDLE", EACH);
    let before = serve(&node, smtp, &client).await;
    let small = memory(node.process.id());
    let mut open = Vec::new();
    for (kind, mail, said) in kinds(&client) {
        let many = if mail { each.min(MOST_OF_MAIL) } else { each };
        for number in 0..many {
            let stream = TcpStream::connect(if mail { smtp } else { http }).await;
            let mut stream = stream.unwrap_or_else(|error| panic!("{kind} {number}: {error}"));
            stream.write_all(said.as_bytes()).await.expect("it is taken");
            open.push((kind, stream));
        }
    }
    // Until what they asked for is answered, as far as it can be.
    serve(&node, smtp, &client).await;
    let during = serve(&node, smtp, &client).await;
    let more = memory(node.process.id()).saturating_sub(small);
    let still = still_open(&open);
    // Of nine in ten.
    let most = |times: &[Duration]| times[times.len() * 9 / 10];
    println!(
        "{} slow clients of {} kinds, {still} still open: {more} KB more; nine in ten others waited for {:?} at most, {:?} before",
        open.len(),
        kinds(&client).len(),
        most(&during),
        most(&before)
    );
    assert!(still * 2 > open.len(), "they were there meanwhile: {still}");
    assert!(more < KILOBYTES * open.len() as u64, "{more} KB for {}", open.len());
    if each > EACH {
        assert!(most(&during) < most(&before) * 4, "{during:?} {before:?}");
        let begun = Instant::now();
        while open.iter().any(|(kind, _)| kind.starts_with("half a")) {
            assert!(begun.elapsed() < Duration::from_secs(90), "the half ones are let go");
            tokio::time::sleep(Duration::from_secs(1)).await;
            open.retain(|(_, stream)| !has_ended(stream));
        }
        println!("the half ones were let go within {:?} more", begun.elapsed());
    }
}

/// How many were not let go yet.
fn still_open(open: &[(&'static str, TcpStream)]) -> usize {
    open.iter().filter(|(_, stream)| !has_ended(stream)).count()
}

/// Whether the other side hung up; what it said before is read.
fn has_ended(stream: &TcpStream) -> bool {
    let mut bytes = vec![0; 1 << 16];
    loop {
        match stream.try_read(&mut bytes) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }
}
