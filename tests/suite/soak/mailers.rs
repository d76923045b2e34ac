//! Mail programs that hand in over SMTP while the program is killed under them: signed in inside TLS, their commands in
//! groups or one by one. A 250 after the message is a promise; what got no answer is not handed in again, so it may have
//! been taken once or not at all.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::sleep;
use tokio_rustls::TlsConnector;

use super::load::{CAP, TRIED, World};
use crate::submission::door::{Login, NAMES, letter};
use crate::support::app::{Agency, Client, TestApp};
use crate::support::certificates::Certificates;
use crate::support::mailer::{Mailer, connector};

const MAILERS: usize = 3;
/// Messages of a conversation.
const EACH: usize = 12;

/// One account that mail programs hand in for; all of it is by recipient.
pub struct Sender {
    pub client: Client,
    login: Login,
    pub taken: Mutex<BTreeSet<String>>,
    pub refused: Mutex<BTreeSet<String>>,
    pub unanswered: Mutex<BTreeSet<String>>,
}

pub struct Mailers {
    pub certificates: Certificates,
    tls: TlsConnector,
    /// The first has no cap.
    pub senders: Vec<Sender>,
    numbers: AtomicUsize,
}

impl Mailers {
    pub async fn new(app: &TestApp, agency: &Agency, capped: usize) -> Self {
        let certificates = Certificates::of(NAMES);
        let mut senders = Vec::new();
        for number in 0..=capped {
            let label = if number == 0 { "mailer".to_owned() } else { format!("mailer{number}") };
            let client = app.client(agency, &label, if number == 0 { 0 } else { CAP as i64 }).await;
            let login = Login::of(app, client.id).await;
            let (taken, refused, unanswered) = (Mutex::default(), Mutex::default(), Mutex::default());
            senders.push(Sender { client, login, taken, refused, unanswered });
        }
        Self { tls: connector(&certificates), certificates, senders, numbers: AtomicUsize::new(0) }
    }
}

impl World<'_> {
    /// Mail programs hand in until the program is gone.
    pub async fn hand_in_until_gone(&self, at: SocketAddr) {
        join_all((0..MAILERS).map(|number| async move {
            while !self.is_over() {
                if self.converse(at, number).await.is_none() {
                    sleep(Duration::from_millis(10)).await;
                }
            }
        }))
        .await;
    }

    /// One conversation: an account's, and the next one's only when that has ended.
    async fn converse(&self, at: SocketAddr, mailer: usize) -> Option<()> {
        let all = &self.mailers;
        let first = all.numbers.fetch_add(EACH, Ordering::SeqCst);
        let turn = first / EACH;
        let capped = 1 + turn / 2 * EACH / TRIED % (all.senders.len() - 1);
        let sender = &all.senders[if turn.is_multiple_of(2) { 0 } else { capped }];
        let from = format!("hello@{}", sender.client.domain);
        let mut talk = Mailer::signed_in(at, &all.tls, &sender.login.plain()).await?;
        for number in first..first + EACH {
            let recipient = format!("cat{number}@example.org");
            let as_one_group = (number + mailer).is_multiple_of(2);
            let code = talk.hand_in(as_one_group, &from, &recipient, &letter(&from)).await;
            let answered = match code {
                Some(250) => &sender.taken,
                Some(452) => &sender.refused,
                None => &sender.unanswered,
                Some(other) => panic!("{other} to {recipient}"),
            };
            answered.lock().expect("nobody panics").insert(recipient);
            code?;
        }
        talk.say("QUIT").await.map(drop)
    }
}
