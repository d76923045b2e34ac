//! What bounds an account beside its month, and what happens at the cap: exact, whoever races.

use canopy::actions::ActionError;
use canopy::actions::accept_message::{Prepared, has_room};
use canopy::actions::delete_sub_account::delete_sub_account;
use canopy::actions::ensure_period::ensure_period;
use canopy::actions::lift_suspension::lift_suspension;
use canopy::actions::set_limits::{set_limits, set_pool};
use canopy::actions::update_sub_account::{Changes, update_sub_account};
use canopy::domain::cap::MonthlyCap;
use canopy::domain::ids::Id;
use canopy::domain::limits::{AlertPercents, AtCap, Bound, Limits};
use canopy::jobs::Leader;
use canopy::models::messages::{self, Message};
use canopy::models::periods::Period;
use canopy::models::{audit, counters, held, limits, queue};
use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::suspension::suspend;
use crate::support::app::{Agency, Client, On, TestApp, on_both, prepared};
use crate::support::visitor::Visitor;

async fn limit(app: &TestApp, agency: &Agency, client: &Client, wanted: Limits) {
    let (parent, child) = (agency.id, client.id);
    app.write(move |conn, cx| set_limits(conn, cx, parent, child, wanted)).await;
}

async fn set_cap(app: &TestApp, agency: &Agency, client: &Client, cap: i64) {
    let (parent, child) = (agency.id, client.id);
    let changes = Changes { cap: Some(MonthlyCap::new(cap).expect("a cap")), ..Changes::default() };
    app.write(move |conn, cx| update_sub_account(conn, cx, parent, child, &changes)).await;
}

async fn pool(app: &TestApp, agency: &Agency, pool: i64) {
    let parent = agency.id;
    app.write(move |conn, cx| set_pool(conn, cx, parent, pool, AlertPercents::default())).await;
}

/// How many of `senders` messages sent at once are accepted, and what the others were refused by.
async fn race(app: &TestApp, client: &Client, senders: usize) -> (i64, Vec<Bound>) {
    let results = join_all((0..senders).map(|_| app.accept(client, &["ann@example.org"]))).await;
    let bound = |error: ActionError| match error {
        ActionError::CapReached { bound, .. } => bound,
        other => panic!("{other:?}"),
    };
    let accepted = results.iter().filter(|result| result.is_ok()).count();
    (accepted as i64, results.into_iter().filter_map(|result| result.err().map(bound)).collect())
}

async fn period(app: &TestApp, agency: &Agency) -> Period {
    let parent = agency.id;
    app.write(move |conn, cx| ensure_period(conn, parent, cx.now)).await
}

/// (counted in the running period, held, queued) of an account.
async fn stands(app: &TestApp, agency: &Agency, account: Id) -> (i64, i64, usize) {
    let period = period(app, agency).await.id;
    app.read(move |conn| {
        let queued = queue::of_account(conn, account, 10_000)?.len();
        Ok((counters::used(conn, account, period)?, held::count(conn, account)?, queued))
    })
    .await
}

async fn all_messages(app: &TestApp, account: Id) -> Vec<Message> {
    let filter = messages::Filter::default();
    app.read(move |conn| Ok(messages::page(conn, account, &filter, None, true, 1000)?)).await
}

#[tokio::test]
async fn caps_of_an_hour_and_a_day_are_exact_and_start_anew() {
    on_both(|app| async move {
        let agency = app.agency("Hours").await;
        let client = app.client(&agency, "hours", 0).await;
        // To the first minute of a day, so that hours pass within it.
        let since_midnight = app.app.clock.now().timestamp() % 86_400;
        app.app.clock.step(TimeDelta::seconds(86_400 - since_midnight + 60));
        assert_eq!(race(&app, &client, 2).await.0, 2, "without a cap");
        limit(&app, &agency, &client, Limits { daily: 12, hourly: 7, ..Limits::default() }).await;
        let (accepted, refused) = race(&app, &client, 64).await;
        assert_eq!(accepted, 5, "the two of this hour count");
        assert!(refused.iter().all(|bound| *bound == Bound::Hour), "{refused:?}");
        app.app.clock.step(TimeDelta::hours(1));
        let (accepted, refused) = race(&app, &client, 64).await;
        assert_eq!((accepted, refused[0]), (5, Bound::Day), "the day has five left");
        app.app.clock.step(TimeDelta::days(1));
        assert_eq!(race(&app, &client, 64).await.0, 7);
    })
    .await;
}

