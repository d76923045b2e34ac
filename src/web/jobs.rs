//! Long work: its progress, a result per row, and where to find it again.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::{Path as UrlPath, Query as UrlQuery};
use askama::Template;
use serde::Deserialize;

use super::acting::Acting;
use super::csv;
use super::error::{PageError, PageResult};
use super::format::{self, When};
use super::layout::Shell;
use super::page::html;
use super::sub_accounts::Path;
use crate::actions::ActionResult;
use crate::actions::bulk_list::{Listing, list_rows};
use crate::actions::bulk_run::run_jobs_once;
use crate::actions::bulk_start::Started;
use crate::actions::bulk_work::Outcome;
use crate::app::App;
use crate::domain::client_import::Client;
use crate::domain::ids::Id;
use crate::domain::role::Permission;
use crate::models::jobs::{self, Job, JobRow};

/// Rows of a page.
const ROWS: i64 = 100;
/// How often the rows of a job are tried to be written down again while the database does not answer, and how long after.
const TRIES: u32 = 30;
const TRIED_AFTER: Duration = Duration::from_secs(1);
/// Said of each row that a stopped job did not come to.
const LEFT: &str = "The job was stopped before it came to this row.";

#[derive(Template)]
#[template(path = "jobs/show.html")]
struct JobPage {
    shell: Shell,
    job: Job,
    started: When,
    finished: Option<When>,
    rows: Vec<Row>,
    failed: bool,
    previous: String,
    next: String,
}

#[derive(Template)]
#[template(path = "jobs/index.html")]
struct JobsPage {
    shell: Shell,
    jobs: Vec<(Job, When)>,
}

/// A row and what became of it.
struct Row {
    number: i32,
    name: String,
    class: &'static str,
    state: &'static str,
    said: String,
    account: Option<Id>,
}

impl JobPage {
    fn is_done(&self) -> bool {
        self.job.finished_at.is_some()
    }

    fn is_stopped(&self) -> bool {
        self.job.state == jobs::STOPPED
    }

    fn is_interrupted(&self) -> bool {
        self.job.state == jobs::INTERRUPTED
    }

    fn is_listing(&self) -> bool {
        self.job.state == jobs::LISTING
    }

    /// Rows that nobody tried.
    fn left(&self) -> String {
        let left = (self.job.total - self.job.done).unsigned_abs();
        format::count(left.into(), "row was left undone", "rows were left undone")
    }

    fn summary(&self) -> String {
        let (done, total) = (self.job.done.unsigned_abs(), self.job.total.unsigned_abs());
        let failed = self.job.failed.unsigned_abs();
        let good = format::number(done - failed.min(done));
        if self.is_listing() {
            return format!("{} to do, being written down", format::count(total.into(), "row", "rows"));
        }
        if self.is_interrupted() {
            return "Stopped before it began".into();
        }
        if self.is_stopped() {
            return format!("Stopped after {} of {}", format::number(done), format::number(total));
        }
        match (self.is_done(), failed) {
            (false, _) => format!("{} of {} done", format::number(done), format::number(total)),
            (true, 0) => format!("All {} done", format::number(total)),
            (true, _) => format!("{good} done, {} not", format::number(failed)),
        }
    }
}

/// Lets a job begin, on a thread of its own; answers where it is seen.
pub fn begin(app: &Arc<App>, started: Started) -> String {
    let path = format!("/jobs/{}", started.job);
    match started.rest {
        None => wake(app),
        Some(rest) => {
            let app = Arc::clone(app);
            drop(tokio::task::spawn_blocking(move || {
                write_down(&app, rest);
                app.load.jobs.run(|| run_all(&app));
            }));
        }
    }
    path
}

/// Writes down the rows that a job has yet to get. It is given up where the database does not answer for long.
fn write_down(app: &App, mut listing: Listing) {
    let mut tries = 0;
    while tries < TRIES {
        match app.db.write(|conn| list_rows(conn, app.clock.now(), &listing)) {
            Ok(None) => return,
            Ok(Some(written)) => (listing, tries) = (listing.at(written), 0),
            Err(error) => {
                tries += 1;
                log::warn!("the rows of a job are not written down yet: {error:?}");
                std::thread::sleep(TRIED_AFTER);
            }
        }
    }
}

/// Runs what waits, on a thread of its own, unless the node's workers are quicker.
pub fn wake(app: &Arc<App>) {
    let app = Arc::clone(app);
    drop(tokio::task::spawn_blocking(move || app.load.jobs.run(|| run_all(&app))));
}

