//! Signing in: throttled per person and per network address, and telling nobody whether an account exists.
//!
//! Each try is counted before the password is looked at, so that a thousand at once are still ten. A device that
//! signed in before, and an address with a session of the person, have counts of their own: whoever guesses from
//! elsewhere cannot lock the owner out there. A reset by mail works always.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::user_audit::{self, as_user};
use super::{ActionError, ActionResult, Cx, throttle};
use crate::domain::ids::Id;
use crate::models::users::{self, User};
use crate::models::{AnyConnection, Db, sessions, sign_in_failures};
use crate::secrets::{SecretKeys, burn, digest, verify_password};

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
    /// The request's id, for the audit.
    pub request_id: String,
    /// What signs the audit.
    pub keys: Arc<SecretKeys>,
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
    /// No such person, wrong password, disabled, never accepted: one answer. `guessed` is whom the last of the tries
    /// that are looked at was for: to be noted after the answer, whose time shall tell nothing.
    Refused {
        guessed: Option<Box<User>>,
    },
    Throttled,
}

/// Tries to sign in. Takes some 20 ms of processor: run it off the async threads.
///
/// # Errors
/// Only the database's.
pub fn sign_in(db: &Arc<Db>, attempt: &Attempt) -> ActionResult<Outcome> {
    let email = attempt.email.trim().to_lowercase();
    let Some(Reserved { user, counted, is_last }) = db.write(|conn| reserve(conn, attempt, &email))? else {
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
    match user {
        Some(user) if right && user.disabled_at.is_none() => {
            db.write(|conn| welcome(conn, attempt, user, &counted)).map(|user| Outcome::Welcome(Box::new(user)))
        }
        user => Ok(Outcome::Refused { guessed: user.filter(|_| is_last).map(Box::new) }),
    }
}

/// Writes down that somebody guessed at `user`'s password until no more tries were looked at.
///
/// # Errors
/// Only the database's.
pub fn note_guessing(conn: &mut AnyConnection, cx: &Cx, user: &User) -> ActionResult<()> {
    user_audit::record(conn, cx, user, "user.guessed")
}

/// Writes down that `user` ends the session they are in.
///
/// # Errors
/// Only the database's. Somebody who is gone by now is not noted.
pub fn sign_out(conn: &mut AnyConnection, cx: &Cx, user: Id) -> ActionResult<()> {
    let Some(user) = users::find(conn, user)? else { return Ok(()) };
    user_audit::record(conn, &as_user(cx, &user), &user, "user.sign_out")
}

/// A try that was counted.
struct Reserved {
    /// Whom it is for, where there is such a person.
    user: Option<User>,
    /// The counts to take back when it succeeds.
    counted: Vec<Id>,
    /// Whether the next one is not looked at.
    is_last: bool,
}

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
    let Some(counted) = throttle::count(conn, attempt.now, &subjects)? else { return Ok(None) };
    let tries = sign_in_failures::count(conn, &person, throttle::counts(attempt.now))?;
    Ok(Some(Reserved { user, counted, is_last: tries >= PER_PERSON }))
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
    let (address, request_id) = (attempt.address.clone(), attempt.request_id.clone());
    let mut cx = Cx::system(attempt.now, "sign-in", &attempt.keys);
    (cx.actor.address, cx.actor.request_id) = (address, request_id);
    user_audit::record(conn, &as_user(&cx, &user), &user, "user.sign_in")?;
    Ok(user)
}
