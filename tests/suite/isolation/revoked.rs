//! From the moment that access was taken away nobody gets in by it any more, however many ask at that moment.
//!
//! The short form runs with the other tests; `bin/soak revoked` asks as often as `CANOPY_SOAK_LATER` says.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use canopy::actions::delete_api_key::delete_api_key;
use canopy::actions::key_grant::KeyHolder;
use canopy::models::{api_keys, users};
use futures_util::future::join_all;

use crate::support::app::{PASSWORD, TestApp, on_both};
use crate::support::environment::number;
use crate::support::visitor::Visitor;

const AT_ONCE: usize = 12;
/// Requests after each revocation in the short form.
const LATER: u64 = 200;

/// Asks from all sides, takes access away meanwhile, and counts: some got in before, and nobody after.
async fn nobody_after<T>(what: &str, asks: impl AsyncFn() -> bool, takes_away: impl Future<Output = T>) {
    let (gone, before, after) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let wanted = usize::try_from(number("CANOPY_SOAK_LATER", LATER)).expect("a number");
    let asking = join_all((0..AT_ONCE).map(|_| async {
        while after.load(Ordering::SeqCst) < wanted {
            let late = gone.load(Ordering::SeqCst);
            let let_in = asks().await;
            assert!(!(late && let_in), "{what}: let in after it was taken away");
            before.fetch_add(usize::from(!late && let_in), Ordering::SeqCst);
            after.fetch_add(usize::from(late), Ordering::SeqCst);
        }
    }));
    let takes_away = async {
        while before.load(Ordering::SeqCst) < AT_ONCE * 2 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        takes_away.await;
        gone.store(true, Ordering::SeqCst);
    };
    tokio::join!(asking, takes_away);
    println!("{what}: {} let in before, none of {} after", before.into_inner(), after.into_inner());
}

/// A request with the cookies of somebody who signed in, whatever became of them since.
async fn with_cookies(app: &TestApp, cookies: &str) -> bool {
    let request = app.http.get(format!("{}/settings/profile", app.url)).header("cookie", cookies);
    request.send().await.expect("an answer").status() == 200
}

/// Signs in; the browser, and its session's cookie as it is sent.
async fn signed_in(app: &TestApp, email: &str) -> (Visitor, String) {
    let visitor = Visitor::new(app);
    let page = visitor.sign_in(email, PASSWORD).await;
    let cookie = page.cookie("canopy").expect("a session");
    (visitor, cookie.split(';').next().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_deleted_key_a_disabled_person_and_an_ended_session_let_nobody_in() {
    on_both(|app| async move {
        let agency = app.agency("Revoked").await;
        let client = app.client(&agency, "revoked", 0).await;
        let account = client.id;
        let asks = async || app.send("GET", "/v2/ping", &client.key, None, &[]).await.status() == 200;
        let deleted = app.write(move |conn, cx| {
            let key = api_keys::page(conn, account, None, false, 1)?.first().expect("a key").id;
            delete_api_key(conn, cx, KeyHolder::Own(account), key)
        });
        nobody_after("a deleted key", asks, deleted).await;

        let (visitor, cookie) = signed_in(&app, &agency.email).await;
        let asks = async || with_cookies(&app, &cookie).await;
        nobody_after("an ended session", asks, visitor.fill("/sign-out", &[])).await;

        let (_visitor, cookie) = signed_in(&app, &agency.email).await;
        let asks = async || with_cookies(&app, &cookie).await;
        let owner = agency.owner;
        let disabled = app.write(move |conn, cx| {
            let mut user = users::find(conn, owner)?.expect("the owner");
            user.disabled_at = Some(cx.at());
            Ok(users::save(conn, &user)?)
        });
        nobody_after("a disabled person", asks, disabled).await;
    })
    .await;
}
