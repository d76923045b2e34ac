//! Writing the audit: every state change appends one entry to its parent's chain, in the same transaction.
//!
//! An entry's hash is a MAC under the installation's key over every field and the hash before it, and the head has one of
//! its own: whoever writes the database without the key can neither change, drop nor add an entry, nor cut the end off.
//! Entries of before there were keys have SHA-256 alone; the first signed one pins them.

use serde_json::Value;

use super::context::Cx;
use super::error::ActionResult;
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::accounts::Account;
use crate::models::audit::{self, Entry, Head, Mark};
use crate::secrets::{SecretKeys, sha256};

/// What is signed: a MAC of one is worth nothing as the other.
const ENTRY: &str = "audit entry";
const HEAD: &str = "audit head";

/// What happened, to which account, to what.
pub struct Record<'a> {
    /// `area.verb`, as in `sub_account.suspend`.
    pub action: &'a str,
    /// What a person recognises the target by.
    pub target: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// Appends one entry about `account` to its parent's chain.
///
/// # Errors
/// Only the database's.
pub fn record(conn: &mut AnyConnection, cx: &Cx, account: &Account, record: Record<'_>) -> ActionResult<()> {
    let root = account.root_id();
    let (seq, previous_hash) = audit::lock_head(conn, root)?;
    let mut entry = Entry {
        id: Id::new(cx.now),
        root_id: root,
        seq: seq + 1,
        account_id: account.id,
        at: cx.at(),
        actor_kind: cx.actor.kind.as_str().into(),
        actor_id: cx.actor.id,
        actor_label: cx.actor.label.clone(),
        on_behalf_of: cx.actor.on_behalf_of,
        action: record.action.into(),
        target: record.target,
        before: record.before.map(|value| value.to_string()),
        after: record.after.map(|value| value.to_string()),
        address: cx.actor.address.clone(),
        request_id: cx.actor.request_id.clone(),
        previous_hash,
        hash: Vec::new(),
        key_version: None,
    };
    sign(&cx.keys, &mut entry);
    let mark = mark(&cx.keys, &entry);
    audit::append(conn, root, &[entry], &mark)?;
    Ok(())
}

/// Writes an entry's hash, by the current key.
pub fn sign(keys: &SecretKeys, entry: &mut Entry) {
    let (version, mac) = keys.signed(ENTRY, &bytes(entry));
    entry.key_version = Some(version.into());
    entry.hash = mac.to_vec();
}

/// The mark of a head that ends with `entry`.
#[must_use]
pub fn mark(keys: &SecretKeys, entry: &Entry) -> Mark {
    let (version, tag) = keys.signed(HEAD, &end(entry.root_id, entry.seq, &entry.hash));
    Mark { key_version: version.into(), tag: tag.to_vec() }
}

/// Whether something is as it was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// It is, and by a key.
    Signed,
    /// It is, as far as a digest without a key tells: whoever changed it could have made that anew.
    Unsigned,
    Not,
    /// The key of this version is not configured.
    Unknown(i32),
}

/// Whether an entry's hash is its own.
pub(super) fn holds(keys: Option<&SecretKeys>, entry: &Entry) -> Holds {
    match entry.key_version {
        Some(version) => by_key(keys, version, ENTRY, &bytes(entry), &entry.hash),
        None if sha256(&bytes(entry)) == *entry.hash => Holds::Unsigned,
        None => Holds::Not,
    }
}

/// Whether a head's mark is its own. A head without one is not signed.
pub(super) fn head_holds(keys: Option<&SecretKeys>, head: &Head) -> Holds {
    match (head.key_version, &head.tag) {
        (Some(version), Some(tag)) => by_key(keys, version, HEAD, &end(head.root_id, head.seq, &head.hash), tag),
        (None, None) => Holds::Unsigned,
        _ => Holds::Not,
    }
}

fn by_key(keys: Option<&SecretKeys>, version: i32, context: &str, message: &[u8], mac: &[u8]) -> Holds {
    let known = u8::try_from(version).ok().zip(keys);
    match known.and_then(|(version, keys)| keys.is_signed_by(version, context, message, mac)) {
        Some(true) => Holds::Signed,
        Some(false) => Holds::Not,
        None => Holds::Unknown(version),
    }
}

/// The hash of an entry without a key, as all were before: SHA-256 over its fields, each with its length before it, and the
/// hash of the entry before.
#[must_use]
pub fn unsigned_hash(entry: &Entry) -> Vec<u8> {
    sha256(&bytes(entry)).to_vec()
}

fn bytes(entry: &Entry) -> Vec<u8> {
    let optional_id = |id: &Option<Id>| id.map(|id| id.to_string()).unwrap_or_default();
    let fields = [
        entry.id.to_string(),
        entry.root_id.to_string(),
        entry.seq.to_string(),
        entry.account_id.to_string(),
        entry.at.and_utc().timestamp_micros().to_string(),
        entry.actor_kind.clone(),
        optional_id(&entry.actor_id),
        entry.actor_label.clone(),
        optional_id(&entry.on_behalf_of),
        entry.action.clone(),
        entry.target.clone(),
        entry.before.clone().unwrap_or_default(),
        entry.after.clone().unwrap_or_default(),
        entry.address.clone(),
        entry.request_id.clone(),
    ];
    let mut bytes = entry.previous_hash.clone();
    for field in fields {
        bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
        bytes.extend_from_slice(field.as_bytes());
    }
    bytes
}

/// What a head's mark covers: whose chain it is, how long, and how it ends.
fn end(root: Id, seq: i64, hash: &[u8]) -> Vec<u8> {
    format!("{root} {seq} {}", crate::secrets::hex(hash)).into_bytes()
}
