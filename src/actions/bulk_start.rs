//! Starting work on many accounts: what was selected is frozen as rows, then done in the background.

use super::bulk_work::{Payload, Work};
use super::{ActionError, ActionResult, Cx};
use crate::domain::client_import::Client;
use crate::domain::ids::Id;
use crate::domain::number::NumberStyle;
use crate::models::jobs::{self, Job, JobRow};
use crate::models::sub_account_list::{self, Filter};
use crate::models::{AnyConnection, accounts};

/// Which accounts.
pub enum Selection {
    /// These, as ticked.
    Ids(Vec<Id>),
    /// All that match at this moment, and no later ones.
    All(Filter),
}

/// The most accounts that can be ticked: one page.
const MAX_TICKED: usize = 500;

/// Starts `work` on a selection of `parent`'s sub accounts; answers the job's id.
///
/// # Errors
/// `Invalid` for an empty selection.
pub fn bulk_start(conn: &mut AnyConnection, cx: &Cx, parent: Id, work: Work, selection: Selection) -> ActionResult<Id> {
    let numbers = accounts::find_any(conn, parent)?.map(|account| account.number_style).unwrap_or_default();
    let title = title(&work, numbers);
    let mut job = job(cx, parent, work, title)?;
    match selection {
        Selection::Ids(ids) => {
            let mut ids = ids;
            ids.sort_unstable();
            ids.dedup();
            ids.truncate(MAX_TICKED);
            let known = accounts::find_many(conn, &ids)?;
            let mut own: Vec<_> = known.into_iter().filter(|account| account.parent_id == Some(parent)).collect();
            own.sort_by(|a, b| (&a.name_lower, a.id).cmp(&(&b.name_lower, b.id)));
            let rows: Vec<JobRow> =
                (0..).zip(&own).map(|(at, account)| row(job.id, at, account.id.to_string())).collect();
            job.total = i32::try_from(rows.len()).unwrap_or(i32::MAX);
            jobs::insert(conn, &job, &rows)?;
        }
        Selection::All(filter) => {
            jobs::insert(conn, &job, &[])?;
            let since = cx.at() - super::undelete_sub_account::UNDELETE_WITHIN;
            let count = sub_account_list::freeze(conn, job.id, parent, &filter, since)?;
            job.total = i32::try_from(count).unwrap_or(i32::MAX);
            jobs::set_total(conn, job.id, job.total)?;
        }
    }
    if job.total == 0 {
        return Err(ActionError::invalid("selection", "No sub account is selected. Tick at least one."));
    }
    Ok(job.id)
}

/// Starts the creation of `clients` under `parent`; answers the job's id.
///
/// # Errors
/// `Invalid` when there is none.
pub fn import_start(conn: &mut AnyConnection, cx: &Cx, parent: Id, clients: &[Client]) -> ActionResult<Id> {
    if clients.is_empty() {
        return Err(ActionError::invalid("csv", "No row can be created. Fix the list below and check it again."));
    }
    let mut job = job(cx, parent, Work::Import, "Create sub accounts from a list".into())?;
    job.total = i32::try_from(clients.len()).unwrap_or(i32::MAX);
    let mut rows = Vec::with_capacity(clients.len());
    for (at, client) in (0..).zip(clients) {
        let payload = serde_json::to_string(client).map_err(|error| ActionError::Internal(error.to_string()))?;
        rows.push(row(job.id, at, payload));
    }
    jobs::insert(conn, &job, &rows)?;
    Ok(job.id)
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

fn row(job_id: Id, position: i32, payload: String) -> JobRow {
    JobRow { job_id, position, payload, state: "waiting".into(), result: String::new(), secret_sealed: None }
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
