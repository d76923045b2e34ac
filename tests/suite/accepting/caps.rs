//! With N concurrent senders and a cap of n, exactly min(N, n) are accepted.

use canopy::actions::ActionError;
use canopy::actions::accept_message::Outcome;
use canopy::actions::ensure_period::ensure_period;
use canopy::models::{counters, messages, usage};
use futures_util::future::join_all;

use crate::support::app::{TestApp, on_both};
use crate::support::environment::number;

/// Senders that race for one cap.
const SENDERS: usize = 256;
/// The caps of the accounts, in turn; `bin/soak caps` races for those of `CANOPY_SOAK_ACCOUNTS`.
const CAPS: [i64; 5] = [1, 7, 200, 1000, 0];

#[tokio::test]
async fn exactly_the_cap_is_accepted_when_many_race_for_it() {
    on_both(|app| async move {
        let agency = app.agency("Race").await;
        let accounts = number("CANOPY_SOAK_ACCOUNTS", CAPS.len() as u64);
        for (account, cap) in (0..accounts).zip(CAPS.into_iter().cycle()) {
            let client = app.client(&agency, &format!("race{account}"), cap).await;
            // As many recipients of each as make the cap bind; 0 is none.
            let each = if cap > SENDERS as i64 { 5 } else { 1 };
            let tried = (SENDERS * each) as i64;
            let results = join_all((0..SENDERS).map(|_| app.accept(&client, &["ann@example.org"; 5][..each])));
            let results = results.await;
            let entries = results.iter().flatten().flat_map(|accepted| &accepted.entries);
            let accepted = entries.filter(|entry| matches!(entry.outcome, Outcome::Queued { .. })).count() as i64;
            assert_eq!(accepted, if cap == 0 { tried } else { cap.min(tried) }, "cap {cap}");
            for refused in results.iter().filter_map(|result| result.as_ref().err()) {
                assert!(matches!(refused, ActionError::CapReached { .. }), "{refused:?}");
            }
            assert_eq!(counted(&app, client.id, agency.id).await, (accepted, accepted, accepted));
        }
        println!("{accounts} accounts raced for by {SENDERS} senders each on {:?}", app.app.db.backend());
    })
    .await;
}

#[tokio::test]
async fn a_request_larger_than_what_is_left_is_granted_in_order() {
    on_both(|app| async move {
        let agency = app.agency("Order").await;
        let client = app.client(&agency, "order", 2).await;
        let accepted = app.accept(&client, &["a@x.example", "b@x.example", "c@x.example"]).await.expect("two fit");
        let outcomes: Vec<bool> =
            accepted.entries.iter().map(|entry| matches!(entry.outcome, Outcome::Queued { .. })).collect();
        assert_eq!(outcomes, [true, true, false]);
        let Outcome::Refused { reason } = &accepted.entries[2].outcome else { panic!("the third is over the cap") };
        assert!(reason.contains("monthly cap of 2"), "{reason}");
        assert_eq!(counted(&app, client.id, agency.id).await.0, 2);
    })
    .await;
}

#[tokio::test]
async fn two_nodes_over_one_postgresql_share_the_cap_exactly() {
    let Some(first) = TestApp::start(crate::support::app::On::Postgres).await else { return };
    let second = first.second_node();
    let agency = first.agency("Nodes").await;
    let client = first.client(&agency, "nodes", 300).await;
    let sends = (0..400).map(|number| {
        let committer = if number % 2 == 0 { &first.app.committer } else { &second.committer };
        committer.accept(crate::support::app::prepared(&client, &["ann@example.org"]))
    });
    let accepted = join_all(sends).await.iter().filter(|result| result.is_ok()).count();
    assert_eq!(accepted, 300);
    assert_eq!(counted(&first, client.id, agency.id).await, (300, 300, 300));
}

/// (counter, messages, the ledger's days) of an account in the current period.
async fn counted(app: &TestApp, account: canopy::domain::ids::Id, root: canopy::domain::ids::Id) -> (i64, i64, i64) {
    app.write(move |conn, cx| {
        let period = ensure_period(conn, root, cx.now)?;
        let counter = counters::used(conn, account, period.id)?;
        let filter = messages::Filter::default();
        let rows = messages::page(conn, account, &filter, None, false, 5000)?.len();
        let days: i64 = usage::days(conn, account, "0000", "9999")?.iter().map(|day| day.accepted).sum();
        Ok((counter, rows as i64, days))
    })
    .await
}
