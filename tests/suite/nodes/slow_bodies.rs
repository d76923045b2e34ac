//! Bodies that come slowly, from very many at once: they hold what came of them, and no more than strangers may.

use canopy::load::Owner;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::bounded::said;
use crate::support::app::{On, PASSWORD, TestApp};
use crate::support::visitor::Visitor;

/// Starts to send a body of `declared` bytes as a stranger from `address`, and stops after `sent` of it.
async fn slow(app: &TestApp, address: &str, declared: usize, sent: usize) -> TcpStream {
    let mut stream = TcpStream::connect(app.url.trim_start_matches("http://")).await.expect("it listens");
    let head = format!(
        "POST /sign-in HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {address}\r\nContent-Length: {declared}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\nemail="
    );
    stream.write_all(head.as_bytes()).await.expect("it is taken");
    stream.write_all(&vec![b'x'; sent]).await.expect("it is taken");
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_strangers_from_everywhere_hold_what_they_sent_and_leave_room_for_a_short_request() {
    let app = TestApp::start_with(On::Sqlite, |settings| {
        settings.set("trusted_proxies", "127.0.0.0/8");
        settings.set("body_limit_mb", "2");
        settings.set("memory_budget_mb", "6");
    });
    let app = app.await.expect("SQLite is always there");
    let agency = app.agency("Slow").await;
    let client = app.client(&agency, "slow", 0).await;
    let (owner, memory) = (Visitor::new(&app), &app.app.load.memory);
    let (token, free) = (owner.token().await, memory.left());

    // What is only declared takes nothing.
    let mut open = Vec::new();
    for number in 0..200 {
        open.push(slow(&app, &format!("198.51.100.{number}"), 60_000, 100).await);
    }
    while memory.left() > free - 200 * 100 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    assert!(memory.left() > free - 200 * 1_000, "{} of {free}", memory.left());

    // Until there is no more for strangers.
    let is_full = || memory.share(Owner::stranger([203, 0, 113, 77].into())).reach(60_000).is_err();
    while !is_full() {
        open.push(slow(&app, &format!("192.0.2.{}", open.len() % 250), 60_000, 59_000).await);
    }
    let fields = [("csrf_token", token.as_str()), ("email", agency.email.as_str()), ("password", PASSWORD)];
    let page = owner.post_with("/sign-in", &fields, &[("x-forwarded-for", "203.0.113.9")]).await;
    assert_eq!(page.status, 303, "{}", page.html);
    let path = format!("/v2/accounts/{}/messages", client.id);
    assert_eq!(app.call("POST", &path, &client.key, Some(&said(&client, "Hello"))).await.0, 202);
    assert!(is_full(), "they held it meanwhile");
    println!("{} slow strangers hold {} of {free} bytes", open.len(), free - memory.left());
    drop(open);
    while memory.left() < free {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}