#[tokio::test]
async fn a_pool_is_shared_exactly_by_all_accounts_and_counts_what_was_sent_before_it() {
    on_both(|app| async move {
        let agency = app.agency("Pool").await;
        let clients = [
            app.client(&agency, "one", 0).await,
            app.client(&agency, "two", 20).await,
            app.client(&agency, "three", 0).await,
        ];
        assert_eq!(race(&app, &clients[0], 10).await.0, 10);
        pool(&app, &agency, 100).await;
        let results = join_all(clients.iter().map(|client| race(&app, client, 80))).await;
        assert_eq!(results.iter().map(|(accepted, _)| accepted).sum::<i64>(), 90, "ten were sent before");
        assert!(results[1].0 <= 20, "its own cap holds too");
        let (_, refused) = race(&app, &clients[2], 1).await;
        assert_eq!(refused, [Bound::Pool]);
        let told: Vec<String> = app.outbox().await.into_iter().map(|(_, subject)| subject).collect();
        assert!(told.contains(&"All accounts together have used 80 % of the pool cap".to_owned()), "{told:?}");
        assert_eq!(told.iter().filter(|said| said.contains("have reached the pool cap")).count(), 1, "{told:?}");
        pool(&app, &agency, 0).await;
        assert_eq!(race(&app, &clients[2], 5).await.0, 5);
        pool(&app, &agency, 106).await;
        assert_eq!(race(&app, &clients[2], 5).await.0, 1, "counted anew, with the five sent without a pool");
    })
    .await;
}

#[tokio::test]
async fn two_nodes_over_one_postgresql_share_a_pool_exactly() {
    let Some(first) = TestApp::start(On::Postgres).await else { return };
    let second = first.second_node();
    let agency = first.agency("Nodes").await;
    let clients = [first.client(&agency, "one", 0).await, first.client(&agency, "two", 0).await];
    pool(&first, &agency, 150).await;
    let sends = (0..400).map(|number: usize| {
        let committer = if number.is_multiple_of(2) { &first.app.committer } else { &second.committer };
        committer.accept(prepared(&clients[number / 2 % 2], &["ann@example.org"]))
    });
    assert_eq!(join_all(sends).await.iter().filter(|result| result.is_ok()).count(), 150);
}

#[tokio::test]
async fn held_messages_are_accepted_kept_and_released_oldest_first_as_far_as_there_is_room() {
    on_both(|app| async move {
        let agency = app.agency("Hold").await;
        let client = app.client(&agency, "hold", 5).await;
        let mut leader = Leader::new(app.app.clone());
        limit(&app, &agency, &client, Limits { at_cap: AtCap::Hold, hold_days: 30, ..Limits::default() }).await;
        assert_eq!(race(&app, &client, 40).await, (40, vec![]), "all are accepted");
        assert_eq!(stands(&app, &agency, client.id).await, (5, 35, 5));
        leader.round().await.expect("it keeps house");
        assert_eq!(stands(&app, &agency, client.id).await, (5, 35, 5), "nothing moves without room");
        let owner = Visitor::signed_in(&app, &agency.email).await;
        owner.get(&format!("/sub-accounts/{}", client.id)).await.shows("New messages are held until");
        set_cap(&app, &agency, &client, 12).await;
        assert_eq!(race(&app, &client, 2).await, (2, vec![]));
        assert_eq!(stands(&app, &agency, client.id).await, (5, 37, 5), "nobody goes before those that wait");
        let newest = all_messages(&app, client.id).await.pop().expect("messages").id;
        let story = app.read(move |conn| Ok(messages::events(conn, newest)?)).await;
        assert!(story[0].log.contains("older messages of this account still wait"), "{story:?}");
        let (account, now) = (client.id, app.app.clock.now());
        let movable = || app.read(move |conn| has_room(conn, now, account));
        assert!(movable().await);
        suspend(&app, agency.id, client.id).await;
        assert!(!movable().await, "nothing is looked for while the account is on hold");
        leader.round().await.expect("it keeps house");
        assert_eq!(stands(&app, &agency, client.id).await, (5, 37, 5), "on hold nothing is released");
        let (parent, child) = (agency.id, client.id);
        app.write(move |conn, cx| lift_suspension(conn, cx, parent, child)).await;
        leader.round().await.expect("it keeps house");
        assert_eq!(stands(&app, &agency, client.id).await, (12, 30, 12), "a raise releases as many");
        let rows = all_messages(&app, client.id).await;
        let still: Vec<_> = rows.iter().filter(|row| row.status == "held").map(|row| row.created_at).collect();
        let gone = rows.iter().filter(|row| row.status != "held").map(|row| row.created_at).max();
        assert!(still.iter().min() >= gone.as_ref(), "the oldest went first");
        // A new period has room for twelve more, counted there.
        let end = period(&app, &agency).await.end_at;
        let left = end - app.app.clock.now().naive_utc();
        if left < TimeDelta::days(29) {
            app.app.clock.step(left + TimeDelta::seconds(1));
            leader.round().await.expect("it keeps house");
            assert_eq!(stands(&app, &agency, client.id).await, (12, 18, 24));
        }
        limit(&app, &agency, &client, Limits { at_cap: AtCap::Overage, hold_days: 30, ..Limits::default() }).await;
        leader.round().await.expect("it keeps house");
        let (counted, held, queued) = stands(&app, &agency, client.id).await;
        assert_eq!((held, queued), (0, 42), "who may send beyond its cap holds nothing");
        assert!(counted == 42 || counted == 30, "each was counted once: {counted}");
    })
    .await;
}

