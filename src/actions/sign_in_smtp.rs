//! Who hands in mail over SMTP: by name and password, and whether they may still do so.
//!
//! Passwords are random and long, so that a digest is enough, and guessing hopeless; what is throttled is the trying. The
//! count is of a name from an address: whoever tries from elsewhere cannot lock the owner out.

use chrono::{DateTime, Utc};

use super::throttle::{self, Subject};
use super::{ActionError, ActionResult};
use crate::domain::ids::Id;
use crate::models::smtp_credentials::{self, SmtpCredential};
use crate::models::{AnyConnection, sign_in_failures, suspensions};
use crate::secrets::{digest, same};

/// Wrong tries at one name from one address in a quarter hour.
const PER_NAME: i64 = 10;
/// The same from one address at any names: offices share one.
const PER_ADDRESS: i64 = 100;

/// A try to sign in.
#[derive(Clone)]
pub struct Attempt {
    pub now: DateTime<Utc>,
    pub name: String,
    pub password: String,
    pub address: String,
}

/// Whose mail it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    pub account_id: Id,
    /// What they signed in by; nothing where the way in is trusted.
    pub credential_id: Option<Id>,
    /// Nothing of it leaves.
    pub sandbox: bool,
    /// The only domains that it may be from; any of the account's without.
    pub domains: Option<Vec<String>>,
}

/// By what a sender's standing is found: the account, and the credentials.
pub type SenderKey = (Id, Option<Id>);

impl Sender {
    /// By what its standing is found.
    #[must_use]
    pub const fn key(&self) -> SenderKey {
        (self.account_id, self.credential_id)
    }

    /// Whoever comes in by a trusted way.
    #[must_use]
    pub const fn trusted(account_id: Id) -> Self {
        Self { account_id, credential_id: None, sandbox: false, domains: None }
    }
}

/// What came of a try.
pub enum Outcome {
    Welcome(Box<Sender>),
    /// No such name, wrong password, deleted: one answer.
    Refused,
    Throttled,
}

/// Looks at a try without writing anything.
///
/// # Errors
/// `Suspended` for a right one of an account on hold.
pub fn look_up(conn: &mut AnyConnection, attempt: &Attempt) -> ActionResult<Outcome> {
    let within = throttle::counts(attempt.now);
    for (subject, limit) in subjects(attempt) {
        if sign_in_failures::count(conn, &subject, within)? >= limit {
            return Ok(Outcome::Throttled);
        }
    }
    let found = smtp_credentials::find_by_username(conn, &attempt.name)?;
    let stored = found.as_ref().map_or(&[0; 32][..], |credential| &credential.password_digest);
    let right = same(stored, &digest(&attempt.password));
    let Some(credential) = found.filter(|_| right) else { return Ok(Outcome::Refused) };
    let sender = sender(conn, credential)?;
    match may_submit(conn, attempt.now, &sender) {
        Ok(()) => Ok(Outcome::Welcome(Box::new(sender))),
        Err(ActionError::NotFound(_)) => Ok(Outcome::Refused),
        Err(error) => Err(error),
    }
}

/// Counts a wrong try, unless there were too many: then they are not looked at any more.
///
/// # Errors
/// Only the database's.
pub fn count_failure(conn: &mut AnyConnection, attempt: &Attempt) -> ActionResult<Outcome> {
    throttle::forgive(conn, attempt.now, &[])?;
    let counted = throttle::count(conn, attempt.now, &subjects(attempt))?;
    Ok(if counted.is_some() { Outcome::Refused } else { Outcome::Throttled })
}

/// Whether `sender` may still hand in mail.
///
/// # Errors
/// `Suspended` on hold; `NotFound` when the account, its parent or the credentials are gone.
pub fn may_submit(conn: &mut AnyConnection, now: DateTime<Utc>, sender: &Sender) -> ActionResult<()> {
    let standing = suspensions::standing(conn, sender.account_id, sender.credential_id, now.naive_utc())?;
    match standing.filter(|standing| standing.complete) {
        None => Err(ActionError::NotFound("sender")),
        Some(standing) if standing.held || standing.parent_held => {
            Err(ActionError::Suspended { parent: !standing.held })
        }
        Some(_) => Ok(()),
    }
}

fn sender(conn: &mut AnyConnection, credential: SmtpCredential) -> ActionResult<Sender> {
    let domains = smtp_credentials::domains_of(conn, &[credential.id])?;
    let names = || domains.iter().map(|row| row.domain.clone()).collect();
    Ok(Sender {
        account_id: credential.account_id,
        credential_id: Some(credential.id),
        sandbox: credential.sandbox,
        domains: (!credential.is_global).then(names),
    })
}

fn subjects(attempt: &Attempt) -> [Subject; 2] {
    let Attempt { name, address, .. } = attempt;
    [(digest(&format!("smtp {name} from {address}")), PER_NAME), (digest(&format!("smtp from {address}")), PER_ADDRESS)]
}
