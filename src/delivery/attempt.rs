//! One attempt of several that begin together: from what the database knows to the wire.

use std::sync::Arc;

use tokio::sync::OnceCell;

use super::known::Known;
use super::leave::{Left, leave};
use super::outgoing::{Outgoing, Signers, prepare};
use crate::actions::claim_deliveries::Claimed;
use crate::actions::clear_queue::REMOVED;
use crate::actions::finish_deliveries::Answer;
use crate::actions::{ActionError, ActionResult};
use crate::app::App;
use crate::models::messages::Message;

/// Messages that begin to leave together, and what is known about them once one of them asked.
pub struct Batch {
    messages: Vec<Message>,
    known: OnceCell<Known>,
}

impl Batch {
    pub fn of(claimed: &[Claimed]) -> Arc<Self> {
        Arc::new(Self { messages: claimed.iter().map(|one| one.message.clone()).collect(), known: OnceCell::new() })
    }

    async fn read(self: &Arc<Self>, app: &Arc<App>) -> ActionResult<()> {
        let read = || {
            let (batch, now) = (Arc::clone(self), app.clock.now());
            app.read(move |conn| Known::read(conn, &batch.messages, now))
        };
        self.known.get_or_try_init(read).await.map(drop)
    }
}

/// Makes a message of `batch` ready and sends it.
pub async fn attempt(app: &Arc<App>, signers: Arc<Signers>, batch: Arc<Batch>, claimed: &Claimed) -> Left {
    match ready(app, signers, batch, &claimed.message).await {
        Ok(Ok(outgoing)) => leave(app, claimed, outgoing).await,
        Ok(Err(answer)) => Left::not_gone(answer),
        Err(error) => {
            log::error!("message {} could not be made ready: {error:?}", claimed.message.id);
            Left::not_gone(Answer::NoReply { text: "The message could not be made ready here.".into() })
        }
    }
}

/// The message ready to leave, or why it does not.
async fn ready(
    app: &Arc<App>,
    signers: Arc<Signers>,
    batch: Arc<Batch>,
    message: &Message,
) -> ActionResult<Result<Outgoing, Answer>> {
    batch.read(app).await?;
    let (node, message, now) = (Arc::clone(app), message.clone(), app.clock.now());
    let work = move || match batch.known.get() {
        Some(known) if known.lost_its_domain(&message) => Ok(Err(Answer::Withdrawn { text: REMOVED.into() })),
        Some(known) => Ok(prepare(&node, &signers, known, &message, now)?.ok_or(Answer::NotBegun)),
        None => Err(ActionError::Internal("what was read is gone".into())),
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| ActionError::Internal(error.to_string()))?
}
