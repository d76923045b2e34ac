//! Opening a connection: TCP, TLS as wanted, EHLO, AUTH.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;

use super::TlsMode;
use super::dial::{EACH_ADDRESS, dial};
use super::line_stream::LineStream;
use super::session::{Session, answer};
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

/// Opens connections, keeping the TLS settings of each host: reading the system's certificates is slow.
#[derive(Default)]
pub(super) struct Connector {
    roots: Vec<Certificate>,
    tls: Mutex<HashMap<(String, bool), TlsParameters>>,
}

/// TLS settings kept; a node that speaks to more hosts than this starts over.
const KEPT: usize = 10_000;

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

    fn refused(why: impl fmt::Display, err: &Error) -> Self {
        Self { why: why.to_string(), reply: answer(err) }
    }
}

impl Connector {
    pub(super) fn new(roots: Vec<Certificate>) -> Self {
        Self { roots, tls: Mutex::default() }
    }

    /// A connection on which MAIL may follow.
    pub(super) async fn connect(&self, to: &Wanted<'_>) -> Result<Session, NotConnected> {
        let mut session = match to.tls {
            TlsMode::None => open(to).await?,
            TlsMode::Implicit => self.open_encrypted(to).await?,
            TlsMode::StartTls => self.open_starttls(to).await?,
            TlsMode::Opportunistic => self.open_opportunistic(to).await?,
        };
        if let Some((user, password)) = to.auth {
            // Before the sign-in, which an EHLO after it could end. It is meant to carry many messages, so that one round
            // trip more is worth it.
            session.learn().await.map_err(|err| NotConnected::refused(&err, &err))?;
            let credentials = Credentials::new(user.clone(), password.clone());
            let signed_in = session.sign_in(&[Mechanism::Plain, Mechanism::Login], &credentials).await;
            signed_in.map_err(|err| NotConnected::new(format_args!("it refused our sign-in ({err})")))?;
        }
        Ok(session)
    }

    async fn open_encrypted(&self, to: &Wanted<'_>) -> Result<Session, NotConnected> {
        let tls = self.parameters(to, true).map_err(NotConnected::new)?;
        let mut failure = NotConnected::new("it has no address of the family of our source address");
        for at in to.addresses.iter().filter(|at| to.source.is_none_or(|source| source.is_ipv4() == at.is_ipv4())) {
            let hello = hello(to);
            let opened =
                AsyncSmtpConnection::connect_tokio1(*at, Some(EACH_ADDRESS), &hello, Some(tls.clone()), to.source);
            match opened.await {
                Ok(connection) => {
                    to.transcript.note(Speaker::Note, &format!("Connected to {at}, encrypted from the first byte."));
                    return Ok(Session::new(connection, to.local_name, to.transcript.clone()).greeted().await);
                }
                Err(err) => failure = NotConnected::refused(&err, &err),
            }
        }
        Err(failure)
    }

    async fn open_starttls(&self, to: &Wanted<'_>) -> Result<Session, NotConnected> {
        let mut session = open(to).await?;
        if !session.can_starttls() {
            return Err(NotConnected::new("it offers no STARTTLS, and nothing may go there in the clear"));
        }
        let tls = self.parameters(to, true).map_err(NotConnected::new)?;
        let upgraded = session.starttls(tls, &hello(to)).await;
        upgraded.map_err(|err| NotConnected::new(format_args!("TLS failed ({err})")))?;
        Ok(session.greeted().await)
    }

    /// TLS where it works, plain text where it does not (RFC 7435).
    async fn open_opportunistic(&self, to: &Wanted<'_>) -> Result<Session, NotConnected> {
        let mut session = open(to).await?;
        if !session.can_starttls() {
            return Ok(session);
        }
        let tls = self.parameters(to, false).map_err(NotConnected::new)?;
        match session.starttls(tls, &hello(to)).await {
            Ok(()) => Ok(session.greeted().await),
            Err(err) => Ok(open(to).await?.in_the_clear(format!("TLS failed ({err})"))),
        }
    }

    fn parameters(&self, to: &Wanted<'_>, verified: bool) -> Result<TlsParameters, Error> {
        let mut known = self.tls.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (to.name.to_owned(), verified);
        if let Some(parameters) = known.get(&key) {
            return Ok(parameters.clone());
        }
        let mut builder = TlsParameters::builder(to.name.to_owned())
            .dangerous_accept_invalid_certs(!verified)
            .dangerous_accept_invalid_hostnames(!verified);
        for root in &self.roots {
            builder = builder.add_root_certificate(root.clone());
        }
        let parameters = builder.build()?;
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(key, parameters.clone());
        Ok(parameters)
    }
}

/// An unencrypted connection, after EHLO.
async fn open(to: &Wanted<'_>) -> Result<Session, NotConnected> {
    let stream = dial(&to.addresses, to.source).await.map_err(NotConnected::new)?;
    if let Ok(at) = stream.peer_addr() {
        to.transcript.note(Speaker::Note, &format!("Connected to {at}."));
    }
    to.transcript.listen(true);
    let stream = Box::new(LineStream::new(stream, to.transcript.clone()));
    let connected = AsyncSmtpConnection::connect_with_transport(stream, &hello(to)).await;
    to.transcript.listen(false);
    let connection = connected.map_err(|err| NotConnected::refused(&err, &err))?;
    Ok(Session::new(connection, to.local_name, to.transcript.clone()))
}

fn hello(to: &Wanted<'_>) -> ClientId {
    ClientId::Domain(to.local_name.to_owned())
}
