//! A client that hands in mail, and for which any end of the conversation is an answer: for programs that are killed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Nothing that works takes this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// One conversation. Every method answers `None` where the other side is gone.
pub struct Mailer<S> {
    stream: BufReader<S>,
}

impl Mailer<TcpStream> {
    /// Greeted, and EHLO said.
    pub async fn at(address: SocketAddr) -> Option<Self> {
        let mut mailer = Self { stream: BufReader::new(TcpStream::connect(address).await.ok()?) };
        mailer.reply().await.filter(|code| *code == 220)?;
        mailer.say("EHLO client.test").await.filter(|code| *code == 250)?;
        Some(mailer)
    }

    /// The same inside TLS, signed in by `login`, a whole AUTH command.
    pub async fn signed_in(
        address: SocketAddr,
        tls: &TlsConnector,
        login: &str,
    ) -> Option<Mailer<TlsStream<TcpStream>>> {
        let mut plain = Self::at(address).await?;
        plain.say("STARTTLS").await.filter(|code| *code == 220)?;
        let name = ServerName::try_from("localhost").expect("a name");
        let connected = timeout(PATIENCE, tls.connect(name, plain.stream.into_inner())).await.expect("in time");
        let mut mailer = Mailer { stream: BufReader::new(connected.ok()?) };
        mailer.say("EHLO client.test").await.filter(|code| *code == 250)?;
        mailer.say(login).await.filter(|code| *code == 235)?;
        Some(mailer)
    }
}

/// Trusts this authority alone.
pub fn connector(certificates: &super::certificates::Certificates) -> TlsConnector {
    TlsConnector::from(Arc::new(certificates.client()))
}

impl<S: AsyncRead + AsyncWrite + Unpin> Mailer<S> {
    /// The code of the next whole reply.
    async fn reply(&mut self) -> Option<u16> {
        loop {
            let mut line = String::new();
            let read = timeout(PATIENCE, self.stream.read_line(&mut line)).await.expect("an answer in time");
            if !matches!(read, Ok(1..)) || !line.ends_with("\r\n") {
                return None;
            }
            if line.as_bytes().get(3) == Some(&b' ') {
                return line.get(..3)?.parse().ok();
            }
        }
    }

    async fn put(&mut self, text: &str) -> Option<()> {
        self.stream.write_all(text.as_bytes()).await.ok()?;
        self.stream.flush().await.ok()
    }

    /// The code that a line got.
    pub async fn say(&mut self, line: &str) -> Option<u16> {
        self.put(&format!("{line}\r\n")).await?;
        self.reply().await
    }

    /// Hands in one message (its lines ended by CRLF), its commands as one group or one by one; the code of whatever
    /// refused it, or of its end. What `None` says of it is not known.
    pub async fn hand_in(&mut self, as_one_group: bool, from: &str, to: &str, message: &str) -> Option<u16> {
        let commands = [format!("MAIL FROM:<{from}>"), format!("RCPT TO:<{to}>"), "DATA".to_owned()];
        if as_one_group {
            self.put(&format!("{}\r\n", commands.join("\r\n"))).await?;
        }
        let mut refused = None;
        for command in &commands {
            let code = if as_one_group { self.reply().await? } else { self.say(command).await? };
            if code >= 400 && refused.is_none() {
                refused = Some(code);
                if !as_one_group {
                    break;
                }
            }
        }
        if refused.is_some() {
            // What was taken of it is taken back: the next one begins anew.
            self.say("RSET").await?;
            return refused;
        }
        self.put(&format!("{message}.\r\n")).await?;
        self.reply().await
    }
}
