//! The first minute of an empty installation: a one-time link, printed by the program, makes the first owner and the
//! first parent account.

use chrono::TimeDelta;

use super::add_user::{NewUser, add_user};
use super::create_account::create_account;
use super::user_audit::as_user;
use super::{ActionError, ActionResult, Cx};
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::Id;
use crate::domain::role::Role;
use crate::domain::text::{AccountName, PersonName};
use crate::domain::website::Website;
use crate::models::user_tokens::{self, UserToken};
use crate::models::users::User;
use crate::models::{AnyConnection, users};
use crate::secrets::{Token, digest};

const SETUP: &str = "setup";
const LASTS: TimeDelta = TimeDelta::days(1);

/// The first owner and their account.
pub struct FirstOwner {
    pub email: EmailAddress,
    pub name: PersonName,
    pub password_hash: String,
    pub account: AccountName,
    pub website: Website,
}

/// A fresh link, while there is no user; those printed before stop working.
///
/// # Errors
/// Only the database's.
pub fn offer(conn: &mut AnyConnection, cx: &Cx) -> ActionResult<Option<Token>> {
    if users::count(conn)? > 0 {
        return Ok(None);
    }
    user_tokens::revoke(conn, SETUP, None, None, cx.at())?;
    let token = Token::generate();
    user_tokens::insert(
        conn,
        &UserToken {
            id: Id::new(cx.now),
            kind: SETUP.into(),
            digest: token.digest().to_vec(),
            user_id: None,
            account_id: None,
            created_at: cx.at(),
            expires_at: (cx.now + LASTS).naive_utc(),
            used_at: None,
        },
    )?;
    Ok(Some(token))
}

/// Whether a link still works.
///
/// # Errors
/// `NotFound` when not: unknown, used, too old, or somebody is there already.
pub fn check(conn: &mut AnyConnection, now: chrono::NaiveDateTime, token: &str) -> ActionResult<Id> {
    let row = user_tokens::find_live(conn, SETUP, &digest(token), now)?;
    let row = row.ok_or(ActionError::NotFound("link"))?;
    if users::count(conn)? > 0 { Err(ActionError::NotFound("link")) } else { Ok(row.id) }
}

/// Makes the first owner and their account.
///
/// # Errors
/// As [`check`]: of two uses at once one is too late.
pub fn set_up(conn: &mut AnyConnection, cx: &Cx, token: &str, first: FirstOwner) -> ActionResult<User> {
    let id = check(conn, cx.at(), token)?;
    if !user_tokens::use_up(conn, id, cx.at())? {
        return Err(ActionError::NotFound("link"));
    }
    let account = create_account(conn, cx, &first.account, &first.website)?;
    let FirstOwner { email, name, password_hash, .. } = first;
    let new = NewUser { email, name, role: Role::Owner, password_hash: Some(password_hash) };
    let user = add_user(conn, cx, account.id, new)?.user;
    super::user_audit::record(conn, &as_user(cx, &user), &user, "user.set_up")?;
    Ok(user)
}
