//! A message that was handed in: read, accepted by the node's committer with all that waits, and answered after the commit.

use super::{Submission, look_at, refusal};
use crate::actions::accept_message::{Accepted, Prepared};
use crate::actions::prepare_submission::{Submission as Handed, Trace, prepare_submission};
use crate::actions::{ActionError, ActionResult};
use crate::app::App;
use crate::domain::email_address::EmailAddress;
use crate::load::{self, Owner};
use crate::smtp::reply::Reply;
use crate::smtp::service::Taken;
use crate::smtp::session::{Session, Then};

/// What is held of a message that was handed in: itself, and what is kept of it behind its Received field.
const HANDED_IN: usize = 2;
/// What is read on the connection's own thread: changing threads costs more than reading a small message.
const SMALL: usize = 64 * 1024;

pub async fn take(session: &mut Session<Submission>, message: Taken<EmailAddress>) -> (Reply, Then) {
    match accept(session, message).await {
        Ok(accepted) => (Reply::ok(&receipt(&accepted)), Then::GoOn),
        Err(error) => {
            if let ActionError::Internal(why) = &error {
                log::error!("a message of {} could not be accepted: {why}", session.peer);
            }
            refusal(&error)
        }
    }
}

async fn accept(session: &Session<Submission>, message: Taken<EmailAddress>) -> ActionResult<Accepted> {
    let app = &session.shared.app;
    let Some(sender) = session.talk.sender.clone() else { return Err(ActionError::NotFound("sender")) };
    let trusted = session.shared.service.trusted.is_some();
    let mut share = message.share;
    share.reach(message.raw.len() * HANDED_IN)?;
    let handed = Handed {
        account_id: sender.account_id,
        instead_of_from: trusted.then_some(message.from),
        only_from: sender.domains.clone(),
        recipients: message.recipients,
        raw: message.raw,
        trace: trace(session, trusted),
        sandbox: sender.sandbox,
    };
    let prepared = prepare(app, handed).await?;
    if sender.credential_id.is_some() {
        // They may have been deleted while the message came; the committer looks at the account only.
        look_at(app, sender).await?;
    }
    app.committer.accept(prepared).await
}

async fn prepare(app: &App, handed: Handed) -> ActionResult<Prepared> {
    let now = app.clock.now();
    if handed.raw.len() <= SMALL {
        return prepare_submission(now, &handed);
    }
    let place = app.load.preparing.enter(Owner::Account(handed.account_id)).await?;
    load::off_thread(place, move || prepare_submission(now, &handed)).await
}

fn trace(session: &Session<Submission>, trusted: bool) -> Trace {
    let (helo, extended) = session.state.greeted.clone().unwrap_or_default();
    let protocol = match (trusted, extended) {
        (false, _) => "ESMTPSA",
        (true, true) => "ESMTP",
        (true, false) => "SMTP",
    };
    Trace { helo, host: session.host_name().to_owned(), protocol }
}

/// Under what the message is found again: the id of its first recipient's copy.
fn receipt(accepted: &Accepted) -> String {
    let Some(id) = accepted.first_id() else { return "Accepted".to_owned() };
    let more = match accepted.entries.len() {
        0 | 1 => String::new(),
        many => format!(" and {} more", many - 1),
    };
    format!("Accepted as {id}@{}{more}", accepted.sender_domain)
}
