//! A connection to an SMTP server, as bytes: commands out, several in one write where they may go together; replies in,
//! whatever a server makes of them. What an answer means for a message is said in `session.rs`.

mod auth;
pub(super) mod offers;
pub(super) mod reply;
mod stream;
pub(super) mod tls;

use std::fmt;
use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use self::reply::{Reader, Reply};
use self::stream::Stream;
use self::tls::Tls;
use crate::domain::foreign;

/// Room for what is read at once: replies are short.
const READ: usize = 1024;
/// Bytes of a message that are written at once.
const PART: usize = 64 * 1024;
/// How long the reply of a server is waited for that stopped taking the message: it was sent before that.
const LAST_WORD: Duration = Duration::from_secs(1);

/// Why there is no reply.
#[derive(Debug)]
pub(super) enum NoReply {
    Lost(io::Error),
    Closed,
    Silent,
    /// It said this before it was asked: no reply can be told from another any more.
    OutOfStep(String),
}

pub(super) struct Connection {
    stream: Stream,
    /// Read, and not yet taken for a reply.
    input: Vec<u8>,
    reader: Reader,
    output: Vec<u8>,
    broken: bool,
}

impl Connection {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self::over(Stream::Plain(socket))
    }

    fn over(stream: Stream) -> Self {
        let (input, output) = (Vec::with_capacity(READ), Vec::new());
        Self { stream, input, reader: Reader::default(), output, broken: false }
    }

    /// Encrypted from the first byte.
    pub(super) async fn encrypted(socket: TcpStream, name: &str, tls: &Tls) -> Result<Self, String> {
        let stream = tls.shake_hands(name, socket, true).await?;
        Ok(Self::over(Stream::Encrypted(Box::new(stream))))
    }

    /// The same connection inside TLS, after a 220 to STARTTLS. Who has sent more than that in the clear, or somebody on
    /// the way, would have it believed inside TLS: then there is none (RFC 3207, section 4.2).
    pub(super) async fn encrypt(self, name: &str, tls: &Tls, verified: bool) -> Result<Self, String> {
        if !self.input.is_empty() {
            return Err("something was put in behind the answer to STARTTLS".into());
        }
        let Stream::Plain(socket) = self.stream else { return Err("it is encrypted already".into()) };
        let stream = tls.shake_hands(name, socket, verified).await?;
        Ok(Self::over(Stream::Encrypted(Box::new(stream))))
    }

    pub(super) const fn is_encrypted(&self) -> bool {
        self.stream.is_encrypted()
    }

    /// Whether it is of no use any more: an answer did not come, had no end, or more came than was asked for.
    pub(super) fn has_broken(&self) -> bool {
        self.broken || !self.input.trim_ascii().is_empty()
    }

    pub(super) async fn command(&mut self, command: &str, within: Duration) -> Result<Reply, NoReply> {
        self.write(command, within).await?;
        self.reply(within).await
    }

    /// Writes commands, each with its CRLF, at once; their replies follow in order.
    pub(super) async fn write(&mut self, commands: &str, within: Duration) -> Result<(), NoReply> {
        self.in_step()?;
        let failed = match timeout(within, self.stream.write(commands.as_bytes())).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => NoReply::Lost(error),
            Err(_) => NoReply::Silent,
        };
        self.broken = true;
        Err(failed)
    }

    /// The next reply. One that never ends, or that its server broke off, is judged by what it said so far.
    pub(super) async fn reply(&mut self, within: Duration) -> Result<Reply, NoReply> {
        self.reply_until(Instant::now() + within).await
    }

    async fn reply_until(&mut self, until: Instant) -> Result<Reply, NoReply> {
        let ended = match timeout_at(until, self.read_on()).await {
            Ok(Ok(reply)) => return Ok(reply),
            Ok(Err(ended)) => ended,
            Err(_) => NoReply::Silent,
        };
        self.broken = true;
        self.reader.so_far().ok_or(ended)
    }

    /// Reads until a reply is there. Cancelled, it goes on where it was.
    async fn read_on(&mut self) -> Result<Reply, NoReply> {
        loop {
            let (used, reply) = self.reader.read(&self.input);
            self.input.drain(..used);
            if let Some(reply) = reply {
                self.broken |= !reply.whole;
                return Ok(reply);
            }
            if self.reader.is_too_much() {
                return Err(NoReply::OutOfStep("no reply, but very much".into()));
            }
            self.input.reserve(READ);
            match self.stream.read(&mut self.input).await {
                Ok(0) => return Err(NoReply::Closed),
                Ok(_) => {}
                Err(error) => return Err(NoReply::Lost(error)),
            }
        }
    }

    /// Writes a message in wire form, with its dots doubled and the final one, and reads the reply, both by `within`.
    /// A server that refuses in the midst of it may close at once: then its last word is looked for.
    pub(super) async fn message(&mut self, message: &[u8], within: Duration) -> Result<Reply, NoReply> {
        self.in_step()?;
        let until = Instant::now() + within;
        match timeout_at(until, self.write_message(message)).await {
            Ok(Ok(())) => self.reply_until(until).await,
            Ok(Err(error)) => {
                self.broken = true;
                match timeout(LAST_WORD, self.read_on()).await {
                    Ok(Ok(reply)) if reply.is_no() => Ok(reply),
                    _ => Err(NoReply::Lost(error)),
                }
            }
            Err(_) => {
                self.broken = true;
                Err(NoReply::Silent)
            }
        }
    }

    async fn write_message(&mut self, message: &[u8]) -> io::Result<()> {
        let mut starts = true;
        let mut parts = message.chunks(PART).peekable();
        loop {
            let part = parts.next().unwrap_or_default();
            self.output.clear();
            double_dots(part, &mut starts, &mut self.output);
            let last = parts.peek().is_none();
            if last {
                self.output.extend_from_slice(if message.ends_with(b"\r\n") { b".\r\n" } else { b"\r\n.\r\n" });
            }
            self.stream.write(&self.output).await?;
            if last {
                return Ok(());
            }
        }
    }

    /// Nothing may have come that nothing asked for. Empty lines are no reply.
    fn in_step(&mut self) -> Result<(), NoReply> {
        let unasked = self.input.trim_ascii();
        if unasked.is_empty() {
            self.input.clear();
            return Ok(());
        }
        self.broken = true;
        Err(NoReply::OutOfStep(foreign::line(unasked, 100)))
    }
}

/// Appends `part` of a message with the dot doubled that a line begins with (RFC 5321, section 4.5.2). `starts` says
/// whether a line begins with it, and then whether one begins behind it.
fn double_dots(part: &[u8], starts: &mut bool, out: &mut Vec<u8>) {
    out.reserve(part.len() + part.len() / 64 + 8);
    for line in part.split_inclusive(|byte| *byte == b'\n') {
        if *starts && line.starts_with(b".") {
            out.push(b'.');
        }
        out.extend_from_slice(line);
        *starts = line.ends_with(b"\n");
    }
}

impl fmt::Display for NoReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(error) => error.fmt(f),
            Self::Closed => f.write_str("it closed the connection"),
            Self::Silent => f.write_str("it did not answer in time"),
            Self::OutOfStep(said) => write!(f, "it answered before it was asked: {said}"),
        }
    }
}
