//! Writing down what a job is about, so many rows a transaction, however many there are. Nothing of the job is done before
//! all of its rows are there: where the program ends in between, the job is given up as if it had never begun.

use chrono::{DateTime, TimeDelta, Utc};

use super::ActionResult;
use super::bulk_start::Started;
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::jobs::{self, Job, JobRow};

/// Rows of one transaction.
const ROWS: usize = 500;
/// A job of which no row was written down for so long is given up.
const SILENT: TimeDelta = TimeDelta::minutes(1);

/// What is still to be written down of a job.
pub struct Listing {
    job: Id,
    /// What all of its rows are about.
    payloads: Vec<String>,
    /// How many of them are there.
    written: usize,
}

/// Writes a job and its first rows.
///
/// # Errors
/// Only the database's.
pub(super) fn begin(conn: &mut AnyConnection, mut job: Job, payloads: Vec<String>) -> ActionResult<Started> {
    job.total = number(payloads.len());
    let written = payloads.len().min(ROWS);
    let complete = written == payloads.len();
    if !complete {
        jobs::LISTING.clone_into(&mut job.state);
    }
    jobs::insert(conn, &job, &rows(job.id, 0, &payloads[..written]))?;
    let rest = (!complete).then_some(Listing { job: job.id, payloads, written });
    Ok(Started { job: job.id, rest })
}

/// Writes the next rows; answers how many there are then, or `None` once all are, or the job was given up.
///
/// # Errors
/// Only the database's; nothing was written then, and the same can be tried again.
pub fn list_rows(conn: &mut AnyConnection, now: DateTime<Utc>, listing: &Listing) -> ActionResult<Option<usize>> {
    let written = listing.payloads.len().min(listing.written + ROWS);
    let complete = written == listing.payloads.len();
    let rows = rows(listing.job, listing.written, &listing.payloads[listing.written..written]);
    let goes_on = jobs::list(conn, listing.job, &rows, complete, now.naive_utc())?;
    Ok((goes_on && !complete).then_some(written))
}

/// Gives jobs up whose rows nobody writes down any more.
///
/// # Errors
/// Only the database's.
pub(super) fn give_up_silent(conn: &mut AnyConnection, now: DateTime<Utc>) -> ActionResult<()> {
    jobs::interrupt(conn, (now - SILENT).naive_utc(), now.naive_utc())?;
    Ok(())
}

impl Listing {
    /// The same after [`list_rows`] answered that so many rows are there.
    #[must_use]
    pub fn at(self, written: usize) -> Self {
        Self { written, ..self }
    }
}

fn rows(job_id: Id, from: usize, payloads: &[String]) -> Vec<JobRow> {
    let row = |(position, payload): (i32, &String)| JobRow {
        job_id,
        position,
        payload: payload.clone(),
        state: "waiting".into(),
        result: String::new(),
        secret_sealed: None,
    };
    (number(from)..).zip(payloads).map(row).collect()
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
