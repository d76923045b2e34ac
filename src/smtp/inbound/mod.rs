//! What the inbound listener is for: bounces, complaints, and letters to the operator. It relays nothing: an address that
//! is not signed by this installation is refused at RCPT.

mod counted;
mod letters;
mod report;

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use super::limits::Limits;
use super::reply::Reply;
use super::service::{Service, Taken};
use super::session::{Session, Then};
use crate::actions::receive_report::{Recipient, recipient};
use crate::app::App;
use crate::domain::returned::InboundRefusal;
use crate::domain::returned::operator::is_for_operator;
use counted::Counted;

pub struct Inbound {
    counted: Counted,
    /// Turns at being recorded.
    recording: Semaphore,
}

impl Inbound {
    pub fn new(app: &App, limits: &Limits) -> Self {
        Self { counted: Counted::new(&app.metrics), recording: Semaphore::new(limits.recording.max(1)) }
    }
}

impl Service for Inbound {
    type Talk = ();
    type Recipient = Recipient;

    const GREETING: &'static str = ", reports about mail from here only";

    fn begin(&self) {}

    fn refused(&self, refusal: InboundRefusal) {
        self.counted.add(refusal);
    }

    fn connected(app: &App, taken: bool) {
        app.metrics.serving.connected(taken);
    }

    fn closed(app: &App) {
        app.metrics.serving.closed();
    }

    /// Only addresses that this installation signed, the one for complaints, and those of the operator.
    fn recipient(session: &Session<Self>, to: &str) -> Result<Option<Recipient>, Reply> {
        let (app, named) = (&session.shared.app, &session.state.recipients);
        let for_operator = || is_for_operator(to, &app.config.own_hosts());
        let found = match recipient(&app.services, &app.config.complaint_address, to) {
            Err(_) if for_operator() && app.config.operator_address.is_some() => Ok(Recipient::Operator),
            Err(refusal) if for_operator() => {
                session.shared.service.refused(refusal);
                return Err(Reply::new(550, "5.1.1 The operator of this server gave no address that reads this"));
            }
            found => found,
        };
        let recipient = found.map_err(|refusal| {
            session.shared.service.refused(refusal);
            Reply::no_such_recipient(refusal)
        })?;
        let other = |other: &Recipient| (*other == Recipient::Operator) != (recipient == Recipient::Operator);
        if named.first().is_some_and(other) {
            return Err(Reply::new(452, "4.5.3 This recipient needs a message of its own"));
        }
        Ok((!named.contains(&recipient)).then_some(recipient))
    }

    async fn take(session: &mut Session<Self>, message: Taken<Recipient>) -> (Reply, Then) {
        // Given back when the report is recorded.
        let _share = message.share;
        let reply = if message.recipients.contains(&Recipient::Operator) {
            letters::pass_on(session, &message.from, &message.raw).await
        } else {
            report::record(session, message.raw, &message.recipients).await
        };
        (reply, Then::GoOn)
    }

    async fn run(&self, app: &Arc<App>, stop: watch::Receiver<bool>) {
        self.counted.run(app, stop).await;
    }

    async fn finish(&self, app: &Arc<App>) {
        self.counted.write(app).await;
    }
}
