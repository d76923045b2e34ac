//! For tests: an SMTP server that writes down every byte and answers as the test says.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// How much of a message is read by a server that breaks it off, in bytes.
const BEGINNING: usize = 10_000;

/// What to do instead of the usual answer.
pub(super) enum Act {
    Say(&'static str),
    SayAndClose(&'static str),
    Close,
    Silence,
    /// These bytes and no line end of ours.
    Raw(Vec<u8>),
    RawAndClose(Vec<u8>),
    /// These bytes, and nothing more.
    RawAndSilence(Vec<u8>),
    /// Each byte by itself.
    Pieces(Vec<u8>),
    /// These bytes, again and again, until nobody takes them.
    Flood(Vec<u8>),
    /// One of these bytes every now and then.
    Trickle(Vec<u8>),
    /// Asks for the message, says this after the beginning of it, and is gone: what was still on its way is not read.
    BreakOff(&'static str),
}

/// Decides by the number of the connection and the command line; "." stands for the end of a message, "" for the
/// greeting.
type Script = dyn Fn(usize, &str) -> Option<Act> + Send + Sync;

#[derive(Default)]
struct Log {
    connections: usize,
    commands: Vec<String>,
    /// Those of them that had come before the one before was answered.
    together: Vec<String>,
    messages: Vec<Vec<u8>>,
}

pub(super) struct FakeServer {
    pub(super) port: u16,
    log: Arc<Mutex<Log>>,
}

impl FakeServer {
    pub(super) async fn start(script: impl Fn(usize, &str) -> Option<Act> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let log = Arc::<Mutex<Log>>::default();
        let (script, seen): (Arc<Script>, _) = (Arc::new(script), log.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = {
                    let mut log = seen.lock().unwrap();
                    log.connections += 1;
                    log.connections
                };
                let (script, log) = (script.clone(), seen.clone());
                let session = Session { stream, buffer: Vec::new(), number, script, log, goes_on: false };
                tokio::spawn(session.run());
            }
        });
        Self { port, log }
    }

    pub(super) fn connections(&self) -> usize {
        self.log.lock().unwrap().connections
    }

    /// The first word of each command, all connections together.
    pub(super) fn verbs(&self) -> Vec<String> {
        self.log.lock().unwrap().commands.iter().map(|line| first_word(line)).collect()
    }

    pub(super) fn commands(&self) -> Vec<String> {
        self.log.lock().unwrap().commands.clone()
    }

    /// The first word of each command that came before the one before it was answered.
    pub(super) fn together(&self) -> Vec<String> {
        self.log.lock().unwrap().together.iter().map(|line| first_word(line)).collect()
    }

    /// Each message as it came over the wire, dots still doubled, without the final dot.
    pub(super) fn messages(&self) -> Vec<Vec<u8>> {
        self.log.lock().unwrap().messages.clone()
    }
}

fn first_word(line: &str) -> String {
    line.split(' ').next().unwrap_or_default().to_owned()
}

struct Session {
    stream: TcpStream,
    buffer: Vec<u8>,
    number: usize,
    script: Arc<Script>,
    log: Arc<Mutex<Log>>,
    /// It has just asked for the message.
    goes_on: bool,
}

impl Session {
    async fn run(mut self) {
        if !self.answer("", "220 fake ESMTP").await {
            return;
        }
        loop {
            let waited = self.buffer.is_empty();
            let Some(line) = self.read_to(b"\r\n").await else { return };
            let line = String::from_utf8_lossy(&line).into_owned();
            {
                let mut log = self.log.lock().unwrap();
                log.commands.push(line.clone());
                if !waited {
                    log.together.push(line.clone());
                }
            }
            let usual = match line.split(' ').next().unwrap_or_default() {
                "EHLO" => "250-fake\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME",
                "DATA" => "354 go on",
                "STARTTLS" => "220 2.0.0 go on",
                "QUIT" => "221 2.0.0 bye",
                _ => "250 2.0.0 ok",
            };
            if !self.answer(&line, usual).await {
                return;
            }
            if line == "DATA" && self.goes_on {
                let Some(message) = self.read_to(b"\r\n.\r\n").await else { return };
                self.log.lock().unwrap().messages.push(message);
                if !self.answer(".", "250 2.0.0 queued as 1").await {
                    return;
                }
            }
        }
    }

    /// Whether the session goes on.
    async fn answer(&mut self, line: &str, usual: &'static str) -> bool {
        let act = (self.script)(self.number, line).unwrap_or(Act::Say(usual));
        match act {
            Act::Say(text) => self.say(format!("{text}\r\n").as_bytes()).await,
            Act::Raw(bytes) => self.say(&bytes).await,
            Act::SayAndClose(text) => {
                self.say(format!("{text}\r\n").as_bytes()).await;
                self.hang_up().await
            }
            Act::RawAndClose(bytes) => {
                self.say(&bytes).await;
                self.hang_up().await
            }
            Act::Close => false,
            Act::BreakOff(text) => {
                self.say(b"354 go on\r\n").await;
                while self.buffer.len() < BEGINNING && self.stream.read_buf(&mut self.buffer).await.is_ok_and(|n| n > 0)
                {
                }
                self.say(format!("{text}\r\n").as_bytes()).await;
                false
            }
            Act::Silence => std::future::pending().await,
            Act::RawAndSilence(bytes) => {
                self.say(&bytes).await;
                std::future::pending().await
            }
            Act::Pieces(bytes) => {
                for byte in bytes.chunks(1) {
                    self.say(byte).await;
                    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                }
                true
            }
            Act::Flood(bytes) => {
                let many = bytes.repeat(1000);
                while self.say(&many).await {}
                false
            }
            Act::Trickle(bytes) => {
                for byte in bytes.iter().cycle() {
                    if !self.say(&[*byte]).await {
                        break;
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
                false
            }
        }
    }

    /// Reads what is still on its way: closed over that, a connection is reset, and the last word may be lost with it.
    async fn hang_up(&mut self) -> bool {
        if self.stream.shutdown().await.is_ok() {
            while self.stream.read_buf(&mut self.buffer).await.is_ok_and(|count| count > 0) {}
        }
        false
    }

    async fn say(&mut self, bytes: &[u8]) -> bool {
        self.goes_on = bytes.first() == Some(&b'3');
        self.stream.write_all(bytes).await.is_ok()
    }

    /// All up to `end`, which is taken off; None at the end of the stream.
    async fn read_to(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.buffer.windows(end.len()).position(|window| window == end) {
                let line = self.buffer[..at].to_vec();
                self.buffer.drain(..at + end.len());
                return Some(line);
            }
            if self.stream.read_buf(&mut self.buffer).await.ok()? == 0 {
                return None;
            }
        }
    }
}
