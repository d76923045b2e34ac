//! The rate limit of an account is one limit, however many nodes there are.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use canopy::domain::ids::Id;
use canopy::jobs::heartbeat;
use canopy::models::rate_buckets::{Bucket, take};
use futures_util::future::join_all;

use crate::support::app::{On, TestApp, on_both};
use crate::support::node::Node;

const RATE: i64 = 20;
const BURST: i64 = 40;

#[tokio::test]
async fn two_nodes_together_let_through_what_one_would() {
    let Some(app) = TestApp::start(On::Postgres).await else { return };
    let agency = app.agency("Rate").await;
    let (rate, burst) = (RATE.to_string(), BURST.to_string());
    let options = [
        ("CANOPY_ROLES", "web"),
        ("CANOPY_RATE_LIMIT_PER_SECOND", rate.as_str()),
        ("CANOPY_RATE_LIMIT_BURST", burst.as_str()),
    ];
    let (one, two) = tokio::join!(Node::start(&app, &options), Node::start(&app, &options));
    let nodes = [one, two];
    let (passed, refused) = (AtomicI64::new(0), AtomicI64::new(0));
    let path = format!("/v2/accounts/{}", agency.id);
    let began = Instant::now();
    join_all((0..8).map(|asker| {
        let (node, key, path, passed, refused) = (&nodes[asker % 2], &agency.key, &path, &passed, &refused);
        async move {
            while began.elapsed() < Duration::from_secs(4) {
                let answer = node.get(path, Some(key)).await.expect("an answer");
                match answer.status().as_u16() {
                    200 => passed.fetch_add(1, Ordering::SeqCst),
                    429 => {
                        assert!(answer.headers().contains_key("retry-after"));
                        refused.fetch_add(1, Ordering::SeqCst)
                    }
                    other => panic!("{other}"),
                };
            }
        }
    }))
    .await;
    let (passed, refused) = (passed.into_inner(), refused.into_inner());
    let seconds = i64::try_from(began.elapsed().as_secs()).expect("few") + 1;
    // What README.md says: the options, and a tenth of a second's requests for each node.
    let most = BURST + RATE * seconds + 2 * (RATE / 10);
    println!("{passed} passed and {refused} were refused in {seconds} s, at most {most} may pass");
    assert!(passed <= most, "{passed} passed, {most} may");
    assert!(passed >= BURST, "the burst passes: {passed}");
    assert!(refused > 0, "more was asked than may pass");
}

#[tokio::test]
async fn a_bucket_gives_no_more_than_it_holds_and_fills_with_time_that_does_not_go_back() {
    let Some(app) = TestApp::start(On::Postgres).await else { return };
    let bucket = Bucket { rate: 10, burst: 100 };
    let account = Id::new(app.app.clock.now());
    let all = join_all((0..40).map(|_| {
        let node = &app.app;
        node.write(move |conn| Ok(take(conn, account, 7, bucket, 1_000_000_000)?.granted))
    }));
    let granted: i64 = all.await.into_iter().map(|taken| taken.expect("an answer")).sum();
    assert_eq!(granted, 100, "forty takers of seven get what there is");
    let ask = |wanted, at| app.write(move |conn, _| Ok(take(conn, account, wanted, bucket, at)?.granted));
    assert_eq!(ask(7, 1_000_050_000).await, 0, "half a request is none");
    assert_eq!(ask(7, 1_000_250_000).await, 2);
    assert_eq!(ask(7, 999_000_000).await, 0, "a clock that lags fills nothing");
    assert_eq!(ask(7, 1_000_450_000).await, 2, "and takes nothing away");
    // A clock that was far ahead fills the bucket once; those that are right are not kept waiting until it is true.
    assert_eq!(ask(100, 5_000_000_000).await, 100);
    assert_eq!(ask(7, 1_001_000_000).await, 0);
    assert_eq!(ask(7, 1_002_000_000).await, 7);
}

#[tokio::test]
async fn nodes_know_of_one_another_and_share_the_limits_of_transports() {
    use canopy::delivery::transport::gate::Limits;
    on_both(|app| async move {
        let second = app.second_node();
        let whole = Limits { at_once: 5, per_second: 3 };
        assert_eq!(heartbeat::beat(&app.app).await.expect("a beat").len(), 1);
        assert_eq!(app.app.share.of(whole), Some(whole), "alone");
        assert_eq!(heartbeat::beat(&second).await.expect("a beat").len(), 2);
        heartbeat::beat(&app.app).await.expect("a beat");
        let parts = [app.app.share.of(whole), second.share.of(whole)].map(|part| part.expect("a part"));
        assert_eq!(parts[0].at_once + parts[1].at_once, 5);
        assert_eq!(parts[0].per_second + parts[1].per_second, 3);
        // The second is heard of no more.
        app.app.clock.step(chrono::TimeDelta::seconds(21));
        assert_eq!(heartbeat::beat(&app.app).await.expect("a beat").len(), 1);
        assert_eq!(app.app.share.of(whole), Some(whole));
    })
    .await;
}
