//! What a node gives at once is bounded: memory for what arrives, places for passwords, exports, looks and jobs. Whoever
//! finds nothing left is told to come again, nobody waits behind all that another asks for, and everything comes back.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use canopy::actions::ActionResult;
use canopy::actions::bulk_run::run_jobs_once;
use canopy::actions::bulk_start::{Selection, bulk_start};
use canopy::actions::bulk_work::Work;
use canopy::domain::ids::Id;
use canopy::load::{Owner, Place, Places, Share};
use canopy::models::jobs;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::future::join_all;
use serde_json::json;

use crate::isolation::routes::dashboard;
use crate::submission::door::{Door, hand_in, letter, messages_of};
use crate::support::app::{Agency, Client, On, PASSWORD, TestApp, on_both};
use crate::support::visitor::Visitor;

/// Nobody that a test speaks as.
fn somebody(app: &TestApp) -> Owner {
    Owner::Account(Id::new(app.app.clock.now()))
}

/// All of a node's memory but `left` bytes.
fn all_but(app: &TestApp, left: usize) -> Share {
    let mut share = app.app.load.memory.share(somebody(app));
    share.reach(app.app.load.memory.left() - left).expect("one may have all of it");
    share
}

pub fn said(client: &Client, text: &str) -> serde_json::Value {
    json!({ "from": { "email": format!("hello@{}", client.domain) }, "subject": "Hello",
            "recipients": [{ "email": "ann@example.org" }], "text_content": text })
}

#[tokio::test]
async fn beyond_its_memory_a_node_tells_every_way_in_to_come_again_and_takes_all_of_it_later() {
    on_both(|app| async move {
        let agency = app.agency("Bounded").await;
        let client = app.client(&agency, "bounded", 0).await;
        let (visitor, text) = (Visitor::signed_in(&app, &agency.email).await, "x".repeat(40_000));
        let door = Door::trusted(&app, client.id);
        let mut talk = door.talk().await;
        talk.expect("EHLO mailer.test", 250).await;
        let path = format!("/v2/accounts/{}/messages", client.id);
        let mail = format!("{}{text}\r\n", letter("hello@bounded.example")).replace("xxxxxxxxxx", "xxxxxxxx\r\n");
        let id = {
            let (status, answer) = app.call("POST", &path, &client.key, Some(&said(&client, &text))).await;
            assert_eq!(status, 202, "{answer}");
            crate::api::id_of(&answer["data"][0])
        };
        let (shown, free) = (format!("{path}/{id}"), app.app.load.memory.left());
        let page = format!("/sub-accounts/{}/test", client.id);
        assert!(visitor.get(&page).await.status < 500);

        let held = all_but(&app, 10_000);
        let answer = app.send("POST", &path, &client.key, Some(&said(&client, &text)), &[]).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["x-canopy-reason"]),
            (503, &"busy".parse().expect("x"))
        );
        assert!(answer.headers().contains_key("retry-after"));
        let said_why: serde_json::Value = answer.json().await.expect("JSON");
        assert_eq!(said_why.as_object().map(serde_json::Map::len), Some(1), "the contract's envelope");
        assert_eq!(app.call("GET", &shown, &client.key, None).await.0, 503, "a message is not shown");
        let form = visitor.fill("/settings/profile", &[("name", &text)]).await;
        assert_eq!((form.status, form.headers.contains_key("retry-after")), (503, true));
        form.shows("Try again in a few seconds");
        let reply = hand_in(&mut talk, "", &["you@example.org"], &mail).await;
        assert!(reply.starts_with("452 4.3.1 "), "{reply}");
        let small = hand_in(&mut talk, "", &["you@example.org"], &letter("hello@bounded.example")).await;
        assert!(small.starts_with("250 "), "there is room for a small one: {small}");
        drop(held);

        assert_eq!(app.call("POST", &path, &client.key, Some(&said(&client, &text))).await.0, 202);
        assert_eq!(app.call("GET", &shown, &client.key, None).await.0, 200);
        assert_eq!(visitor.fill("/settings/profile", &[("name", &text)]).await.status, 422);
        assert!(hand_in(&mut talk, "", &["you@example.org"], &mail).await.starts_with("250 "));
        assert_eq!(messages_of(&app, client.id).await.len(), 4);
        assert_eq!(app.app.load.memory.left(), free, "all of it came back");
    })
    .await;
}

#[tokio::test]
async fn bombs_are_refused_one_by_one_and_keep_nobody_from_sending() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Bombs").await;
    let (bomber, quiet) = (app.client(&agency, "bomber", 0).await, app.client(&agency, "quiet", 0).await);
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(br#"{"subject":""#).expect("packed");
    packed.write_all(&vec![b'x'; 29 * 1024 * 1024]).expect("packed");
    packed.write_all(br#""}"#).expect("packed");
    let bomb = packed.finish().expect("packed");
    let send = || {
        let path = format!("{}/v2/accounts/{}/messages", app.url, bomber.id);
        let request = app.http.post(path).bearer_auth(&bomber.key).header("content-encoding", "gzip");
        request.body(bomb.clone()).send()
    };
    let answers = join_all((0..40).map(|_| send()));
    let path = format!("/v2/accounts/{}/messages", quiet.id);
    let body = said(&quiet, "Hello there");
    let (answers, (status, _)) = tokio::join!(answers, app.call("POST", &path, &quiet.key, Some(&body)));
    assert_eq!(status, 202, "another's");
    for answer in answers {
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 400);
        assert!(answer.text().await.expect("text").contains("unpacks to more than 100 times its size"));
    }
}

