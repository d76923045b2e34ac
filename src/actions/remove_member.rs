//! Taking a member off an account: from this transaction's commit they may do nothing there.

use serde_json::json;

use super::audit::{self, Record};
use super::bound::bounding;
use super::cut_keys::cut_keys;
use super::invite_member::INVITE;
use super::member_role::member_role;
use super::refresh_summary::refresh_summary;
use super::void_links::{Changed, void_links};
use super::{ActionError, ActionResult, ActorKind, Cx};
use crate::domain::ids::Id;
use crate::domain::role::Role;
use crate::models::accounts::{self, Account};
use crate::models::key_makers::Member;
use crate::models::memberships::Membership;
use crate::models::users::User;
use crate::models::{AnyConnection, key_makers, memberships, saved_views, user_tokens, users};

/// What passed to somebody else with a member's leave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    pub keys: i64,
    pub credentials: i64,
}

/// Removes a member, invited or accepted. The keys and credentials that they made count as the remover's from now on.
///
/// # Errors
/// `NotFound` for who is no member, `Forbidden` for the owner and for the actor themselves.
pub fn remove_member(conn: &mut AnyConnection, cx: &Cx, account_id: Id, user_id: Id) -> ActionResult<Passed> {
    let (account, membership, user) = changeable(conn, cx, account_id, user_id)?;
    void_links(conn, cx, user_id, Changed::Access)?;
    memberships::delete(conn, account_id, user_id)?;
    saved_views::delete_own(conn, account_id, user_id)?;
    user_tokens::revoke(conn, INVITE, Some(user_id), Some(account_id), cx.at())?;
    refresh_summary(conn, account_id, cx.now)?;
    let leaving = Member { account: account_id, user: user_id };
    let (heir, passed) = pass_on(conn, cx, &account, leaving)?;
    let before = Some(json!({ "role": membership.role }));
    let after =
        heir.map(|heir| json!({ "keys": passed.keys, "smtp_credentials": passed.credentials, "passed_to": heir }));
    audit::record(conn, cx, &account, Record { action: "member.remove", target: user.email, before, after })?;
    Ok(passed)
}

/// Passes what `leaving` made to whoever removes them; answers to whom, where there was anything.
fn pass_on(
    conn: &mut AnyConnection,
    cx: &Cx,
    account: &Account,
    leaving: Member,
) -> ActionResult<(Option<String>, Passed)> {
    let (keys, credentials) = key_makers::count_made(conn, leaving)?;
    let heir = heir(conn, cx, account)?.filter(|heir| *heir != leaving).or(owner(account));
    let Some(heir) = heir.filter(|_| keys + credentials > 0) else { return Ok((None, Passed::default())) };
    key_makers::pass_on(conn, leaving, heir, cx.at())?;
    if let Some(role) = member_role(conn, heir.account, heir.user)? {
        cut_keys(conn, cx, heir, role)?;
    }
    let name = users::find(conn, heir.user)?.map(|user| user.email);
    Ok((name, Passed { keys, credentials }))
}

/// Whoever removes: a person, the maker of the key that acts, else the account's owner.
fn heir(conn: &mut AnyConnection, cx: &Cx, account: &Account) -> ActionResult<Option<Member>> {
    match (cx.actor.kind, cx.actor.account_id, cx.actor.id) {
        (ActorKind::User, Some(from), Some(user)) => Ok(Some(Member { account: from, user })),
        (ActorKind::ApiKey, _, Some(key)) => {
            let maker = key_makers::of_key(conn, key)?;
            Ok(maker.map(|maker| Member { account: maker.account_id, user: maker.user_id }))
        }
        _ => Ok(owner(account)),
    }
}

fn owner(account: &Account) -> Option<Member> {
    account.owner_id.map(|user| Member { account: account.id, user })
}

/// A membership that the actor may change or end: neither the owner's nor their own.
pub(super) fn changeable(
    conn: &mut AnyConnection,
    cx: &Cx,
    account_id: Id,
    user_id: Id,
) -> ActionResult<(Account, Membership, User)> {
    let read = bounding(conn, cx, None)?;
    accounts::lock(conn, &read, &[account_id])?;
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
