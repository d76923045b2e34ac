//! What a client has in its queue when it is deleted: nothing of it leaves from that commit, and all of it ends once.

use std::sync::Arc;

use canopy::actions::ActionError;
use canopy::actions::accept_message::Prepared;
use canopy::actions::claim_deliveries::{Claimed, Wanted, claim_deliveries};
use canopy::actions::delete_sub_account::delete_sub_account;
use canopy::actions::finish_deliveries::{Answer, Finished, finish_deliveries};
use canopy::actions::set_limits::set_limits;
use canopy::actions::undelete_sub_account::undelete_sub_account;
use canopy::actions::update_sub_account::{Changes, update_sub_account};
use canopy::domain::cap::MonthlyCap;
use canopy::domain::ids::Id;
use canopy::domain::limits::{AtCap, Limits};
use canopy::jobs::Leader;
use canopy::models::api_keys;
use canopy::models::audit::{self, Entry};
use canopy::models::{clearings, held};
use chrono::TimeDelta;

use super::{accept, counter_of, deliver, ids, message, queued, send_through};
use crate::support::app::{Agency, Client, TestApp, on_both, prepared};
use crate::support::rows;
use crate::support::smtp_sink::{Behaviour, SmtpSink};

async fn delete(app: &TestApp, agency: &Agency, client: &Client) {
    let (parent, child) = (agency.id, client.id);
    app.write(move |conn, cx| delete_sub_account(conn, cx, parent, child)).await;
}

async fn undelete(app: &TestApp, agency: &Agency, client: &Client) {
    let (parent, child) = (agency.id, client.id);
    app.write(move |conn, cx| undelete_sub_account(conn, cx, parent, child)).await;
}

async fn keep_house(app: &TestApp) {
    assert!(Leader::new(Arc::clone(&app.app)).round().await.expect("it keeps house"), "nobody else leads");
    app.app.clock.step(TimeDelta::seconds(16));
}

/// What the chain says was cleared.
async fn told(app: &TestApp, agency: &Agency) -> Vec<String> {
    let root = agency.id;
    let filter = audit::Filter { action_prefix: Some("sub_account.cleared".into()), ..audit::Filter::default() };
    let entries: Vec<Entry> = app.read(move |conn| Ok(audit::page(conn, root, &filter, None, true, 100)?)).await;
    entries.into_iter().filter_map(|entry| entry.after).collect()
}

/// A client with one message of each kind that waits: deferred, due, for its hour, and at its cap.
async fn waiting_of_each_kind(app: &TestApp, agency: &Agency, sink: &SmtpSink) -> (Client, Vec<Id>) {
    let client = app.client(agency, "gone", 3).await;
    send_through(app, agency.id, sink).await;
    let (parent, child) = (agency.id, client.id);
    let holds = Limits { at_cap: AtCap::Hold, ..Limits::default() };
    app.write(move |conn, cx| set_limits(conn, cx, parent, child, holds)).await;
    sink.set("busy@example.org", Behaviour::RefuseMessage("451 4.3.0 Busy")).await;
    let mut all = accept(app, &client, &["busy@example.org"]).await;
    deliver(app).await;
    let hour = Some(app.app.clock.now() + TimeDelta::days(2));
    let later = Prepared { first_attempt: hour, ..prepared(&client, &["later@example.org"]) };
    all.extend(ids(&app.app.committer.accept(later).await.expect("accepted")));
    all.extend(accept(app, &client, &["due@example.org"]).await);
    all.extend(accept(app, &client, &["held@example.org"]).await);
    (client, all)
}

async fn statuses(app: &TestApp, ids: &[Id]) -> Vec<String> {
    let mut all = Vec::new();
    for id in ids {
        all.push(message(app, *id).await.status);
    }
    all
}

