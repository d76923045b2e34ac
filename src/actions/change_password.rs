//! A person changes their own password, knowing the old one; every other device is signed out.

use super::user_audit;
use super::void_links::{Changed, void_links};
use super::{ActionError, ActionResult, Cx, throttle};
use crate::domain::ids::Id;
use crate::models::users::{self, User};
use crate::models::{AnyConnection, Db, sessions};
use crate::secrets::{digest, verify_password};

/// Guesses at the current password by whoever sits at a signed-in device, in a quarter hour.
const TRIES: i64 = 10;

/// Whether `password` is the person's own. Counted, and slow: run it off the async threads.
///
/// # Errors
/// `Invalid` beside `current_password` when it is not, or when there were too many tries.
pub fn confirm_password(db: &Db, cx: &Cx, user: Id, password: &str) -> ActionResult<()> {
    let wrong = |message: &str| ActionError::invalid("current_password", message);
    let subject = (digest(&format!("own password {user}")), TRIES);
    let (counted, stored) =
        db.write(|conn| Ok::<_, ActionError>((throttle::count(conn, cx.now, &[subject])?, users::find(conn, user)?)))?;
    let counted = counted.ok_or_else(|| wrong("Too many tries. Wait a quarter of an hour."))?;
    let hash = stored.and_then(|user| user.password_hash).unwrap_or_default();
    if !verify_password(password, &hash) {
        return Err(wrong("This is not your current password."));
    }
    db.write(|conn| throttle::forgive(conn, cx.now, &counted))
}

/// Sets the new password, ends every session of the person but the one with digest `keep`, and every link that was mailed
/// to them before.
///
/// # Errors
/// `NotFound` when the person is gone.
pub fn change_password(
    conn: &mut AnyConnection,
    cx: &Cx,
    user: Id,
    password_hash: &str,
    keep: Option<&[u8]>,
) -> ActionResult<User> {
    let mut user = users::find(conn, user)?.ok_or(ActionError::NotFound("user"))?;
    void_links(conn, cx, user.id, Changed::Access)?;
    user.password_hash = Some(password_hash.to_owned());
    user.updated_at = cx.at();
    users::save(conn, &user)?;
    sessions::delete_all_of(conn, user.id, keep)?;
    user_audit::record(conn, cx, &user, "user.change_password")?;
    Ok(user)
}
