//! The listener as the world sees it: a mail program that sends reports (smtplib), and bare hands on the connection.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use canopy::actions::return_path;
use canopy::app::App;
use canopy::domain::ids::Id;
use canopy::domain::message::reference::MessageRef;
use canopy::models::messages::{self, Message};
use canopy::models::returned;
use canopy::smtp::{Bound, Limits, Listener, Tls};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::fixtures::About;
use crate::support::app::{Client, TestApp};
use crate::support::mail_program::MailProgram;
use crate::support::smtp_sink::Received;

/// Nothing that works takes this long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running listener; stopped with this value.
pub struct Mx {
    pub address: SocketAddr,
    listener: Option<Listener>,
}

impl Mx {
    pub fn of(app: &TestApp) -> Self {
        Self::with(app, Limits::default())
    }

    pub fn with(app: &TestApp, limits: Limits) -> Self {
        Self::of_node(&app.app, limits)
    }

    /// That of a node without a site.
    pub fn of_node(app: &Arc<App>, limits: Limits) -> Self {
        let bound = Bound::at(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
        let tls = Tls::of(&app.config).expect("a certificate, or none");
        let listener = Listener::start(app, bound.with_tls(tls), limits).expect("it starts");
        Self { address: listener.address, listener: Some(listener) }
    }

    /// Stops it, as the program does at its end.
    pub fn stop(&mut self) {
        if let Some(listener) = self.listener.take() {
            listener.stop();
        }
    }

    /// Sends a message by a mail program; the reply's code, whatever it is.
    pub async fn send(&self, from: Option<&str>, to: &str, raw: Vec<u8>) -> u16 {
        send_to(self.address, from, to, raw).await
    }

    /// A conversation by hand, after its greeting.
    pub async fn talk(&self) -> Talk {
        let mut talk = Talk { stream: TcpStream::connect(self.address).await.expect("it listens") };
        assert!(talk.hear().await.starts_with("220 "));
        talk
    }
}

impl Drop for Mx {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Sends a message by a mail program; the reply's code, 0 when there was none.
pub async fn send_to(address: SocketAddr, from: Option<&str>, to: &str, raw: Vec<u8>) -> u16 {
    MailProgram::at(address).send(from.unwrap_or_default(), &[to], &raw).await.code
}

/// One conversation.
pub struct Talk<S = TcpStream> {
    pub stream: S,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    /// A whole reply, or what came before the connection ended.
    pub async fn hear(&mut self) -> String {
        let mut heard = Vec::new();
        let reading = async {
            let mut byte = [0];
            while let Ok(1) = self.stream.read(&mut byte).await {
                heard.push(byte[0]);
                let last = heard
                    .strip_suffix(b"\r\n")
                    .map(|lines| lines.rsplit(|byte| *byte == b'\n').next().unwrap_or(lines));
                if last.is_some_and(|line| line.get(3) == Some(&b' ')) {
                    break;
                }
            }
        };
        timeout(PATIENCE, reading).await.expect("an answer in time");
        String::from_utf8(heard).expect("ASCII")
    }

    /// Everything until the other side hangs up.
    pub async fn rest(&mut self) -> String {
        let mut heard = Vec::new();
        let read = timeout(PATIENCE, self.stream.read_to_end(&mut heard)).await.expect("it hangs up in time");
        assert!(read.is_ok() || !heard.is_empty(), "{read:?}");
        String::from_utf8_lossy(&heard).into_owned()
    }

    /// Sends bytes as they are.
    pub async fn put(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("it reads");
        // TLS may keep what it was given until it is told that nothing follows.
        self.stream.flush().await.expect("it reads");
    }

    /// Says a line; answers the reply.
    pub async fn say(&mut self, line: &str) -> String {
        self.put(format!("{line}\r\n").as_bytes()).await;
        self.hear().await
    }

    /// Says a line that must get this code.
    pub async fn expect(&mut self, line: &str, code: u16) {
        let reply = self.say(line).await;
        assert!(reply.starts_with(&code.to_string()), "{line}: {reply}");
    }

    /// As far as DATA.
    pub async fn begin(&mut self, to: &str) {
        self.expect("EHLO mx.test", 250).await;
        self.expect("MAIL FROM:<>", 250).await;
        self.expect(&format!("RCPT TO:<{to}>"), 250).await;
        self.expect("DATA", 354).await;
    }
}

/// What a relay took, as reports tell about it.
pub fn about(app: &TestApp, arrived: &Received) -> About {
    let text = arrived.text();
    let header = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).trim().to_owned()
    };
    About {
        return_path: arrived.sender.clone(),
        recipient: arrived.recipients[0].clone(),
        sender: header("From").trim_matches(['<', '>']).to_owned(),
        message_id: header("Message-ID").trim_matches(['<', '>']).to_owned(),
        mark: header("X-Canopy-Id"),
        to: app.app.config.complaint_address.clone(),
    }
}

/// The message that `about` tells of.
pub fn id_of(about: &About) -> Id {
    MessageRef::parse(&about.message_id).expect("an id").id
}

/// A message that never was, as a report about `client` would name it.
pub fn about_id(app: &TestApp, client: &Client, id: Id, recipient: &str) -> About {
    let keys = &app.app.services.secrets;
    let host = &app.app.config.platform.return_path;
    About {
        return_path: return_path::bounce_address(keys, id, host),
        recipient: recipient.into(),
        sender: format!("hello@{}", client.domain),
        message_id: format!("{id}@{}", client.domain),
        mark: return_path::header_mark(keys, id).to_string(),
        to: app.app.config.complaint_address.clone(),
    }
}

pub async fn message(app: &TestApp, id: Id) -> Message {
    app.read(move |conn| Ok(messages::find_many(conn, &[id])?)).await.pop().expect("the message is there")
}

/// Everything that was refused, by reason. Refusals at RCPT are written once a second: call this after `Mx::stop`.
pub async fn refused(app: &TestApp) -> BTreeMap<String, i64> {
    let rows = app.read(|conn| Ok(returned::refused_since(conn, "2000-01-01")?)).await;
    let mut all = BTreeMap::new();
    for (_, reason, count) in rows {
        *all.entry(reason).or_default() += count;
    }
    all
}
