//! What a page of the queue needs of the database.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDateTime;

use crate::actions::ActionResult;
use crate::domain::ids::Id;
use crate::models::messages::{self, Message};
use crate::models::queue_view::{self, Counts, Destination, Filter, Page, Waiting, Whose};
use crate::models::{AnyConnection, accounts, suspensions};

/// Destinations that are named on top.
const DESTINATIONS: usize = 10;

pub struct Found {
    pub rows: Vec<Waiting>,
    pub messages: HashMap<Id, Message>,
    /// The last answer of the other side to a message.
    pub replies: HashMap<Id, String>,
    pub names: HashMap<Id, String>,
    /// Accounts of the page that are on hold themselves, and the root where it is.
    pub held: HashSet<Id>,
    pub counts: Counts,
    pub destinations: Vec<Destination>,
    /// When the message was accepted that waits longest.
    pub oldest: Option<NaiveDateTime>,
}

impl Found {
    /// Where nobody's queue was asked for.
    #[must_use]
    pub fn nothing(counts: Counts) -> Self {
        Self {
            rows: Vec::new(),
            messages: HashMap::new(),
            replies: HashMap::new(),
            names: HashMap::new(),
            held: HashSet::new(),
            counts,
            destinations: Vec::new(),
            oldest: None,
        }
    }
}

/// # Errors
/// Only the database's.
pub fn read(
    conn: &mut AnyConnection,
    (whose, root): (Whose, Id),
    filter: &Filter,
    page: Page,
    now: NaiveDateTime,
) -> ActionResult<Found> {
    let rows = queue_view::page(conn, whose, root, filter, page, now)?;
    let ids: Vec<Id> = rows.iter().map(|row| row.message_id).collect();
    let mut family: Vec<Id> = rows.iter().map(|row| row.account_id).chain([root]).collect();
    family.sort_unstable();
    family.dedup();
    let tried: Vec<Id> = rows.iter().filter(|row| row.attempts > 0).map(|row| row.message_id).collect();
    let replies = messages::attempts_of(conn, &tried)?
        .into_iter()
        .filter(|attempt| attempt.finished_at.is_some())
        .map(|attempt| (attempt.message_id, attempt.log))
        .collect();
    let oldest = match queue_view::oldest(conn, whose)? {
        Some(row) => messages::find_many(conn, &[row.message_id])?.pop().map(|message| message.created_at),
        None => None,
    };
    Ok(Found {
        messages: messages::find_many(conn, &ids)?.into_iter().map(|message| (message.id, message)).collect(),
        replies,
        names: accounts::find_many(conn, &family)?.into_iter().map(|account| (account.id, account.name)).collect(),
        held: suspensions::held(conn, &family, now)?.into_iter().collect(),
        counts: queue_view::counts(conn, whose, root, now)?,
        destinations: queue_view::destinations(conn, whose, DESTINATIONS)?,
        oldest,
        rows,
    })
}
