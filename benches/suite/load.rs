//! Load over HTTP/1.1 with connections kept open: one thread, so that the server keeps most of the machine.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What the connections saw together.
pub struct Outcome {
    /// Answers a second.
    pub rate: f64,
    /// Seconds that the median request took, and the slowest but one of a hundred.
    pub p50: f64,
    pub p99: f64,
}

/// One answer.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        Self { stream, read: Vec::with_capacity(65_536) }
    }

    /// Sends a request; answers where the body begins in what was read, and all that was read is in `self.read`.
    async fn exchange(&mut self, request: &[u8]) -> usize {
        self.stream.write_all(request).await.expect("the server reads");
        self.read.clear();
        let mut body = None;
        loop {
            if body.is_none() {
                body = self.read.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
            }
            if let Some(body) = body
                && self.read.len() >= body + length(&self.read[..body])
            {
                return body;
            }
            assert_ne!(self.stream.read_buf(&mut self.read).await.expect("an answer"), 0, "the server hung up");
        }
    }

    fn status(&self) -> &str {
        self.read.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or_default()
    }
}

/// The announced length of a body: every page and answer of ours has one.
fn length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_lowercase();
    let after = head.split("content-length:").nth(1).and_then(|rest| rest.lines().next());
    after.and_then(|digits| digits.trim().parse().ok()).unwrap_or(0)
}

/// Runs `work` on a thread of its own making.
fn on_runtime<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

/// One request and its answer.
pub fn once(address: SocketAddr, request: &[u8]) -> Answer {
    on_runtime(async {
        let mut connection = Connection::open(address).await;
        let body = connection.exchange(request).await;
        let status = connection.status().parse().expect("a status");
        let head = String::from_utf8_lossy(&connection.read[..body]).into_owned();
        Answer { status, head, body: connection.read.split_off(body) }
    })
}

/// Sends each of `requests` over and over on a connection of its own, for `span` after a short warm-up.
pub fn run(address: SocketAddr, requests: &[Vec<u8>], span: Duration) -> Outcome {
    on_runtime(async {
        let begin = Instant::now() + span / 8;
        let spawn = |request: &Vec<u8>| tokio::spawn(repeat(address, request.clone(), begin, span));
        let tasks: Vec<_> = requests.iter().map(spawn).collect();
        let mut taken: Vec<f64> = Vec::new();
        for task in tasks {
            taken.extend(task.await.expect("the connection lives"));
        }
        taken.sort_by(f64::total_cmp);
        let at = |share: f64| taken.get((taken.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN);
        Outcome { rate: taken.len() as f64 / span.as_secs_f64(), p50: at(0.5), p99: at(0.99) }
    })
}

/// The seconds that each request took which was answered between `begin` and `begin` plus `span`.
async fn repeat(address: SocketAddr, request: Vec<u8>, begin: Instant, span: Duration) -> Vec<f64> {
    let mut connection = Connection::open(address).await;
    let mut taken = Vec::with_capacity(65_536);
    loop {
        let asked = Instant::now();
        let body = connection.exchange(&request).await;
        let now = Instant::now();
        let status = connection.status();
        let text = || String::from_utf8_lossy(&connection.read[body..]).into_owned();
        assert!(status.starts_with('2'), "the server answered {status}: {}", text());
        if now >= begin + span {
            return taken;
        }
        if now >= begin {
            taken.push((now - asked).as_secs_f64());
        }
    }
}
