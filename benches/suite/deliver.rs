//! Messages delivered a second to a real SMTP sink on loopback, beside what the sink takes from a program that does
//! nothing but send.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use canopy::models::AnyConnection;
use diesel::QueryDsl as _;
use diesel::RunQueryDsl as _;
use futures_util::{StreamExt as _, stream};

use crate::accept::{Client, clients, prepared};
use crate::support::process::Process;
use crate::support::smtp_sink::SmtpSink;
use crate::table::{Line, Table, median, per_second};
use crate::{On, ROUNDS, World};

/// Messages of a round.
pub const MESSAGES: usize = 4000;
/// Sessions at once: ours by configuration, smtp-source's by its arguments.
pub const SESSIONS: &str = "16";
const SMTP_SINK: &str = "/usr/sbin/smtp-sink";
const SMTP_SOURCE: &str = "/usr/sbin/smtp-source";

/// Postfix's sink where it is installed, else the one of the tests.
pub enum Sink {
    Postfix { port: u16, _process: Process },
    Python(SmtpSink),
}

impl Sink {
    pub fn start() -> Option<Self> {
        if !Path::new(SMTP_SINK).exists() {
            return SmtpSink::start().map(Self::Python);
        }
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("a free port").port();
        let process = Process::spawn(SMTP_SINK, &["-u", "nobody", &format!("127.0.0.1:{port}"), "1024"], &[]);
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "smtp-sink does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(Self::Postfix { port, _process: process })
    }

    pub fn port(&self) -> u16 {
        match self {
            Self::Postfix { port, .. } => *port,
            Self::Python(sink) => sink.port(),
        }
    }

    /// What it takes a second from smtp-source; none without Postfix's tools.
    fn ceiling(&self) -> Option<f64> {
        let Self::Postfix { port, .. } = self else { return None };
        Some(source(*port, "a@example.org", Use::Again))
    }
}

/// How smtp-source uses its sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// One after the other in each.
    Again,
    /// A new one for each message.
    Once,
}

/// Messages of 2 KiB that smtp-source hands over a second to `port`, from `sender`.
pub fn source(port: u16, sender: &str, sessions: Use) -> f64 {
    let (begun, count) = (Instant::now(), MESSAGES.to_string());
    let mut command = Command::new(SMTP_SOURCE);
    if sessions == Use::Again {
        command.arg("-d");
    }
    let sent = command
        .args(["-s", SESSIONS, "-l", "2048", "-m", &count, "-f", sender, "-t", "b@example.org"])
        .arg(format!("127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .status();
    assert!(sent.is_ok_and(|status| status.success()), "smtp-source sends");
    MESSAGES as f64 / begun.elapsed().as_secs_f64()
}

pub fn run(on: On, table: &mut Table) {
    let Some(sink) = Sink::start() else { return };
    let world = World::new(on);
    let clients = clients(&world, 100);
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push((delivered(&world, &clients, &sink), sink.ceiling()));
    }
    let ceilings: Vec<f64> = rounds.iter().filter_map(|round| round.1).collect();
    let ceiling = if ceilings.is_empty() {
        "the sink's own limit is not known here".to_owned()
    } else {
        format!("smtp-source into the same sink: {}", per_second(median(ceilings)))
    };
    table.add(Line {
        what: format!("messages delivered over SMTP, {SESSIONS} at once"),
        on: on.name(),
        measured: per_second(median(rounds.iter().map(|round| round.0))),
        ceiling,
        ratio: median(rounds.iter().filter_map(|round| round.1.map(|ceiling| round.0 / ceiling))),
        target: "",
    });
}

/// Fills the queue while nobody delivers, then lets a worker empty it.
pub fn delivered(world: &World, clients: &[Client], sink: &Sink) -> f64 {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let sends = (0..MESSAGES).map(|number| {
            let client = &clients[number % clients.len()];
            world.app.committer.accept(prepared(client, "ann@example.org"))
        });
        stream::iter(sends).buffer_unordered(512).for_each(|sent| async { drop(sent.expect("accepted")) }).await;
    });
    assert_eq!(waiting(world), MESSAGES as i64);
    let relay = format!("smtp://127.0.0.1:{}", sink.port());
    let worker = world.serve("worker", &[("default_transport", &relay), ("delivery_workers", SESSIONS)]);
    let until = Instant::now() + Duration::from_secs(120);
    let mut begun: Option<(Instant, i64)> = None;
    loop {
        let (left, now) = (waiting(world), Instant::now());
        assert!(now < until, "{left} messages still wait");
        match begun {
            None if left < MESSAGES as i64 => begun = Some((now, left)),
            Some((since, before)) if left == 0 => {
                drop(worker);
                return before as f64 / (now - since).as_secs_f64();
            }
            _ => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// Messages in the queue.
pub fn waiting(world: &World) -> i64 {
    use canopy::models::schema::queue;
    let count = |conn: &mut AnyConnection| Ok(queue::table.count().get_result(conn)?);
    world.read(count)
}
