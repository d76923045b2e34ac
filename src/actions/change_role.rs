//! Giving a member another role, effective with their next request. What they made is cut to it in the same transaction.

use serde_json::json;

use super::audit::{self, Record};
use super::bound::refuse_above;
use super::cut_keys::cut_keys;
use super::remove_member::changeable;
use super::{ActionError, ActionResult, Cx};
use crate::domain::ids::Id;
use crate::domain::role::Role;
use crate::models::AnyConnection;
use crate::models::key_makers::Member;
use crate::models::memberships::{self, Membership};

/// Sets a member's role, and takes from the keys that they made what it may not hold. One that they have already is left as
/// it is.
///
/// # Errors
/// As [`super::remove_member::remove_member`] and [`super::cut_keys::cuts`]; `Invalid` for the owner's role; `Forbidden` for
/// one above that of whoever gives it.
pub fn change_role(
    conn: &mut AnyConnection,
    cx: &Cx,
    account_id: Id,
    user_id: Id,
    role: Role,
) -> ActionResult<Membership> {
    if role == Role::Owner {
        return Err(ActionError::invalid("role", "An account has one owner. Choose another role."));
    }
    let (account, mut membership, user) = changeable(conn, cx, account_id, user_id)?;
    if membership.role == role.as_str() {
        return Ok(membership);
    }
    refuse_above(conn, cx, role)?;
    memberships::set_role(conn, account_id, user_id, role.as_str(), cx.at())?;
    let before = Some(json!({ "role": membership.role }));
    role.as_str().clone_into(&mut membership.role);
    membership.updated_at = cx.at();
    let after = Some(json!({ "role": membership.role }));
    audit::record(conn, cx, &account, Record { action: "member.change_role", target: user.email, before, after })?;
    cut_keys(conn, cx, Member { account: account_id, user: user_id }, role)?;
    Ok(membership)
}
