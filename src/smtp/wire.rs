//! The connection: lines in, replies out, each within its time; encrypted from where the client asks for it.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use super::body::{Body, Taken};
use super::limits::Limits;
use super::lines::{Broken, Found, Lines, Next};
use super::reply::Reply;
use super::stream::Stream;

/// Octets read at once.
const CHUNK: usize = 16 * 1024;
/// What is still read of a client that was told to go, so that it gets to see why.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_OCTETS: usize = 1024 * 1024;

/// Why there is no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoLine {
    Broken(Broken),
    Late,
    /// The client hung up, or the network did.
    Gone,
}

pub struct Wire {
    stream: Stream,
    lines: Lines,
    reads: u64,
}

impl Wire {
    pub fn new(stream: TcpStream) -> Self {
        Self { stream: Stream::Plain(stream), lines: Lines::default(), reads: 0 }
    }

    /// Whether the client has said more than was read.
    pub fn has_more(&self) -> bool {
        !self.lines.is_empty()
    }

    /// How often something arrived: what was read between two equal numbers was here already.
    pub fn reads(&self) -> u64 {
        self.reads
    }

    /// Whether TLS has begun.
    pub fn is_encrypted(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    /// Begins TLS; false when the client cannot or is late, and nothing more can be said to it. What came in plain
    /// text is forgotten: whoever is on the way could have put commands there to be taken as the client's own
    /// (CVE-2011-0411).
    pub async fn encrypt(&mut self, acceptor: &TlsAcceptor, deadline: Instant) -> bool {
        self.lines = Lines::default();
        let Stream::Plain(plain) = std::mem::replace(&mut self.stream, Stream::Closed) else { return false };
        let Ok(Ok(encrypted)) = timeout_at(deadline, acceptor.accept(plain)).await else { return false };
        self.stream = Stream::Tls(Box::new(encrypted));
        true
    }

    /// The next line of at most `limit` octets, by `deadline`.
    pub async fn line(&mut self, limit: usize, deadline: Instant) -> Result<Vec<u8>, NoLine> {
        loop {
            match self.lines.next(limit) {
                Next::Line(line) => return Ok(line),
                Next::Broken(broken) => return Err(NoLine::Broken(broken)),
                Next::More => {}
            }
            self.read(deadline).await?;
        }
    }

    /// Hands the lines of a message to `body` until it has enough, each silence within `limits` and all by `ends`.
    pub async fn message(&mut self, body: &mut Body, limits: &Limits, ends: Instant) -> Result<Taken, NoLine> {
        loop {
            match self.lines.find(limits.text_line) {
                Found::Line(line) => match body.take(self.lines.at(line), limits) {
                    Taken::More => {}
                    taken => return Ok(taken),
                },
                Found::Broken(broken) => return Err(NoLine::Broken(broken)),
                Found::More => self.read(ends.min(Instant::now() + limits.silence)).await?,
            }
        }
    }

    async fn read(&mut self, deadline: Instant) -> Result<(), NoLine> {
        let mut chunk = [0; CHUNK];
        match timeout_at(deadline, self.stream.read(&mut chunk)).await {
            Err(_) => Err(NoLine::Late),
            Ok(Err(_) | Ok(0)) => Err(NoLine::Gone),
            Ok(Ok(length)) => {
                self.reads += 1;
                self.lines.push(&chunk[..length]);
                Ok(())
            }
        }
    }

    /// Sends a reply; false when the client did not take it in time.
    pub async fn say(&mut self, reply: &Reply, patience: Duration) -> bool {
        let text = reply.wire();
        let sent = timeout(patience, async {
            self.stream.write_all(text.as_bytes()).await?;
            self.stream.flush().await
        });
        matches!(sent.await, Ok(Ok(())))
    }

    /// Ends the connection so that the last reply arrives: one that closes with unread data is reset.
    pub async fn close(mut self) {
        if self.stream.shutdown().await.is_err() {
            return;
        }
        let mut chunk = [0; CHUNK];
        let mut read = 0;
        let rest = async {
            while read < LINGER_OCTETS {
                match self.stream.read(&mut chunk).await {
                    Ok(0) | Err(_) => break,
                    Ok(length) => read += length,
                }
            }
        };
        // A client that goes on sending is left to itself.
        let _ = timeout(LINGER, rest).await;
    }
}
