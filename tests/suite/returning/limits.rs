//! The listener's limits as the operator gives them: the real program keeps each.

use std::net::SocketAddr;

use tokio::net::{TcpSocket, TcpStream};

use super::mx::Talk;
use crate::support::app::TestApp;
use crate::support::node::{Node, free_address};

async fn node(app: &TestApp, options: &[(&str, &str)]) -> (Node, SocketAddr) {
    let listen = free_address();
    let all = [&[("CANOPY_MX_LISTEN", listen.as_str())], options].concat();
    (Node::start(app, &all).await, listen.parse().expect("an address"))
}

/// A conversation from an address of this machine, before its greeting.
async fn from(address: &str, to: SocketAddr) -> Talk {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(format!("{address}:0").parse().expect("an address")).expect("an address of ours");
    Talk { stream: socket.connect(to).await.expect("it listens") }
}

#[tokio::test]
async fn conversations_are_as_many_as_the_options_say_in_total_and_from_one_address() {
    let app = TestApp::sqlite().await;
    let (_node, at) = node(&app, &[("CANOPY_MX_CONNECTIONS", "3"), ("CANOPY_MX_CONNECTIONS_PER_ADDRESS", "2")]).await;
    let mut inside = Vec::new();
    for (address, code) in
        [("127.0.0.1", "220"), ("127.0.0.1", "220"), ("127.0.0.1", "421"), ("127.0.0.2", "220"), ("127.0.0.3", "421")]
    {
        let mut talk = from(address, at).await;
        let heard = talk.hear().await;
        assert!(heard.starts_with(code), "{address}: {heard}");
        inside.push(talk);
    }
}

#[tokio::test]
async fn a_message_is_as_large_and_as_long_as_the_options_say() {
    let app = TestApp::sqlite().await;
    let (_node, at) = node(&app, &[("CANOPY_MX_MAX_MESSAGE_KB", "64"), ("CANOPY_MX_MAX_LINES", "1000")]).await;
    let to = app.app.config.complaint_address.clone();
    let greeted = async || {
        let mut talk = Talk { stream: TcpStream::connect(at).await.expect("it listens") };
        assert!(talk.hear().await.starts_with("220 "));
        talk
    };
    let mut talk = greeted().await;
    assert!(talk.say("EHLO mx.test").await.contains("SIZE 65536"));
    talk.expect("MAIL FROM:<> SIZE=65537", 552).await;
    talk.expect("MAIL FROM:<> SIZE=65536", 250).await;
    for (text, code) in [
        ("x".repeat(998) + "\r\n", "250"),
        (("x".repeat(998) + "\r\n").repeat(65), "250"),
        (("x".repeat(998) + "\r\n").repeat(66), "552"),
        ("\r\n".repeat(1000), "250"),
        ("\r\n".repeat(1001), "552"),
    ] {
        let mut talk = greeted().await;
        talk.begin(&to).await;
        talk.put(format!("{text}.\r\n").as_bytes()).await;
        let heard = talk.hear().await;
        assert!(heard.starts_with(code), "{} octets: {heard}", text.len());
    }
}

#[tokio::test]
async fn a_silent_client_is_told_to_go_after_the_time_that_the_option_gives() {
    let app = TestApp::sqlite().await;
    let (_node, at) = node(&app, &[("CANOPY_MX_TIMEOUT_SECONDS", "5")]).await;
    let to = app.app.config.complaint_address.clone();
    let (mut idle, mut within) = (from("127.0.0.1", at).await, from("127.0.0.1", at).await);
    assert!(within.hear().await.starts_with("220 "));
    within.begin(&to).await;
    within.put(b"Subject: hi\r\n").await;
    assert!(idle.rest().await.contains("\r\n421 4.4.2"), "without a command");
    assert!(within.rest().await.starts_with("421 4.4.2"), "within a message");
}
