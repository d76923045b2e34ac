//! Opening a connection to a relay: TCP, TLS as configured, EHLO, AUTH.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;

use super::{RelayConfig, TlsMode};

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

    /// A connection on which MAIL may follow. `tcp` limits each address tried.
    pub(super) async fn connect(&self, to: &RelayConfig, tcp: Duration) -> Result<AsyncSmtpConnection, NotConnected> {
        let failed = |err: Error| NotConnected::new(to, err);
        let mut connection = match to.tls {
            TlsMode::None => self.open(to, tcp, false).await.map_err(failed)?,
            TlsMode::Implicit => self.open(to, tcp, true).await.map_err(failed)?,
            TlsMode::StartTls => self.open_starttls(to, tcp).await?,
            TlsMode::Opportunistic => self.open_opportunistic(to, tcp).await.map_err(failed)?,
        };
        if let Some((user, password)) = &to.auth {
            let credentials = Credentials::new(user.clone(), password.clone());
            let signed_in = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await;
            signed_in.map_err(|err| NotConnected::new(to, format_args!("it refused our sign-in ({err})")))?;
        }
        Ok(connection)
    }

    async fn open(&self, to: &RelayConfig, tcp: Duration, encrypted: bool) -> Result<AsyncSmtpConnection, Error> {
        let tls = if encrypted { Some(self.parameters(to, true)?) } else { None };
        AsyncSmtpConnection::connect_tokio1((to.host.as_str(), to.port), Some(tcp), &hello(to), tls, None).await
    }

    async fn open_starttls(&self, to: &RelayConfig, tcp: Duration) -> Result<AsyncSmtpConnection, NotConnected> {
        let mut connection = self.open(to, tcp, false).await.map_err(|err| NotConnected::new(to, err))?;
        if !connection.can_starttls() {
            return Err(NotConnected::new(to, "it offers no STARTTLS, which the settings ask for"));
        }
        let tls = self.parameters(to, true).map_err(|err| NotConnected::new(to, err))?;
        let upgraded = connection.starttls(tls, &hello(to)).await;
        upgraded.map_err(|err| NotConnected::new(to, format_args!("TLS failed ({err})")))?;
        Ok(connection)
    }

    /// TLS where it works, plain text where it does not (RFC 7435).
    async fn open_opportunistic(&self, to: &RelayConfig, tcp: Duration) -> Result<AsyncSmtpConnection, Error> {
        let mut connection = self.open(to, tcp, false).await?;
        if !connection.can_starttls() {
            return Ok(connection);
        }
        let tls = self.parameters(to, false)?;
        match connection.starttls(tls, &hello(to)).await {
            Ok(()) => Ok(connection),
            Err(_) => self.open(to, tcp, false).await,
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

fn hello(to: &RelayConfig) -> ClientId {
    ClientId::Domain(to.local_name.clone())
}
