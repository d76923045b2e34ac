//! Doing the rows of jobs, some at a time: each row is its own action with its own result. A job is only as good as whoever
//! started it: before every slice it is asked whether they still may, under the lock that taking it away takes.

use super::bulk_list::give_up_silent;
use super::bulk_row::{self, Job as Shared};
use super::bulk_work::{Outcome, Payload, Work};
use super::create_domain::SealedKey;
use super::member_role::member_role;
use super::{ActionError, ActionResult, Cx, Services};
use crate::domain::client_import::Client;
use crate::domain::ids::Id;
use crate::models::jobs::{self, Job, JobRow};
use crate::models::{AnyConnection, Db, accounts, part, queue};

/// Rows of one transaction: more would keep other writers waiting.
const ROWS: i64 = 25;
/// The same where each row needs a key pair, which takes some 100 ms to make.
const ROWS_WITH_KEYS: usize = 5;

/// Does the next rows of the job that waited longest; answers how many. 0: nothing is left to do anywhere.
/// Blocks: key pairs for new domains are made here, outside the transaction.
///
/// # Errors
/// Only what is no row's own fault: the database's.
pub fn run_jobs_once(db: &Db, cx: &Cx, services: &Services) -> ActionResult<usize> {
    let wanted = db.read(keys_wanted)?;
    let keys = (0..wanted).map(|_| SealedKey::generate(services)).collect();
    db.write(|conn| run_job_rows(conn, cx, services, ROWS, keys))
}

/// Does up to `limit` rows in the open transaction. Safe on several nodes and again after a crash: a row and its
/// result are one transaction. `keys` are for the domains that rows create; it ends early when they run out.
///
/// # Errors
/// As [`run_jobs_once`].
pub fn run_job_rows(
    conn: &mut AnyConnection,
    cx: &Cx,
    services: &Services,
    limit: i64,
    mut keys: Vec<SealedKey>,
) -> ActionResult<usize> {
    give_up_silent(conn, cx.now)?;
    let Some(mut job) = jobs::take(conn, cx.at())? else { return Ok(0) };
    let payload: Payload =
        serde_json::from_str(&job.payload).map_err(|error| ActionError::Internal(error.to_string()))?;
    if !still_may(conn, &job, &payload)? {
        return stop(conn, cx, job);
    }
    let rows = jobs::waiting(conn, job.id, job.done, limit)?;
    let parent = job.account_id;
    let numbers = accounts::find_any(conn, parent)?.map(|account| account.number_style).unwrap_or_default();
    let shared = Shared { cx: payload.cx(cx, parent), services, parent, numbers, work: &payload.work };
    lock(conn, cx, &payload.work, &rows)?;
    for row in &rows {
        let key = keys.pop();
        let (needs, has) = (wants_key(&payload.work, row), key.is_some());
        if !needs {
            keys.extend(key);
            one(conn, &shared, &mut job, row, None)?;
        } else if has {
            one(conn, &shared, &mut job, row, key)?;
        } else {
            break;
        }
    }
    job.updated_at = cx.at();
    if job.done >= job.total || rows.is_empty() {
        job.state = "done".into();
        job.finished_at = Some(cx.at());
    }
    jobs::progress(conn, &job)?;
    Ok(rows.len().max(1))
}

/// Whether whoever started the job may still do its work. What the program itself began goes on.
fn still_may(conn: &mut AnyConnection, job: &Job, payload: &Payload) -> ActionResult<bool> {
    let Some(starter) = payload.starter() else { return Ok(true) };
    accounts::lock(conn, &[job.account_id], &[])?;
    let role = member_role(conn, job.account_id, starter)?;
    Ok(role.is_some_and(|role| role.may(payload.work.takes())))
}

/// Ends a job where it stands: its remaining rows stay as they are, not done.
fn stop(conn: &mut AnyConnection, cx: &Cx, mut job: Job) -> ActionResult<usize> {
    job.state = jobs::STOPPED.into();
    job.updated_at = cx.at();
    job.finished_at = Some(cx.at());
    jobs::progress(conn, &job)?;
    Ok(1)
}

/// Takes what the rows need before the first of them writes to the audit: who changes one of these accounts by itself
/// holds it, and waits for the audit.
fn lock(conn: &mut AnyConnection, cx: &Cx, work: &Work, rows: &[JobRow]) -> ActionResult<()> {
    let accounts: Vec<Id> = rows.iter().filter_map(|row| row.payload.parse().ok()).collect();
    accounts::lock(conn, &[], &accounts)?;
    if *work == Work::Lift {
        queue::look_now(conn, &accounts, cx.at())?;
    }
    Ok(())
}

fn one(
    conn: &mut AnyConnection,
    shared: &Shared<'_>,
    job: &mut Job,
    row: &JobRow,
    key: Option<SealedKey>,
) -> ActionResult<()> {
    let mut outcome = Outcome::default();
    // A row that is refused leaves nothing behind, whatever was written until then.
    let state = match part(conn, |conn| bulk_row::run(conn, shared, row, key, &mut outcome)) {
        Ok(()) => "done",
        Err(error @ (ActionError::Internal(_) | ActionError::Unavailable(_))) => return Err(error),
        Err(error) => {
            outcome.said = error.to_string();
            "failed"
        }
    };
    let result = serde_json::to_string(&outcome).map_err(|error| ActionError::Internal(error.to_string()))?;
    jobs::finish_row(conn, job.id, row.position, state, &result)?;
    job.done += 1;
    job.failed += i32::from(state == "failed");
    Ok(())
}

fn wants_key(work: &Work, row: &JobRow) -> bool {
    *work == Work::Import && serde_json::from_str::<Client>(&row.payload).is_ok_and(|client| !client.domain.is_empty())
}

/// How many key pairs the next rows need.
fn keys_wanted(conn: &mut AnyConnection) -> ActionResult<usize> {
    let Some(job) = jobs::next(conn)? else { return Ok(0) };
    let Ok(payload) = serde_json::from_str::<Payload>(&job.payload) else { return Ok(0) };
    let rows = jobs::waiting(conn, job.id, job.done, ROWS)?;
    Ok(rows.iter().filter(|row| wants_key(&payload.work, row)).count().min(ROWS_WITH_KEYS))
}
