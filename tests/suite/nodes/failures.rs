//! What callers see while something is gone, what becomes of mail, and that all goes on when it is back.

use std::time::Duration;

use canopy::delivery::worker;
use canopy::models::messages::{self, Message};
use canopy::models::{Db, accounts};
use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use diesel::sql_types::BigInt;
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use serde_json::{Value, json};

use super::roles::{bounce, mail};
use crate::support::app::{Client, On, TestApp};
use crate::support::node::{Node, PATIENCE, free_address};
use crate::support::proxy::Proxy;
use crate::support::smtp_sink::{Behaviour, SmtpSink};

async fn rows(app: &TestApp, client: &Client) -> Vec<Message> {
    let id = client.id;
    app.read(move |conn| Ok(messages::page(conn, id, &messages::Filter::default(), None, false, 1000)?)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_database_it_says_so_everywhere_and_goes_on_by_itself_when_it_is_back() {
    let (Some(app), Some(sink)) = (TestApp::start(On::Postgres).await, SmtpSink::start()) else { return };
    let agency = app.agency("Gone").await;
    let client = app.client(&agency, "gone", 0).await;
    let wire = Proxy::before(app.app.config.database_url()).await;
    let (url, mx) = (wire.url(app.app.config.database_url()), free_address());
    let through = format!("smtp://127.0.0.1:{}", sink.port());
    let options = [
        ("CANOPY_DATABASE_URL", url.as_str()),
        ("CANOPY_DEFAULT_TRANSPORT", through.as_str()),
        ("CANOPY_MX_LISTEN", mx.as_str()),
        ("RUST_LOG", "off"),
    ];
    let mut node = Node::start(&app, &options).await;
    sink.set("slow@example.org", Behaviour::Slow(Duration::from_secs(3))).await;
    node.accepted(&client, "first@receiver.example").await;
    let first = sink.wait_for(1).await.remove(0);
    node.accepted(&client, "slow@example.org").await;
    // Its delivery is under way when the database goes.
    sink.wait_for_slow(1).await;
    wire.cut();

    let refused = node.send(&client, "ann@example.org").await.expect("an answer");
    assert_eq!((refused.status().as_u16(), refused.headers().contains_key("retry-after")), (503, true));
    assert_eq!(refused.headers()["x-canopy-reason"], "database");
    let said: Value = refused.json().await.expect("JSON");
    assert!(said["message"].as_str().is_some_and(|text| text.contains("try again")), "{said}");
    // The page to sign in asks the database nothing; an invitation is looked for.
    let page = node.get("/invite/unknown", None).await.expect("an answer");
    assert_eq!((page.status().as_u16(), page.headers().contains_key("retry-after")), (503, true));
    assert!(page.text().await.expect("a page").contains("Back in a moment"));
    let ready = node.get("/readyz", None).await.expect("an answer");
    assert_eq!(ready.status(), 503);
    assert!(ready.text().await.expect("text").contains("database: does not answer"));
    assert_eq!(node.status("/healthz").await, 200);
    let report = bounce(&first.sender, "first@receiver.example");
    assert_eq!(mail(&mx, &first.sender, report.clone()).await, 451, "it comes again");
    assert_eq!(rows(&app, &client).await.len(), 2, "nothing half-done");

    sink.wait_for(2).await;
    wire.mend();
    node.until("it is ready again", async |node| node.status("/readyz").await == 200).await;
    assert_eq!(node.status("/sign-in").await, 200);
    node.accepted(&client, "last@example.org").await;
    assert_eq!(mail(&mx, &first.sender, report).await, 250);
    let over = async |_: &Node| {
        let rows = rows(&app, &client).await;
        let status = |name: &str| rows.iter().find(|row| row.recipient.starts_with(name)).map(|row| row.status.clone());
        status("first").as_deref() == Some("bounced")
            && status("slow").as_deref() == Some("delivered")
            && status("last").as_deref() == Some("delivered")
    };
    node.until("every story ends", over).await;
    assert_eq!(sink.messages().len(), 3, "what left while the database was gone left once");
    assert!(!node.process.has_ended(), "without a restart");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_to_end_while_its_database_is_away_it_ends_and_nothing_is_lost() {
    let (Some(app), Some(sink)) = (TestApp::start(On::Postgres).await, SmtpSink::start()) else { return };
    let agency = app.agency("End").await;
    let client = app.client(&agency, "end", 0).await;
    let wire = Proxy::before(app.app.config.database_url()).await;
    let (url, through) = (wire.url(app.app.config.database_url()), format!("smtp://127.0.0.1:{}", sink.port()));
    let options = [("CANOPY_DATABASE_URL", url.as_str()), ("CANOPY_DEFAULT_TRANSPORT", &through), ("RUST_LOG", "off")];
    let mut node = Node::start(&app, &options).await;
    sink.set("slow@example.org", Behaviour::Slow(Duration::from_secs(3))).await;
    node.accepted(&client, "slow@example.org").await;
    sink.wait_for_slow(1).await;
    wire.cut();
    sink.wait_for(1).await;
    node.process.terminate();
    assert!(node.process.wait().success());
    // What could not be recorded is sent again when its lease has ended: twice rather than never.
    let again = TestApp::second_node(&app);
    again.clock.step(TimeDelta::minutes(1));
    assert_eq!(worker::run_once(&again).await, 1);
    assert_eq!(rows(&app, &client).await[0].status, "delivered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_freezes_keeps_neither_a_request_nor_the_end_waiting() {
    let Some(app) = TestApp::start(On::Postgres).await else { return };
    let agency = app.agency("Frozen").await;
    let client = app.client(&agency, "frozen", 0).await;
    let wire = Proxy::before(app.app.config.database_url()).await;
    let url = wire.url(app.app.config.database_url());
    let mut node = Node::start(&app, &[("CANOPY_DATABASE_URL", &url), ("RUST_LOG", "off")]).await;
    node.accepted(&client, "ann@example.org").await;
    wire.freeze();
    for _ in 0..2 {
        let refused = node.send(&client, "bob@example.org").await.expect("an answer");
        assert_eq!(
            (refused.status().as_u16(), &refused.headers()["x-canopy-reason"]),
            (503, &"database".parse().expect("a value"))
        );
    }
    assert_eq!(node.status("/healthz").await, 200);
    node.process.terminate();
    let deadline = std::time::Instant::now() + PATIENCE;
    while !node.process.has_ended() {
        assert!(std::time::Instant::now() < deadline, "it waits for what does not come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(rows(&app, &client).await.len(), 1, "nothing half-done");
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = diesel::sql_types::Text)]
    setting: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_freezes_in_a_transaction_gives_its_locks_back_to_the_others() {
    let Some(app) = TestApp::start(On::Postgres).await else { return };
    let agency = app.agency("Paused").await;
    let client = app.client(&agency, "paused", 0).await;
    let asked = "SELECT setting FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'";
    let set = app.read(move |conn| Ok(sql_query(asked).get_result::<Setting>(conn)?.setting)).await;
    assert_eq!(set, "20000", "milliseconds, of every connection");
    // One with less patience, as the URL says, so that the test need not wait for so long.
    let url = format!("{}?options=-c%20idle_in_transaction_session_timeout%3D1500", app.app.config.database_url());
    let (locked, is_locked) = tokio::sync::oneshot::channel();
    let (wake, asleep) = std::sync::mpsc::channel::<()>();
    let account = client.id;
    let frozen = tokio::task::spawn_blocking(move || {
        let db = Db::open(&url, 1).expect("it opens");
        db.write(|conn| {
            accounts::lock(conn, &[], &[account])?;
            locked.send(()).expect("the test waits");
            assert!(asleep.recv().is_err(), "the test lets go of it");
            Ok::<_, diesel::result::Error>(())
        })
    });
    is_locked.await.expect("it has the lock");
    app.accept(&client, &["ann@example.org"]).await.expect("accepted, while the other still sleeps");
    drop(wake);
    assert!(frozen.await.expect("it ends").is_err(), "what it began is undone");
}

#[tokio::test]
async fn a_database_that_takes_no_writes_is_told_as_such_until_it_takes_one() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Standby").await;
    let client = app.client(&agency, "standby", 0).await;
    let path = format!("/v2/accounts/{}/messages", client.id);
    let body = json!({ "from": { "email": format!("hello@{}", client.domain) }, "subject": "Hello",
                       "recipients": [{ "email": "ann@example.org" }], "text_content": "Hello there" });
    assert_eq!(app.call("POST", &path, &client.key, Some(&body)).await.0, 202);
    let closed = |closed: bool| {
        let sql = format!("PRAGMA query_only = {}", u8::from(closed));
        app.app.db.exclusive(|conn| conn.batch_execute(&sql)).expect("it is set");
    };
    let ready = async || {
        let answer = app.http.get(format!("{}/readyz", app.url)).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    };
    closed(true);
    let refused = app.send("POST", &path, &client.key, Some(&body), &[]).await;
    assert_eq!((refused.status().as_u16(), refused.headers().contains_key("retry-after")), (503, true));
    assert_eq!(refused.headers()["x-canopy-reason"], "read_only");
    let (status, said) = ready().await;
    assert!(status == 503 && said.contains("database: takes no writes"), "{status} {said}");
    // Whoever has not signed in costs no write.
    assert_eq!(app.http.get(format!("{}/sign-in", app.url)).send().await.expect("an answer").status(), 200);
    closed(false);
    assert_eq!(app.call("POST", &path, &client.key, Some(&body)).await.0, 202);
    assert_eq!(ready().await.0, 200);
    assert_eq!(rows(&app, &client).await.len(), 2);
}

#[derive(QueryableByName)]
struct Pages {
    #[diesel(sql_type = BigInt)]
    page_count: i64,
}

#[tokio::test]
async fn a_full_disk_refuses_writes_whole_and_is_forgotten_when_there_is_room() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Full").await;
    let client = app.client(&agency, "full", 0).await;
    let path = format!("/v2/accounts/{}/messages", client.id);
    let body = |letters: usize| {
        json!({ "from": { "email": format!("hello@{}", client.domain) }, "subject": "Hello",
                "recipients": [{ "email": "ann@example.org" }], "text_content": "x".repeat(letters) })
    };
    assert_eq!(app.call("POST", &path, &client.key, Some(&body(10))).await.0, 202);
    let before = rows(&app, &client).await.len();
    let limit = |more: i64| {
        app.app
            .db
            .exclusive(|conn| {
                let pages = sql_query("SELECT page_count FROM pragma_page_count").get_result::<Pages>(conn)?;
                conn.batch_execute(&format!("PRAGMA max_page_count = {}", pages.page_count + more))
            })
            .expect("the limit is set");
    };
    limit(2);
    for _ in 0..3 {
        let refused = app.send("POST", &path, &client.key, Some(&body(2_000_000)), &[]).await;
        assert_eq!((refused.status().as_u16(), refused.headers().contains_key("retry-after")), (503, true));
        assert_eq!(refused.headers()["x-canopy-reason"], "disk_full");
        let ready = app.http.get(format!("{}/readyz", app.url)).send().await.expect("an answer");
        assert_eq!(ready.status(), 503);
        assert!(ready.text().await.expect("text").contains("disk: full"));
    }
    assert_eq!(rows(&app, &client).await.len(), before, "nothing is half-written");
    assert_eq!(app.http.get(format!("{}/sign-in", app.url)).send().await.expect("an answer").status(), 200);
    limit(10_000);
    assert_eq!(app.call("POST", &path, &client.key, Some(&body(2_000_000))).await.0, 202);
    assert_eq!(app.http.get(format!("{}/readyz", app.url)).send().await.expect("an answer").status(), 200);
    assert_eq!(rows(&app, &client).await.len(), before + 1);
    let sound = app.read(|conn| {
        #[derive(QueryableByName)]
        struct Said {
            #[diesel(sql_type = diesel::sql_types::Text)]
            integrity_check: String,
        }
        Ok(sql_query("PRAGMA integrity_check").get_result::<Said>(conn)?.integrity_check)
    });
    assert_eq!(sound.await, "ok");
}

#[tokio::test]
async fn without_dns_mail_is_deferred_and_not_bounced() {
    for on in [On::Sqlite, On::Postgres] {
        let nobody = free_address();
        let app = TestApp::start_with(on, |settings| {
            settings.set("default_transport", "direct");
            settings.set("dns", nobody);
        });
        let Some(app) = app.await else { return };
        let agency = app.agency("Nodns").await;
        let client = app.client(&agency, "nodns", 0).await;
        app.accept(&client, &["ann@receiver.example"]).await.expect("accepted");
        assert_eq!(worker::run_once(&app.app).await, 1);
        let row = rows(&app, &client).await.remove(0);
        assert_eq!((row.status.as_str(), row.num_attempts), ("deferred", 1));
    }
}

#[tokio::test]
async fn without_its_relay_mail_is_deferred_and_leaves_when_the_relay_is_back() {
    let address = free_address();
    let through = format!("smtp://{address}");
    let app = TestApp::start_with(On::Sqlite, |settings| settings.set("default_transport", through)).await;
    let app = app.expect("SQLite is always there");
    let agency = app.agency("Norelay").await;
    let client = app.client(&agency, "norelay", 0).await;
    app.accept(&client, &["ann@receiver.example"]).await.expect("accepted");
    assert_eq!(worker::run_once(&app.app).await, 1);
    assert_eq!(rows(&app, &client).await[0].status, "deferred");
    let port = address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let Some(sink) = SmtpSink::at("127.0.0.1", port) else { return };
    app.app.clock.step(TimeDelta::hours(1));
    assert_eq!(worker::run_once(&app.app).await, 1);
    assert_eq!(rows(&app, &client).await[0].status, "delivered");
    assert_eq!(sink.wait_for(1).await.len(), 1);
}
