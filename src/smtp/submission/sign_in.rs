//! Signing in: the same answer whatever was wrong, and no answer but that to who tries too often.

use std::sync::Arc;

use super::{Submission, refusal};
use crate::actions::sign_in_smtp::{self, Attempt, Outcome};
use crate::smtp::reply::Reply;
use crate::smtp::session::{Session, Then};

/// Wrong tries of a conversation before it is ended.
const FAILURES: usize = 3;

/// The one answer to names that are unknown, passwords that are wrong, and credentials that were deleted.
pub fn wrong() -> Reply {
    Reply::new(535, "5.7.8 Name and password do not fit")
}

pub async fn sign_in(session: &mut Session<Submission>, name: String, password: String) -> (Reply, Then) {
    let app = &session.shared.app;
    let attempt = Attempt { now: app.clock.now(), name, password, address: session.peer.to_string() };
    let looked = {
        let attempt = attempt.clone();
        app.glimpse(move |conn| sign_in_smtp::look_up(conn, &attempt)).await
    };
    let outcome = match looked {
        // Only what is wrong costs a write.
        Ok(Outcome::Refused) => app.write(move |conn| sign_in_smtp::count_failure(conn, &attempt)).await,
        other => other,
    };
    match outcome {
        Ok(Outcome::Welcome(sender)) => {
            log::debug!("{} signed in for the account {}", session.peer, sender.account_id);
            session.talk.sender = Some(Arc::new(*sender));
            session.talk.looked_at = None;
            (Reply::new(235, "2.7.0 Welcome"), Then::GoOn)
        }
        Ok(Outcome::Refused) => {
            session.talk.failures += 1;
            let then = if session.talk.failures >= FAILURES { Then::Close } else { Then::GoOn };
            (wrong(), then)
        }
        Ok(Outcome::Throttled) => {
            log::info!("{} tries names and passwords too often", session.peer);
            (Reply::new(454, "4.7.0 Too many wrong tries, try again in a quarter hour"), Then::Close)
        }
        Err(error) => refusal(&error),
    }
}
