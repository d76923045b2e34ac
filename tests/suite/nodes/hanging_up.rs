//! Whoever hangs up is waited for by nobody: what is done for their request alone ends with it.

use canopy::models::messages;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::app::{Client, TestApp};

/// On a machine that stands still, the time of a request may be over before anybody sees that its client is gone.
const TRIES: usize = 8;

/// A request to a hundred, with more to render for each than a hundred may take together.
fn long(client: &Client) -> String {
    let template = "{{ n }}{% for i in range(4000) %}{% if i > 3999 %}x{% endif %}{% endfor %}";
    let recipients: Vec<_> =
        (0..100).map(|n| json!({ "email": format!("r{n}@reader.example"), "substitutions": { "n": n } })).collect();
    let body = json!({ "from": { "email": format!("hello@{}", client.domain) }, "recipients": recipients,
                       "subject": "Hello", "text_content": template, "html_content": template })
    .to_string();
    format!(
        "POST /v2/accounts/{}/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        client.id,
        client.key,
        body.len()
    )
}

/// Hangs up while its message is rendered; whether the rendering ended for that.
async fn hang_up(app: &TestApp, request: &str) -> bool {
    let before = app.app.renderers.load().stopped;
    let mut client = TcpStream::connect(app.url.trim_start_matches("http://")).await.expect("it listens");
    client.write_all(request.as_bytes()).await.expect("it is taken");
    while app.app.renderers.load().under_way == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    drop(client);
    loop {
        let now = app.app.renderers.load();
        if now.stopped > before || now.under_way == 0 {
            return now.stopped > before;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_while_its_message_is_rendered_ends_the_rendering() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Hasty").await;
    let client = app.client(&agency, "hasty", 0).await;
    let request = long(&client);
    let mut tries = 1;
    while !hang_up(&app, &request).await {
        tries += 1;
        assert!(tries <= TRIES, "it was rendered to the end of its time, though nobody waited");
    }
    println!("ended with its client, at try {tries}");
    let (account, filter) = (client.id, messages::Filter::default());
    let stored = app.read(move |conn| Ok(messages::page(conn, account, &filter, None, false, 10)?.len())).await;
    assert_eq!(stored, 0, "nothing of it was accepted");
    app.accept(&client, &["ann@reader.example"]).await.expect("others go on");
}
