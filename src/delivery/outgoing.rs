//! From a claimed message to what goes on the wire: bytes, signature, envelope and the way it leaves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

use super::dkim::Signer;
use super::known::Known;
use super::route::{Way, way};
use super::transport::Envelope;
use super::wire;
use crate::actions::{ActionError, ActionResult, build_message, return_path};
use crate::app::App;
use crate::models::domains::Domain;
use crate::models::messages::Message;
use crate::secrets::{DkimKey, SecretKeys};

/// Signers kept; a node that serves more domains than this starts over.
const SIGNERS: usize = 10_000;

/// A message ready to leave.
pub struct Outgoing {
    pub envelope: Envelope,
    pub bytes: Vec<u8>,
    pub way: Way,
}

/// Opened keys by domain, so that a key is unsealed and parsed once and not for every message.
#[derive(Default)]
pub struct Signers(Mutex<HashMap<Vec<u8>, Signer>>);

/// Makes `message`, one of those that `known` was read for, ready. `None` when its account came on hold since it was
/// claimed. Blocks: builds and signs.
///
/// # Errors
/// `Internal` with what is missing or broken; trying again later may help.
pub fn prepare(
    app: &App,
    signers: &Signers,
    known: &Known,
    message: &Message,
    now: DateTime<Utc>,
) -> ActionResult<Option<Outgoing>> {
    let Some(about) = known.of(message)? else { return Ok(None) };
    let raw = build_message::raw(message, about.content, about.attachments)?;
    let host = return_path::host(about.domain, &app.config.platform);
    let mut marked = return_path::headers(&app.services.secrets, message, &host, &raw).into_bytes();
    marked.extend_from_slice(&raw);
    let raw = wire::to_crlf(&marked);
    let signer = signers.of(about.domain, &app.services.secrets)?;
    let mut bytes =
        signer.sign(&raw, now.timestamp()).map_err(|error| ActionError::Internal(format!("not signed: {error}")))?;
    bytes.extend_from_slice(&raw);
    let mail_from = return_path::bounce_address(&app.services.secrets, message.id, &host);
    let envelope = Envelope { mail_from, rcpt_to: message.recipient.clone() };
    let way = way(about.transport, &app.config, &app.services.secrets)?;
    Ok(Some(Outgoing { envelope, bytes, way }))
}

impl Signers {
    fn of(&self, domain: &Domain, keys: &SecretKeys) -> ActionResult<Signer> {
        let mut name = domain.dkim_private_sealed.clone();
        name.extend_from_slice(domain.active_selector.as_bytes());
        if let Some(signer) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&name) {
            return Ok(signer.clone());
        }
        let broken = |error: &dyn std::fmt::Display| {
            ActionError::Internal(format!("the DKIM key of {} cannot be used: {error}", domain.name))
        };
        let der = keys.open("dkim", &domain.dkim_private_sealed).map_err(|error| broken(&error))?;
        let key = DkimKey::from_pkcs8_der(&der).map_err(|error| broken(&error))?;
        let signer = Signer::new(Arc::new(key), &domain.name, &domain.active_selector);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= SIGNERS {
            known.clear();
        }
        known.insert(name, signer.clone());
        Ok(signer)
    }
}