#[tokio::test]
async fn an_hourly_cap_counts_what_was_released_before_it_began() {
    on_both(|app| async move {
        let agency = app.agency("Late").await;
        let client = app.client(&agency, "late", 1).await;
        let mut leader = Leader::new(app.app.clone());
        let since = app.app.clock.now().timestamp() % 3600;
        app.app.clock.step(TimeDelta::seconds(3600 + 60 - since));
        limit(&app, &agency, &client, Limits { at_cap: AtCap::Hold, hold_days: 30, ..Limits::default() }).await;
        assert_eq!(race(&app, &client, 4).await.0, 4, "one goes, three wait");
        app.app.clock.step(TimeDelta::hours(1));
        set_cap(&app, &agency, &client, 0).await;
        leader.round().await.expect("it keeps house");
        assert_eq!(race(&app, &client, 2).await.0, 2);
        for _ in 0..2 {
            limit(&app, &agency, &client, Limits::default()).await;
            limit(&app, &agency, &client, Limits { hourly: 6, ..Limits::default() }).await;
        }
        let (accepted, refused) = race(&app, &client, 5).await;
        assert_eq!((accepted, refused[0]), (1, Bound::Hour), "three were released in this hour, and two accepted");
    })
    .await;
}

#[tokio::test]
async fn a_held_message_keeps_the_end_that_was_asked_for_and_goes_to_nobody_who_was_suppressed_meanwhile() {
    on_both(|app| async move {
        let agency = app.agency("Keeps").await;
        let client = app.client(&agency, "keeps", 1).await;
        let mut leader = Leader::new(app.app.clone());
        limit(&app, &agency, &client, Limits { at_cap: AtCap::Hold, hold_days: 30, ..Limits::default() }).await;
        let end = app.app.clock.now() + TimeDelta::hours(1);
        let send = |to: &'static str, ends: bool| {
            let expires = ends.then_some(end);
            app.app.committer.accept(Prepared { expires, ..prepared(&client, &[to]) })
        };
        for (to, ends) in [("first@example.org", false), ("ann@example.org", true), ("bob@example.org", false)] {
            send(to, ends).await.expect("accepted");
        }
        send("gone@example.org", false).await.expect("accepted");
        let path = format!("/v2/accounts/{}/suppressions", client.id);
        let until = (end + TimeDelta::days(20)).to_rfc3339();
        let body = json!({ "email": "gone@example.org", "expires_at": until });
        assert_eq!(app.call("POST", &path, &client.key, Some(&body)).await.0, 201);
        set_cap(&app, &agency, &client, 10).await;
        leader.round().await.expect("it keeps house");
        assert_eq!(stands(&app, &agency, client.id).await, (3, 0, 3), "who was suppressed is not counted");
        let rows = all_messages(&app, client.id).await;
        let row = |name: &str| rows.iter().find(|row| row.recipient.starts_with(name)).expect("it is there");
        assert_eq!(row("gone").status, "failed");
        let (asked, otherwise) = (row("ann").expires_at.and_utc(), row("bob").expires_at.and_utc());
        assert!(asked <= end && asked > end - TimeDelta::seconds(1), "released, and no longer than asked: {asked}");
        assert!(otherwise > end + TimeDelta::days(2), "the others have as long as any: {otherwise}");
    })
    .await;
}

