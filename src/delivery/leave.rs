//! One message leaves: by its route, as far as its transport has room, and what came of it in the words of the queue.

use std::time::{Duration, Instant};

use super::outgoing::Outgoing;
use super::transport::gate::{Limits, Pass};
use super::transport::{Outcome, Route};
use crate::actions::claim_deliveries::Claimed;
use crate::actions::finish_deliveries::Answer;
use crate::app::App;
use crate::domain::ids::Id;
use crate::domain::transport::TransportKind;

/// When to look again for a message whose transport other nodes use up: one of them may take it meanwhile.
const ELSEWHERE: Duration = Duration::from_secs(1);

/// An attempt that is over.
pub struct Left {
    /// Who was asked.
    pub host: String,
    /// How the message was to leave; `None` when it never came so far.
    pub transport: Option<TransportKind>,
    pub answer: Answer,
}

impl Left {
    /// One that asked nobody.
    pub fn not_gone(answer: Answer) -> Self {
        Self { host: String::new(), transport: None, answer }
    }
}

/// Sends `outgoing`; answers who was asked, how, and what came of it.
pub async fn leave(app: &App, claimed: &Claimed, outgoing: Outgoing) -> Left {
    let _pass = match outgoing.way.limits {
        Some((transport, limits)) => match enter(app, transport, limits).await {
            Ok(pass) => Some(pass),
            Err(after) => return Left::not_gone(answer(app, Outcome::NotNow { after })),
        },
        None => None,
    };
    let (envelope, bytes) = (outgoing.envelope, outgoing.bytes);
    let begun = Instant::now();
    let (transport, (host, outcome)) = match outgoing.way.route {
        Route::Mailbox => {
            // Whoever delivers last says whom it came from (RFC 5321 section 4.4).
            let bytes = [format!("Return-Path: <{}>\r\n", envelope.mail_from).as_bytes(), &bytes].concat();
            let outcome = app.mailbox.deliver(claimed.message.account_id, claimed.message.id, bytes).await;
            (TransportKind::Mailbox, ("mailbox".to_owned(), outcome))
        }
        Route::Relay(relay) => {
            let outcome = app.relay.send(&relay, &envelope, &bytes).await;
            (TransportKind::Relay, (format!("{}:{}", relay.host, relay.port), outcome))
        }
        Route::Direct(direct) => {
            (TransportKind::Direct, app.direct.send(&direct, &envelope, &bytes, app.clock.now()).await)
        }
    };
    if !matches!(outcome, Outcome::NotNow { .. }) {
        app.metrics.mail.tried(transport, begun.elapsed());
    }
    Left { host, transport: Some(transport), answer: answer(app, outcome) }
}

/// Waits for room within this node's part of a transport's limits.
async fn enter(app: &App, transport: Id, limits: Limits) -> Result<Pass, Duration> {
    match app.share.of(limits) {
        Some(part) => app.gates.enter(transport, part).await,
        None => Err(ELSEWHERE),
    }
}

fn answer(app: &App, outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Accepted { code, text } | Outcome::Refused { code, text, .. } => Answer::Reply { code, text },
        Outcome::Unreachable { text } => Answer::NoReply { text },
        Outcome::NotNow { after } => {
            let after = chrono::TimeDelta::from_std(after).unwrap_or(chrono::TimeDelta::minutes(15));
            Answer::NotNow { until: app.clock.now() + after }
        }
    }
}
