//! Taking a member off an account: from this transaction's commit they may do nothing there.

use serde_json::json;

use super::audit::{self, Record};
use super::invite_member::INVITE;
use super::refresh_summary::refresh_summary;
use super::void_links::{Changed, void_links};
use super::{ActionError, ActionResult, ActorKind, Cx};
use crate::domain::ids::Id;
use crate::domain::role::Role;
use crate::models::accounts::{self, Account};
use crate::models::memberships::Membership;
use crate::models::users::User;
use crate::models::{AnyConnection, memberships, saved_views, user_tokens, users};

/// Removes a member, invited or accepted.
///
/// # Errors
/// `NotFound` for who is no member, `Forbidden` for the owner and for the actor themselves.
pub fn remove_member(conn: &mut AnyConnection, cx: &Cx, account_id: Id, user_id: Id) -> ActionResult<()> {
    let (account, membership, user) = changeable(conn, cx, account_id, user_id)?;
    void_links(conn, cx, user_id, Changed::Access)?;
    memberships::delete(conn, account_id, user_id)?;
    saved_views::delete_own(conn, account_id, user_id)?;
    user_tokens::revoke(conn, INVITE, Some(user_id), Some(account_id), cx.at())?;
    refresh_summary(conn, account_id, cx.now)?;
    let before = Some(json!({ "role": membership.role }));
    let record = Record { action: "member.remove", target: user.email, before, after: None };
    audit::record(conn, cx, &account, record)
}

/// A membership that the actor may change or end: neither the owner's nor their own.
pub(super) fn changeable(
    conn: &mut AnyConnection,
    cx: &Cx,
    account_id: Id,
    user_id: Id,
) -> ActionResult<(Account, Membership, User)> {
    accounts::lock(conn, &[], &[account_id])?;
    let account = accounts::find(conn, account_id)?.ok_or(ActionError::NotFound("account"))?;
    let membership = memberships::find(conn, account_id, user_id)?.ok_or(ActionError::NotFound("member"))?;
    let user = users::find(conn, user_id)?.ok_or(ActionError::NotFound("member"))?;
    if account.owner_id == Some(user_id) || membership.role == Role::Owner.as_str() {
        return Err(ActionError::Forbidden("The owner of an account stays its owner.".into()));
    }
    if cx.actor.kind == ActorKind::User && cx.actor.id == Some(user_id) {
        let message = "You cannot change or end your own membership. Ask another administrator.";
        return Err(ActionError::Forbidden(message.into()));
    }
    Ok((account, membership, user))
}
