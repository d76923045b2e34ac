//! The way a message leaves, from what its account chose or what the configuration says.

use super::transport::gate::Limits;
use super::transport::{DirectConfig, RelayConfig, Route, TlsMode};
use crate::actions::transport_changes::CONTEXT;
use crate::actions::{ActionError, ActionResult};
use crate::config::Config;
use crate::domain::ids::Id;
use crate::domain::transport::{Tls, TransportKind};
use crate::models::transports::Transport;
use crate::secrets::SecretKeys;

/// A route, and what limits it: a transport's own limits are shared by all who use it.
#[derive(Clone, Debug)]
pub struct Way {
    pub route: Route,
    pub limits: Option<(Id, Limits)>,
}

/// The way by `row`, else the configuration's.
///
/// # Errors
/// `Internal` with what cannot be read.
pub fn way(row: Option<&Transport>, config: &Config, keys: &SecretKeys) -> ActionResult<Way> {
    let Some(row) = row else { return Ok(Way { route: config.default_transport.clone(), limits: None }) };
    let limit = |number: i32| u32::try_from(number).unwrap_or(0);
    let limits = Limits { at_once: limit(row.max_connections), per_second: limit(row.messages_per_second) };
    Ok(Way { limits: Some((row.id, limits)), route: route(row, config, keys)? })
}

fn route(row: &Transport, config: &Config, keys: &SecretKeys) -> ActionResult<Route> {
    let local_name = if row.helo.is_empty() { config.host_name.clone() } else { row.helo.clone() };
    let source = match row.source_ip.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|_| broken(row, format!("{text} is not an address")))?),
    };
    match TransportKind::parse(&row.kind).map_err(|refusal| broken(row, refusal.message().to_owned()))? {
        TransportKind::Mailbox => Ok(Route::Mailbox),
        TransportKind::Direct => Ok(Route::Direct(DirectConfig { local_name, source })),
        TransportKind::Relay => Ok(Route::Relay(RelayConfig {
            host: row.host.clone(),
            port: u16::try_from(row.port).map_err(|_| broken(row, format!("{} is not a port", row.port)))?,
            tls: mode(row)?,
            auth: auth(row, keys)?,
            local_name,
            source,
            trusted: false,
        })),
    }
}

fn mode(row: &Transport) -> ActionResult<TlsMode> {
    Ok(match Tls::parse(&row.tls).map_err(|refusal| broken(row, refusal.message().to_owned()))? {
        Tls::None => TlsMode::None,
        Tls::Required => TlsMode::StartTls,
        Tls::Opportunistic => TlsMode::Opportunistic,
        Tls::Implicit => TlsMode::Implicit,
    })
}

fn auth(row: &Transport, keys: &SecretKeys) -> ActionResult<Option<(String, String)>> {
    let password = match &row.password_sealed {
        _ if row.username.is_empty() => return Ok(None),
        None => String::new(),
        Some(sealed) => {
            let opened = keys.open(CONTEXT, sealed).map_err(|error| broken(row, error.to_string()))?;
            String::from_utf8_lossy(&opened).into_owned()
        }
    };
    Ok(Some((row.username.clone(), password)))
}

fn broken(row: &Transport, why: String) -> ActionError {
    ActionError::Internal(format!("the transport {} cannot be used: {why}", row.id))
}
