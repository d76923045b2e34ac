//! Writing the audit: every state change appends one entry to its parent's chain, in the same transaction.
//!
//! The hash covers every field and the hash before it, so that a changed, dropped or cut entry is found.

use serde_json::Value;

use super::context::Cx;
use super::error::ActionResult;
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::accounts::Account;
use crate::models::audit::{self, Entry};
use crate::secrets::sha256;

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
    };
    entry.hash = hash(&entry);
    audit::append(conn, root, &[entry])?;
    Ok(())
}

/// The hash of an entry: SHA-256 over its fields, each with its length before it, and the hash of the entry before.
#[must_use]
pub fn hash(entry: &Entry) -> Vec<u8> {
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
    sha256(&bytes).to_vec()
}

/// What `verify` found.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Whole { entries: i64 },
    Broken { seq: i64, problem: String },
}

/// Walks one chain from its first entry to its head.
///
/// # Errors
/// Only the database's.
pub fn verify(conn: &mut AnyConnection, root: Id, head_seq: i64, head_hash: &[u8]) -> ActionResult<Verdict> {
    let mut expected = vec![0_u8; 32];
    let mut seq = 0;
    loop {
        let page = audit::page(conn, root, &audit::Filter::default(), Some(seq), true, 500)?;
        let Some(last) = page.last().map(|entry| entry.seq) else { break };
        for entry in &page {
            if let Some(problem) = problem_of(entry, seq + 1, &expected) {
                return Ok(Verdict::Broken { seq: seq + 1, problem });
            }
            seq = entry.seq;
            expected.clone_from(&entry.hash);
        }
        seq = last;
    }
    if seq != head_seq || expected != head_hash {
        return Ok(Verdict::Broken {
            seq: seq + 1,
            problem: format!("the chain ends at {seq}, its head says {head_seq}"),
        });
    }
    Ok(Verdict::Whole { entries: seq })
}

fn problem_of(entry: &Entry, seq: i64, previous: &[u8]) -> Option<String> {
    if entry.seq != seq {
        return Some(format!("entry {seq} is missing, {} comes next", entry.seq));
    }
    if entry.previous_hash != previous {
        return Some(format!("entry {seq} does not follow the one before it"));
    }
    (hash(entry) != entry.hash).then(|| format!("entry {seq} was changed"))
}
