//! Mail programs that hand in mail while the database goes away and comes back: what was promised is there once, and
//! what was not promised is nowhere.

use std::time::{Duration, Instant};

use canopy::models::counters;

use crate::returning::mx::Talk;
use crate::submission::door::{Door, Login, NAMES, hand_in, letter, messages_of};
use crate::support::app::{Client, On, TestApp};
use crate::support::certificates::Certificates;
use crate::support::node::{Node, PATIENCE, free_address};
use crate::support::proxy::Proxy;

/// The program behind a wire to its database, with a client's listener.
struct Behind {
    app: TestApp,
    client: Client,
    wire: Proxy,
    node: Node,
    door: Door,
    certificates: Certificates,
    login: Login,
}

impl Behind {
    async fn start(name: &str) -> Option<Self> {
        let app = TestApp::start(On::Postgres).await?;
        let agency = app.agency("Handing in").await;
        let client = app.client(&agency, name, 0).await;
        let login = Login::of(&app, client.id).await;
        let certificates = Certificates::of(NAMES);
        let wire = Proxy::before(app.app.config.database_url()).await;
        let (url, address) = (wire.url(app.app.config.database_url()), free_address());
        let file = |name: &str| certificates.path(name).display().to_string();
        let (cert, key) = (file("cert.pem"), file("key.pem"));
        let options = [
            ("CANOPY_DATABASE_URL", url.as_str()),
            // Nothing leaves: only what comes in is looked at.
            ("CANOPY_ROLES", "web"),
            ("CANOPY_SUBMISSION_LISTEN", address.as_str()),
            ("CANOPY_SUBMISSION_TLS_CERT", cert.as_str()),
            ("CANOPY_SUBMISSION_TLS_KEY", key.as_str()),
            ("RUST_LOG", "off"),
        ];
        let node = Node::start(&app, &options).await;
        let door = Door::of_program(&address);
        Some(Self { app, client, wire, node, door, certificates, login })
    }

    /// A conversation of somebody who signed in.
    async fn signed_in(&self) -> Talk<impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + use<>> {
        let mut talk = self.door.secure(&self.certificates).await;
        talk.expect(&self.login.plain(), 235).await;
        talk
    }

    fn letter(&self) -> String {
        letter(&format!("hello@{}", self.client.domain))
    }

    /// Who got a message, and how many are counted.
    async fn kept(&self) -> (Vec<String>, i64) {
        let rows = messages_of(&self.app, self.client.id).await;
        let mut recipients: Vec<String> = rows.into_iter().map(|row| row.recipient).collect();
        recipients.sort_unstable();
        let id = self.client.id;
        let now = self.app.app.clock.now().naive_utc();
        let counted = self.app.read(move |conn| {
            let account = canopy::models::accounts::find(conn, id)?.expect("it is there");
            let period = canopy::models::periods::containing(conn, account.root_id(), now)?;
            Ok(match period {
                Some(period) => counters::used(conn, id, period.id)?,
                None => 0,
            })
        });
        (recipients, counted.await)
    }

    async fn is_ready(&self) {
        self.node.until("it is ready again", async |node| node.status("/readyz").await == 200).await;
    }
}

/// A mail program that comes again, in the same conversation, until its message is taken.
async fn until_taken<S>(talk: &mut Talk<S>, to: &str, message: &str)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let deadline = Instant::now() + PATIENCE;
    loop {
        let begun = talk.say("MAIL FROM:<>").await;
        if begun.starts_with("250 ") {
            talk.expect(&format!("RCPT TO:<{to}>"), 250).await;
            talk.expect("DATA", 354).await;
            let reply = talk.say(&format!("{message}.")).await;
            if reply.starts_with("250 ") {
                return;
            }
            assert!(reply.starts_with("451 "), "{reply}");
        } else {
            assert!(begun.starts_with("451 "), "{begun}");
        }
        assert!(Instant::now() < deadline, "it is not taken");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_hands_in_mail_while_the_database_is_away_is_told_to_come_again_and_is_taken_once() {
    let Some(behind) = Behind::start("away").await else { return };
    let letter = behind.letter();
    let mut idle = behind.signed_in().await;
    let mut inside = behind.signed_in().await;
    inside.expect("MAIL FROM:<>", 250).await;
    inside.expect("RCPT TO:<inside@example.org>", 250).await;
    inside.expect("DATA", 354).await;
    inside.put(letter.as_bytes()).await;
    let mut stranger = behind.door.secure(&behind.certificates).await;
    behind.wire.cut();
    // Who may hand in mail is remembered for a tenth of a second.
    tokio::time::sleep(Duration::from_millis(200)).await;
    // At each step of a conversation the same: come again, and nothing is forgotten of who signed in.
    idle.expect("MAIL FROM:<>", 451).await;
    idle.expect("NOOP", 451).await;
    inside.expect(".", 451).await;
    stranger.expect(&behind.login.plain(), 451).await;
    let mut late = behind.door.secure(&behind.certificates).await;
    late.expect(&behind.login.plain(), 451).await;
    assert_eq!(behind.kept().await, (Vec::new(), 0), "nothing is half-written");
    behind.wire.mend();
    behind.is_ready().await;
    until_taken(&mut idle, "idle@example.org", &letter).await;
    until_taken(&mut inside, "inside@example.org", &letter).await;
    stranger.expect(&behind.login.plain(), 235).await;
    until_taken(&mut stranger, "stranger@example.org", &letter).await;
    let expected = ["idle@example.org", "inside@example.org", "stranger@example.org"].map(str::to_owned);
    assert_eq!(behind.kept().await, (expected.to_vec(), 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_whose_commit_was_done_and_not_answered_is_promised_and_not_handed_in_twice() {
    let Some(behind) = Behind::start("lost").await else { return };
    let letter = behind.letter();
    let mut talk = behind.signed_in().await;
    let mut recipients = Vec::new();
    for number in 0..5 {
        let to = format!("you{number}@example.org");
        behind.wire.lose_an_answer_to_commit();
        let reply = hand_in(&mut talk, "", &[&to], &letter).await;
        assert!(reply.starts_with("250 "), "its commit is looked for: {reply}");
        assert!(behind.wire.lost_one(), "an answer was lost");
        recipients.push(to);
    }
    // By API too; the first request of a key writes down that it was used.
    behind.node.accepted(&behind.client, "you5@example.org").await;
    recipients.push("you5@example.org".into());
    behind.wire.lose_an_answer_to_commit();
    behind.node.accepted(&behind.client, "you6@example.org").await;
    recipients.push("you6@example.org".into());
    assert_eq!(behind.kept().await, (recipients, 7));
}
