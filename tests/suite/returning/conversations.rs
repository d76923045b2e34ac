//! The listener's side of a conversation: order, limits, slow and rude clients, and its end.

use std::time::{Duration, Instant};

use canopy::smtp::Limits;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use tokio::net::TcpStream;

use super::mx::{Mx, Talk, refused};
use crate::support::app::TestApp;

/// An address that is taken.
fn complaints(app: &TestApp) -> String {
    app.app.config.complaint_address.clone()
}

#[tokio::test]
async fn commands_are_taken_in_their_order_and_nothing_is_relayed() {
    let app = TestApp::sqlite().await;
    let mut mx = Mx::of(&app);
    let mut talk = mx.talk().await;
    talk.expect("MAIL FROM:<>", 503).await;
    let offered = talk.say("EHLO mx.test").await;
    for word in ["PIPELINING", "SIZE 26214400", "8BITMIME", "ENHANCEDSTATUSCODES"] {
        assert!(offered.contains(word), "{offered}");
    }
    assert!(!offered.contains("CHUNKING") && !offered.contains("AUTH"), "{offered}");
    talk.expect("RCPT TO:<a@b.example>", 503).await;
    talk.expect("DATA", 503).await;
    talk.expect("MAIL FROM:<a@b.example> SIZE=26214401", 552).await;
    talk.expect("MAIL FROM:<a@b.example> SIZE=1000", 250).await;
    talk.expect("MAIL FROM:<a@b.example>", 503).await;
    talk.expect("DATA", 554).await;
    talk.expect("RCPT TO:<someone@example.org>", 550).await;
    talk.expect(&format!("RCPT TO:<{}>", complaints(&app)), 250).await;
    talk.expect("RSET", 250).await;
    talk.expect("DATA", 503).await;
    talk.expect("NOOP whatever", 250).await;
    talk.expect("VRFY someone", 252).await;
    talk.expect("STARTTLS", 502).await;
    talk.expect("QUIT", 221).await;
    assert_eq!(talk.rest().await, "");
    mx.stop();
    assert_eq!(refused(&app).await, [("relay".to_owned(), 1)].into());
}

#[tokio::test]
async fn commands_may_be_sent_together_and_a_message_only_when_it_is_asked_for() {
    let app = TestApp::sqlite().await;
    let mx = Mx::of(&app);
    let to = complaints(&app);
    let mut talk = mx.talk().await;
    talk.put(format!("EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<{to}>\r\nRCPT TO:<x@y.example>\r\nDATA\r\n").as_bytes()).await;
    for code in ["250", "250", "250", "550", "354"] {
        assert!(talk.hear().await.starts_with(code));
    }
    talk.put(b"Subject: hi\r\n\r\n.\r\nNOOP\r\nQUIT\r\n").await;
    for code in ["250", "250", "221"] {
        assert!(talk.hear().await.starts_with(code));
    }
    let mut early = mx.talk().await;
    early.put(format!("EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<{to}>\r\nDATA\r\nSubject: hi\r\n\r\n.\r\n").as_bytes()).await;
    let heard = early.rest().await;
    assert!(heard.contains("\r\n554 5.5.0") && !heard.contains("354"), "{heard}");
    let mut web = mx.talk().await;
    web.put(b"POST / HTTP/1.1\r\nHost: x\r\n\r\nMAIL FROM:<>\r\n").await;
    assert!(web.rest().await.starts_with("421 "));
}

#[tokio::test]
async fn what_is_too_much_is_refused() {
    let app = TestApp::sqlite().await;
    let limits =
        Limits { size: 2000, lines: 50, recipients: 1, messages: 2, errors: 3, kept: 500, ..Limits::default() };
    let mut mx = Mx::with(&app, limits);
    let to = complaints(&app);
    let mut talk = mx.talk().await;
    talk.begin(&to).await;
    talk.expect(&format!("{}\r\n.", "x".repeat(900)), 250).await;
    talk.expect("MAIL FROM:<>", 250).await;
    talk.expect(&format!("RCPT TO:<{to}>"), 250).await;
    talk.expect(&format!("RCPT TO:<{to}>"), 452).await;
    talk.expect("RSET", 250).await;
    talk.expect("MAIL FROM:<>", 452).await;
    for _ in 0..3 {
        talk.expect("XYZZY", 500).await;
    }
    talk.put(b"XYZZY\r\n").await;
    let last = talk.rest().await;
    assert!(last.starts_with("500 ") && last.contains("\r\n421 "), "{last}");

    for (what, code) in [("x".repeat(999) + "\r\n", "552"), ("\r\n".into(), "552"), ("x".repeat(17_000), "500")] {
        let mut talk = mx.talk().await;
        talk.begin(&to).await;
        talk.put(what.repeat(if what.ends_with('\n') { 60 } else { 1 }).as_bytes()).await;
        let heard = talk.rest().await;
        assert!(heard.starts_with(code), "{heard}");
    }
    let mut talk = mx.talk().await;
    talk.put(format!("EHLO {}", "x".repeat(2000)).as_bytes()).await;
    assert!(talk.rest().await.starts_with("500 5.5.2"));
    mx.stop();
    assert_eq!(refused(&app).await["limit"], 5);
}

