//! Idempotency of creating requests: a lease while the work runs; the answer is stored in the transaction that does it.

use chrono::{DateTime, TimeDelta, Utc};

use super::accept_message::Accepted;
use super::error::{ActionError, ActionResult};
use super::services::Services;
use crate::domain::ids::Id;
use crate::models::idempotency::{self, Lease};
use crate::models::{AnyConnection, Db};

/// How long an answer is kept for retries.
const KEPT: TimeDelta = TimeDelta::hours(24);
/// How long an answer that holds a secret is kept.
const SECRET_KEPT: TimeDelta = TimeDelta::minutes(5);
/// How long an execution may take before a retry may run in its place.
const LEASE: TimeDelta = TimeDelta::minutes(5);
const CONTEXT: &str = "idempotency";

/// The right to run one request under its key.
#[derive(Clone, Debug)]
pub struct Ticket {
    pub account_id: Id,
    pub key: String,
    owner: Id,
    /// The answer holds a secret: only a success is stored, and for minutes.
    pub secret: bool,
}

/// What a key says about a request that carries it.
#[derive(Debug)]
pub enum Begin {
    Fresh(Ticket),
    Replay {
        status: u16,
        body: Vec<u8>,
    },
    /// Whole seconds after which a retry makes sense, at least 1.
    InFlight {
        retry_after: i64,
    },
    /// The key belongs to another request.
    Mismatch,
}

/// A key with what identifies its request.
pub struct Claim<'a> {
    pub account_id: Id,
    pub key: &'a str,
    /// SHA-256 of method, resolved path and body.
    pub fingerprint: &'a [u8],
    pub secret: bool,
}

/// Takes the lease of a key, or says what stands in the way.
///
/// # Errors
/// Only the database's, and an answer that no longer opens.
pub fn begin(db: &Db, now: DateTime<Utc>, services: &Services, claim: &Claim<'_>) -> ActionResult<Begin> {
    db.write(|conn| {
        let owner = Id::new(now);
        let until = (now + LEASE).naive_utc();
        let lease =
            Lease { account_id: claim.account_id, key: claim.key, fingerprint: claim.fingerprint, owner, until };
        if idempotency::take(conn, &lease, now.naive_utc())? {
            let key = claim.key.to_owned();
            return Ok(Begin::Fresh(Ticket { account_id: claim.account_id, key, owner, secret: claim.secret }));
        }
        let record = idempotency::find(conn, claim.account_id, claim.key)?
            .ok_or_else(|| ActionError::Internal("an idempotency key vanished".into()))?;
        if record.fingerprint != claim.fingerprint {
            return Ok(Begin::Mismatch);
        }
        match (record.status, record.body) {
            (Some(status), Some(sealed)) => Ok(Begin::Replay {
                status: u16::try_from(status).unwrap_or(500),
                body: services
                    .secrets
                    .open(CONTEXT, &sealed)
                    .map_err(|error| ActionError::Internal(error.to_string()))?,
            }),
            _ => Ok(Begin::InFlight { retry_after: retry_after(record.lease_until - now.naive_utc()) }),
        }
    })
}

/// Seconds until asking again makes sense, of a lease that has `left` to run: as long again as it has run already, since
/// most requests take a moment, and only that of a killed node runs to its end.
fn retry_after(left: TimeDelta) -> i64 {
    let age = (LEASE - left).num_seconds();
    age.min(left.num_seconds() + 1).clamp(1, LEASE.num_seconds())
}

/// Stores the answer of a request in the transaction that did its work.
///
/// # Errors
/// `Internal` when the lease was lost: the work must not be committed then, because another execution did it.
pub fn complete(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    services: &Services,
    ticket: &Ticket,
    status: u16,
    body: &[u8],
) -> ActionResult<()> {
    let kept = if ticket.secret { SECRET_KEPT } else { KEPT };
    let sealed = services.secrets.seal(CONTEXT, body);
    let key = (ticket.account_id, ticket.key.as_str(), ticket.owner);
    if idempotency::complete(conn, key, i32::from(status), &sealed, (now + kept).naive_utc())? {
        return Ok(());
    }
    Err(ActionError::Internal("the lease of an idempotency key was lost".into()))
}

/// How an accepted message is told to its sender, so that it can be stored with the message.
pub type RenderAccepted = fn(&Accepted) -> Vec<u8>;

/// Gives the lease back after an error of ours, so that a retry runs again.
///
/// # Errors
/// Only the database's.
pub fn release(db: &Db, ticket: &Ticket) -> ActionResult<()> {
    db.write(|conn| Ok(idempotency::release(conn, ticket.account_id, &ticket.key, ticket.owner)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_while_it_runs_waits_a_moment_and_longer_the_longer_it_runs() {
        let after = |seconds: i64| retry_after(LEASE - TimeDelta::seconds(seconds));
        assert_eq!((after(0), after(1), after(20), after(100)), (1, 1, 20, 100));
        assert_eq!((after(200), after(299), after(300)), (101, 2, 1), "not beyond its end");
        assert_eq!(retry_after(TimeDelta::minutes(9)), 1, "another node's clock is ahead");
    }
}
