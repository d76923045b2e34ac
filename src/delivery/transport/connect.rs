//! Opening a connection to a relay: TCP, TLS as configured, EHLO, AUTH.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::line_stream::LineStream;
use super::{RelayConfig, TlsMode};

/// How long one address of a relay may take to accept, before the next is tried.
const EACH_ADDRESS: Duration = Duration::from_secs(15);

/// Opens connections, keeping the TLS settings of each host: reading the system's certificates is slow.
#[derive(Default)]
pub(super) struct Connector {
    roots: Vec<Certificate>,
    tls: Mutex<HashMap<(String, bool), TlsParameters>>,
}

/// Why there is no connection, in words for the operator.
#[derive(Debug)]
pub(super) struct NotConnected(String);

impl NotConnected {
    pub(super) fn new(config: &RelayConfig, why: impl fmt::Display) -> Self {
        Self(format!("The relay {}:{} could not be used: {why}", config.host, config.port))
    }
}

impl fmt::Display for NotConnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Connector {
    pub(super) fn new(roots: Vec<Certificate>) -> Self {
        Self { roots, tls: Mutex::default() }
    }

    /// A connection on which MAIL may follow.
    pub(super) async fn connect(&self, to: &RelayConfig) -> Result<AsyncSmtpConnection, NotConnected> {
        let mut connection = match to.tls {
            TlsMode::None => open(to).await?,
            TlsMode::Implicit => self.open_encrypted(to).await.map_err(|err| NotConnected::new(to, err))?,
            TlsMode::StartTls => self.open_starttls(to).await?,
            TlsMode::Opportunistic => self.open_opportunistic(to).await?,
        };
        if let Some((user, password)) = &to.auth {
            let credentials = Credentials::new(user.clone(), password.clone());
            let signed_in = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await;
            signed_in.map_err(|err| NotConnected::new(to, format_args!("it refused our sign-in ({err})")))?;
        }
        Ok(connection)
    }

    async fn open_encrypted(&self, to: &RelayConfig) -> Result<AsyncSmtpConnection, Error> {
        let tls = Some(self.parameters(to, true)?);
        AsyncSmtpConnection::connect_tokio1((to.host.as_str(), to.port), Some(EACH_ADDRESS), &hello(to), tls, None)
            .await
    }

    async fn open_starttls(&self, to: &RelayConfig) -> Result<AsyncSmtpConnection, NotConnected> {
        let mut connection = open(to).await?;
        if !connection.can_starttls() {
            return Err(NotConnected::new(to, "it offers no STARTTLS, which the settings ask for"));
        }
        let tls = self.parameters(to, true).map_err(|err| NotConnected::new(to, err))?;
        let upgraded = connection.starttls(tls, &hello(to)).await;
        upgraded.map_err(|err| NotConnected::new(to, format_args!("TLS failed ({err})")))?;
        Ok(connection)
    }

    /// TLS where it works, plain text where it does not (RFC 7435).
    async fn open_opportunistic(&self, to: &RelayConfig) -> Result<AsyncSmtpConnection, NotConnected> {
        let mut connection = open(to).await?;
        if !connection.can_starttls() {
            return Ok(connection);
        }
        let tls = self.parameters(to, false).map_err(|err| NotConnected::new(to, err))?;
        match connection.starttls(tls, &hello(to)).await {
            Ok(()) => Ok(connection),
            Err(_) => open(to).await,
        }
    }

    fn parameters(&self, to: &RelayConfig, verified: bool) -> Result<TlsParameters, Error> {
        let mut known = self.tls.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (to.host.clone(), verified);
        if let Some(parameters) = known.get(&key) {
            return Ok(parameters.clone());
        }
        let mut builder = TlsParameters::builder(to.host.clone())
            .dangerous_accept_invalid_certs(!verified)
            .dangerous_accept_invalid_hostnames(!verified);
        for root in &self.roots {
            builder = builder.add_root_certificate(root.clone());
        }
        let parameters = builder.build()?;
        known.insert(key, parameters.clone());
        Ok(parameters)
    }
}

/// An unencrypted connection, after EHLO.
async fn open(to: &RelayConfig) -> Result<AsyncSmtpConnection, NotConnected> {
    let stream = dial(to).await.map_err(|err| NotConnected::new(to, err))?;
    let connected = AsyncSmtpConnection::connect_with_transport(Box::new(LineStream::new(stream)), &hello(to)).await;
    connected.map_err(|err| NotConnected::new(to, err))
}

/// The first address of the relay that takes a connection.
async fn dial(to: &RelayConfig) -> io::Result<TcpStream> {
    let mut failure = io::Error::other("the name has no address");
    for address in lookup_host((to.host.as_str(), to.port)).await? {
        match timeout(EACH_ADDRESS, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // A message and its final dot are two writes: Nagle would hold the second for 40 ms.
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Ok(Err(err)) => failure = err,
            Err(_) => failure = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(failure)
}

fn hello(to: &RelayConfig) -> ClientId {
    ClientId::Domain(to.local_name.clone())
}
