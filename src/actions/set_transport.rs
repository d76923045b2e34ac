//! How an account's mail leaves: a smarthost of its own, or again what its parent (or this installation) uses.

use serde_json::{Value, json};

use super::audit::{self, Record};
use super::{ActionError, ActionResult, Cx, Services};
use crate::domain::domain_name::DomainName;
use crate::domain::ids::Id;
use crate::domain::refusal::Refusal;
use crate::models::transports::{self, Transport};
use crate::models::{AnyConnection, accounts};

/// The context that passwords are sealed with.
pub const CONTEXT: &str = "transport";

/// When the connection to a smarthost is encrypted: the stored word, its name, and what it means.
pub const TLS_MODES: [(&str, &str, &str); 4] = [
    ("starttls", "STARTTLS", "Encrypted with a verified certificate, or nothing is sent. Usual on port 587."),
    ("implicit", "TLS from the first byte", "With a verified certificate. Usual on port 465."),
    ("opportunistic", "STARTTLS where offered", "Whatever the certificate, and in the clear where it is not offered."),
    ("none", "None", "In the clear: only for a server on the same network."),
];

/// A host to connect to: a name, or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayHost(String);

impl RelayHost {
    /// Reads a name such as `smtp.example.com`, a single label such as `mailhost`, or an IP address.
    ///
    /// # Errors
    /// A sentence for whoever typed it.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        let label = !text.is_empty()
            && text.len() <= 63
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !text.starts_with('-');
        if text.parse::<std::net::IpAddr>().is_ok() || label {
            return Ok(Self(text.to_ascii_lowercase()));
        }
        DomainName::parse(text)
            .map(|name| Self(name.into()))
            .map_err(|_| Refusal::new("Enter the server's name, for example smtp.example.com, without a port."))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A smarthost as somebody enters it.
pub struct NewRelay {
    pub host: RelayHost,
    pub port: u16,
    /// One of `TLS_MODES`.
    pub tls: String,
    /// Empty signs in nowhere.
    pub username: String,
    /// `None` keeps the one there is, while host, port and user stay and the encryption gets no weaker.
    pub password: Option<String>,
}

/// Gives `account` a smarthost of its own.
///
/// # Errors
/// `NotFound` for a deleted account, `Invalid` for a mode that is none, or a password that would be lost.
pub fn set_transport(
    conn: &mut AnyConnection,
    cx: &Cx,
    services: &Services,
    account: Id,
    new: &NewRelay,
) -> ActionResult<Transport> {
    accounts::lock(conn, &[], &[account])?;
    let account = accounts::find(conn, account)?.ok_or(ActionError::NotFound("account"))?;
    if !TLS_MODES.iter().any(|(mode, ..)| *mode == new.tls) {
        return Err(ActionError::invalid("tls", "Choose when the connection is encrypted."));
    }
    let before = transports::find(conn, account.id)?;
    let row = Transport {
        account_id: account.id,
        kind: "smtp".into(),
        host: new.host.as_str().to_owned(),
        port: i32::from(new.port),
        tls: new.tls.clone(),
        username: new.username.clone(),
        password_sealed: password(services, before.as_ref(), new)?,
        updated_at: cx.at(),
    };
    transports::upsert(conn, &row)?;
    let target = format!("{}:{}", row.host, row.port);
    let record =
        Record { action: "transport.set", target, before: before.as_ref().map(shown), after: Some(shown(&row)) };
    audit::record(conn, cx, &account, record)?;
    Ok(row)
}

/// A kept password goes with the server and user that it is for: it must not be sent to another, nor to whatever
/// listens on another port, nor where more people could read it than before.
fn password(services: &Services, before: Option<&Transport>, new: &NewRelay) -> ActionResult<Option<Vec<u8>>> {
    if new.username.is_empty() {
        return match new.password {
            Some(_) => Err(ActionError::invalid("username", "Enter the user that this password belongs to.")),
            None => Ok(None),
        };
    }
    if let Some(password) = &new.password {
        return Ok(Some(services.secrets.seal(CONTEXT, password.as_bytes())));
    }
    let kept = before.filter(|row| {
        let same_place = row.host == new.host.as_str() && row.port == i32::from(new.port);
        same_place && row.username == new.username && secrecy(&new.tls) >= secrecy(&row.tls)
    });
    match kept.and_then(|row| row.password_sealed.clone()) {
        Some(sealed) => Ok(Some(sealed)),
        None => Err(ActionError::invalid("password", "Enter the password of this user on this server.")),
    }
}

/// How well a mode keeps a password to the server it is meant for: 2 is encrypted for a verified server, 0 in the clear.
fn secrecy(tls: &str) -> u8 {
    match tls {
        "starttls" | "implicit" => 2,
        "opportunistic" => 1,
        _ => 0,
    }
}

/// Takes the own smarthost away; without one nothing changes.
///
/// # Errors
/// `NotFound` for a deleted account.
pub fn reset_transport(conn: &mut AnyConnection, cx: &Cx, account: Id) -> ActionResult<()> {
    accounts::lock(conn, &[], &[account])?;
    let account = accounts::find(conn, account)?.ok_or(ActionError::NotFound("account"))?;
    let Some(before) = transports::find(conn, account.id)? else { return Ok(()) };
    transports::delete(conn, account.id)?;
    let record =
        Record { action: "transport.reset", target: account.name.clone(), before: Some(shown(&before)), after: None };
    audit::record(conn, cx, &account, record)
}

/// A transport as the audit shows it: never with its password.
fn shown(row: &Transport) -> Value {
    json!({ "host": row.host, "port": row.port, "tls": row.tls, "username": row.username,
            "password": row.password_sealed.is_some() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_a_label_or_an_address_and_nothing_with_a_port() {
        for text in ["smtp.example.com", "mailhost", "127.0.0.1", "::1", "SMTP.Example.com"] {
            assert!(RelayHost::parse(text).is_ok(), "{text}");
        }
        for text in ["", "smtp.example.com:587", "smtp://x.example", "a b", "-x", "x\r\ny"] {
            assert!(RelayHost::parse(text).is_err(), "{text}");
        }
    }
}
