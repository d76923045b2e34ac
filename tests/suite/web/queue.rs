//! The queue, visible: what waits and why, narrowed and turned, tried again and cancelled, each in its own account.

use canopy::actions::accept_message::Outcome;
use canopy::actions::set_limits::set_limits;
use canopy::actions::suspend_account::{Hold, suspend_account};
use canopy::domain::ids::Id;
use canopy::domain::limits::{AtCap, Limits};
use canopy::domain::text::SuspendReason;
use canopy::models::messages::{self, Attempt, Message, Progress};
use canopy::models::queue::{Back, Lease};
use canopy::models::{audit, counters, held, queue};
use chrono::TimeDelta;

use crate::support::app::{Agency, Client, TestApp, on_both, prepared};
use crate::support::visitor::Visitor;

async fn accept(app: &TestApp, client: &Client, to: &str) -> Id {
    id(&app.accept(client, &[to]).await.expect("accepted").entries[0].outcome)
}

fn id(outcome: &Outcome) -> Id {
    let (Outcome::Queued { id } | Outcome::Scheduled { id }) = outcome else { panic!("{outcome:?}") };
    *id
}

async fn schedule(app: &TestApp, client: &Client, to: &str) -> Id {
    let mut request = prepared(client, &[to]);
    request.first_attempt = Some(app.app.clock.now() + TimeDelta::hours(5));
    id(&app.app.committer.accept(request).await.expect("accepted").entries[0].outcome)
}

/// As after an attempt that was answered with `reply`: due again in two hours.
async fn defer(app: &TestApp, id: Id, reply: &'static str) {
    app.write(move |conn, cx| {
        let back = Back { message_id: id, due_at: cx.at() + TimeDelta::hours(2), attempts: 1 };
        queue::retry(conn, &[back])?;
        let row = messages::find_many(conn, &[id])?.remove(0);
        let attempt = Attempt {
            id: Id::new(cx.now),
            message_id: id,
            account_id: row.account_id,
            number: 1,
            started_at: cx.at(),
            finished_at: Some(cx.at()),
            status: "deferred".into(),
            host: "mx.example.org".into(),
            code: Some(451),
            log: reply.into(),
        };
        messages::insert_attempts(conn, &[attempt])?;
        let progress = Progress {
            status: "deferred",
            num_attempts: 1,
            classification: "",
            now: cx.at(),
            sent_at: None,
            delivered_at: None,
        };
        Ok(messages::set_progress(conn, id, &progress)?)
    })
    .await;
}

async fn lease(app: &TestApp, id: Id) {
    app.write(move |conn, cx| {
        let queued = queue::find_many(conn, &[id])?.pop().expect("it waits");
        let lease = Lease {
            message_id: id,
            account_id: queued.account_id,
            parent_id: queued.parent_id,
            owner: Id::new(cx.now),
            until_at: cx.at() + TimeDelta::minutes(5),
            attempt: queued.attempts + 1,
        };
        Ok(queue::take_over(conn, &[lease])?)
    })
    .await;
}

async fn hold(app: &TestApp, agency: &Agency, client: &Client) {
    let (services, parent, child) = (app.app.services.clone(), agency.id, client.id);
    let hold = Hold::manual(SuspendReason::parse("unpaid").expect("a reason"));
    app.write(move |conn, cx| suspend_account(conn, cx, &services, parent, child, &hold)).await;
}

async fn message(app: &TestApp, id: Id) -> Message {
    app.read(move |conn| Ok(messages::find_many(conn, &[id])?)).await.pop().expect("the message is there")
}

/// When a queued message is due, in hours from now; `None` where it waits no more.
async fn due_in(app: &TestApp, id: Id) -> Option<i64> {
    let now = app.app.clock.now().naive_utc();
    let rows = app.read(move |conn| Ok(queue::find_many(conn, &[id])?)).await;
    rows.first().map(|row| ((row.due_at - now).num_seconds() + 1800) / 3600)
}

/// Messages of an account that are counted as failed.
async fn failed(app: &TestApp, id: Id) -> i64 {
    let row = message(app, id).await;
    let counter = app.read(move |conn| Ok(counters::find(conn, row.account_id, row.period_id)?)).await;
    counter.expect("a counter").failed
}

/// What the audit says was done to queues, with its facts.
async fn recorded(app: &TestApp, agency: &Agency) -> Vec<(String, Id, String)> {
    let root = agency.id;
    let entries = app.read(move |conn| Ok(audit::page(conn, root, &audit::Filter::default(), None, true, 100)?)).await;
    let ours = entries.into_iter().filter(|entry| entry.action.starts_with("queue."));
    ours.map(|entry| (entry.action, entry.account_id, entry.after.unwrap_or_default())).collect()
}

