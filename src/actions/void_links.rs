//! Whatever gives a person's access another shape ends the links that were mailed for the old one: a link asked for by
//! somebody who was in yesterday must not let them in tomorrow.

use super::change_email::EMAIL;
use super::invite_member::INVITE;
use super::reset_password::RESET;
use super::{ActionResult, Cx};
use crate::domain::ids::Id;
use crate::models::{AnyConnection, user_tokens};

/// What has changed about somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// Their password, their sessions or where they belong: links that set a password or an address end.
    Access,
    /// Their address: whoever reads the old one also holds the invitations that went there.
    Address,
}

/// Ends the open links of `user`. Call it before the person's row is written: tokens are locked before people.
///
/// # Errors
/// Only the database's.
pub fn void_links(conn: &mut AnyConnection, cx: &Cx, user: Id, changed: Changed) -> ActionResult<()> {
    let kinds: &[&str] = match changed {
        Changed::Access => &[RESET, EMAIL],
        Changed::Address => &[RESET, EMAIL, INVITE],
    };
    Ok(user_tokens::revoke_all_of(conn, kinds, user, cx.at())?)
}
