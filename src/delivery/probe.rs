//! Trying a transport: one message goes its way at once, past the queue, and everything that is said is kept.

use mail_builder::MessageBuilder;
use mail_builder::headers::raw::Raw;

use super::route::{Way, way};
use super::transport::transcript::Transcript;
use super::transport::{Envelope, Outcome, Route};
use crate::actions::{ActionError, ActionResult};
use crate::app::App;
use crate::domain::conversation::Conversation;
use crate::domain::ids::Id;
use crate::models::transports::Transport;

/// Sends a test message by `transport`.
///
/// # Errors
/// `Internal` when the transport cannot be read.
pub async fn probe(app: &App, transport: Transport, from: &str, to: &str) -> ActionResult<Conversation> {
    let (now, account) = (app.clock.now(), transport.account_id);
    let Way { route, .. } = way(Some(&transport), &app.config, &app.services.secrets)?;
    let id = Id::new(now);
    let domain = from.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let message = MessageBuilder::new()
        .from(from)
        .to(to)
        .subject("A test of your transport")
        .date(now.timestamp())
        .message_id(format!("{id}@{domain}"))
        .header("Auto-Submitted", Raw::new("auto-generated"))
        .text_body("If you read this, the transport works.\r\n")
        .write_to_vec()
        .map_err(|error| ActionError::Internal(error.to_string()))?;
    let envelope = Envelope { mail_from: from.to_owned(), rcpt_to: to.to_owned() };
    let transcript = Transcript::kept();
    let outcome = match route {
        Route::Mailbox => app.mailbox.deliver(account, id, message).await,
        Route::Relay(relay) => app.relay.converse(&relay, &envelope, &message, &transcript).await,
        Route::Direct(direct) => app.direct.converse(&direct, &envelope, &message, now, &transcript).await,
    };
    let taken = matches!(outcome, Outcome::Accepted { .. });
    let verdict = match outcome {
        Outcome::Accepted { code, text } | Outcome::Refused { code, text, .. } => format!("{code} {text}"),
        Outcome::Unreachable { text } => text,
        Outcome::NotNow { .. } => "There is no room for it just now.".to_owned(),
    };
    Ok(Conversation { lines: transcript.lines(), taken, verdict })
}
