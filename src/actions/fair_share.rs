//! What a claim takes of several accounts: fairly, one message of each before a second of any, until the node is full.

use std::collections::HashMap;

use chrono::NaiveDateTime;

use super::claim_deliveries::Wanted;
use super::error::ActionResult;
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::queue::{self, Due};

/// One message of each account, then a second of each, and so on until the node is full.
///
/// # Errors
/// Only the database's.
pub(super) fn fair_share(
    conn: &mut AnyConnection,
    accounts: &[Id],
    wanted: &Wanted,
    at: NaiveDateTime,
) -> ActionResult<Vec<Due>> {
    let mut found = waiting(conn, accounts, wanted, at)?;
    let waiting = |account| found.remove(account).unwrap_or_default().into_iter().take(wanted.room(*account));
    let mut waiting: Vec<_> = accounts.iter().map(waiting).collect();
    let mut taken = Vec::with_capacity(wanted.limit);
    loop {
        let before = taken.len();
        for rows in &mut waiting {
            if taken.len() == wanted.limit {
                return Ok(taken);
            }
            taken.extend(rows.next());
        }
        if taken.len() == before {
            return Ok(taken);
        }
    }
}

/// What waits of each account: an even share first, then more of those that have more, where others had less.
fn waiting(
    conn: &mut AnyConnection,
    accounts: &[Id],
    wanted: &Wanted,
    at: NaiveDateTime,
) -> ActionResult<HashMap<Id, Vec<Due>>> {
    let share = wanted.limit.div_ceil(accounts.len().max(1));
    let mut found = due(conn, accounts, wanted, share, at)?;
    let rows = |account: &Id| found.get(account).map_or(0, Vec::len);
    let taken: usize = accounts.iter().map(|account| rows(account).min(wanted.room(*account))).sum();
    let has_more = |account: &Id| rows(account) >= share && wanted.room(*account) > share;
    let more: Vec<Id> = accounts.iter().copied().filter(has_more).collect();
    let left = wanted.limit.saturating_sub(taken);
    if left > 0 && !more.is_empty() {
        let share = share + left.div_ceil(more.len());
        found.extend(due(conn, &more, wanted, share, at)?);
    }
    Ok(found)
}

/// What is due of each account, at most `share` of it and no more than any has room for.
fn due(
    conn: &mut AnyConnection,
    accounts: &[Id],
    wanted: &Wanted,
    share: usize,
    at: NaiveDateTime,
) -> ActionResult<HashMap<Id, Vec<Due>>> {
    let most = accounts.iter().map(|account| wanted.room(*account)).max().unwrap_or(0).min(share);
    let mut found: HashMap<Id, Vec<Due>> = HashMap::new();
    for due in queue::due(conn, accounts, at, i64::try_from(most).unwrap_or(i64::MAX))? {
        found.entry(due.queued.account_id).or_default().push(due);
    }
    Ok(found)
}
