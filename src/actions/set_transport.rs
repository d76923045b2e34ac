//! Choosing how an account's mail leaves: this installation's way, the mailbox, or a smarthost of its own.
//! The password is sealed; nothing reads it back but delivery.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::audit::{self, Record};
use super::{ActionError, ActionResult, Cx, Services};
use crate::domain::ids::Id;
use crate::domain::smarthost::{Smarthost, Tls};
use crate::models::transports::{self, Transport};
use crate::models::{AnyConnection, accounts};

/// What passwords are sealed for (`SecretKeys::seal`).
pub const SEALED_FOR: &str = "transport";

/// How mail is to leave.
#[derive(Debug)]
pub enum NewTransport {
    /// As the account would without a choice of its own: its parent's way, or this installation's.
    Default,
    /// Kept on this machine.
    Mailbox,
    Smtp {
        smarthost: Smarthost,
        /// `None` keeps the one that is stored, for the same host, port and user.
        password: Option<SecretString>,
    },
}

/// Sets the transport of `account`; what is set already changes nothing.
///
/// # Errors
/// `NotFound` for an account that is not live; `Invalid` for a user without a password, for a stored password that
/// would go to another host, and for one that would go over the wire in clear.
pub fn set_transport(
    conn: &mut AnyConnection,
    cx: &Cx,
    services: &Services,
    account: Id,
    new: &NewTransport,
) -> ActionResult<()> {
    accounts::lock(conn, &[], &[account])?;
    let account = accounts::find(conn, account)?.ok_or(ActionError::NotFound("account"))?;
    let before = transports::find(conn, account.id)?;
    let after = match new {
        NewTransport::Default => None,
        NewTransport::Mailbox => Some(row(account.id, cx, None, None)),
        NewTransport::Smtp { smarthost, password } => {
            let sealed = sealed(services, smarthost, password.as_ref(), before.as_ref())?;
            Some(row(account.id, cx, Some(smarthost), sealed))
        }
    };
    if same(before.as_ref(), after.as_ref()) {
        return Ok(());
    }
    let (action, target) = match &after {
        Some(row) => {
            transports::upsert(conn, row)?;
            ("transport.set", named(row))
        }
        None => {
            transports::delete(conn, account.id)?;
            ("transport.reset", account.name.clone())
        }
    };
    let shown = |row: &Option<Transport>| row.as_ref().map(shown);
    audit::record(conn, cx, &account, Record { action, target, before: shown(&before), after: shown(&after) })
}

/// The password to store. One that is kept stays with the host that it was entered for: whoever may change the host
/// must not learn the password by pointing it at theirs.
fn sealed(
    services: &Services,
    smarthost: &Smarthost,
    password: Option<&SecretString>,
    before: Option<&Transport>,
) -> ActionResult<Option<Vec<u8>>> {
    if smarthost.username.is_empty() {
        return Ok(None);
    }
    if !smarthost.tls.is_verified() {
        return Err(ActionError::invalid(
            "tls",
            "A password only travels over TLS with a verified certificate. Choose STARTTLS or TLS, or leave the user empty.",
        ));
    }
    if let Some(password) = password {
        return Ok(Some(services.secrets.seal(SEALED_FOR, password.expose_secret().as_bytes())));
    }
    let kept = before.filter(|row| {
        row.host == smarthost.host && row.port == i32::from(smarthost.port) && row.username == smarthost.username
    });
    match kept.and_then(|row| row.password_sealed.clone()) {
        Some(sealed) => Ok(Some(sealed)),
        None => Err(ActionError::invalid(
            "password",
            "Enter the password. It is asked again when the host or user changes.",
        )),
    }
}

fn row(account_id: Id, cx: &Cx, smarthost: Option<&Smarthost>, password_sealed: Option<Vec<u8>>) -> Transport {
    Transport {
        account_id,
        kind: if smarthost.is_some() { "smtp" } else { "mailbox" }.to_owned(),
        host: smarthost.map(|smarthost| smarthost.host.clone()).unwrap_or_default(),
        port: smarthost.map_or(0, |smarthost| i32::from(smarthost.port)),
        tls: smarthost.map_or(Tls::None, |smarthost| smarthost.tls).as_str().to_owned(),
        username: smarthost.map(|smarthost| smarthost.username.clone()).unwrap_or_default(),
        password_sealed,
        updated_at: cx.at(),
    }
}

fn same(before: Option<&Transport>, after: Option<&Transport>) -> bool {
    match (before, after) {
        (None, None) => true,
        (Some(before), Some(after)) => *before == Transport { updated_at: before.updated_at, ..after.clone() },
        _ => false,
    }
}

fn named(row: &Transport) -> String {
    if row.kind == "mailbox" { "mailbox".to_owned() } else { format!("{}:{}", row.host, row.port) }
}

/// As the audit shows it: that there is a password, never which.
fn shown(row: &Transport) -> Value {
    if row.kind == "mailbox" {
        return json!({ "transport": "mailbox" });
    }
    let password = if row.password_sealed.is_some() { "set" } else { "none" };
    json!({ "transport": "smtp", "host": row.host, "port": row.port.to_string(), "tls": row.tls, "username": row.username,
            "password": password })
}
