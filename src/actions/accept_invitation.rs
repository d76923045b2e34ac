//! An invited person takes the invitation up, with a name and a password where they have none yet.

use super::audit::{self, Record};
use super::invite_member::INVITE;
use super::member_role::member_role;
use super::{ActionError, ActionResult, Actor, ActorKind, Cx};
use crate::domain::ids::Id;
use crate::domain::role::Role;
use crate::domain::text::PersonName;
use crate::models::accounts::{self, Account};
use crate::models::memberships::Membership;
use crate::models::user_tokens::{self, UserToken};
use crate::models::users::{self, User};
use crate::models::{AnyConnection, memberships};
use crate::secrets;

/// An invitation that can still be accepted.
pub struct Invitation {
    pub account: Account,
    pub user: User,
    pub role: Role,
}

impl Invitation {
    /// Whether a name and a password must be given to accept.
    #[must_use]
    pub fn needs_password(&self) -> bool {
        self.user.password_hash.is_none()
    }
}

/// What somebody new signs in with from now on.
pub struct Credentials {
    pub name: PersonName,
    /// Of [`secrets::hash_password`], made outside the transaction because it is slow.
    pub password_hash: String,
}

/// Reads what a link invites to.
///
/// # Errors
/// `NotFound` for a link that is unknown, used, too old or taken back, or whose sender may not give that role any more: these
/// are not told apart.
pub fn find_invitation(conn: &mut AnyConnection, now: chrono::NaiveDateTime, token: &str) -> ActionResult<Invitation> {
    found(conn, now, token).map(|(_, invitation)| invitation)
}

/// Accepts what a link invites to.
///
/// # Errors
/// As [`find_invitation`]; `Invalid` when a password is needed and missing; `Conflict` for somebody who belongs to
/// [`memberships::MOST_OF_ONE`] accounts.
pub fn accept_invitation(
    conn: &mut AnyConnection,
    cx: &Cx,
    token: &str,
    credentials: Option<Credentials>,
) -> ActionResult<Invitation> {
    // Under the account's lock nobody is removed and no role changes meanwhile.
    let (_, seen) = found(conn, cx.at(), token)?;
    lock(conn, &seen.account)?;

    let (row, mut invitation) = found(conn, cx.at(), token)?;
    if !user_tokens::use_up(conn, row.id, cx.at())? {
        return Err(gone());
    }
    let (user, account) = (&mut invitation.user, &invitation.account);
    match (user.password_hash.is_some(), credentials) {
        (true, _) => {}
        (false, Some(credentials)) => {
            user.name = credentials.name.into();
            user.password_hash = Some(credentials.password_hash);
            user.updated_at = cx.at();
            users::save(conn, user)?;
        }
        (false, None) => return Err(ActionError::invalid("password", "Choose a password.")),
    }
    if memberships::count_of(conn, user.id)? >= memberships::MOST_OF_ONE {
        let most = memberships::MOST_OF_ONE;
        return Err(ActionError::Conflict(format!(
            "You belong to {most} accounts already, which is the most. Leave one first."
        )));
    }
    if !memberships::accept(conn, account.id, user.id, cx.at())? {
        return Err(gone());
    }
    user_tokens::revoke(conn, INVITE, Some(user.id), Some(account.id), cx.at())?;
    let actor = Actor {
        kind: ActorKind::User,
        id: Some(user.id),
        label: user.email.clone(),
        account_id: Some(account.id),
        ..cx.actor.clone()
    };
    let record = Record { action: "member.accept", target: user.email.clone(), before: None, after: None };
    audit::record(conn, &cx.acting(actor), account, record)?;
    Ok(invitation)
}

/// Whether an invitation can still be accepted: whoever sent it must be able to give that role at this moment, as a member
/// of the account or of its parent. What the program itself invites, and what is older than that is known, stands.
///
/// # Errors
/// `Internal` for a role that cannot be read.
pub fn stands(conn: &mut AnyConnection, account: &Account, membership: &Membership) -> ActionResult<bool> {
    let Some(inviter) = membership.invited_by else { return Ok(true) };
    let role = role_of(membership)?;

    for place in [account.id, account.root_id()] {
        if member_role(conn, place, inviter)?.is_some_and(|own| own.covers(role)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Locks the account, and its parent against a change of its members.
fn lock(conn: &mut AnyConnection, account: &Account) -> ActionResult<()> {
    let parents: Vec<Id> = account.parent_id.into_iter().collect();
    Ok(accounts::lock(conn, &parents, &[account.id])?)
}

fn role_of(membership: &Membership) -> ActionResult<Role> {
    Role::parse(&membership.role).map_err(|refusal| ActionError::Internal(refusal.to_string()))
}

fn found(conn: &mut AnyConnection, now: chrono::NaiveDateTime, token: &str) -> ActionResult<(UserToken, Invitation)> {
    let row = user_tokens::find_live(conn, INVITE, &secrets::digest(token), now)?.ok_or_else(gone)?;
    let (Some(user_id), Some(account_id)) = (row.user_id, row.account_id) else { return Err(gone()) };
    let account = accounts::find(conn, account_id)?.ok_or_else(gone)?;
    let user = users::find(conn, user_id)?.filter(|user| user.disabled_at.is_none()).ok_or_else(gone)?;
    let membership =
        memberships::find(conn, account_id, user_id)?.filter(|row| row.accepted_at.is_none()).ok_or_else(gone)?;
    if !stands(conn, &account, &membership)? {
        return Err(gone());
    }

    let role = role_of(&membership)?;
    Ok((row, Invitation { account, user, role }))
}

fn gone() -> ActionError {
    ActionError::NotFound("invitation")
}
