//! STARTTLS (RFC 3207): encrypts the conversation, which then begins anew.

use std::sync::Arc;

use tokio::time::Instant;

use crate::domain::returned::InboundRefusal;
use crate::smtp::reply::Reply;
use crate::smtp::service::Service;
use crate::smtp::session::{Session, Then};

pub fn answer<S: Service>(session: &Session<S>) -> (Reply, Then) {
    if session.shared.tls.is_none() {
        return (Reply::not_offered(), Then::GoOn);
    }
    if session.wire.is_encrypted() {
        return (Reply::new(503, "5.5.1 TLS has begun already"), Then::GoOn);
    }
    if session.state.greeted.is_none() {
        return (Reply::sequence("Say EHLO"), Then::GoOn);
    }
    (Reply::new(220, "2.0.0 Begin TLS"), Then::Encrypt)
}

/// Shakes hands. What the client said before counts for nothing, EHLO neither (section 4.2); what it used up stays
/// used up.
pub async fn encrypt<S: Service>(session: &mut Session<S>) -> Then {
    let Some(tls) = session.shared.tls.as_ref().map(Arc::clone) else { return Then::Close };
    let deadline = session.ends.min(Instant::now() + session.shared.limits.command);
    if !session.wire.encrypt(&tls.acceptor(), deadline).await {
        log::debug!("{} did not begin TLS", session.peer);
        session.shared.service.refused(InboundRefusal::Protocol);
        return Then::Close;
    }
    session.state.reset();
    session.state.greeted = None;
    Then::GoOn
}