fn run_all(app: &App) {
    loop {
        let cx = app.cx("jobs");
        match run_jobs_once(&app.db, &cx, &app.services) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => {
                log::error!("a job stopped and is tried again: {error:?}");
                break;
            }
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    from: i32,
    /// Only what did not succeed.
    failed: String,
}

async fn find(acting: &Acting, path: &Path) -> Result<Job, PageError> {
    acting.require(Permission::ViewSubAccounts)?;
    let id: Id = path.id.parse().map_err(|_| PageError::not_found())?;
    let account = acting.account.id;
    let found = acting.app.read(move |conn| Ok(jobs::find(conn, account, id)?)).await?;
    found.ok_or_else(PageError::not_found)
}

/// `GET /jobs`
pub async fn index(acting: Acting) -> PageResult {
    acting.require(Permission::ViewSubAccounts)?;
    let account = acting.account.id;
    let recent = acting.app.read(move |conn| Ok(jobs::recent(conn, account, 50)?)).await?;
    let (now, tz) = (acting.now().naive_utc(), acting.time_zone());
    let jobs = recent.into_iter().map(|job| (job.clone(), When::new(job.created_at, now, tz))).collect();
    html(&JobsPage { shell: acting.shell("Bulk work"), jobs })
}

/// `GET /jobs/{id}`
pub async fn show(acting: Acting, path: UrlPath<Path>, asked: UrlQuery<Asked>) -> PageResult {
    let job = find(&acting, &path).await?;
    let (id, from, failed) = (job.id, asked.from.max(0), !asked.failed.is_empty());
    if job.finished_at.is_none() {
        wake(&acting.app);
    }
    let mut rows = acting.app.read(move |conn| Ok(jobs::rows(conn, id, from, failed, ROWS + 1)?)).await?;
    let more = rows.len() as i64 > ROWS;
    let next = rows.get(ROWS as usize).map(|row| row.position);
    rows.truncate(ROWS as usize);
    let (now, tz) = (acting.now().naive_utc(), acting.time_zone());
    let extra = if failed { "&failed=1" } else { "" };
    let link = |from: i32| format!("/jobs/{id}?from={from}{extra}");
    html(&JobPage {
        shell: acting.shell(&job.title),
        started: When::new(job.created_at, now, tz),
        finished: job.finished_at.map(|at| When::new(at, now, tz)),
        rows: rows.iter().map(|one| row(one, &job)).collect(),
        failed,
        previous: if from > 0 { link(from.saturating_sub(ROWS as i32).max(0)) } else { String::new() },
        next: next.filter(|_| more).map(link).unwrap_or_default(),
        job,
    })
}

fn row(row: &JobRow, job: &Job) -> Row {
    let mut outcome: Outcome = serde_json::from_str(&row.result).unwrap_or_default();
    let (class, state) = match row.state.as_str() {
        "waiting" if job.ended_early() => {
            outcome.said = LEFT.into();
            ("held", "Not done")
        }
        "done" => ("active", "Done"),
        "failed" => ("held", "Not done"),
        _ => ("wait", "Waits"),
    };
    let listed = || serde_json::from_str::<Client>(&row.payload).map(|client| client.name).unwrap_or_default();
    Row {
        number: row.position + 1,
        name: if outcome.name.is_empty() { listed() } else { outcome.name },
        class,
        state,
        said: outcome.said,
        account: outcome.account,
    }
}

/// `GET /jobs/{id}.csv`
pub async fn csv(acting: Acting, path: UrlPath<Path>) -> PageResult {
    let job = find(&acting, &path).await?;
    let text = acting.app.read_much(acting.owner(), move |conn| results(conn, &job)).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"results-{}.csv\"", path.id)))
        .body(text))
}

fn results(conn: &mut crate::models::AnyConnection, job: &Job) -> ActionResult<String> {
    let mut text = csv::line(&["row", "name", "result", "detail", "account_id"]);
    let mut from = 0;
    loop {
        let rows = jobs::rows(conn, job.id, from, false, 1_000)?;
        let Some(last) = rows.last().map(|row| row.position) else { break };
        from = last + 1;
        for row in rows.iter().map(|one| row(one, job)) {
            let account = row.account.map(|id| id.to_string()).unwrap_or_default();
            let (number, state) = (row.number.to_string(), row.state.to_owned());
            text.push_str(&csv::line(&[number, row.name, state, row.said, account]));
        }
    }
    Ok(text)
}
