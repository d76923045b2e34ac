//! The numbers beside a list and the tags of its menu, kept while nothing changes: they count thousands of index
//! entries, and every page of everybody shows the same.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use diesel::prelude::*;
use parking_lot::Mutex;

use super::count::{Counts, counts};
use crate::domain::ids::Id;
use crate::models::{AnyConnection, account_tags};

/// What another node wrote shows after this long; what this node wrote, at once.
const FRESH: TimeDelta = TimeDelta::seconds(3);
/// Parents that are kept at most.
const KEPT: usize = 1_000;

/// What stands beside the list of a parent's sub accounts.
#[derive(Clone, Debug, Default)]
pub struct Facet {
    pub counts: Counts,
    /// Tags in use, by name, with how many accounts carry each, up to [`Counts::MOST`] and one.
    pub tags: Vec<(String, i64)>,
}

struct Kept {
    at: DateTime<Utc>,
    changes: u64,
    facet: Arc<Facet>,
}

/// What a node remembers.
#[derive(Default)]
pub struct Facets {
    changes: AtomicU64,
    kept: Mutex<HashMap<Id, Kept>>,
}

impl Facets {
    /// Says that this node wrote something.
    pub fn changed(&self) {
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// What stands beside the list of `parent`; deleted accounts count since `deleted_since`.
    ///
    /// # Errors
    /// Only the database's.
    pub fn of(
        &self,
        conn: &mut AnyConnection,
        parent: Id,
        deleted_since: NaiveDateTime,
        now: DateTime<Utc>,
    ) -> QueryResult<Arc<Facet>> {
        let changes = self.changes.load(Ordering::Acquire);
        let fresh = |kept: &&Kept| kept.changes == changes && kept.at <= now && now - kept.at < FRESH;
        if let Some(kept) = self.kept.lock().get(&parent).filter(fresh) {
            return Ok(Arc::clone(&kept.facet));
        }
        let facet = Arc::new(Facet {
            counts: counts(conn, parent, deleted_since)?,
            tags: account_tags::used(conn, parent, Counts::MOST + 1)?,
        });
        let mut kept = self.kept.lock();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(parent, Kept { at: now, changes, facet: Arc::clone(&facet) });
        Ok(facet)
    }
}