#[tokio::test]
async fn an_agency_sees_what_waits_and_why_without_recipients() {
    on_both(|app| async move {
        let agency = app.agency("Waits").await;
        let (alder, birch) = (app.client(&agency, "alder", 0).await, app.client(&agency, "birch", 0).await);
        accept(&app, &alder, "ann@one.example").await;
        let deferred = accept(&app, &alder, "Bob@Two.example").await;
        defer(&app, deferred, "451 4.7.1 <bob@two.example>: greylisted").await;
        schedule(&app, &alder, "cid@three.example").await;
        let leaving = accept(&app, &alder, "dan@four.example").await;
        lease(&app, leaving).await;
        accept(&app, &birch, "eve@five.example").await;
        hold(&app, &agency, &birch).await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let page = owner.get("/queue").await.ok();
        for (reason, domain) in [
            ("", "one.example"),
            ("waiting", "one.example"),
            ("deferred", "two.example"),
            ("scheduled", "three.example"),
            ("sending", "four.example"),
            ("suspended", "five.example"),
        ] {
            let page = owner.get(&format!("/queue?reason={reason}")).await.ok();
            assert!(page.contains(&format!("<strong>{domain}</strong>")), "{reason}: {page}");
            assert_eq!(
                page.contains("<strong>three.example</strong>"),
                ["", "scheduled"].contains(&reason),
                "{reason}"
            );
        }
        for words in ["451 4.7.1 &#60;…@two.example&#62;: greylisted", "in 2 h", "under way", "when the hold ends"] {
            assert!(page.contains(words), "{words}: {page}");
        }
        for local in ["ann@", "bob@", "Bob@", "cid@", "eve@"] {
            assert!(!page.contains(local), "{local} is the client's: {page}");
        }
        let narrowed = owner.get("/queue?client=birch").await.ok();
        assert!(narrowed.contains("five.example</strong>") && !narrowed.contains("one.example"), "{narrowed}");
        let narrowed = owner.get("/queue?destination=TWO.example").await.ok();
        assert!(narrowed.contains("two.example</strong>") && !narrowed.contains("<strong>one.example"), "{narrowed}");
        assert!(owner.get("/queue?client=nobody").await.ok().contains("No account has this name or id"));
        assert!(owner.get("/queue?client=r").await.ok().contains("More than one account matches"));
        assert!(owner.get("/queue?destination=six.example").await.ok().contains("Nothing matches"));
    })
    .await;
}

