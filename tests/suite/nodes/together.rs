//! Several `canopy serve` over one PostgreSQL behave as one.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::sql_types::BigInt;
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use futures_util::future::join_all;

use crate::support::app::{On, PASSWORD, TestApp};
use crate::support::environment::package_root;
use crate::support::node::Node;
use crate::support::postgres::TestPostgres;
use crate::support::smtp_sink::SmtpSink;
use crate::support::visitor::Visitor;

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[tokio::test]
async fn three_that_start_at_once_on_an_empty_database_migrate_it_once() {
    let Some(database) = TestPostgres::empty() else { return };
    let app = TestApp::sqlite().await;
    let url = database.url();
    let nodes: Vec<Node> = (0..3).map(|_| Node::spawn(&app, &[("CANOPY_DATABASE_URL", &url)])).collect();
    for node in &nodes {
        node.until("it is ready", async |node| node.status("/readyz").await == 200).await;
    }
    let rows = sql_query("SELECT count(*) AS n FROM __diesel_schema_migrations");
    let applied = rows.get_result::<Count>(&mut database.connect()).expect("the table is there").n;
    let folders = std::fs::read_dir(package_root().join("migrations/postgres")).expect("the folder").count();
    assert_eq!(usize::try_from(applied).expect("few"), folders);
    for mut node in nodes {
        assert!(!node.process.has_ended());
    }
}

#[tokio::test]
async fn a_cap_is_exact_over_three_and_each_message_is_delivered_once() {
    const CAP: usize = 90;
    let (Some(app), Some(sink)) = (TestApp::start(On::Postgres).await, SmtpSink::start()) else { return };
    let agency = app.agency("Three").await;
    let client = app.client(&agency, "three", i64::try_from(CAP).expect("small")).await;
    let through = format!("smtp://127.0.0.1:{}", sink.port());
    let options = [("CANOPY_DEFAULT_TRANSPORT", through.as_str())];
    let start = || Node::start(&app, &options);
    let (one, two, three) = tokio::join!(start(), start(), start());
    let nodes = [one, two, three];
    let (number, accepted) = (AtomicUsize::new(0), AtomicUsize::new(0));
    join_all((0..9).map(|sender| {
        let (node, client, number, accepted) = (&nodes[sender % 3], &client, &number, &accepted);
        async move {
            loop {
                let recipient = format!("r{}@example.org", number.fetch_add(1, Ordering::SeqCst));
                let answer = node.send(client, &recipient).await.expect("an answer");
                match answer.status().as_u16() {
                    202 => accepted.fetch_add(1, Ordering::SeqCst),
                    403 => return assert_eq!(answer.headers()["x-canopy-reason"], "cap_reached"),
                    other => panic!("{other}"),
                };
            }
        }
    }))
    .await;
    assert_eq!(accepted.load(Ordering::SeqCst), CAP);
    sink.wait_for(CAP).await;
    let id = client.id;
    let done = async |_: &Node| {
        let rows = app
            .read(move |conn| {
                let filter = canopy::models::messages::Filter::default();
                Ok(canopy::models::messages::page(conn, id, &filter, None, false, 1000)?)
            })
            .await;
        rows.len() == CAP && rows.iter().all(|row| row.status == "delivered" && row.num_attempts == 1)
    };
    nodes[0].until("every delivery is recorded", done).await;
    let arrived = sink.messages();
    let different: HashSet<_> = arrived.iter().map(|one| one.recipients.clone()).collect();
    assert_eq!((arrived.len(), different.len()), (CAP, CAP), "each once");
}

#[tokio::test]
async fn a_session_begun_on_one_works_on_the_other_and_ends_on_both() {
    let Some(app) = TestApp::start(On::Postgres).await else { return };
    let agency = app.agency("Session").await;
    let (one, two) =
        tokio::join!(Node::start(&app, &[("CANOPY_ROLES", "web")]), Node::start(&app, &[("CANOPY_ROLES", "web")]));
    let (first, second) = {
        let visitor = Visitor::new(&app);
        (visitor.at(&one.url), visitor.at(&two.url))
    };
    assert_eq!(first.sign_in(&agency.email, PASSWORD).await.status, 303);
    assert_eq!(second.get("/settings/sessions").await.status, 200, "signed in there too");
    assert_eq!(second.fill("/sign-out", &[]).await.status, 303);
    for visitor in [&first, &second] {
        let page = visitor.get("/settings/sessions").await;
        assert_eq!((page.status, page.location.starts_with("/sign-in")), (303, true), "signed out everywhere");
    }
}
