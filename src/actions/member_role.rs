//! What somebody is in an account at this moment: asked anew wherever work goes on that they began.

use super::{ActionError, ActionResult};
use crate::domain::ids::Id;
use crate::domain::role::Role;
use crate::models::{AnyConnection, memberships, users};

/// The role of `user` in `account`; `None` for who is no accepted member any more, or is disabled.
///
/// # Errors
/// `Internal` for a role that cannot be read.
pub(super) fn member_role(conn: &mut AnyConnection, account: Id, user: Id) -> ActionResult<Option<Role>> {
    let membership = memberships::find(conn, account, user)?.filter(|row| row.accepted_at.is_some());
    let Some(membership) = membership else { return Ok(None) };
    if users::find(conn, user)?.is_none_or(|user| user.disabled_at.is_some()) {
        return Ok(None);
    }
    Role::parse(&membership.role).map(Some).map_err(|refusal| ActionError::Internal(refusal.to_string()))
}
