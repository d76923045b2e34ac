//! Delivering: through a real smarthost or into the mailbox, by schedule, fairly, and never past a hold.

mod answers;
mod deleted;
mod direct;
mod fairness;
mod holds;
mod housekeeping;
mod inside;
mod kills;
mod lapsed;
mod leaving;
mod mta_sts;
mod nodes;
mod odd_names;
mod removed_domains;
mod schedule;
mod system_mail;
mod transports;
mod unstorable;

use canopy::actions::accept_message::{Accepted, Outcome};
use canopy::actions::choose_transport::choose_transport;
use canopy::actions::create_transport::create_transport;
use canopy::actions::transport_changes::TransportChanges;
use canopy::delivery::worker;
use canopy::domain::ids::Id;
use canopy::domain::text::TransportName;
use canopy::domain::transport::{RelayHost, Tls, TransportKind};
use canopy::models::counters::Counter;
use canopy::models::messages::{self, Attempt, Message};
use canopy::models::transports::Transport;
use canopy::models::{accounts, counters, queue};

use crate::support::app::{Client, TestApp};
use crate::support::smtp_sink::SmtpSink;

/// Sends the mail of an account and its sub accounts through `sink`.
pub async fn send_through(app: &TestApp, account: Id, sink: &SmtpSink) {
    send_through_port(app, account, sink.port()).await;
}

async fn send_through_port(app: &TestApp, account: Id, port: u16) {
    let changes = TransportChanges { tls: Some(Tls::None), ..to_port(port) };
    choose_new(app, account, changes).await;
}

/// A relay on this machine.
fn to_port(port: u16) -> TransportChanges {
    TransportChanges {
        name: Some(TransportName::parse(&format!("port {port}")).expect("a name")),
        kind: Some(TransportKind::Relay),
        host: Some(RelayHost::parse("127.0.0.1").expect("a host")),
        port: Some(port),
        ..TransportChanges::default()
    }
}

/// Makes a transport of an account's agency and chooses it for the account.
async fn choose_new(app: &TestApp, account: Id, changes: TransportChanges) -> Transport {
    let services = app.app.services.clone();
    app.write(move |conn, cx| {
        let parent = accounts::find(conn, account)?.expect("the account").root_id();
        let row = create_transport(conn, cx, &services, parent, &changes)?;
        choose_transport(conn, cx, parent, account, Some(row.id))?;
        Ok(row)
    })
    .await
}

/// Accepts one message to each recipient; answers the ids.
async fn accept(app: &TestApp, client: &Client, recipients: &[&str]) -> Vec<Id> {
    ids(&app.accept(client, recipients).await.expect("accepted"))
}

fn ids(accepted: &Accepted) -> Vec<Id> {
    let id = |outcome: &Outcome| match outcome {
        Outcome::Queued { id } | Outcome::Scheduled { id } => *id,
        Outcome::Refused { reason } => panic!("refused: {reason}"),
    };
    accepted.entries.iter().map(|entry| id(&entry.outcome)).collect()
}

/// Makes every attempt that is due; answers how many.
async fn deliver(app: &TestApp) -> usize {
    worker::run_once(&app.app).await
}

async fn message(app: &TestApp, id: Id) -> Message {
    app.read(move |conn| Ok(messages::find_many(conn, &[id])?)).await.pop().expect("the message is there")
}

async fn attempts(app: &TestApp, id: Id) -> Vec<Attempt> {
    app.read(move |conn| Ok(messages::attempts_of(conn, &[id])?)).await
}

/// How many messages of an account are due now, and how many later.
async fn queued(app: &TestApp, account: Id) -> (i64, i64) {
    let now = app.app.clock.now().naive_utc();
    app.read(move |conn| Ok(queue::depth(conn, account, now)?)).await
}

/// The counter that a message was counted in.
async fn counter_of(app: &TestApp, id: Id) -> Counter {
    let row = message(app, id).await;
    let counter = app.read(move |conn| Ok(counters::find(conn, row.account_id, row.period_id)?)).await;
    counter.expect("a counter")
}
