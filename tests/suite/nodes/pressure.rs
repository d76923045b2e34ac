//! More than can be committed: what waits is bounded, the rest is told at once to come again, and nothing is lost.

use std::sync::mpsc;

use canopy::models::messages;
use futures_util::future::join_all;
use serde_json::json;

use crate::support::app::{Client, On, TestApp, prepared};

/// Keeps the one writer of SQLite until the returned end is dropped.
pub fn hold_the_writer(app: &TestApp) -> mpsc::Sender<()> {
    let (held, holds) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let db = std::sync::Arc::clone(&app.app.db);
    std::thread::spawn(move || {
        db.write(|_| {
            held.send(()).expect("the test waits");
            // Ends when the other end is dropped.
            let _ = released.recv();
            Ok::<_, diesel::result::Error>(())
        })
    });
    holds.recv().expect("the writer is held");
    release
}

/// Four clients: each may have a quarter of the line.
async fn with_line(requests: &str, megabytes: &str) -> (TestApp, [Client; 4]) {
    let app = TestApp::start_with(On::Sqlite, |settings| {
        settings.set("accept_line_requests", requests);
        settings.set("accept_line_mb", megabytes);
    })
    .await
    .expect("SQLite is always there");
    let agency = app.agency("Pressure").await;
    let mut clients = Vec::new();
    for label in ["one", "two", "three", "four"] {
        clients.push(app.client(&agency, label, 0).await);
    }
    (app, clients.try_into().unwrap_or_else(|_| unreachable!("four were made")))
}

#[tokio::test]
async fn beyond_its_line_the_api_answers_503_at_once_and_keeps_what_it_took() {
    const SENDERS: usize = 40;
    let (app, clients) = with_line("4", "256").await;
    let path = |client: &Client| format!("/v2/accounts/{}/messages", client.id);
    let body = |client: &Client| {
        json!({ "from": { "email": format!("hello@{}", client.domain) }, "subject": "Hello",
                "recipients": [{ "email": "ann@example.org" }], "text_content": "Hello there" })
    };
    // The keys' use is noted now, so that the senders below have nothing else to write.
    for client in &clients {
        assert_eq!(app.call("POST", &path(client), &client.key, Some(&body(client))).await.0, 202);
    }
    let writer = hold_the_writer(&app);
    let senders: Vec<_> = (0..SENDERS)
        .map(|number| {
            let client = &clients[number % clients.len()];
            let request = app.http.post(format!("{}{}", app.url, path(client))).bearer_auth(&client.key);
            let request = request.json(&body(client));
            tokio::spawn(async move { request.send().await.expect("an answer") })
        })
        .collect();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    // All are answered but those that the committer holds, and those in its line.
    while senders.iter().filter(|sender| sender.is_finished()).count() < SENDERS - 8 {
        assert!(std::time::Instant::now() < deadline, "those beyond the line wait");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let ready = app.http.get(format!("{}/readyz", app.url)).send().await.expect("an answer");
    assert_eq!(ready.status(), 503);
    assert!(ready.text().await.expect("text").contains("line: 4 of 4"));
    drop(writer);
    let (mut accepted, mut refused) = (clients.len(), 0);
    for answer in join_all(senders).await {
        let answer = answer.expect("no panic");
        match answer.status().as_u16() {
            202 => accepted += 1,
            503 => {
                assert_eq!(
                    (&answer.headers()["x-canopy-reason"], &answer.headers()["retry-after"]),
                    (&"busy".parse().expect("a value"), &"1".parse().expect("a value"))
                );
                refused += 1;
            }
            other => panic!("{other}"),
        }
    }
    println!("{accepted} accepted, {refused} told to come again");
    assert!(refused >= SENDERS - 8 && accepted > 4);
    let mut stored = 0;
    for Client { id, .. } in clients {
        let filter = messages::Filter::default();
        stored += app.read(move |conn| Ok(messages::page(conn, id, &filter, None, false, 100)?.len())).await;
    }
    assert_eq!(stored, accepted, "what was promised is there, and nothing else");
    assert_eq!(app.http.get(format!("{}/readyz", app.url)).send().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn what_waits_is_bounded_in_bytes_too_and_its_room_comes_back() {
    let (app, clients) = with_line("1000", "1").await;
    let large = |client: usize| {
        let mut request = prepared(&clients[client], &["ann@example.org"]);
        let letters = "x".repeat(400_000);
        let said = String::from_utf8(request.contents[0].clone()).expect("JSON").replace("Hello there", &letters);
        request.contents[0] = said.into_bytes();
        request
    };
    for _ in 0..3 {
        let writer = hold_the_writer(&app);
        let waiting: Vec<_> = (0..2)
            .map(|client| {
                let (node, request) = (std::sync::Arc::clone(&app.app), large(client));
                tokio::spawn(async move { node.committer.accept(request).await })
            })
            .collect();
        // Two fit into a megabyte, whether or not the committer has taken them already.
        while app.app.committer.kilobytes_left() > 250 {
            tokio::task::yield_now().await;
        }
        let refused = app.app.committer.accept(large(2)).await.expect_err("there is no room");
        assert_eq!(refused.lack(), Some(canopy::models::health::Lack::Line));
        drop(writer);
        for one in waiting {
            one.await.expect("no panic").expect("accepted");
        }
    }
    // Larger than all the room there is: alone it may come.
    let mut huge = prepared(&clients[0], &["ann@example.org"]);
    let said =
        String::from_utf8(huge.contents[0].clone()).expect("JSON").replace("Hello there", &"x".repeat(3_000_000));
    huge.contents[0] = said.into_bytes();
    app.app.committer.accept(huge).await.expect("accepted");
}
