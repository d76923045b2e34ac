//! The submission listeners as clients see them: by hand, and by a mail program (smtplib).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use canopy::actions::create_smtp_credential::{NewSmtpCredential, create_smtp_credential};
use canopy::actions::key_grant::KeyHolder;
use canopy::domain::ids::Id;
use canopy::domain::text::CredentialName;
use canopy::models::messages::{self, Message};
use canopy::smtp::{Bound, Limits, Listener, Tls};
use rustls::pki_types::ServerName;
use secrecy::ExposeSecret as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::returning::mx::Talk;
use crate::support::app::{On, TestApp};
use crate::support::certificates::Certificates;
use crate::support::mail_program::MailProgram;

/// Nothing that works takes this long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running listener; stopped with this value.
pub struct Door {
    pub address: SocketAddr,
    listener: Option<Listener>,
}

fn bound() -> Bound {
    Bound::at(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port")
}

impl Door {
    /// For programs of this machine.
    pub fn trusted(app: &TestApp, account: Id) -> Self {
        let listener = Listener::trusted(&app.app, bound(), account, Limits::of_trusted()).expect("it starts");
        Self { address: listener.address, listener: Some(listener) }
    }

    /// For clients that sign in; the program's options name a certificate.
    pub fn of_clients(app: &TestApp) -> Self {
        Self::with(app, Limits::of_submission())
    }

    pub fn with(app: &TestApp, limits: Limits) -> Self {
        let tls = Tls::of_submission(&app.app.config).expect("it can be used");
        let listener = Listener::submission(&app.app, bound().with_tls(tls), limits).expect("it starts");
        Self { address: listener.address, listener: Some(listener) }
    }

    /// That of a program of its own.
    pub fn of_program(address: &str) -> Self {
        Self { address: address.parse().expect("an address"), listener: None }
    }

    /// A conversation by hand, after its greeting.
    pub async fn talk(&self) -> Talk {
        let mut talk = Talk { stream: TcpStream::connect(self.address).await.expect("it listens") };
        assert!(talk.hear().await.starts_with("220 "));
        talk
    }

    /// One that has begun TLS and said EHLO in it.
    pub async fn secure(&self, certificates: &Certificates) -> Talk<TlsStream<TcpStream>> {
        let mut talk = self.talk().await;
        talk.expect("EHLO client.test", 250).await;
        talk.expect("STARTTLS", 220).await;
        let name = ServerName::try_from("localhost").expect("a name");
        let connected = TlsConnector::from(Arc::new(certificates.client())).connect(name, talk.stream);
        let stream = timeout(PATIENCE, connected).await.expect("in time").expect("TLS");
        let mut talk = Talk { stream };
        talk.expect("EHLO client.test", 250).await;
        talk
    }

    /// A mail program that insists on TLS and signs in.
    pub fn program(&self, certificates: &Certificates, login: &Login, mechanism: &'static str) -> MailProgram {
        let program = MailProgram::at(self.address).insisting_on_tls(Some(certificates.path("ca.pem")));
        program.signing_in(&login.name, &login.password, mechanism)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if let Some(listener) = self.listener.take() {
            listener.stop();
        }
    }
}

/// Credentials, with their password.
#[derive(Clone, Debug)]
pub struct Login {
    pub id: Id,
    pub name: String,
    pub password: String,
}

impl Login {
    /// For every domain of the account.
    pub async fn of(app: &TestApp, account: Id) -> Self {
        Self::made(app, account, false, None).await
    }

    pub async fn made(app: &TestApp, account: Id, sandbox: bool, domains: Option<Vec<String>>) -> Self {
        let name = CredentialName::parse("Mail program").expect("a name");
        let new = NewSmtpCredential { name, sandbox, domains };
        let made = app.write(move |conn, cx| create_smtp_credential(conn, cx, KeyHolder::Own(account), &new)).await;
        Self {
            id: made.credential.id,
            name: made.credential.username,
            password: made.password.expose_secret().to_owned(),
        }
    }

    /// The command that signs in at once.
    pub fn plain(&self) -> String {
        format!("AUTH PLAIN {}", STANDARD.encode(format!("\0{}\0{}", self.name, self.password)))
    }
}

/// A program whose options name `certificates`.
pub async fn program(on: On, certificates: &Certificates) -> Option<TestApp> {
    TestApp::start_with(on, |settings| {
        settings.set("submission_tls_cert", certificates.path("cert.pem").display().to_string());
        settings.set("submission_tls_key", certificates.path("key.pem").display().to_string());
    })
    .await
}

/// A message of `from`, its lines ended by CRLF.
pub fn letter(from: &str) -> String {
    format!("From: Ann <{from}>\r\nTo: you@example.org\r\nSubject: Hello\r\n\r\nHello there\r\n")
}

/// The names that certificates are for.
pub const NAMES: &str = "DNS:localhost,IP:127.0.0.1";

/// Hands in one message on a conversation that was greeted; the last reply.
pub async fn hand_in<S>(talk: &mut Talk<S>, from: &str, to: &[&str], message: &str) -> String
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    talk.expect(&format!("MAIL FROM:<{from}>"), 250).await;
    for to in to {
        talk.expect(&format!("RCPT TO:<{to}>"), 250).await;
    }
    talk.expect("DATA", 354).await;
    talk.say(&format!("{message}.")).await
}

/// All messages of an account, the newest first.
pub async fn messages_of(app: &TestApp, account: Id) -> Vec<Message> {
    let filter = messages::Filter::default();
    app.read(move |conn| Ok(messages::page(conn, account, &filter, None, false, 10_000)?)).await
}
