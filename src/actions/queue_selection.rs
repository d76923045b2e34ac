//! Which messages of a queue something is done to: the ticked ones, or all that match, a bounded number at a time.

use serde_json::json;

use super::audit::{self, Record};
use super::{ActionResult, Cx};
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::accounts::Account;
use crate::models::queue_view::{self, Filter, Page, Whose};

/// Messages of one transaction.
pub const CHUNK: usize = 500;

/// Whose queue it is: the account in whose activity it is told what was done, and how far its queue goes.
#[derive(Clone, Debug)]
pub struct QueueOf {
    pub holder: Account,
    pub whose: Whose,
}

/// What is chosen.
#[derive(Clone, Debug)]
pub enum Selection {
    /// These; at most [`CHUNK`] of them are looked at.
    Ids(Vec<Id>),
    /// What matches, after this message.
    Matching(Filter, Option<Id>),
}

/// What one transaction did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// Messages that were changed.
    pub changed: usize,
    /// Messages that were looked at: what was leaving, or needed nothing, was left alone.
    pub looked: usize,
    /// Where to go on, where more may match.
    pub next: Option<Id>,
}

/// The ids of a selection, and where to go on after them.
///
/// # Errors
/// Only the database's.
pub(super) fn ids(
    conn: &mut AnyConnection,
    cx: &Cx,
    of: &QueueOf,
    selection: &Selection,
) -> ActionResult<(Vec<Id>, Option<Id>)> {
    match selection {
        Selection::Ids(ids) => Ok((ids.iter().copied().take(CHUNK).collect(), None)),
        Selection::Matching(filter, after) => {
            let page = Page { edge: *after, backwards: false, limit: i64::try_from(CHUNK).unwrap_or(i64::MAX) };
            let rows = queue_view::page(conn, of.whose, of.holder.root_id(), filter, page, cx.at())?;
            let next = rows.last().filter(|_| rows.len() == CHUNK).map(|row| row.message_id);
            Ok((rows.into_iter().map(|row| row.message_id).collect(), next))
        }
    }
}

/// Writes what was done to the chain of the account whose queue it was: how many messages, of how many accounts.
pub(super) fn note(
    conn: &mut AnyConnection,
    cx: &Cx,
    holder: &Account,
    action: &str,
    (messages, accounts): (usize, usize),
) -> ActionResult<()> {
    if messages == 0 {
        return Ok(());
    }
    let after = Some(json!({ "messages": messages, "accounts": accounts }));
    audit::record(conn, cx, holder, Record { action, target: holder.name.clone(), before: None, after })
}