#[tokio::test]
async fn nothing_of_a_deleted_client_leaves_and_all_that_waited_is_cleared_and_told_once() {
    on_both(|app| async move {
        let Some(sink) = SmtpSink::start() else { return };
        let agency = app.agency("Deleted").await;
        let (client, waited) = waiting_of_each_kind(&app, &agency, &sink).await;
        assert_eq!(statuses(&app, &waited).await, ["deferred", "scheduled", "received", "held"]);
        delete(&app, &agency, &client).await;
        app.app.clock.step(TimeDelta::days(2));
        assert_eq!(deliver(&app).await, 0, "nothing is tried any more");
        assert!(app.accept(&client, &["new@example.org"]).await.is_err());
        assert_eq!(statuses(&app, &waited).await, ["deferred", "scheduled", "received", "held"], "nobody kept house");

        keep_house(&app).await;
        assert_eq!(statuses(&app, &waited).await, ["failed"; 4]);
        let counted = counter_of(&app, waited[0]).await;
        assert_eq!((counted.accepted, counted.failed, counted.delivered), (3, 3, 0), "what was held never counted");
        keep_house(&app).await;
        assert_eq!(told(&app, &agency).await, [r#"{"messages":4}"#]);
        assert!(app.read(|conn| Ok(clearings::oldest(conn)?)).await.is_none());
        assert!(sink.messages().is_empty());
    })
    .await;
}

#[tokio::test]
async fn after_an_undelete_what_waited_before_is_still_cleared_and_new_mail_goes() {
    on_both(|app| async move {
        let Some(sink) = SmtpSink::start() else { return };
        let agency = app.agency("Back").await;
        let (client, waited) = waiting_of_each_kind(&app, &agency, &sink).await;
        delete(&app, &agency, &client).await;
        undelete(&app, &agency, &client).await;
        let (parent, child) = (agency.id, client.id);
        app.write(move |conn, cx| set_limits(conn, cx, parent, child, Limits::default())).await;
        let uncapped = Changes { cap: Some(MonthlyCap::NONE), ..Changes::default() };
        app.write(move |conn, cx| update_sub_account(conn, cx, parent, child, &uncapped)).await;
        let new = accept(&app, &client, &["new@example.org"]).await[0];

        // Before anybody kept house, and with every time for another attempt come.
        app.app.clock.step(TimeDelta::days(2));
        deliver(&app).await;
        assert_eq!(message(&app, new).await.status, "delivered");
        assert_eq!(statuses(&app, &waited[..3]).await, ["failed"; 3], "all of them were due");
        keep_house(&app).await;
        assert_eq!(statuses(&app, &waited).await, ["failed"; 4]);
        assert_eq!(told(&app, &agency).await, [r#"{"messages":4}"#], "whoever ended them");
        let counted = counter_of(&app, new).await;
        assert_eq!((counted.accepted, counted.failed, counted.delivered), (4, 3, 1));
        assert_eq!((queued(&app, child).await, app.read(move |conn| Ok(held::count(conn, child)?)).await), ((0, 0), 0));
        assert_eq!(sink.messages().len(), 1, "the new one alone left");

        // Deleted once more: another clearing, of what came since.
        accept(&app, &client, &["newer@example.org"]).await;
        delete(&app, &agency, &client).await;
        keep_house(&app).await;
        assert_eq!(told(&app, &agency).await, [r#"{"messages":4}"#, r#"{"messages":1}"#]);
    })
    .await;
}

fn answered(claimed: Claimed, answer: Answer, app: &TestApp) -> Finished {
    Finished { claimed, host: "mx".into(), transport: None, answer, at: app.app.clock.now() }
}

#[tokio::test]
async fn what_is_under_way_at_the_deletion_counts_as_it_ends_and_once() {
    on_both(|app| async move {
        let agency = app.agency("Leased").await;
        let client = app.client(&agency, "leased", 0).await;
        let all = accept(&app, &client, &["a@x.org", "b@x.org", "c@x.org", "d@x.org", "e@x.org", "f@x.org"]).await;
        let wanted = Wanted { limit: 5, per_account: 5, ..Wanted::default() };
        let claimed = app.write(move |conn, cx| claim_deliveries(conn, cx.now, &wanted)).await;
        let leased: Vec<Id> = claimed.iter().map(|one| one.message.id).collect();
        let waits: Vec<Id> = all.iter().copied().filter(|id| !leased.contains(id)).collect();
        delete(&app, &agency, &client).await;
        keep_house(&app).await;
        assert_eq!(statuses(&app, &leased).await, ["received"; 5], "they may be arriving");
        assert_eq!(statuses(&app, &waits).await, ["failed"], "nobody had begun it");

        let reply = |code, text: &str| Answer::Reply { code, text: text.into() };
        let answers = [
            reply(250, "2.0.0 Taken"),
            reply(550, "5.1.1 Nobody here"),
            reply(451, "4.3.0 Busy"),
            Answer::NotBegun,
            Answer::NoReply { text: "It hung up".into() },
        ];
        let ended: Vec<Finished> =
            claimed.into_iter().zip(answers).map(|(claimed, answer)| answered(claimed, answer, &app)).collect();
        app.write(move |conn, cx| finish_deliveries(conn, cx.now, &ended)).await;
        app.app.clock.step(TimeDelta::hours(1));
        assert_eq!(deliver(&app).await, 0, "no other attempt begins");
        keep_house(&app).await;
        let mut ends = statuses(&app, &all).await;
        ends.sort();
        assert_eq!(ends, ["bounced", "delivered", "failed", "failed", "failed", "failed"]);
        let counted = counter_of(&app, all[0]).await;
        assert_eq!((counted.accepted, counted.delivered, counted.bounced, counted.failed), (6, 1, 1, 4));
        assert_eq!(told(&app, &agency).await, [r#"{"messages":4}"#]);
        assert_eq!(queued(&app, client.id).await, (0, 0));
    })
    .await;
}

#[tokio::test]
async fn a_client_with_more_keys_than_one_transaction_ends_comes_back_only_without_any() {
    on_both(|app| async move {
        let agency = app.agency("Keys").await;
        let client = app.client(&agency, "keys", 0).await;
        let (parent, child) = (agency.id, client.id);
        app.write(move |conn, cx| {
            for _ in 0..1_100 {
                rows::key(conn, cx, child, &[])?;
            }
            Ok(())
        })
        .await;
        delete(&app, &agency, &client).await;
        assert_eq!(app.read(move |conn| Ok(api_keys::count(conn, child)?)).await, 601);
        let cx = app.app.cx("test");
        let early = app.app.write(move |conn| undelete_sub_account(conn, &cx, parent, child)).await;
        assert!(matches!(early, Err(ActionError::Conflict(why)) if why.contains("keys are still being ended")));
        for _ in 0..3 {
            keep_house(&app).await;
        }
        undelete(&app, &agency, &client).await;
        assert_eq!(app.read(move |conn| Ok(api_keys::count(conn, child)?)).await, 0);
        assert_eq!(told(&app, &agency).await, [r#"{"messages":0}"#]);
    })
    .await;
}
