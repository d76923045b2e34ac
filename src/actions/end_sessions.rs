//! A person signs their other devices out. Whoever sat there may have asked for a link: those end too.

use super::user_audit;
use super::void_links::{Changed, void_links};
use super::{ActionResult, Cx};
use crate::models::users::User;
use crate::models::{AnyConnection, sessions};

/// Ends one session of `user`; answers whether it was there and theirs.
///
/// # Errors
/// Only the database's.
pub fn end_session(conn: &mut AnyConnection, cx: &Cx, user: &User, digest: &[u8]) -> ActionResult<bool> {
    let ended = sessions::delete_of(conn, user.id, digest)?;
    if ended {
        void_links(conn, cx, user.id, Changed::Access)?;
        user_audit::record(conn, cx, user, "user.end_session")?;
    }
    Ok(ended)
}

/// Ends every session of `user` but the one with digest `keep`; answers how many there were.
///
/// # Errors
/// Only the database's.
pub fn end_other_sessions(conn: &mut AnyConnection, cx: &Cx, user: &User, keep: &[u8]) -> ActionResult<usize> {
    void_links(conn, cx, user.id, Changed::Access)?;
    let ended = sessions::delete_all_of(conn, user.id, Some(keep))?;
    if ended > 0 {
        user_audit::record(conn, cx, user, "user.end_sessions")?;
    }
    Ok(ended)
}