#[tokio::test]
async fn a_client_sees_its_own_queue_with_recipients_and_nobody_elses() {
    on_both(|app| async move {
        let agency = app.agency("Own queue").await;
        let (mine, other) = (app.client(&agency, "mine", 0).await, app.client(&agency, "other", 0).await);
        let deferred = accept(&app, &mine, "ann@one.example").await;
        defer(&app, deferred, "451 <ann@one.example> later").await;
        accept(&app, &other, "bob@two.example").await;
        app.member(mine.id, "dev@mine.example", "developer").await;
        app.member(mine.id, "analyst@mine.example", "analyst").await;
        let dev = Visitor::signed_in(&app, "dev@mine.example").await;
        let page = dev.get("/account/queue").await.ok();
        assert!(page.contains("ann@one.example</a>") && page.contains("&#60;ann@one.example&#62; later"), "{page}");
        assert!(!page.contains("two.example"), "{page}");
        let page = dev.get(&format!("/account/queue?client={}", other.id)).await.ok();
        assert!(page.contains("one.example") && !page.contains("two.example"), "{page}");
        assert_eq!(dev.get("/queue").await.status, 403);
        let analyst = Visitor::signed_in(&app, "analyst@mine.example").await;
        let page = analyst.get("/account/queue").await.ok();
        assert!(page.contains("<strong>one.example</strong>") && !page.contains("ann@"), "{page}");
        assert!(!page.contains("Retry now"), "an Analyst looks");
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let page = owner.get(&format!("/sub-accounts/{}/queue", mine.id)).await.ok();
        assert!(page.contains("<strong>one.example</strong>") && !page.contains("ann@"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn a_long_queue_is_turned_oldest_first_and_back() {
    on_both(|app| async move {
        let agency = app.agency("Turned").await;
        let client = app.client(&agency, "turned", 0).await;
        for number in 0..120 {
            accept(&app, &client, &format!("r@d{number:03}.example")).await;
            app.app.clock.step(TimeDelta::seconds(1));
        }
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let shown = |page: &str| -> Vec<String> {
            let rows = page.split("<td class=\"name\"><strong>").skip(1);
            rows.map(|rest| rest.split('<').next().unwrap_or_default().to_owned()).collect()
        };
        let link = |page: &str, rel: &str| -> Option<String> {
            let rest = page.split(&format!("rel=\"{rel}\" href=\"")).nth(1)?;
            Some(rest.split('"').next()?.replace("&#38;", "&").replace("&amp;", "&"))
        };
        let expected = |from: usize, to: usize| (from..to).map(|n| format!("d{n:03}.example")).collect::<Vec<_>>();
        let first = owner.get("/queue").await.ok();
        assert_eq!((shown(&first), link(&first, "prev")), (expected(0, 50), None));
        let second = owner.get(&link(&first, "next").expect("more")).await.ok();
        assert_eq!(shown(&second), expected(50, 100));
        let third = owner.get(&link(&second, "next").expect("more")).await.ok();
        assert_eq!((shown(&third), link(&third, "next")), (expected(100, 120), None));
        let back = owner.get(&link(&third, "prev").expect("less")).await.ok();
        assert_eq!(shown(&back), expected(50, 100));
    })
    .await;
}

#[tokio::test]
async fn retry_now_makes_what_was_deferred_due_and_leaves_the_rest_alone() {
    on_both(|app| async move {
        let agency = app.agency("Again").await;
        let client = app.client(&agency, "again", 0).await;
        let (one, two) =
            (accept(&app, &client, "ann@one.example").await, accept(&app, &client, "bob@two.example").await);
        for id in [one, two] {
            defer(&app, id, "451 later").await;
        }
        let later = schedule(&app, &client, "cid@three.example").await;
        app.member(agency.id, "support@again.example", "support").await;
        let support = Visitor::signed_in(&app, "support@again.example").await;
        let ticked = [("do", "retry"), ("id", &one.to_string()), ("id", &later.to_string())];
        let page = support.fill_and_follow("/queue", &ticked).await;
        assert!(page.contains("1 message is due now.") && page.contains("1 other left alone"), "{page}");
        assert_eq!((due_in(&app, one).await, due_in(&app, two).await), (Some(0), Some(2)));
        assert_eq!(due_in(&app, later).await, Some(5), "its sender said when");
        let now = app.app.clock.now().naive_utc();
        let woken = app.read(move |conn| Ok(queue::accounts_due(conn, now, 10)?)).await;
        assert_eq!(woken, [client.id], "a worker looks at it at once");
        let page = support.fill_and_follow("/queue", &[("do", "retry-all"), ("destination", "two.example")]).await;
        assert!(page.contains("1 message is due now."), "{page}");
        assert_eq!(due_in(&app, two).await, Some(0));
        let told = recorded(&app, &agency).await;
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told.iter().all(|(action, account, after)| action == "queue.retry"
            && *account == agency.id
            && after == r#"{"messages":1,"accounts":1}"#));
        let nothing = support.fill_and_follow("/queue", &[("do", "retry")]).await;
        assert!(nothing.contains("Nothing was ticked"), "{nothing}");
    })
    .await;
}

#[tokio::test]
async fn cancel_asks_first_then_fails_and_counts_what_has_not_left() {
    on_both(|app| async move {
        let agency = app.agency("Cancelled").await;
        let client = app.client(&agency, "gone", 3).await;
        let (parent, child) = (agency.id, client.id);
        let waiting = accept(&app, &client, "ann@one.example").await;
        let leaving = accept(&app, &client, "bob@one.example").await;
        lease(&app, leaving).await;
        let later = schedule(&app, &client, "cid@two.example").await;
        let limits = Limits { at_cap: AtCap::Hold, ..Limits::default() };
        app.write(move |conn, cx| set_limits(conn, cx, parent, child, limits)).await;
        let at_cap = hold_at_cap(&app, &client, "dan@three.example").await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let page = owner.get("/queue?reason=cap").await.ok();
        assert!(page.contains("three.example</strong>") && page.contains("when there is room"), "{page}");
        let question = owner.fill("/queue", &[("do", "cancel-all")]).await.ok();
        assert!(question.contains("4 messages that match") && question.contains("cannot be undone"), "{question}");
        assert_eq!((failed(&app, waiting).await, due_in(&app, waiting).await.is_some()), (0, true), "only asked");
        let page = owner.fill_and_follow("/queue", &[("do", "cancel-all"), ("sure", "yes")]).await;
        assert!(page.contains("3 messages are cancelled.") && page.contains("1 message left alone"), "{page}");
        for id in [waiting, later, at_cap] {
            assert_eq!(message(&app, id).await.status, "failed");
            let story = app.read(move |conn| Ok(messages::events(conn, id)?)).await;
            assert!(story.last().is_some_and(|event| event.log.contains("Cancelled in the queue")), "{story:?}");
            assert_eq!(due_in(&app, id).await, None);
        }
        assert_eq!(failed(&app, waiting).await, 2, "what was held at the cap was never counted");
        assert_eq!(app.read(move |conn| Ok(held::count(conn, child)?)).await, 0);
        assert!(due_in(&app, leaving).await.is_some() && message(&app, leaving).await.status == "received");
        let told = recorded(&app, &agency).await;
        assert_eq!(told, [("queue.cancel".to_owned(), agency.id, r#"{"messages":3,"accounts":1}"#.to_owned())]);
        let activity = owner.get("/activity").await.ok();
        assert!(activity.contains("Messages in the queue of Cancelled cancelled"), "{activity}");
    })
    .await;
}

async fn hold_at_cap(app: &TestApp, client: &Client, to: &str) -> Id {
    let id = accept(app, client, to).await;
    if message(app, id).await.status == "held" {
        return id;
    }
    panic!("{to} is held at the cap");
}

#[tokio::test]
async fn ids_of_another_agency_and_of_a_sibling_change_nothing() {
    on_both(|app| async move {
        let (agency, other) = (app.agency("Mine").await, app.agency("Theirs").await);
        let (mine, sibling) = (app.client(&agency, "m", 0).await, app.client(&agency, "s", 0).await);
        let theirs = app.client(&other, "t", 0).await;
        let foreign = accept(&app, &theirs, "ann@one.example").await;
        let beside = accept(&app, &sibling, "ann@one.example").await;
        for id in [foreign, beside] {
            defer(&app, id, "451 later").await;
        }
        let owner = Visitor::signed_in(&app, &agency.email).await;
        app.member(mine.id, "dev@m.example", "developer").await;
        let dev = Visitor::signed_in(&app, "dev@m.example").await;
        for verb in ["retry", "cancel"] {
            let form = [("do", verb), ("sure", "yes"), ("id", &foreign.to_string())];
            owner.fill_and_follow("/queue", &form).await;
            let form = [("do", verb), ("sure", "yes"), ("id", &foreign.to_string()), ("id", &beside.to_string())];
            dev.fill_and_follow("/account/queue", &form).await;
            let all = format!("{verb}-all");
            dev.fill_and_follow("/account/queue", &[("do", &all), ("sure", "yes")]).await;
            owner.fill_and_follow(&format!("/sub-accounts/{}/queue", mine.id), &[("do", &all), ("sure", "yes")]).await;
        }
        let client = theirs.id.to_string();
        let form = [("do", "cancel-all"), ("sure", "yes"), ("client", client.as_str())];
        assert_eq!(owner.fill("/queue", &form).await.status, 404);
        assert_eq!((due_in(&app, foreign).await, due_in(&app, beside).await), (Some(2), Some(2)));
        assert!(recorded(&app, &agency).await.is_empty() && recorded(&app, &other).await.is_empty());
        let page = owner.fill_and_follow("/queue", &[("do", "cancel-all"), ("sure", "yes")]).await;
        assert!(page.contains("1 message is cancelled."), "{page}");
        assert_eq!((due_in(&app, foreign).await, due_in(&app, beside).await), (Some(2), None));
    })
    .await;
}

#[tokio::test]
async fn more_than_fit_one_transaction_are_cancelled_in_several() {
    on_both(|app| async move {
        let agency = app.agency("Chunks").await;
        let client = app.client(&agency, "chunks", 0).await;
        let recipients: Vec<String> = (0..1_101).map(|n| format!("r{n}@bulk.example")).collect();
        for part in recipients.chunks(367) {
            let part: Vec<&str> = part.iter().map(String::as_str).collect();
            app.accept(&client, &part).await.expect("accepted");
        }
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let path = format!("/sub-accounts/{}/queue", client.id);
        let question = owner.fill(&path, &[("do", "cancel-all"), ("destination", "bulk.example")]).await.ok();
        assert!(question.contains("more than 500 messages"), "{question}");
        let form = [("do", "cancel-all"), ("destination", "bulk.example"), ("sure", "yes")];
        let page = owner.fill_and_follow(&path, &form).await;
        assert!(page.contains("1,101 messages are cancelled."), "{page}");
        let told: Vec<String> = recorded(&app, &agency).await.into_iter().map(|(.., after)| after).collect();
        let said = |n: usize| format!(r#"{{"messages":{n},"accounts":1}}"#);
        assert_eq!(told, [said(500), said(500), said(101)]);
        let account = client.id;
        assert!(app.read(move |conn| Ok(queue::of_account(conn, account, 1)?)).await.is_empty());
    })
    .await;
}
