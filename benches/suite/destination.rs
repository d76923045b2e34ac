//! A recipient's mail server on loopback, as quick as it is told to be. It tells of every message when it arrived.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// What it does about a recipient.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    /// Takes them at once.
    Swift,
    /// Takes them after this long.
    Slow(Duration),
    /// Says that they should be tried later.
    Deferring,
}

/// Serves until the benchmarks end.
pub struct Destination {
    pub port: u16,
    /// The recipient of each message, and when its last line was here.
    pub arrived: Receiver<(String, Instant)>,
    asked: Arc<AtomicUsize>,
}

impl Destination {
    pub fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let (arrivals, arrived) = channel();
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let session = Session { manner, arrivals: arrivals.clone(), asked: Arc::clone(&counted) };
                // A sender may hang up whenever it likes.
                std::thread::spawn(move || drop(session.serve(stream)));
            }
        });
        Self { port, arrived, asked }
    }

    /// How many recipients were named so far.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

struct Session {
    manner: Manner,
    arrivals: Sender<(String, Instant)>,
    asked: Arc<AtomicUsize>,
}

impl Session {
    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut lines = BufReader::new(stream.try_clone()?).split(b'\n');
        let mut recipient = String::new();
        stream.write_all(b"220 destination.example\r\n")?;
        while let Some(line) = lines.next().transpose()? {
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let reply = match line.get(..4).unwrap_or_default().to_ascii_uppercase().as_str() {
                "RCPT" => {
                    recipient = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                    self.recipient()
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n")?;
                    while lines.next().transpose()?.is_some_and(|line| line != b".\r") {}
                    drop(self.arrivals.send((std::mem::take(&mut recipient), Instant::now())));
                    "250 2.0.0 taken"
                }
                "QUIT" => return stream.write_all(b"221 2.0.0 goodbye\r\n"),
                _ => "250 2.0.0 so be it",
            };
            stream.write_all(format!("{reply}\r\n").as_bytes())?;
        }
        Ok(())
    }

    fn recipient(&self) -> &'static str {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match self.manner {
            Manner::Swift => {}
            Manner::Slow(time) => std::thread::sleep(time),
            Manner::Deferring => return "450 4.2.0 later",
        }
        "250 2.1.5 go on"
    }
}
