//! A person changes what they are called.

use super::user_audit;
use super::{ActionError, ActionResult, Cx};
use crate::domain::ids::Id;
use crate::domain::text::PersonName;
use crate::models::AnyConnection;
use crate::models::users::{self, User};

/// Sets the name. Where nothing differs, nothing is written.
///
/// # Errors
/// `NotFound` when the person is gone.
pub fn update_profile(conn: &mut AnyConnection, cx: &Cx, user: Id, name: &PersonName) -> ActionResult<User> {
    let mut user = users::find(conn, user)?.ok_or(ActionError::NotFound("user"))?;
    if user.name == name.as_str() {
        return Ok(user);
    }
    name.as_str().clone_into(&mut user.name);
    user.updated_at = cx.at();
    users::save(conn, &user)?;
    user_audit::record(conn, cx, &user, "user.rename")?;
    Ok(user)
}
