//! What may be said about a transport, and what of it fits together: hosts that may be connected to, passwords that go
//! only where they were meant to.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::{ActionError, ActionResult, Services};
use crate::domain::domain_name::DomainName;
use crate::domain::text::TransportName;
use crate::domain::transport::{MOST_CONNECTIONS, MOST_PER_SECOND, RelayHost, Tls, TransportKind};
use crate::models::transports::Transport;

/// The context that passwords are sealed with.
pub const CONTEXT: &str = "transport";

/// What is said about a transport; `None` keeps what there is.
#[derive(Clone, Default)]
pub struct TransportChanges {
    pub name: Option<TransportName>,
    pub kind: Option<TransportKind>,
    pub host: Option<RelayHost>,
    pub port: Option<u16>,
    pub tls: Option<Tls>,
    /// Empty signs in nowhere.
    pub username: Option<String>,
    /// `None` keeps the one there is, while host, port and user stay and the encryption gets no weaker.
    pub password: Option<String>,
    pub source_ip: Option<Option<IpAddr>>,
    pub helo: Option<Option<DomainName>>,
    /// 0 is no limit, as below.
    pub max_connections: Option<i32>,
    pub messages_per_second: Option<i32>,
    /// Whether accounts without a choice of their own use it.
    pub default: Option<bool>,
}

/// The row as the changes make it. `before` is the row there is; `base` is it too, or a fresh one.
pub(super) fn applied(
    services: &Services,
    before: Option<&Transport>,
    base: &Transport,
    changes: &TransportChanges,
) -> ActionResult<Transport> {
    let kind = changes.kind.map_or_else(|| TransportKind::parse(&base.kind), Ok);
    let kind = kind.map_err(|refusal| ActionError::invalid("kind", refusal.message()))?;
    let name = changes.name.as_ref().map_or(base.name.as_str(), TransportName::as_str).to_owned();
    if name.is_empty() {
        return Err(ActionError::invalid("name", "Enter a name."));
    }
    let row = Transport {
        name,
        kind: kind.as_str().into(),
        max_connections: limit("max_connections", changes.max_connections, base.max_connections, MOST_CONNECTIONS)?,
        messages_per_second: limit(
            "messages_per_second",
            changes.messages_per_second,
            base.messages_per_second,
            MOST_PER_SECOND,
        )?,
        source_ip: optional(&changes.source_ip, &base.source_ip),
        helo: optional(&changes.helo, &base.helo),
        ..base.clone()
    };
    match kind {
        TransportKind::Relay => relay(services, before, row, changes),
        TransportKind::Direct | TransportKind::Mailbox if says_relay(changes) => {
            Err(ActionError::invalid("host", "Only a relay has a host, a user and a password."))
        }
        TransportKind::Direct => Ok(Transport { tls: Tls::Opportunistic.as_str().into(), ..without_relay(row) }),
        TransportKind::Mailbox => Ok(Transport { source_ip: String::new(), helo: String::new(), ..without_relay(row) }),
    }
}

fn relay(
    services: &Services,
    before: Option<&Transport>,
    mut row: Transport,
    changes: &TransportChanges,
) -> ActionResult<Transport> {
    if let Some(host) = &changes.host {
        row.host = host.as_str().to_owned();
    }
    if row.host.is_empty() {
        return Err(ActionError::invalid("host", "Enter the server's name, for example smtp.example.com."));
    }
    if !services.destinations.admit(&row.host) {
        let text = format!("{} is on a private network or this machine: the operator has to allow it first.", row.host);
        return Err(ActionError::invalid("host", text));
    }
    if let Some(port) = changes.port.or((row.port == 0).then_some(587)) {
        row.port = i32::from(port);
    }
    row.tls = changes.tls.map_or(row.tls, |tls| tls.as_str().to_owned());
    if let Some(username) = &changes.username {
        row.username.clone_from(username);
    }
    row.password_sealed = password(services, before, &row, changes.password.as_deref())?;
    Ok(row)
}

fn without_relay(row: Transport) -> Transport {
    Transport {
        host: String::new(),
        port: 0,
        tls: Tls::None.as_str().into(),
        username: String::new(),
        password_sealed: None,
        ..row
    }
}

fn says_relay(changes: &TransportChanges) -> bool {
    let said = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    changes.host.is_some() || said(&changes.username) || said(&changes.password)
}

fn optional<T: ToString>(change: &Option<Option<T>>, base: &str) -> String {
    match change {
        None => base.to_owned(),
        Some(value) => value.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

fn limit(field: &str, change: Option<i32>, base: i32, most: i32) -> ActionResult<i32> {
    let value = change.unwrap_or(base);
    if (0..=most).contains(&value) {
        return Ok(value);
    }
    Err(ActionError::invalid(field, format!("Enter a whole number from 0 (no limit) to {most}.")))
}

/// A kept password goes with the server and user that it is for: it must not be sent to another, nor to whatever
/// listens on another port, nor where more people could read it than before.
fn password(
    services: &Services,
    before: Option<&Transport>,
    row: &Transport,
    typed: Option<&str>,
) -> ActionResult<Option<Vec<u8>>> {
    let typed = typed.filter(|password| !password.is_empty());
    if row.username.is_empty() {
        return match typed {
            Some(_) => Err(ActionError::invalid("username", "Enter the user that this password belongs to.")),
            None => Ok(None),
        };
    }
    if let Some(password) = typed {
        return Ok(Some(services.secrets.seal(CONTEXT, password.as_bytes())));
    }
    let secrecy = |row: &Transport| Tls::parse(&row.tls).map_or(0, Tls::secrecy);
    let kept = before.filter(|old| {
        let same_place = (&old.host, old.port, &old.username) == (&row.host, row.port, &row.username);
        same_place && secrecy(row) >= secrecy(old)
    });
    match kept.and_then(|old| old.password_sealed.clone()) {
        Some(sealed) => Ok(Some(sealed)),
        None => Err(ActionError::invalid("password", "Enter the password of this user on this server.")),
    }
}

/// A transport as the audit shows it: never with its password.
pub fn shown(row: &Transport) -> Value {
    json!({ "name": row.name, "kind": row.kind, "host": row.host, "port": row.port, "tls": row.tls,
            "username": row.username, "password": row.password_sealed.is_some(), "source_ip": row.source_ip,
            "helo": row.helo, "max_connections": row.max_connections,
            "messages_per_second": row.messages_per_second })
}
