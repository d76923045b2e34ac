//! Roles divided between nodes work together, and a node does what its roles say and nothing else.

use std::net::SocketAddr;

use canopy::models::partitions;

use crate::support::app::{On, TestApp};
use crate::support::environment::package_root;
use crate::support::mail_program::MailProgram;
use crate::support::node::{Node, free_address};
use crate::support::smtp_sink::SmtpSink;

/// Sends a message to one address by a mail program; the reply's code, 0 where there was none.
pub async fn mail(server: &str, to: &str, raw: Vec<u8>) -> u16 {
    let address: SocketAddr = server.parse().expect("an address");
    MailProgram::at(address).send("", &[to], &raw).await.code
}

/// The bounce that Postfix sends.
pub fn bounce(return_path: &str, recipient: &str) -> Vec<u8> {
    let path = package_root().join("tests/returned/dsn/postfix.eml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let pairs = [("{{return_path}}", return_path), ("{{recipient}}", recipient), ("{{to}}", return_path)];
    let filled = pairs.iter().fold(text, |text, (name, value)| text.replace(name, value));
    filled.replace('\n', "\r\n").into_bytes()
}

#[tokio::test]
async fn web_worker_and_mx_on_three_nodes_make_a_bounce_of_what_came_back() {
    let (Some(app), Some(sink)) = (TestApp::start(On::Postgres).await, SmtpSink::start()) else { return };
    let agency = app.agency("Roles").await;
    let client = app.client(&agency, "roles", 0).await;
    let through = format!("smtp://127.0.0.1:{}", sink.port());
    let listen = free_address();
    let days = async || app.read(|conn| Ok(partitions::days(conn)?)).await;
    assert!(days().await.is_empty(), "a new installation");
    let web = Node::start(&app, &[("CANOPY_ROLES", "web"), ("CANOPY_MX_LISTEN", &listen)]).await;
    assert!(days().await.contains(&app.app.clock.now().date_naive()), "made before anything is accepted");
    let worker = Node::start(&app, &[("CANOPY_ROLES", "worker"), ("CANOPY_DEFAULT_TRANSPORT", &through)]).await;
    // The same address: the web node did not take it.
    let mx = Node::start(&app, &[("CANOPY_ROLES", "mx"), ("CANOPY_MX_LISTEN", &listen)]).await;
    for node in [&worker, &mx] {
        for (path, status) in [("/healthz", 200), ("/readyz", 200), ("/", 404), ("/sign-in", 404), ("/v2/ping", 404)] {
            assert_eq!(node.status(path).await, status, "{path}");
        }
    }
    assert_eq!(web.status("/sign-in").await, 200);
    let answer = web.accepted(&client, "ann@receiver.example").await;
    let id = answer["data"][0]["id"].as_str().expect("an id").to_owned();
    let arrived = sink.wait_for(1).await.remove(0);
    let status = async || {
        let path = format!("/v2/accounts/{}/messages/{}", client.id, id.trim_start_matches('<').trim_end_matches('>'));
        let answer = web.get(&path, Some(&client.key)).await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        answer.json::<serde_json::Value>().await.expect("JSON")["status"].as_str().unwrap_or_default().to_lowercase()
    };
    web.until("it is delivered", async |_| status().await == "delivered").await;
    assert_eq!(mail(&listen, &arrived.sender, bounce(&arrived.sender, "ann@receiver.example")).await, 250);
    assert_eq!(status().await, "bounced");
    assert_eq!(sink.messages().len(), 1);
}
