//! Starting work on many accounts: what was selected is frozen as rows, then done in the background. What is selected is
//! read before the transaction, at one moment; more rows than one transaction writes are written by `bulk_list`.

use chrono::{DateTime, Utc};

use super::bulk_list::{Listing, begin};
use super::bulk_work::{Payload, Work};
use super::undelete_sub_account::UNDELETE_WITHIN;
use super::{ActionError, ActionResult, Cx};
use crate::domain::client_import::Client;
use crate::domain::ids::Id;
use crate::domain::number::NumberStyle;
use crate::models::jobs::Job;
use crate::models::sub_account_list::{self, Filter};
use crate::models::{AnyConnection, accounts};

/// Which accounts.
pub enum Selection {
    /// These, as ticked.
    Ids(Vec<Id>),
    /// All that matched when [`matching`] read them, and no later ones.
    All(Vec<Id>),
}

/// A job that was started.
pub struct Started {
    pub job: Id,
    /// What is still to be written down of it before it begins.
    pub rest: Option<Listing>,
}

/// The most accounts that can be ticked: one page.
const MAX_TICKED: usize = 500;

/// The sub accounts of `parent` that match at this moment, by name: a read, linear in how many there are, so that no
/// transaction is.
///
/// # Errors
/// Only the database's.
pub fn matching(conn: &mut AnyConnection, now: DateTime<Utc>, parent: Id, filter: &Filter) -> ActionResult<Vec<Id>> {
    Ok(sub_account_list::matching(conn, parent, filter, (now - UNDELETE_WITHIN).naive_utc())?)
}

/// Starts `work` on a selection of `parent`'s sub accounts.
///
/// # Errors
/// `Invalid` for an empty selection.
pub fn bulk_start(
    conn: &mut AnyConnection,
    cx: &Cx,
    parent: Id,
    work: Work,
    selection: Selection,
) -> ActionResult<Started> {
    let numbers = accounts::find_any(conn, parent)?.map(|account| account.number_style).unwrap_or_default();
    let title = title(&work, numbers);
    let job = job(cx, parent, work, title)?;
    let ids = match selection {
        Selection::Ids(ids) => own(conn, parent, ids)?,
        Selection::All(ids) => ids,
    };
    if ids.is_empty() {
        return Err(ActionError::invalid("selection", "No sub account is selected. Tick at least one."));
    }
    begin(conn, job, ids.iter().map(Id::to_string).collect())
}

/// Those of the ticked ones that are `parent`'s, by name.
fn own(conn: &mut AnyConnection, parent: Id, mut ids: Vec<Id>) -> ActionResult<Vec<Id>> {
    ids.sort_unstable();
    ids.dedup();
    ids.truncate(MAX_TICKED);
    let known = accounts::find_many(conn, &ids)?;
    let mut own: Vec<_> = known.into_iter().filter(|account| account.parent_id == Some(parent)).collect();
    own.sort_by(|a, b| (&a.name_lower, a.id).cmp(&(&b.name_lower, b.id)));
    Ok(own.into_iter().map(|account| account.id).collect())
}

/// Starts the creation of `clients` under `parent`.
///
/// # Errors
/// `Invalid` when there is none.
pub fn import_start(conn: &mut AnyConnection, cx: &Cx, parent: Id, clients: &[Client]) -> ActionResult<Started> {
    if clients.is_empty() {
        return Err(ActionError::invalid("csv", "No row can be created. Fix the list below and check it again."));
    }
    let job = job(cx, parent, Work::Import, "Create sub accounts from a list".into())?;
    let rows = clients.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>();
    begin(conn, job, rows.map_err(|error| ActionError::Internal(error.to_string()))?)
}

fn job(cx: &Cx, parent: Id, work: Work, title: String) -> ActionResult<Job> {
    let kind = work.kind().to_owned();
    let payload =
        serde_json::to_string(&Payload::new(work, cx)).map_err(|error| ActionError::Internal(error.to_string()))?;
    Ok(Job {
        id: Id::new(cx.now),
        account_id: parent,
        user_id: cx.actor.id,
        kind,
        title,
        payload,
        state: "waiting".into(),
        total: 0,
        done: 0,
        failed: 0,
        created_at: cx.at(),
        updated_at: cx.at(),
        finished_at: None,
    })
}

fn title(work: &Work, numbers: NumberStyle) -> String {
    match work {
        Work::Suspend { .. } => "Suspend sub accounts".into(),
        Work::Lift => "Lift suspensions".into(),
        Work::Tag { tag } => format!("Tag sub accounts “{tag}”"),
        Work::Untag { tag } => format!("Remove the tag “{tag}”"),
        Work::SetCap { cap: 0 } => "Remove monthly caps".into(),
        Work::SetCap { cap } => format!("Set monthly caps to {}", numbers.whole(*cap)),
        Work::Import => "Create sub accounts from a list".into(),
    }
}
