//! Signing in: throttled per person and per network address, and telling nobody whether an account exists.
//!
//! Each try is counted before the password is looked at, so that a thousand at once are still ten. A device that
//! signed in before, and an address with a session of the person, have counts of their own: whoever guesses from
//! elsewhere cannot lock the owner out there. A reset by mail works always.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{ActionError, ActionResult, throttle};
use crate::domain::ids::Id;
use crate::models::users::{self, User};
use crate::models::{AnyConnection, Db, sessions};
use crate::secrets::{burn, digest, verify_password};

/// Tries per person (or trusted device, or trusted address) in a quarter hour.
const PER_PERSON: i64 = 10;
/// Tries per network address in a quarter hour: offices share one.
const PER_ADDRESS: i64 = 100;

/// A try to sign in.
pub struct Attempt {
    pub now: DateTime<Utc>,
    pub email: String,
    pub password: String,
    pub address: String,
    /// The person and the secret of the device's own cookie, from a sign-in before.
    pub device: Option<(Id, String)>,
}

/// What is counted for a person whom neither device nor address makes known.
#[must_use]
pub fn subject_of(email_lower: &str) -> [u8; 32] {
    digest(&format!("email {email_lower}"))
}

/// What came of it.
pub enum Outcome {
    Welcome(Box<User>),
    /// No such person, wrong password, disabled, never accepted: one answer.
    Refused,
    Throttled,
}

/// Tries to sign in. Takes some 20 ms of processor: run it off the async threads.
///
/// # Errors
/// Only the database's.
pub fn sign_in(db: &Arc<Db>, attempt: &Attempt) -> ActionResult<Outcome> {
    let email = attempt.email.trim().to_lowercase();
    let Some((user, counted)) = db.write(|conn| reserve(conn, attempt, &email))? else {
        return Ok(Outcome::Throttled);
    };
    let stored = user.as_ref().and_then(|user| user.password_hash.as_deref());
    let right = match stored {
        Some(stored) => verify_password(&attempt.password, stored),
        None => {
            burn(&attempt.password);
            false
        }
    };
    let Some(user) = user.filter(|user| right && user.disabled_at.is_none()) else { return Ok(Outcome::Refused) };
    db.write(|conn| welcome(conn, attempt, user, &counted)).map(|user| Outcome::Welcome(Box::new(user)))
}

/// Whom the try is for, where there is such a person, and the counts to take back when it succeeds.
type Reserved = (Option<User>, Vec<Id>);

/// Counts the try, unless there were too many: then `None`.
fn reserve(conn: &mut AnyConnection, attempt: &Attempt, email: &str) -> ActionResult<Option<Reserved>> {
    let user = users::find_by_email(conn, email)?;
    let device = attempt.device.as_ref().filter(|(id, _)| user.as_ref().is_some_and(|user| user.id == *id));
    let known = match &user {
        Some(user) => sessions::known_address(conn, user.id, &attempt.address)?,
        None => false,
    };
    let person = match device {
        Some((_, secret)) => digest(&format!("device {secret}")),
        None if known => digest(&format!("email {email} from {}", attempt.address)),
        None => subject_of(email),
    };
    let subjects = [(person, PER_PERSON), (digest(&format!("address {}", attempt.address)), PER_ADDRESS)];
    let counted = throttle::count(conn, attempt.now, &subjects)?;
    Ok(counted.map(|counted| (user, counted)))
}

/// Takes the counted try back, notes the sign-in, and clears away what is over.
fn welcome(conn: &mut AnyConnection, attempt: &Attempt, mut user: User, counted: &[Id]) -> ActionResult<User> {
    // It may have been disabled while the password was checked.
    user = users::find(conn, user.id)?
        .filter(|now| now.disabled_at.is_none() && now.password_hash == user.password_hash)
        .ok_or(ActionError::NotFound("user"))?;
    throttle::forgive(conn, attempt.now, counted)?;
    user.last_sign_in_at = Some(attempt.now.naive_utc());
    users::save(conn, &user)?;
    Ok(user)
}
