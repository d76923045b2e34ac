//! A new password by a mailed link, for whoever forgot theirs. Nobody learns whether an address has an account.

use chrono::TimeDelta;

use super::throttle;
use super::user_audit::{self, as_user};
use super::void_links::{Changed, void_links};
use super::{ActionError, ActionResult, Cx, Services, notify, sign_in};
use crate::domain::ids::Id;
use crate::emails::{Action, Notice};
use crate::models::user_tokens::{self, UserToken};
use crate::models::users::{self, User};
use crate::models::{AnyConnection, sessions, sign_in_failures};
use crate::secrets::{Token, digest};

/// The kind of the tokens in these links.
pub const RESET: &str = "reset";
const LASTS: TimeDelta = TimeDelta::hours(1);
/// Mails per person, and per network address, in a quarter hour.
const PER_PERSON: i64 = 3;
const PER_ADDRESS: i64 = 30;

/// Mails a link, where the address is somebody's who can sign in and has not had too many.
///
/// # Errors
/// Only the database's.
pub fn request_reset(conn: &mut AnyConnection, cx: &Cx, services: &Services, email: &str) -> ActionResult<()> {
    let email = email.trim().to_lowercase();
    let subjects = [
        (digest(&format!("reset {email}")), PER_PERSON),
        (digest(&format!("reset from {}", cx.actor.address)), PER_ADDRESS),
    ];
    if throttle::count(conn, cx.now, &subjects)?.is_none() {
        return Ok(());
    }
    let user = users::find_by_email(conn, &email)?;
    let Some(user) = user.filter(|user| user.password_hash.is_some() && user.disabled_at.is_none()) else {
        return Ok(());
    };
    let token = Token::generate();
    user_tokens::revoke(conn, RESET, Some(user.id), None, cx.at())?;
    user_tokens::insert(
        conn,
        &UserToken {
            id: Id::new(cx.now),
            kind: RESET.into(),
            digest: token.digest().to_vec(),
            user_id: Some(user.id),
            account_id: None,
            created_at: cx.at(),
            expires_at: (cx.now + LASTS).naive_utc(),
            used_at: None,
        },
    )?;
    let notice = Notice {
        brand: "Canopy".into(),
        subject: "Choose a new password".into(),
        heading: "Choose a new password".into(),
        paragraphs: vec![
            "Somebody asked for a new password for this address.".into(),
            "The link works once, within one hour.".into(),
        ],
        action: Some(Action {
            label: "Choose a new password".into(),
            url: format!("{}/reset/{}", services.public_url, token.as_str()),
        }),
        footer: "If it was not you, ignore this: your password stays as it is.".into(),
    };
    notify::send(conn, cx.now, services, None, RESET, &user.email, &notice)
}

/// Whose password a link may set.
///
/// # Errors
/// `NotFound` for a link that is unknown, used or too old.
pub fn find_reset(conn: &mut AnyConnection, now: chrono::NaiveDateTime, token: &str) -> ActionResult<User> {
    found(conn, now, token).map(|(_, user)| user)
}

fn found(conn: &mut AnyConnection, now: chrono::NaiveDateTime, token: &str) -> ActionResult<(Id, User)> {
    let gone = || ActionError::NotFound("link");
    let row = user_tokens::find_live(conn, RESET, &digest(token), now)?.ok_or_else(gone)?;
    let user = users::find(conn, row.user_id.ok_or_else(gone)?)?;
    Ok((row.id, user.filter(|user| user.disabled_at.is_none()).ok_or_else(gone)?))
}

/// Sets the password, ends every session of the person, and forgets the tries others made at it.
///
/// # Errors
/// As [`find_reset`]: of two uses at once one is too late.
pub fn reset_password(conn: &mut AnyConnection, cx: &Cx, token: &str, password_hash: &str) -> ActionResult<User> {
    let (id, mut user) = found(conn, cx.at(), token)?;
    if !user_tokens::use_up(conn, id, cx.at())? {
        return Err(ActionError::NotFound("link"));
    }
    void_links(conn, cx, user.id, Changed::Access)?;
    user.password_hash = Some(password_hash.to_owned());
    user.updated_at = cx.at();
    user.last_sign_in_at = Some(cx.at());
    users::save(conn, &user)?;
    sessions::delete_all_of(conn, user.id, None)?;
    sign_in_failures::forget(conn, &sign_in::subject_of(&user.email_lower))?;
    user_audit::record(conn, &as_user(cx, &user), &user, "user.reset_password")?;
    Ok(user)
}
