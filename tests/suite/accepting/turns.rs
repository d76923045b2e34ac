//! Nobody waits behind all that another account sends: the committer serves accounts in turn, and each has a quarter of
//! its line at most.

use std::sync::{Arc, mpsc};

use canopy::actions::ActionResult;
use canopy::actions::accept_message::Accepted;
use canopy::models::health::Lack;
use canopy::models::{accounts, messages};
use futures_util::future::join_all;
use tokio::task::JoinHandle;

use crate::support::app::{Client, On, TestApp, on_both, prepared};

/// Requests of the noisy account that wait: nearly its quarter of the line.
const NOISE: usize = 1000;

/// Keeps an account's lock, and SQLite's one writer, until the returned end is dropped.
fn hold(app: &TestApp, client: &Client) -> mpsc::Sender<()> {
    let (held, holds) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (db, id) = (Arc::clone(&app.app.db), client.id);
    std::thread::spawn(move || {
        db.write(|conn| {
            accounts::lock(conn, &[], &[id])?;
            held.send(()).expect("the test waits");
            // Ends when the other end is dropped.
            let _ = released.recv();
            Ok::<_, diesel::result::Error>(())
        })
    });
    holds.recv().expect("the account is held");
    release
}

fn send(app: &TestApp, client: &Client) -> JoinHandle<ActionResult<Accepted>> {
    let (node, request) = (Arc::clone(&app.app), prepared(client, &["ann@example.org"]));
    tokio::spawn(async move { node.committer.accept(request).await })
}

async fn until_waiting(app: &TestApp, many: usize) {
    while app.app.committer.waiting().0 != many {
        tokio::task::yield_now().await;
    }
}

/// One request that the committer has taken, and cannot commit while `client` is held.
async fn stall(app: &TestApp, client: &Client) -> JoinHandle<ActionResult<Accepted>> {
    let room = app.app.committer.kilobytes_left();
    let first = send(app, client);
    while app.app.committer.kilobytes_left() == room {
        tokio::task::yield_now().await;
    }
    until_waiting(app, 0).await;
    first
}

#[tokio::test]
async fn a_request_beside_another_accounts_thousand_is_in_the_next_group() {
    on_both(|app| async move {
        let agency = app.agency("Turns").await;
        let (noisy, quiet) = (app.client(&agency, "noisy", 0).await, app.client(&agency, "quiet", 0).await);
        let held = hold(&app, &noisy);
        let mut sent = vec![stall(&app, &noisy).await];
        sent.extend((0..NOISE).map(|_| send(&app, &noisy)));
        until_waiting(&app, NOISE).await;
        sent.push(send(&app, &quiet));
        until_waiting(&app, NOISE + 1).await;
        drop(held);
        for answer in join_all(sent).await {
            answer.expect("no panic").expect("accepted");
        }

        // All of a group have its one time.
        let of = |client: &Client| {
            let (id, filter) = (client.id, messages::Filter::default());
            app.read(move |conn| Ok(messages::page(conn, id, &filter, None, true, 5000)?))
        };
        let (noise, own) = (of(&noisy).await, of(&quiet).await);
        assert_eq!((noise.len(), own.len()), (NOISE + 1, 1));
        let before = noise.iter().filter(|message| message.created_at < own[0].created_at).count();
        let beside = noise.iter().filter(|message| message.created_at == own[0].created_at).count();
        assert_eq!((before, beside), (1, 511), "one group was under way, and it is in the next");
    })
    .await;
}

#[tokio::test]
async fn beyond_a_quarter_of_the_line_an_account_alone_is_told_to_come_again() {
    for on in [On::Sqlite, On::Postgres] {
        let line = |settings: &mut canopy::config::Settings| settings.set("accept_line_requests", "16");
        let Some(app) = TestApp::start_with(on, line).await else { continue };
        let agency = app.agency("Quarter").await;
        let (noisy, quiet) = (app.client(&agency, "noisy", 0).await, app.client(&agency, "quiet", 0).await);
        let held = hold(&app, &noisy);
        let mut sent = vec![stall(&app, &noisy).await];
        sent.extend((0..4).map(|_| send(&app, &noisy)));
        until_waiting(&app, 4).await;
        let refused = send(&app, &noisy).await.expect("no panic").expect_err("its quarter is full");
        assert_eq!(refused.lack(), Some(Lack::Line));
        sent.push(send(&app, &quiet));
        until_waiting(&app, 5).await;
        drop(held);
        for answer in join_all(sent).await {
            answer.expect("no panic").expect("accepted");
        }
    }
}
