//! A mail server of our own that answers a message with any bytes: no program that others wrote says such things.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// By recipient.
type ByRecipient<T> = Arc<Mutex<HashMap<String, T>>>;

/// The running server; gone on drop.
pub struct OddServer {
    pub port: u16,
    answers: ByRecipient<Vec<u8>>,
    copies: ByRecipient<usize>,
    task: JoinHandle<()>,
}

impl Drop for OddServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl OddServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let (answers, copies) = (ByRecipient::default(), ByRecipient::default());
        let (said, counted) = (Arc::clone(&answers), Arc::clone(&copies));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, Arc::clone(&said), Arc::clone(&counted)));
            }
        });
        Self { port, answers, copies, task }
    }

    /// What the end of a message to `recipient` is answered with, line end and all.
    pub fn answer(&self, recipient: &str, bytes: &[u8]) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(recipient.to_owned(), bytes.to_vec());
    }

    /// How many messages to `recipient` came here.
    pub fn copies(&self, recipient: &str) -> usize {
        self.copies.lock().unwrap_or_else(PoisonError::into_inner).get(recipient).copied().unwrap_or(0)
    }
}

/// One conversation; who is gone is gone.
async fn talk(mut stream: TcpStream, answers: ByRecipient<Vec<u8>>, copies: ByRecipient<usize>) -> Option<()> {
    let (read, mut write) = stream.split();
    let (mut read, mut recipient) = (BufReader::new(read), String::new());
    write.write_all(b"220 odd\r\n").await.ok()?;
    loop {
        let line = line(&mut read).await?;
        let reply = match line.get(..4).unwrap_or_default() {
            "EHLO" => b"250-odd\r\n250-PIPELINING\r\n250 8BITMIME\r\n".to_vec(),
            "RCPT" => {
                recipient = line.trim_start_matches("RCPT TO:<").trim_end_matches('>').to_owned();
                b"250 2.1.5 ok\r\n".to_vec()
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await.ok()?;
                while self::line(&mut read).await? != "." {}
                *copies.lock().unwrap_or_else(PoisonError::into_inner).entry(recipient.clone()).or_default() += 1;
                let answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
                answers.get(&recipient).cloned().unwrap_or_else(|| b"250 2.0.0 ok\r\n".to_vec())
            }
            _ => b"250 2.0.0 ok\r\n".to_vec(),
        };
        write.write_all(&reply).await.ok()?;
    }
}

/// The next line without its end; nothing at the end of the connection.
async fn line(read: &mut BufReader<impl AsyncRead + Unpin>) -> Option<String> {
    let mut line = Vec::new();
    // Longer lines are none of ours.
    let count = read.take(1 << 20).read_until(b'\n', &mut line).await.ok()?;
    (count > 0).then(|| String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
}
