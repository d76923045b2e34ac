//! Opening a connection: TCP, TLS as wanted, EHLO, AUTH.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use rustls::pki_types::CertificateDer;
use tokio::time::timeout;

use super::TlsMode;
use super::connection::Connection;
use super::connection::reply::Reply;
use super::connection::tls::Tls;
use super::dial::{EACH_ADDRESS, dial};
use super::session::Session;
use super::transcript::Transcript;
use crate::domain::conversation::Speaker;

/// What is to be opened.
pub(super) struct Wanted<'a> {
    /// Whose certificate is expected.
    pub(super) name: &'a str,
    /// Tried in order until one takes the connection.
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) tls: TlsMode,
    pub(super) auth: Option<&'a (String, String)>,
    /// The name we give in EHLO.
    pub(super) local_name: &'a str,
    pub(super) source: Option<IpAddr>,
    pub(super) transcript: Transcript,
}

/// Opens connections, all by the same TLS settings.
pub(super) struct Connector {
    tls: Tls,
}

/// Why there is no connection, in words for the operator.
#[derive(Debug)]
pub(super) struct NotConnected {
    pub(super) why: String,
    /// What the server said, where it was the server that said no.
    pub(super) reply: Option<(u16, String)>,
}

impl NotConnected {
    pub(super) fn new(why: impl fmt::Display) -> Self {
        Self { why: why.to_string(), reply: None }
    }

    /// The server said no, or what is no answer.
    pub(super) fn refused(reply: &Reply) -> Self {
        let text = reply.text();
        Self { why: format!("{} {text}", reply.code), reply: Some((reply.code, text)) }
    }

    fn because(self, what: &str) -> Self {
        Self::new(format_args!("{what} ({})", self.why))
    }
}

impl Connector {
    /// Trusts `roots` beside the system's certificates.
    pub(super) fn new(roots: Vec<CertificateDer<'static>>) -> Self {
        Self { tls: Tls::new(roots) }
    }

    /// A connection on which MAIL may follow.
    pub(super) async fn connect(&self, to: &Wanted<'_>) -> Result<Session, NotConnected> {
        let mut session = match to.tls {
            TlsMode::None => open(to).await?,
            TlsMode::Implicit => self.open_encrypted(to).await?,
            TlsMode::StartTls => self.open_starttls(to).await?,
            TlsMode::Opportunistic => self.open_opportunistic(to).await?,
        };
        if let Some(user) = to.auth {
            session.sign_in(user).await.map_err(|why| why.because("it refused our sign-in"))?;
        }
        Ok(session)
    }

    async fn open_encrypted(&self, to: &Wanted<'_>) -> Result<Session, NotConnected> {
        let mut failure = NotConnected::new("it has no address of the family of our source address");
        for at in to.addresses.iter().filter(|at| to.source.is_none_or(|source| source.is_ipv4() == at.is_ipv4())) {
            match self.encrypted(to, *at).await {
                Ok(session) => return Ok(session),
                Err(why) => failure = why,
            }
        }
        Err(failure)
    }

    /// TLS from the first byte at this address.
    async fn encrypted(&self, to: &Wanted<'_>, at: SocketAddr) -> Result<Session, NotConnected> {
        let stream = dial(&[at], to.source).await.map_err(NotConnected::new)?;
        let late = |_| NotConnected::new("it did not shake hands in time");
        let connection =
            timeout(EACH_ADDRESS, Connection::encrypted(stream, to.name, &self.tls)).await.map_err(late)?;
        let connection = connection.map_err(|why| NotConnected::new(format_args!("TLS failed ({why})")))?;
        to.transcript.note(Speaker::Note, &format!("Connected to {at}, encrypted from the first byte."));
        Session::begin_on(connection, to.local_name, to.transcript.clone()).await
    }

    async fn open_starttls(&self, to: &Wanted<'_>) -> Result<Session, NotConnected> {
        let session = open(to).await?;
        if !session.can_starttls() {
            return Err(NotConnected::new("it offers no STARTTLS, and nothing may go there in the clear"));
        }
        session.starttls(to.name, &self.tls, true).await.map_err(|why| why.because("TLS failed"))
    }

    /// TLS where it works, plain text where it does not (RFC 7435).
    async fn open_opportunistic(&self, to: &Wanted<'_>) -> Result<Session, NotConnected> {
        let session = open(to).await?;
        if !session.can_starttls() {
            return Ok(session);
        }
        match session.starttls(to.name, &self.tls, false).await {
            Ok(session) => Ok(session),
            Err(failed) => Ok(open(to).await?.in_the_clear(failed.because("TLS failed").why)),
        }
    }
}

/// An unencrypted connection, after EHLO.
async fn open(to: &Wanted<'_>) -> Result<Session, NotConnected> {
    let stream = dial(&to.addresses, to.source).await.map_err(NotConnected::new)?;
    if let Ok(at) = stream.peer_addr() {
        to.transcript.note(Speaker::Note, &format!("Connected to {at}."));
    }
    Session::begin_on(Connection::new(stream), to.local_name, to.transcript.clone()).await
}