#[tokio::test]
async fn a_form_of_a_million_empty_fields_is_refused_before_it_is_read() {
    let app = TestApp::start_with(On::Sqlite, |settings| settings.set("memory_budget_mb", "128")).await;
    let app = app.expect("SQLite is always there");
    let agency = app.agency("Fields").await;
    let visitor = Visitor::signed_in(&app, &agency.email).await;
    let many: Vec<(&str, &str)> = vec![("a", ""); 2_000_000];
    assert_eq!(visitor.post("/settings/profile", &many).await.status, 503);
    assert_eq!(Visitor::new(&app).post("/sign-in", &many[..30_000]).await.status, 413, "a stranger's form is small");
    assert_eq!(visitor.get("/settings/profile").await.status, 200);
}

/// All places of a kind, held by nobody who asks.
async fn all(app: &TestApp, places: &Places) -> Vec<Place> {
    let mut held = Vec::new();
    while let Some(place) = free(places, somebody(app)).await {
        held.push(place);
    }
    held
}

/// A place, if there is one at once.
async fn free(places: &Places, owner: Owner) -> Option<Place> {
    tokio::select! {
        biased;
        place = places.enter(owner) => place.ok(),
        () = std::future::ready(()) => None,
    }
}

#[tokio::test]
async fn when_very_many_sign_in_at_once_some_are_told_to_try_again_and_one_from_elsewhere_gets_in() {
    let app = TestApp::start_with(On::Sqlite, |settings| settings.set("trusted_proxies", "127.0.0.0/8")).await;
    let app = app.expect("SQLite is always there");
    let agency = app.agency("Crowd").await;
    let (crowd, owner) = (Visitor::new(&app), Visitor::new(&app));
    let (token, own) = (crowd.token().await, owner.token().await);
    let held = all(&app, &app.app.load.hashing).await;
    let fields = [("csrf_token", token.as_str()), ("email", "crowd@crowd.example"), ("password", "a guess at it")];
    let from = [("x-forwarded-for", "198.51.100.1")];
    let told = AtomicUsize::new(0);
    let tries = join_all((0..300).map(|_| async {
        let page = crowd.post_with("/sign-in", &fields, &from).await;
        told.fetch_add(usize::from(page.status == 503), Ordering::SeqCst);
        page
    }));
    let until_told = async |many: usize| {
        while told.load(Ordering::SeqCst) < many {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    let elsewhere = async {
        until_told(300 - 256).await;
        let fields = [("csrf_token", own.as_str()), ("email", agency.email.as_str()), ("password", PASSWORD)];
        let signs_in = owner.post_with("/sign-in", &fields, &[("x-forwarded-for", "203.0.113.9")]);
        let opens = async {
            // It waits in the place of one of the crowd's, who is told instead.
            until_told(300 - 256 + 1).await;
            drop(held);
        };
        tokio::join!(signs_in, opens).0
    };
    let (tries, page) = tokio::join!(tries, elsewhere);
    assert_eq!(page.status, 303, "{}", page.html);
    assert_eq!(told.load(Ordering::SeqCst), 300 - 256 + 1, "as many as found no room");
    let refused = tries.iter().find(|page| page.status == 503).expect("one at least");
    refused.shows("Very many people are signing in").shows("try again");
    assert!(refused.headers.contains_key("retry-after"));
    assert!(tries.iter().all(|page| matches!(page.status, 422 | 429 | 503)));
    assert_eq!(app.app.load.hashing.taken(), (0, 0));
}

/// Who looks at what while `noisy` has all the places that one account may have.
struct Beside {
    noisy: Agency,
    quiet: Agency,
}

impl Beside {
    async fn new(app: &TestApp) -> Self {
        Self { noisy: app.agency("Noisy").await, quiet: app.agency("Quiet").await }
    }
}

/// As many places as one owner may have.
async fn all_of(places: &Places, owner: Owner) -> Vec<Place> {
    let mut held = Vec::new();
    while let Some(place) = free(places, owner).await {
        held.push(place);
    }
    held
}

#[tokio::test]
async fn an_account_that_exports_waits_for_its_own_exports_and_another_does_not() {
    on_both(|app| async move {
        let Beside { noisy, quiet } = Beside::new(&app).await;
        let (theirs, own) =
            (Visitor::signed_in(&app, &noisy.email).await, Visitor::signed_in(&app, &quiet.email).await);
        let places = &app.app.load.exports;
        let files: Vec<String> = dashboard()
            .into_iter()
            .filter(|route| route.method == "GET" && (route.path.ends_with(".csv") || route.path.ends_with(".xlsx")))
            .map(|route| route.path)
            .filter(|path| !path.contains('{') && !path.starts_with("/account/"))
            .collect();
        assert!(files.len() >= 4, "{files:?}");
        for file in files {
            let held = all_of(places, Owner::Account(noisy.id)).await;
            let waits = theirs.get(&file);
            let beside = async {
                while places.taken().1 == 0 {
                    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                }
                let page = own.get(&file).await;
                assert_eq!((page.status, places.taken().1), (200, 1), "{file}: it was not waited for");
                drop(held);
            };
            assert_eq!(tokio::join!(waits, beside).0.status, 200, "{file}");
        }
        let client = app.client(&noisy, "listed", 0).await;
        let held = all_of(places, Owner::Account(noisy.id)).await;
        let path = format!("/sub-accounts/{}/suppressions.csv", client.id);
        let opens = async {
            while places.taken().1 == 0 {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            drop(held);
        };
        assert_eq!(tokio::join!(theirs.get(&path), opens).0.status, 200);
        assert_eq!(places.taken(), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn an_account_that_asks_for_looks_waits_for_its_own_and_another_does_not() {
    let app = TestApp::sqlite().await;
    let Beside { noisy, quiet } = Beside::new(&app).await;
    let (theirs, own) = (app.client(&noisy, "theirs", 0).await, app.client(&quiet, "own", 0).await);
    let look = async |client: &Client| {
        let path = format!("/v2/accounts/{}/domains/{}/check-dns", client.id, client.domain);
        app.call("POST", &path, &client.key, None).await.0
    };
    let places = &app.app.load.looks;
    let held = all_of(places, Owner::Account(theirs.id)).await;
    let beside = async {
        while places.taken().1 == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        assert_eq!((look(&own).await, places.taken().1), (200, 1), "it was not waited for");
        drop(held);
    };
    assert_eq!(tokio::join!(look(&theirs), beside).0, 200);
    assert_eq!(places.taken(), (0, 0));
}

#[tokio::test]
async fn a_small_job_beside_another_accounts_large_ones_is_done_in_the_next_turns() {
    on_both(|app| async move {
        let Beside { noisy, quiet } = Beside::new(&app).await;
        let mut many = Vec::new();
        for number in 0..60 {
            many.push(app.client(&noisy, &format!("noisy{number}"), 0).await.id);
        }
        let few = vec![app.client(&quiet, "quiet", 0).await.id];
        let start = |parent: Id, ids: Vec<Id>, tag: &str| {
            let work = Work::Tag { tag: tag.into() };
            app.write(move |conn, cx| bulk_start(conn, cx, parent, work, Selection::Ids(ids)))
        };
        for tag in ["one", "two", "three"] {
            start(noisy.id, many.clone(), tag).await;
            app.app.clock.step(chrono::TimeDelta::seconds(1));
        }
        let turn = || -> ActionResult<usize> {
            app.app.clock.step(chrono::TimeDelta::seconds(1));
            run_jobs_once(&app.app.db, &app.app.cx("jobs"), &app.app.services)
        };
        assert_eq!(turn().expect("rows"), 25, "the large ones are under way");
        let small = start(quiet.id, few, "small").await.job;
        for _ in 0..2 {
            turn().expect("rows");
        }
        let parent = quiet.id;
        let job = app.read(move |conn| Ok(jobs::find(conn, parent, small)?)).await.expect("the job");
        assert_eq!((job.state.as_str(), job.done), ("done", 1), "three large jobs are one account's");
        while turn().expect("rows") > 0 {}
        let parent = noisy.id;
        let left = app.read(move |conn| Ok(jobs::recent(conn, parent, 10)?)).await;
        assert!(left.len() == 3 && left.iter().all(|job| job.state == "done" && job.done == 60));
    })
    .await;
}

#[tokio::test]
async fn an_account_that_looks_at_messages_waits_for_its_own_looks_and_another_does_not() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let (busy, quiet) = (app.client(&agency, "busy", 0).await, app.client(&agency, "quiet", 0).await);
        let mut paths = Vec::new();
        for client in [&busy, &quiet] {
            app.accept(client, &["ann@example.org"]).await.expect("it is accepted");
            let all = format!("/v2/accounts/{}/messages", client.id);
            let (_, list) = app.call("GET", &all, &client.key, None).await;
            paths.push(format!("{all}/{}", list["data"][0]["id"].as_str().expect("an id")));
        }
        app.member(busy.id, "bo@busy.example", "administrator").await;
        let person = Visitor::signed_in(&app, "bo@busy.example").await;
        let page = format!("/account/messages/{}", paths[0].rsplit('/').next().expect("an id"));

        let places = &app.app.load.preparing;
        let held = all_of(places, Owner::Account(busy.id)).await;
        let waits = async {
            let (page, api) = tokio::join!(person.get(&page), app.call("GET", &paths[0], &busy.key, None));
            (page.status, api.0)
        };
        let beside = async {
            while places.taken().1 < 2 {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            let (status, _) = app.call("GET", &paths[1], &quiet.key, None).await;
            assert_eq!((status, places.taken().1), (200, 2), "it was not waited for");
            drop(held);
        };
        assert_eq!(tokio::join!(waits, beside).0, (200, 200));
    })
    .await;
}
