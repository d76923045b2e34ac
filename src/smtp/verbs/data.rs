//! DATA: takes the message, reads the report in it, and answers when what follows from it is committed.

use tokio::time::{Instant, timeout};

use crate::actions::receive_report::{Incoming, Recipient, receive_report};
use crate::domain::returned::{self, InboundRefusal, Report};
use crate::smtp::body::{Body, Taken};
use crate::smtp::letters;
use crate::smtp::reply::Reply;
use crate::smtp::session::{Session, Then, last_words};
use crate::smtp::wire::NoLine;

pub async fn answer(session: &mut Session) -> (Reply, Then) {
    if !session.state.begun {
        return (Reply::sequence("Say MAIL"), Then::GoOn);
    }
    if session.state.recipients.is_empty() {
        return (Reply::new(554, "5.5.1 There is no recipient"), Then::GoOn);
    }
    if session.wire.has_more() {
        // What was sent before it was asked for was not meant for this server (RFC 2920 section 3.1).
        session.shared.counted.add(InboundRefusal::Protocol);
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
        Ok(raw) if recipients.contains(&Recipient::Operator) => {
            (letters::pass_on(session, &from, &raw).await, Then::GoOn)
        }
        Ok(raw) => (record(session, raw, &recipients).await, Then::GoOn),
        Err((refusal, reply)) => {
            session.shared.counted.add(refusal);
            (reply, Then::Close)
        }
    }
}

/// The message up to its dot.
async fn read(session: &mut Session) -> Result<Vec<u8>, (InboundRefusal, Reply)> {
    let limits = session.shared.limits.clone();
    let ends = session.ends.min(Instant::now() + limits.data);
    let mut body = Body::default();
    loop {
        let deadline = ends.min(Instant::now() + limits.silence);
        let line = session.wire.line(limits.text_line, deadline).await;
        let line = line.map_err(|why| last_words(why).unwrap_or_else(gone))?;
        match body.take(&line, &limits) {
            Taken::More => {}
            Taken::End => return Ok(body.into_kept()),
            Taken::TooLarge => return Err((InboundRefusal::Limit, Reply::too_large())),
        }
    }
}

fn gone() -> (InboundRefusal, Reply) {
    debug_assert!(last_words(NoLine::Gone).is_none());
    (InboundRefusal::Protocol, Reply::closing("The message has no end"))
}

/// Reads the report and commits what follows from it. Before that nothing is promised.
async fn record(session: &Session, raw: Vec<u8>, recipients: &[Recipient]) -> Reply {
    let shared = &session.shared;
    let Ok(Ok(_turn)) = timeout(shared.limits.patience, shared.recording.acquire()).await else {
        shared.counted.add(InboundRefusal::Limit);
        return Reply::new(451, "4.3.2 Too much is going on here, try again later");
    };
    let addressed = recipients.iter().filter_map(|recipient| match recipient {
        Recipient::Message(id) => Some(*id),
        Recipient::Complaints | Recipient::Operator => None,
    });
    let addressed: Vec<_> = addressed.collect();
    let Ok(returned) = tokio::task::spawn_blocking(move || returned::read(&raw)).await else {
        log::error!("a report from {} could not be read", session.peer);
        return Reply::new(451, "4.3.0 It could not be read, try again later");
    };
    let complaint = matches!(returned.report, Report::Complaint(_));
    let incoming = Incoming { addressed, returned };
    let (services, now) = (shared.app.services.clone(), shared.app.clock.now());
    match shared.app.write(move |conn| receive_report(conn, now, &services, &incoming)).await {
        Ok(outcomes) => {
            for outcome in &outcomes {
                match outcome {
                    Ok(id) => {
                        shared.app.metrics.mail.reported(complaint);
                        log::info!("{} reported about message {id}", session.peer);
                    }
                    Err(refusal) => {
                        shared.app.metrics.serving.refused(*refusal);
                        log::debug!("{} sent what changes nothing: {}", session.peer, refusal.as_str());
                    }
                }
            }
            let any = outcomes.iter().any(Result::is_ok);
            Reply::ok(if any { "Recorded" } else { "Taken, nothing follows from it" })
        }
        Err(error) => {
            log::warn!("a report from {} could not be recorded: {error:?}", session.peer);
            Reply::from(&error)
        }
    }
}
