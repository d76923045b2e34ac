//! Long work: a job and its rows, each with its own result, so that it can be left and found again.

use chrono::NaiveDateTime;
use diesel::dsl::max;
use diesel::prelude::*;

use super::AnyConnection;
use super::portable::insert_many;
use super::schema::{job_rows, jobs};
use crate::domain::ids::Id;

/// The state of a job that ended before its rows, because whoever started it may not do its work any more.
pub const STOPPED: &str = "stopped";
/// The state of a job whose rows are still being written down: none of them is done before they all are.
pub const LISTING: &str = "listing";
/// The state of a job that ended before its rows were written down: nothing was done.
pub const INTERRUPTED: &str = "interrupted";

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = jobs)]
pub struct Job {
    pub id: Id,
    pub account_id: Id,
    pub user_id: Option<Id>,
    pub kind: String,
    pub title: String,
    /// JSON: what is done to each row, and as whom.
    pub payload: String,
    /// [`LISTING`], `waiting`, `running`, `done`, [`STOPPED`] or [`INTERRUPTED`].
    pub state: String,
    pub total: i32,
    pub done: i32,
    /// How many of `done` did not succeed.
    pub failed: i32,
    pub created_at: NaiveDateTime,
    pub updated_at: NaiveDateTime,
    pub finished_at: Option<NaiveDateTime>,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = job_rows)]
pub struct JobRow {
    pub job_id: Id,
    /// From 0.
    pub position: i32,
    /// What the row is about: an account's id, or JSON.
    pub payload: String,
    /// `waiting`, `done` or `failed`.
    pub state: String,
    /// JSON: what became of it.
    pub result: String,
    pub secret_sealed: Option<Vec<u8>>,
}

pub fn insert(conn: &mut AnyConnection, job: &Job, rows: &[JobRow]) -> QueryResult<()> {
    diesel::insert_into(jobs::table).values(job).execute(conn)?;
    insert_many!(conn, job_rows::table, rows)
}

impl Job {
    /// Whether it ended before all of its rows were done.
    #[must_use]
    pub fn ended_early(&self) -> bool {
        self.state == STOPPED || self.state == INTERRUPTED
    }
}

/// Writes more rows of a job that is being listed, the last of them with `complete`. Answers false where it is listed no
/// more, because it was given up.
pub fn list(
    conn: &mut AnyConnection,
    job: Id,
    rows: &[JobRow],
    complete: bool,
    now: NaiveDateTime,
) -> QueryResult<bool> {
    let state = if complete { "waiting" } else { LISTING };
    let found = diesel::update(jobs::table.find(job).filter(jobs::state.eq(LISTING)))
        .set((jobs::state.eq(state), jobs::updated_at.eq(now)))
        .execute(conn)?;
    if found > 0 {
        insert_many!(conn, job_rows::table, rows)?;
    }
    Ok(found > 0)
}

/// Ends the jobs of which no row was written down since `before`: whoever did that is gone.
pub fn interrupt(conn: &mut AnyConnection, before: NaiveDateTime, now: NaiveDateTime) -> QueryResult<usize> {
    diesel::update(
        jobs::table
            .filter(jobs::finished_at.is_null())
            .filter(jobs::state.eq(LISTING))
            .filter(jobs::updated_at.lt(before)),
    )
    .set((jobs::state.eq(INTERRUPTED), jobs::updated_at.eq(now), jobs::finished_at.eq(Some(now))))
    .execute(conn)
}

/// A job of `account`.
pub fn find(conn: &mut AnyConnection, account: Id, id: Id) -> QueryResult<Option<Job>> {
    jobs::table.find(id).filter(jobs::account_id.eq(account)).select(Job::as_select()).first(conn).optional()
}

/// The newest jobs of `account`.
pub fn recent(conn: &mut AnyConnection, account: Id, limit: i64) -> QueryResult<Vec<Job>> {
    jobs::table
        .filter(jobs::account_id.eq(account))
        .order((jobs::created_at.desc(), jobs::id.desc()))
        .limit(limit)
        .select(Job::as_select())
        .load(conn)
}

/// The unfinished job that is next, of those whose rows are all there: of the account that was served least lately, whatever number of jobs it has, the one
/// that waited longest.
pub fn next(conn: &mut AnyConnection) -> QueryResult<Option<Job>> {
    let account = jobs::table
        .filter(jobs::finished_at.is_null())
        .filter(jobs::state.ne(LISTING))
        .group_by(jobs::account_id)
        .select((jobs::account_id, max(jobs::updated_at)))
        .order((max(jobs::updated_at), jobs::account_id))
        .first::<(Id, Option<NaiveDateTime>)>(conn)
        .optional()?;
    let Some((account, _)) = account else { return Ok(None) };
    jobs::table
        .filter(jobs::account_id.eq(account))
        .filter(jobs::finished_at.is_null())
        .filter(jobs::state.ne(LISTING))
        .order((jobs::updated_at, jobs::id))
        .select(Job::as_select())
        .first(conn)
        .optional()
}

/// The same, held until the transaction ends: another node waits for it, and then sees what is left.
pub fn take(conn: &mut AnyConnection, now: NaiveDateTime) -> QueryResult<Option<Job>> {
    let Some(job) = next(conn)? else { return Ok(None) };
    diesel::update(jobs::table.find(job.id).filter(jobs::finished_at.is_null()))
        .set((jobs::updated_at.eq(now), jobs::state.eq("running")))
        .execute(conn)?;
    jobs::table.find(job.id).filter(jobs::finished_at.is_null()).select(Job::as_select()).first(conn).optional()
}

/// The next rows that wait.
pub fn waiting(conn: &mut AnyConnection, job: Id, from: i32, limit: i64) -> QueryResult<Vec<JobRow>> {
    job_rows::table
        .filter(job_rows::job_id.eq(job))
        .filter(job_rows::position.ge(from))
        .filter(job_rows::state.eq("waiting"))
        .order(job_rows::position)
        .limit(limit)
        .select(JobRow::as_select())
        .load(conn)
}

/// A page of rows from `from` on; with `failed`, only those that did not succeed.
pub fn rows(conn: &mut AnyConnection, job: Id, from: i32, failed: bool, limit: i64) -> QueryResult<Vec<JobRow>> {
    let mut query = job_rows::table
        .filter(job_rows::job_id.eq(job))
        .filter(job_rows::position.ge(from))
        .order(job_rows::position)
        .limit(limit)
        .select(JobRow::as_select())
        .into_boxed();
    if failed {
        query = query.filter(job_rows::state.eq("failed"));
    }
    query.load(conn)
}

/// What became of a row.
pub fn finish_row(conn: &mut AnyConnection, job: Id, position: i32, state: &str, result: &str) -> QueryResult<()> {
    diesel::update(job_rows::table.find((job, position)))
        .set((job_rows::state.eq(state), job_rows::result.eq(result)))
        .execute(conn)
        .map(drop)
}

/// Writes how far a job has come; one whose rows are all done is finished.
pub fn progress(conn: &mut AnyConnection, job: &Job) -> QueryResult<()> {
    diesel::update(jobs::table.find(job.id))
        .set((
            jobs::done.eq(job.done),
            jobs::failed.eq(job.failed),
            jobs::state.eq(&job.state),
            jobs::updated_at.eq(job.updated_at),
            jobs::finished_at.eq(job.finished_at),
        ))
        .execute(conn)
        .map(drop)
}
