//! A worker that answers after its lease ran out, at the very moment in which somebody else has the message: taken by
//! another worker, cancelled, expired, or cleared. PostgreSQL alone: SQLite writes one transaction at a time.

use std::sync::Arc;
use std::sync::mpsc;

use canopy::actions::cancel_queued::cancel_queued;
use canopy::actions::claim_deliveries::{Claimed, Wanted, claim_deliveries};
use canopy::actions::error::ActionResult;
use canopy::actions::finish_deliveries::{Answer, Finished, finish_deliveries};
use canopy::actions::queue_selection::{QueueOf, Selection};
use canopy::app::App;
use canopy::models::accounts;
use canopy::models::queue_view::Whose;
use canopy::models::schema::counters;
use chrono::TimeDelta;
use diesel::prelude::*;

use super::{accept, message};
use crate::support::app::{On, TestApp};

fn wanted() -> Wanted {
    Wanted { limit: 16, per_account: 16, ..Wanted::default() }
}

/// Finishes in a transaction that stays open until `meanwhile` is done: what the worker said is then in nobody's sight.
fn finish_around<T>(app: &Arc<App>, claimed: Claimed, meanwhile: impl FnOnce() -> T) -> T {
    let (finished, is_finished) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel();
    let (node, at) = (Arc::clone(app), app.clock.now());
    let answer = Answer::Reply { code: 250, text: "2.0.0 Taken".into() };
    let one = Finished { claimed, host: "slow".into(), transport: None, answer, at };
    let late = std::thread::spawn(move || {
        node.db.write(|conn| -> ActionResult<()> {
            assert_eq!(finish_deliveries(conn, at, &[one])?.len(), 1, "nobody had taken its lease");
            finished.send(()).expect("the test waits");
            may_go_on.recv().expect("the test goes on");
            Ok(())
        })
    });
    is_finished.recv().expect("it finishes");
    let done = meanwhile();
    go_on.send(()).expect("it waits");
    late.join().expect("it ends").expect("it commits");
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_finishes_late_keeps_its_message_whoever_reaches_for_it_meanwhile() {
    let Some(app) = TestApp::start(On::Postgres).await else { return };
    let agency = app.agency("Late").await;
    let client = app.client(&agency, "late", 0).await;
    for reach in ["claim", "cancel", "expire"] {
        let id = accept(&app, &client, &["ann@example.org"]).await[0];
        let claimed = app.write(move |conn, cx| claim_deliveries(conn, cx.now, &wanted())).await.remove(0);
        app.app.clock.step(if reach == "expire" { TimeDelta::days(4) } else { TimeDelta::minutes(2) });
        let (node, account) = (Arc::clone(&app.app), client.id);
        let had = tokio::task::block_in_place(|| {
            finish_around(&app.app, claimed, || {
                let cx = node.cx("test");
                node.db.write(|conn| -> ActionResult<usize> {
                    if reach == "cancel" {
                        let holder = accounts::find_any(conn, account)?.expect("the account");
                        let of = QueueOf { holder, whose: Whose::Account(account) };
                        return Ok(cancel_queued(conn, &cx, &of, &Selection::Ids(vec![id]))?.changed);
                    }
                    Ok(claim_deliveries(conn, cx.now, &wanted())?.len())
                })
            })
        });
        assert_eq!(had.expect("it reaches"), 0, "{reach} has it not");
        assert_eq!(message(&app, id).await.status, "delivered");
    }
    accept(&app, &client, &["last@example.org"]).await;
    assert_eq!(app.write(move |conn, cx| claim_deliveries(conn, cx.now, &wanted())).await.len(), 1, "the last alone");
    let columns = (counters::accepted, counters::delivered, counters::failed);
    let counted: Vec<(i64, i64, i64)> = app.read(move |conn| Ok(counters::table.select(columns).load(conn)?)).await;
    let sum = counted.iter().fold((0, 0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1, sum.2 + one.2));
    assert_eq!(sum, (4, 3, 0), "in whichever periods");
}
