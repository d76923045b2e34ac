//! The operator adds a person to an account, with a password or with a link to choose one. Unlike an invitation by a
//! member, nothing is mailed, and the role may be Owner.

use serde_json::json;

use super::audit::{self, Record};
use super::invite_member::{INVITE, INVITE_LASTS, refuse_one_too_many};
use super::refresh_summary::refresh_summary;
use super::{ActionError, ActionResult, Cx};
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::Id;
use crate::domain::role::Role;
use crate::domain::text::PersonName;
use crate::models::AnyConnection;
use crate::models::accounts::{self, Account};
use crate::models::memberships::{self, Membership};
use crate::models::user_tokens::{self, UserToken};
use crate::models::users::{self, User};
use crate::secrets::Token;

/// Who is added, as what.
pub struct NewUser {
    pub email: EmailAddress,
    pub name: PersonName,
    pub role: Role,
    /// Of `secrets::hash_password`; without one they get a link. Somebody who has a password keeps it.
    pub password_hash: Option<String>,
}

/// The person, and the secret of the link where they must choose a password first.
pub struct Added {
    pub user: User,
    pub invitation: Option<Token>,
}

/// Adds a person to an account.
///
/// # Errors
/// `NotFound` for the account; `Conflict` for a member, for one too many, and for a second owner.
pub fn add_user(conn: &mut AnyConnection, cx: &Cx, account: Id, new: NewUser) -> ActionResult<Added> {
    accounts::lock(conn, &[], &[account])?;
    let mut account = accounts::find(conn, account)?.ok_or(ActionError::NotFound("account"))?;
    let user = known_or_new(conn, cx, &new)?;
    if memberships::find(conn, account.id, user.id)?.is_some() {
        return Err(ActionError::Conflict(format!("{} is already a member of {}", user.email, account.name)));
    }
    refuse_one_too_many(conn, account.id)?;
    if new.role == Role::Owner {
        own(conn, &mut account, &user)?;
    }
    let ready = user.password_hash.is_some();
    memberships::insert(
        conn,
        &Membership {
            account_id: account.id,
            user_id: user.id,
            role: new.role.as_str().to_owned(),
            invited_by: None,
            accepted_at: ready.then(|| cx.at()),
            created_at: cx.at(),
            updated_at: cx.at(),
        },
    )?;
    let invitation = if ready { None } else { Some(link(conn, cx, account.id, user.id)?) };
    if account.parent_id.is_some() {
        refresh_summary(conn, account.id, cx.now)?;
    }
    let after = Some(json!({ "role": new.role.label() }));
    let record = Record { action: "member.add", target: user.email.clone(), before: None, after };
    audit::record(conn, cx, &account, record)?;
    Ok(Added { user, invitation })
}

fn own(conn: &mut AnyConnection, account: &mut Account, user: &User) -> ActionResult<()> {
    if account.owner_id.is_some() {
        return Err(ActionError::Conflict(format!("{} has an owner already", account.name)));
    }
    account.owner_id = Some(user.id);
    accounts::save(conn, account)?;
    Ok(())
}

fn known_or_new(conn: &mut AnyConnection, cx: &Cx, new: &NewUser) -> ActionResult<User> {
    let email_lower = new.email.lower();
    if let Some(mut user) = users::find_by_email(conn, &email_lower)? {
        if user.password_hash.is_none() && new.password_hash.is_some() {
            user.password_hash.clone_from(&new.password_hash);
            user.updated_at = cx.at();
            users::save(conn, &user)?;
        }
        return Ok(user);
    }
    let user = User {
        id: Id::new(cx.now),
        email: new.email.to_string(),
        email_lower,
        name: new.name.as_str().to_owned(),
        password_hash: new.password_hash.clone(),
        disabled_at: None,
        last_sign_in_at: None,
        created_at: cx.at(),
        updated_at: cx.at(),
    };
    users::insert(conn, &user)?;
    Ok(user)
}

fn link(conn: &mut AnyConnection, cx: &Cx, account: Id, user: Id) -> ActionResult<Token> {
    let token = Token::generate();
    user_tokens::insert(
        conn,
        &UserToken {
            id: Id::new(cx.now),
            kind: INVITE.into(),
            digest: token.digest().to_vec(),
            user_id: Some(user),
            account_id: Some(account),
            created_at: cx.at(),
            expires_at: (cx.now + INVITE_LASTS).naive_utc(),
            used_at: None,
        },
    )?;
    Ok(token)
}