#[tokio::test]
async fn a_held_message_is_given_up_after_its_days_or_with_its_account_and_was_never_counted() {
    on_both(|app| async move {
        let agency = app.agency("Old").await;
        let (old, gone) = (app.client(&agency, "old", 1).await, app.client(&agency, "gone", 1).await);
        let mut leader = Leader::new(app.app.clone());
        for client in [&old, &gone] {
            limit(&app, &agency, client, Limits { at_cap: AtCap::Hold, hold_days: 2, ..Limits::default() }).await;
            race(&app, client, 4).await;
        }
        let (parent, child) = (agency.id, gone.id);
        app.write(move |conn, cx| delete_sub_account(conn, cx, parent, child)).await;
        leader.round().await.expect("it keeps house");
        assert_eq!(stands(&app, &agency, gone.id).await, (1, 0, 0));
        set_cap(&app, &agency, &old, 2).await;
        app.app.clock.step(TimeDelta::days(2));
        leader.round().await.expect("it keeps house");
        for account in [old.id, gone.id] {
            let rows = all_messages(&app, account).await;
            let failed: Vec<Id> = rows.iter().filter(|row| row.status == "failed").map(|row| row.id).collect();
            assert!(failed.len() >= 3, "{}", failed.len());
            let events = app.read(move |conn| Ok(messages::events_of(conn, &failed)?)).await;
            let held = events.iter().filter(|event| event.log.starts_with("Held: the monthly cap of 1")).count();
            assert_eq!(held, 3, "each tells why it waited: {events:?}");
        }
        assert_eq!(stands(&app, &agency, old.id).await.1, 0);
    })
    .await;
}

#[tokio::test]
async fn overage_sends_beyond_the_month_and_a_switch_lets_nothing_through() {
    on_both(|app| async move {
        let agency = app.agency("Over").await;
        let client = app.client(&agency, "over", 3).await;
        limit(&app, &agency, &client, Limits { at_cap: AtCap::Overage, ..Limits::default() }).await;
        assert_eq!(race(&app, &client, 20).await, (20, vec![]));
        assert_eq!(stands(&app, &agency, client.id).await, (20, 0, 20), "all are billed");
        limit(&app, &agency, &client, Limits { sends_nothing: true, ..Limits::default() }).await;
        assert_eq!(race(&app, &client, 3).await, (0, vec![Bound::Nothing; 3]));
        let holds = Limits { sends_nothing: true, at_cap: AtCap::Hold, ..Limits::default() };
        limit(&app, &agency, &client, holds).await;
        assert_eq!(race(&app, &client, 3).await.0, 3);
        assert_eq!(stands(&app, &agency, client.id).await.1, 3, "kept until it is switched on again");
    })
    .await;
}

#[tokio::test]
async fn chosen_shares_are_told_once_and_again_after_a_raise() {
    on_both(|app| async move {
        let agency = app.agency("Shares").await;
        let client = app.client(&agency, "shares", 10).await;
        let alerts = AlertPercents::parse("30, 50, 120").expect("percents");
        limit(&app, &agency, &client, Limits { alerts, at_cap: AtCap::Overage, ..Limits::default() }).await;
        race(&app, &client, 12).await;
        let told = |outbox: Vec<(String, String)>| {
            let mut all: Vec<String> = outbox.into_iter().map(|(_, subject)| subject).collect();
            all.sort();
            all
        };
        let used = |percent: i32| format!("shares has used {percent} % of its monthly cap");
        assert_eq!(told(app.outbox().await), [used(120), used(30), used(50)]);
        race(&app, &client, 3).await;
        assert_eq!(told(app.outbox().await), Vec::<String>::new(), "once");
        set_cap(&app, &agency, &client, 32).await;
        race(&app, &client, 1).await;
        assert_eq!(told(app.outbox().await), [used(50)], "a raise arms what is no longer reached");
        let (account, root) = (client.id, period(&app, &agency).await.id);
        app.write(move |conn, _| Ok(limits::rearm(conn, account, root, &[])?)).await;
    })
    .await;
}

#[tokio::test]
async fn the_pools_chosen_shares_are_told_and_a_change_of_them_alone_is_in_the_activity() {
    on_both(|app| async move {
        let agency = app.agency("Pooled").await;
        let client = app.client(&agency, "pooled", 0).await;
        let set = |shares: &'static str| {
            let (parent, shares) = (agency.id, AlertPercents::parse(shares).expect("percents"));
            app.write(move |conn, cx| set_pool(conn, cx, parent, 10, shares))
        };
        set("80, 100").await;
        // The same again changes nothing.
        set("100, 80").await;
        set("30").await;
        race(&app, &client, 9).await;
        let told: Vec<String> = app.outbox().await.into_iter().map(|(_, subject)| subject).collect();
        assert_eq!(told, ["All accounts together have used 30 % of the pool cap"]);
        let parent = agency.id;
        let entries = app.read(move |conn| Ok(audit::page(conn, parent, &audit::Filter::default(), None, false, 50)?));
        let changes: Vec<_> = entries.await.into_iter().filter(|entry| entry.action == "account.set_pool").collect();
        assert_eq!(changes.len(), 2);
        let told = |text: &Option<String>| serde_json::from_str::<Value>(text.as_deref().expect("said")).expect("JSON");
        let shown = |shares: &str| json!({ "pool_cap": 10, "alerts_percent": shares });
        assert_eq!((told(&changes[0].before), told(&changes[0].after)), (shown("80,100"), shown("30")));
    })
    .await;
}