#[tokio::test]
async fn slow_clients_hold_their_places_for_a_while_and_nobody_holds_them_all() {
    let app = TestApp::sqlite().await;
    let limits = Limits {
        connections: 8,
        connections_per_address: 4,
        command: Duration::from_millis(600),
        silence: Duration::from_millis(600),
        data: Duration::from_millis(1500),
        session: Duration::from_secs(3),
        ..Limits::default()
    };
    let mx = Mx::with(&app, limits);
    let started = Instant::now();
    let (idle, mut half, mut dripping) = (mx.talk().await, mx.talk().await, mx.talk().await);
    half.put(b"EHLO mx.te").await;
    dripping.begin(&complaints(&app)).await;
    let fourth = mx.talk().await;
    let mut fifth = Talk { stream: TcpStream::connect(mx.address).await.expect("it listens") };
    assert!(fifth.hear().await.starts_with("421 4.3.2"), "one address has its share");
    for mut silent in [idle, half, fourth] {
        assert!(silent.rest().await.starts_with("421 4.4.2"));
    }
    // A byte now and then does not help: the message has its time, and the conversation.
    let mut drips = 0;
    while dripping.stream.try_write(b"x").is_ok() && started.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(200)).await;
        drips += 1;
        if drips > 5 && started.elapsed() > Duration::from_millis(2600) {
            break;
        }
    }
    assert!(dripping.rest().await.contains("421 4.4.2"), "after {drips} drips");
    let mut next = mx.talk().await;
    next.expect("EHLO again", 250).await;
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_listener_that_stops_says_so_and_lets_a_message_under_way_finish() {
    let app = TestApp::sqlite().await;
    let mut mx = Mx::of(&app);
    let (mut idle, mut writing) = (mx.talk().await, mx.talk().await);
    writing.begin(&complaints(&app)).await;
    let address = mx.address;
    let stopping = tokio::task::spawn_blocking(move || mx.stop());
    assert!(idle.rest().await.starts_with("421 4.3.2"));
    let told = Instant::now();
    while TcpStream::connect(address).await.is_ok() {
        assert!(told.elapsed() < Duration::from_secs(3), "nobody new");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    writing.expect("Subject: hi\r\n\r\nhello\r\n.", 250).await;
    assert!(writing.rest().await.starts_with("421 4.3.2"));
    stopping.await.expect("it stops");
    assert_eq!(refused(&app).await["unreadable"], 1, "what was answered with 250 is committed");
}

#[tokio::test]
async fn any_script_gets_well_formed_replies_and_changes_nothing() {
    let app = TestApp::sqlite().await;
    let mut mx = Mx::with(
        &app,
        Limits { connections_per_address: 100, command: Duration::from_millis(400), ..Limits::default() },
    );
    let to = complaints(&app);
    let line = prop_oneof![
        Just("EHLO a\r\n".to_owned()),
        Just("MAIL FROM:<>\r\n".to_owned()),
        Just(format!("RCPT TO:<{to}>\r\n")),
        Just("RCPT TO:<a@b.example>\r\n".to_owned()),
        Just("DATA\r\n".to_owned()),
        Just(".\r\n".to_owned()),
        Just("RSET\r\n".to_owned()),
        Just("Subject: hi\r\n\r\n".to_owned()),
        Just("\n.\n".to_owned()),
        "[A-Z]{1,4} [ -~]{0,40}\r\n",
        ".{0,40}\r\n",
    ];
    let scripts = prop::collection::vec(line, 1..25);
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::from_seed(proptest::test_runner::RngAlgorithm::ChaCha, &[7; 32]),
    );
    let scripts: Vec<Vec<String>> =
        (0..60).map(|_| scripts.new_tree(&mut runner).expect("a script").current()).collect();
    let listener = &mx;
    let talks = scripts.iter().map(|script| async move {
        let mut talk = listener.talk().await;
        for line in script {
            // The other side may have had enough already.
            if talk.stream.try_write(line.as_bytes()).is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        talk.rest().await
    });
    for heard in futures_util::future::join_all(talks).await {
        for line in heard.lines() {
            let right = line.len() > 3 && line[..3].bytes().all(|byte| byte.is_ascii_digit());
            assert!(right && matches!(line.as_bytes()[3], b' ' | b'-'), "{heard}");
        }
    }
    let mut talk = mx.talk().await;
    talk.expect("EHLO still.here", 250).await;
    drop(talk);
    mx.stop();
    println!("{} scripts; refused {:?}", scripts.len(), refused(&app).await);
}
