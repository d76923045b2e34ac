//! Letters to the operator: a few an hour, and none that a machine wrote.

use super::Inbound;
use crate::actions::pass_on_letter::pass_on_letter;
use crate::domain::returned::{InboundRefusal, operator};
use crate::smtp::reply::Reply;
use crate::smtp::service::Service as _;
use crate::smtp::session::Session;

/// Passes a letter on and answers it. One from nobody, or by a machine, goes no further: nothing may circle.
pub async fn pass_on(session: &Session<Inbound>, from: &str, raw: &[u8]) -> Reply {
    let (shared, service) = (&session.shared, &session.shared.service);
    let Some(operator) = shared.app.config.operator_address.clone() else { return Reply::not_offered() };
    let letter = operator::read(raw);
    if from.is_empty() || letter.automatic {
        service.refused(InboundRefusal::Unreadable);
        return Reply::ok("Taken, nothing follows from it");
    }
    let now = shared.app.clock.now();
    let (services, from, peer) = (shared.app.services.clone(), from.to_owned(), session.peer.to_string());
    let passed =
        shared.app.write(move |conn| pass_on_letter(conn, now, &services, &operator, (&from, &peer), &letter)).await;
    match passed {
        Ok(true) => Reply::ok("Passed on to the operator"),
        Ok(false) => {
            service.refused(InboundRefusal::Limit);
            Reply::new(451, "4.3.2 So many letters to the operator have to wait, try again later")
        }
        Err(error) => {
            log::warn!("a letter from {} could not be passed on: {error:?}", session.peer);
            Reply::from(&error)
        }
    }
}
