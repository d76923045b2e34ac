//! A report: read, and answered when what follows from it is committed.

use tokio::time::timeout;

use super::Inbound;
use crate::actions::receive_report::{Incoming, Recipient, receive_report};
use crate::domain::returned::{self, InboundRefusal, Report};
use crate::smtp::reply::Reply;
use crate::smtp::service::Service as _;
use crate::smtp::session::Session;

/// Reads the report and commits what follows from it. Before that nothing is promised.
pub async fn record(session: &Session<Inbound>, raw: Vec<u8>, recipients: &[Recipient]) -> Reply {
    let (shared, service) = (&session.shared, &session.shared.service);
    let Ok(Ok(_turn)) = timeout(shared.limits.patience, service.recording.acquire()).await else {
        service.refused(InboundRefusal::Limit);
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
