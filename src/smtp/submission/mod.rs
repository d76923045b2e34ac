//! What the submission listeners are for (RFC 6409): the mail of clients. They sign in by SMTP credentials inside TLS; or
//! the listener is trusted, on loopback, and everything that comes there is of one account.
//!
//! Whoever signed in is looked at again whenever something more arrived: a suspension ends open sessions too, at the next
//! command after its commit (a tenth of a second later where it was another node's; nothing is accepted in between).

mod message;
mod sign_in;

use std::sync::Arc;

use super::command::Command;
use super::reply::Reply;
use super::service::{Service, Taken};
use super::session::{Session, Then};
use crate::actions::ActionError;
use crate::actions::sign_in_smtp::{Sender, may_submit};
use crate::app::App;
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::Id;
use crate::domain::returned::InboundRefusal;
use crate::load::Owner;

pub struct Submission {
    /// The account that everything is of, without signing in.
    trusted: Option<Id>,
}

impl Submission {
    /// For clients that sign in.
    pub const fn of_clients() -> Self {
        Self { trusted: None }
    }

    /// For programs on this machine.
    pub const fn trusted(account: Id) -> Self {
        Self { trusted: Some(account) }
    }
}

/// What is known about a conversation.
#[derive(Default)]
pub struct Talk {
    /// Whose messages they are; nobody's yet.
    sender: Option<Arc<Sender>>,
    /// Names and passwords that were wrong.
    failures: usize,
    /// What had arrived when the sender was looked at last.
    looked_at: Option<u64>,
}

impl Service for Submission {
    type Talk = Talk;
    type Recipient = EmailAddress;

    const GREETING: &'static str = "";

    fn begin(&self) -> Talk {
        Talk { sender: self.trusted.map(|account| Arc::new(Sender::trusted(account))), ..Talk::default() }
    }

    fn refused(&self, refusal: InboundRefusal) {
        log::debug!("refused at a submission listener: {}", refusal.as_str());
    }

    fn connected(app: &App, taken: bool) {
        app.metrics.serving.submission_connected(taken);
    }

    fn closed(app: &App) {
        app.metrics.serving.submission_closed();
    }

    fn owner(session: &Session<Self>) -> Owner {
        session.talk.sender.as_ref().map_or(Owner::stranger(session.peer), |sender| Owner::Account(sender.account_id))
    }

    fn mechanisms(session: &Session<Self>) -> Result<&'static [&'static str], Reply> {
        if session.shared.service.trusted.is_some() {
            return Err(Reply::not_offered());
        }
        if session.talk.sender.is_some() {
            return Err(Reply::new(503, "5.5.1 You have signed in already"));
        }
        if !session.wire.is_encrypted() {
            return Err(Reply::new(538, "5.7.11 Passwords are taken inside TLS only: say STARTTLS first"));
        }
        Ok(&["PLAIN", "LOGIN"])
    }

    async fn before(session: &mut Session<Self>, command: &Command) -> Option<(Reply, Then)> {
        if matches!(command, Command::Quit) {
            return None;
        }
        let Some(sender) = session.talk.sender.clone() else {
            let needs = matches!(command, Command::Mail(..) | Command::Rcpt(_) | Command::Data);
            return needs.then(|| (Reply::new(530, "5.7.0 Sign in first: STARTTLS, then AUTH"), Then::GoOn));
        };
        let arrived = session.wire.reads();
        if session.talk.looked_at == Some(arrived) {
            return None;
        }
        match glance_at(&session.shared.app, sender).await {
            Ok(()) => {
                session.talk.looked_at = Some(arrived);
                None
            }
            Err(error) => Some(refusal(&error)),
        }
    }

    async fn sign_in(session: &mut Session<Self>, name: String, password: String) -> (Reply, Then) {
        sign_in::sign_in(session, name, password).await
    }

    fn recipient(session: &Session<Self>, to: &str) -> Result<Option<EmailAddress>, Reply> {
        let address = EmailAddress::parse(to).map_err(|refusal| Reply::said(553, "5.1.3", refusal.message()))?;
        let named = session.state.recipients.iter().any(|other| other.lower() == address.lower());
        Ok((!named).then_some(address))
    }

    async fn take(session: &mut Session<Self>, message: Taken<EmailAddress>) -> (Reply, Then) {
        message::take(session, message).await
    }
}

/// Whether the sender may still send, as this node knows it.
async fn glance_at(app: &Arc<App>, sender: Arc<Sender>) -> Result<(), ActionError> {
    let (now, reader) = (app.clock.now(), Arc::clone(app));
    if app.standings.fresh(&sender.key(), now).is_some() {
        return Ok(());
    }
    let read = move |conn: &mut _| reader.standings.of(sender.key(), now, || may_submit(conn, now, &sender)).map(drop);
    app.glimpse(read).await
}

/// Whether the sender may still send, as the database knows it.
async fn look_at(app: &Arc<App>, sender: Arc<Sender>) -> Result<(), ActionError> {
    let now = app.clock.now();
    app.glimpse(move |conn| may_submit(conn, now, &sender)).await
}

/// What refuses a command or a message, and whether the conversation goes on.
fn refusal(error: &ActionError) -> (Reply, Then) {
    match error {
        // The account or its credentials are gone.
        ActionError::NotFound(_) => (sign_in::wrong(), Then::Close),
        error => {
            let reply = Reply::from(error);
            let then = if matches!(reply.code(), 421 | 521) { Then::Close } else { Then::GoOn };
            (reply, then)
        }
    }
}
