//! Letters to the operator: a few an hour, and none that a machine wrote.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::Inbound;
use crate::actions::pass_on_letter::pass_on_letter;
use crate::domain::returned::{InboundRefusal, operator};
use crate::smtp::reply::Reply;
use crate::smtp::service::Service as _;
use crate::smtp::session::Session;

/// Letters an hour that this node passes on; more are asked to come later.
const AN_HOUR: usize = 30;

/// When letters were passed on within the last hour.
#[derive(Debug, Default)]
pub struct Letters(Mutex<VecDeque<DateTime<Utc>>>);

impl Letters {
    fn one_more(&self, now: DateTime<Utc>) -> bool {
        let mut passed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while passed.front().is_some_and(|at| *at <= now - TimeDelta::hours(1)) {
            passed.pop_front();
        }
        let room = passed.len() < AN_HOUR;
        if room {
            passed.push_back(now);
        }
        room
    }
}

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
    if !service.letters.one_more(now) {
        service.refused(InboundRefusal::Limit);
        return Reply::new(451, "4.3.2 So many letters to the operator have to wait, try again later");
    }
    let (services, from, peer) = (shared.app.services.clone(), from.to_owned(), session.peer.to_string());
    let passed =
        shared.app.write(move |conn| pass_on_letter(conn, now, &services, &operator, (&from, &peer), &letter)).await;
    match passed {
        Ok(()) => Reply::ok("Passed on to the operator"),
        Err(error) => {
            log::warn!("a letter from {} could not be passed on: {error:?}", session.peer);
            Reply::from(&error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_letters_an_hour_and_as_many_in_the_next() {
        let letters = Letters::default();
        let at = |minutes| DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes);
        assert_eq!((0..40).filter(|_| letters.one_more(at(0))).count(), AN_HOUR);
        assert!(!letters.one_more(at(59)));
        assert_eq!((0..40).filter(|_| letters.one_more(at(60))).count(), AN_HOUR);
    }
}
