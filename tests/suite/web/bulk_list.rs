//! Work on more accounts than one transaction writes down: whom it is about is what matched at its start, and nothing is
//! done before all of them are there.

use canopy::actions::bulk_list::{Listing, list_rows};
use canopy::actions::bulk_run::run_jobs_once;
use canopy::actions::bulk_start::{Selection, Started, bulk_start, matching};
use canopy::actions::bulk_work::Work;
use canopy::actions::ensure_period::ensure_period;
use canopy::domain::ids::Id;
use canopy::models::jobs::{self, Job};
use canopy::models::sub_account_list::{Filter, HoldFilter};
use diesel::connection::SimpleConnection;

use crate::support::app::{TestApp, on_both};
use crate::support::visitor::Visitor;
use crate::support::{many, rows};

/// Active and suspended together; more than two transactions write down.
const CLIENTS: usize = 1_100;

async fn fill(app: &TestApp, parent: Id) {
    let today = app.app.clock.now().date_naive();
    app.write(move |conn, cx| {
        let agency = many::Agency { id: parent, period: ensure_period(conn, parent, cx.now)?.id };
        let size = many::Size { children: CLIENTS, days: 1, daily: 1 };
        Ok(conn.batch_execute(&many::sql(conn, agency, size, today))?)
    })
    .await;
}

fn active() -> Filter {
    Filter { hold: HoldFilter::Active, ..Filter::default() }
}

async fn started(app: &TestApp, parent: Id) -> (Vec<Id>, Started) {
    app.write(move |conn, cx| {
        let all = matching(conn, cx.now, parent, &active())?;
        let started = bulk_start(conn, cx, parent, Work::Lift, Selection::All(all.clone()))?;
        Ok((all, started))
    })
    .await
}

async fn list(app: &TestApp, listing: Listing) -> (Listing, Option<usize>) {
    app.write(move |conn, cx| {
        let written = list_rows(conn, cx.now, &listing)?;
        Ok((listing, written))
    })
    .await
}

async fn turn(app: &TestApp) -> usize {
    let app = std::sync::Arc::clone(&app.app);
    let done = tokio::task::spawn_blocking(move || run_jobs_once(&app.db, &app.cx("jobs"), &app.services));
    done.await.expect("it ends").expect("the database answers")
}

async fn job(app: &TestApp, parent: Id, id: Id) -> Job {
    app.read(move |conn| Ok(jobs::find(conn, parent, id)?)).await.expect("the job")
}

#[tokio::test]
async fn work_for_all_that_match_is_for_those_of_its_start_though_many_are_written_down_later() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let parent = agency.id;
        fill(&app, parent).await;
        let (all, started) = started(&app, parent).await;
        let listed = job(&app, parent, started.job).await;
        assert_eq!((listed.state.as_str(), listed.total, listed.done), (jobs::LISTING, 1_099, 0), "one is suspended");
        app.write(move |conn, cx| rows::sub_account(conn, cx, parent, "aaa-newcomer", 0)).await;
        assert_eq!(turn(&app).await, 0, "nothing is done before all is written down");
        let owner = Visitor::signed_in(&app, &agency.email).await;
        owner.get(&format!("/jobs/{}", started.job)).await.shows("1,099 rows to do, being written down");

        let mut rest = started.rest.expect("more than one transaction writes");
        loop {
            let (listing, written) = list(&app, rest).await;
            let Some(written) = written else { break };
            rest = listing.at(written);
        }
        let id = started.job;
        let rows = app.read(move |conn| Ok(jobs::rows(conn, id, 0, false, 2_000)?)).await;
        let about: Vec<String> = rows.iter().map(|row| row.payload.clone()).collect();
        assert_eq!(about, all.iter().map(Id::to_string).collect::<Vec<_>>(), "in their order, each once");
        assert_eq!(turn(&app).await, 25, "and now it is done");
    })
    .await;
}

#[tokio::test]
async fn work_that_is_not_written_down_to_its_end_is_given_up_and_has_done_nothing() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let parent = agency.id;
        fill(&app, parent).await;
        let (_, started) = started(&app, parent).await;
        app.app.clock.step(chrono::TimeDelta::seconds(50));
        let (listing, written) = list(&app, started.rest.expect("more to come")).await;
        assert_eq!(written, Some(1_000));
        app.app.clock.step(chrono::TimeDelta::seconds(50));
        turn(&app).await;
        assert_eq!(job(&app, parent, started.job).await.state, jobs::LISTING, "it is being written down");
        app.app.clock.step(chrono::TimeDelta::seconds(50));
        turn(&app).await;
        let given_up = job(&app, parent, started.job).await;
        assert_eq!((given_up.state.as_str(), given_up.done), (jobs::INTERRUPTED, 0));
        assert!(given_up.finished_at.is_some(), "nobody waits for it");
        let (_, written) = list(&app, listing.at(1_000)).await;
        assert_eq!(written, None, "whoever comes late adds nothing");
        assert_eq!((turn(&app).await, job(&app, parent, started.job).await.done), (0, 0));
        let owner = Visitor::signed_in(&app, &agency.email).await;
        owner
            .get(&format!("/jobs/{}", started.job))
            .await
            .shows("nothing was changed")
            .shows("Stopped before it began");
    })
    .await;
}

#[tokio::test]
async fn a_person_starts_work_for_all_of_many_and_it_begins_by_itself() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("harbor").await;
    fill(&app, agency.id).await;
    let owner = Visitor::signed_in(&app, &agency.email).await;
    let lift = [("do", "lift"), ("scope", "all"), ("f_hold", "suspended")];
    let few = owner.submit("/sub-accounts", "/sub-accounts/bulk/start", &lift).await;
    assert_eq!(few.status, 303, "{}", few.html);
    let many = owner.submit("/sub-accounts", "/sub-accounts/bulk/start", &[("do", "lift"), ("scope", "all")]).await;
    assert_eq!(many.status, 303, "{}", many.html);
    let id: Id = many.location.trim_start_matches("/jobs/").parse().expect("a job");
    for _ in 0..600 {
        if job(&app, agency.id, id).await.finished_at.is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let done = job(&app, agency.id, id).await;
    assert_eq!((done.state.as_str(), done.total, done.done, done.failed), ("done", 1_100, 1_100, 0));
}
