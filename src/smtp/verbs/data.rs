//! DATA: takes the message up to its lone dot, and lets the service answer it.

use tokio::time::Instant;

use crate::domain::returned::InboundRefusal;
use crate::smtp::body::{Body, Kept, Taken as Line};
use crate::smtp::reply::Reply;
use crate::smtp::service::{Service, Taken};
use crate::smtp::session::{Session, Then, last_words};
use crate::smtp::wire::NoLine;

pub async fn answer<S: Service>(session: &mut Session<S>) -> (Reply, Then) {
    if !session.state.begun {
        return (Reply::sequence("Say MAIL"), Then::GoOn);
    }
    if session.state.recipients.is_empty() {
        return (Reply::new(554, "5.5.1 There is no recipient"), Then::GoOn);
    }
    if session.wire.has_more() {
        // What was sent before it was asked for was not meant for this server (RFC 2920 section 3.1).
        session.shared.service.refused(InboundRefusal::Protocol);
        return (Reply::new(554, "5.5.0 The message came before it was asked for, closing"), Then::Close);
    }
    if !session.say(&Reply::new(354, "Send the message, then a dot alone on a line")).await {
        return (Reply::closing("Nobody listens"), Then::Close);
    }
    let read = read(session).await;
    let recipients = std::mem::take(&mut session.state.recipients);
    let from = std::mem::take(&mut session.state.from);
    session.state.reset();
    match read {
        Ok(Kept::Whole(raw, share)) => S::take(session, Taken { from, recipients, raw, share }).await,
        Ok(Kept::NoRoom) => (Reply::no_room(), Then::GoOn),
        Ok(Kept::TooLarge) => {
            session.shared.service.refused(InboundRefusal::Limit);
            (Reply::too_large(), Then::GoOn)
        }
        Err((refusal, reply)) => {
            session.shared.service.refused(refusal);
            (reply, Then::Close)
        }
    }
}

/// The message up to its dot.
async fn read<S: Service>(session: &mut Session<S>) -> Result<Kept, (InboundRefusal, Reply)> {
    let share = session.shared.app.load.memory.share(S::owner(session));
    let limits = &session.shared.limits;
    let ends = session.ends.min(Instant::now() + limits.data);
    let mut body = Body::new(share);
    match session.wire.message(&mut body, limits, ends).await {
        Ok(Line::TooLarge) => Err((InboundRefusal::Limit, Reply::too_large())),
        Ok(Line::End | Line::More) => Ok(body.into_kept()),
        Err(why) => Err(last_words(why).unwrap_or_else(gone)),
    }
}

fn gone() -> (InboundRefusal, Reply) {
    debug_assert!(last_words(NoLine::Gone).is_none());
    (InboundRefusal::Protocol, Reply::closing("The message has no end"))
}
