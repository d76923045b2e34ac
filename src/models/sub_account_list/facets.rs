//! The numbers beside a list and the tags of its menu. They count thousands of index entries, and every page of everybody
//! shows the same: a node remembers them.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::count::{Counts, counts};
use crate::domain::ids::Id;
use crate::models::remembered::Remembered;
use crate::models::{AnyConnection, account_tags};

/// What stands beside the list of a parent's sub accounts.
#[derive(Clone, Debug, Default)]
pub struct Facet {
    pub counts: Counts,
    /// Tags in use, by name, with how many accounts carry each, up to [`Counts::MOST`] and one.
    pub tags: Vec<(String, i64)>,
}

/// What a node remembers, by parent.
pub type Facets = Remembered<Id, Facet>;

impl Facet {
    /// Reads what stands beside the list of `parent`; deleted accounts count since `deleted_since`.
    ///
    /// # Errors
    /// Only the database's.
    pub fn read(conn: &mut AnyConnection, parent: Id, deleted_since: NaiveDateTime) -> QueryResult<Self> {
        Ok(Self {
            counts: counts(conn, parent, deleted_since)?,
            tags: account_tags::used(conn, parent, Counts::MOST + 1)?,
        })
    }
}
