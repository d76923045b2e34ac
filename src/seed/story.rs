//! Who did what: the audit of the demo's past, chained as every other entry is.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::random::Random;
use crate::actions::{ActionResult, audit};
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::audit::{self as entries, Entry};
use crate::secrets::SecretKeys;

/// Something that somebody did.
pub struct Deed {
    pub at: DateTime<Utc>,
    pub account_id: Id,
    pub action: &'static str,
    pub target: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
    /// Which of the agency's people; `None` is the program itself.
    pub by: Option<Actor>,
}

/// One of the agency's people.
#[derive(Clone)]
pub struct Actor {
    pub id: Id,
    pub email: String,
}

/// Everything that happened, in any order.
pub struct Story {
    root: Id,
    deeds: Vec<Deed>,
    random: Random,
}

impl Story {
    pub fn new(root: Id, seed: u64) -> Self {
        Self { root, deeds: Vec::new(), random: Random::stream(seed, "story", 0) }
    }

    pub fn tell(&mut self, deed: Deed) {
        self.deeds.push(deed);
    }

    /// Writes the chain, oldest first.
    ///
    /// # Errors
    /// Only the database's.
    pub fn write(mut self, conn: &mut AnyConnection, keys: &SecretKeys) -> ActionResult<()> {
        self.deeds.sort_by_key(|deed| (deed.at, deed.account_id));
        let (mut seq, mut previous) = entries::lock_head(conn, self.root)?;
        let mut waiting = Vec::new();
        for deed in std::mem::take(&mut self.deeds) {
            seq += 1;
            let mut entry = self.entry(deed, seq, previous);
            audit::sign(keys, &mut entry);
            previous = entry.hash.clone();
            waiting.push(entry);
            if waiting.len() == 1000 {
                self.append(conn, keys, &waiting)?;
                waiting.clear();
            }
        }
        self.append(conn, keys, &waiting)
    }

    fn append(&self, conn: &mut AnyConnection, keys: &SecretKeys, entries: &[Entry]) -> ActionResult<()> {
        let Some(last) = entries.last() else { return Ok(()) };
        Ok(entries::append(conn, self.root, entries, &audit::mark(keys, last))?)
    }

    fn entry(&mut self, deed: Deed, seq: i64, previous_hash: Vec<u8>) -> Entry {
        let person = deed.by.is_some();
        Entry {
            id: self.random.id(deed.at),
            root_id: self.root,
            seq,
            account_id: deed.account_id,
            at: deed.at.naive_utc(),
            actor_kind: if person { "user" } else { "system" }.into(),
            actor_id: deed.by.as_ref().map(|actor| actor.id),
            actor_label: deed.by.map_or_else(|| "worker".into(), |actor| actor.email),
            on_behalf_of: None,
            action: deed.action.into(),
            target: deed.target,
            before: deed.before.map(|value| value.to_string()),
            after: deed.after.map(|value| value.to_string()),
            // Of the block for documentation (RFC 5737).
            address: if person { "192.0.2.17".into() } else { String::new() },
            request_id: if person { self.random.id(deed.at).to_string() } else { String::new() },
            previous_hash,
            hash: Vec::new(),
            key_version: None,
        }
    }
}
