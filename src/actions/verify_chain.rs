//! Walking a chain of the audit: whether it is what was written, and where not. A key that is not configured is said, and
//! not taken for damage; what does not follow is found even then.

use super::audit::{Holds, head_holds, holds};
use super::error::ActionResult;
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::audit::{self, Entry, Head};
use crate::secrets::SecretKeys;

/// Entries read at once.
const PAGE: i64 = 500;

/// What a walk found.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every entry is as it was written, and so is the end.
    Whole {
        entries: i64,
    },
    /// The same, but nothing of it is signed yet: whoever writes the database could have written it all anew.
    Unsigned {
        entries: i64,
    },
    Broken {
        seq: i64,
        problem: String,
    },
    /// It holds together, but entries are signed by a key that is not configured.
    NoKey {
        version: i32,
    },
}

/// How far a walk has come, so that it can go on in another transaction.
#[derive(Clone, Debug)]
pub struct Walk {
    root: Id,
    seq: i64,
    expected: Vec<u8>,
    /// Whether a signed entry was met: none without a signature comes after it.
    signed: bool,
    missing: Option<i32>,
    /// The first fault: its place, and what it is.
    problem: Option<(i64, String)>,
}

impl Walk {
    #[must_use]
    pub fn new(root: Id) -> Self {
        Self { root, seq: 0, expected: vec![0; 32], signed: false, missing: None, problem: None }
    }

    /// Looks at the next entries, up to `until`; answers whether there may be more.
    ///
    /// # Errors
    /// Only the database's.
    pub fn step(&mut self, conn: &mut AnyConnection, keys: Option<&SecretKeys>, until: i64) -> ActionResult<bool> {
        let page = audit::page(conn, self.root, &audit::Filter::default(), Some(self.seq), true, PAGE)?;
        let (last, full) = (self.seq, page.len() as i64 == PAGE);
        for entry in page.iter().take_while(|entry| entry.seq <= until) {
            if !self.look(keys, entry) {
                return Ok(false);
            }
        }
        Ok(full && self.seq > last && self.seq < until)
    }

    /// Looks at one entry; answers whether to go on. A fault among unsigned entries is noted and walked past, so that the
    /// signed ones after it are looked at too.
    fn look(&mut self, keys: Option<&SecretKeys>, entry: &Entry) -> bool {
        let holds = holds(keys, entry);
        self.signed |= entry.key_version.is_some();
        if let Some(problem) = self.problem_of(entry, holds) {
            if self.problem.is_none() || self.signed {
                self.problem = Some((self.seq + 1, problem));
            }
            if self.signed {
                return false;
            }
        }
        if let Holds::Unknown(version) = holds {
            self.missing.get_or_insert(version);
        }
        self.seq = entry.seq;
        self.expected.clone_from(&entry.hash);
        true
    }

    fn problem_of(&self, entry: &Entry, holds: Holds) -> Option<String> {
        let seq = self.seq + 1;
        if entry.seq != seq {
            return Some(format!("entry {seq} is missing, {} comes next", entry.seq));
        }
        if entry.previous_hash != self.expected {
            return Some(format!("entry {seq} does not follow the one before it"));
        }
        match holds {
            Holds::Not => Some(format!("entry {seq} was changed")),
            Holds::Unsigned if self.signed => Some(format!("entry {seq} is not signed, though those before it are")),
            Holds::Signed | Holds::Unsigned | Holds::Unknown(_) => None,
        }
    }

    /// The first fault of a chain whose last entry was to be `until`.
    #[must_use]
    pub fn problem_until(&self, until: i64) -> Option<String> {
        let cut = || (self.seq < until).then(|| format!("the entries after {} are missing", self.seq));
        self.problem.as_ref().map(|(_, problem)| problem.clone()).or_else(cut)
    }

    /// What was found, once all entries were looked at.
    #[must_use]
    pub fn verdict(self, keys: Option<&SecretKeys>, head: Option<&Head>) -> Verdict {
        let missing = self.missing;
        if let Some((seq, problem)) = self.problem.clone().or_else(|| self.wrong_end(keys, head)) {
            return Verdict::Broken { seq, problem };
        }
        let by_head = head.map(|head| head_holds(keys, head));
        match (missing, by_head) {
            (Some(version), _) | (None, Some(Holds::Unknown(version))) => Verdict::NoKey { version },
            _ if self.signed => Verdict::Whole { entries: self.seq },
            _ => Verdict::Unsigned { entries: self.seq },
        }
    }

    /// What is wrong with how the chain ends.
    fn wrong_end(&self, keys: Option<&SecretKeys>, head: Option<&Head>) -> Option<(i64, String)> {
        let next = self.seq + 1;
        let Some(head) = head else {
            return Some((
                next,
                if self.seq == 0 { "the whole chain is missing" } else { "its head is missing" }.into(),
            ));
        };
        if self.seq != head.seq || self.expected != head.hash {
            return Some((next, format!("the chain ends at {}, its head says {}", self.seq, head.seq)));
        }
        if self.seq == 0 {
            return Some((1, "the whole chain is missing".into()));
        }
        match head_holds(keys, head) {
            Holds::Not => Some((next, "its head was changed: entries may have been cut off with it".into())),
            Holds::Unsigned if self.signed => {
                Some((next, "its head is not signed: entries may have been cut off with it".into()))
            }
            Holds::Unsigned if head.unsealed == 0 => {
                Some((1, "nothing of it is signed, and it does not wait for that".into()))
            }
            Holds::Signed | Holds::Unsigned | Holds::Unknown(_) => None,
        }
    }
}

/// Walks one chain from its first entry to its head.
///
/// # Errors
/// Only the database's.
pub fn verify(
    conn: &mut AnyConnection,
    keys: Option<&SecretKeys>,
    root: Id,
    head: Option<&Head>,
) -> ActionResult<Verdict> {
    let mut walk = Walk::new(root);
    while walk.step(conn, keys, i64::MAX)? {}
    Ok(walk.verdict(keys, head))
}
