//! Ending a key: from this transaction's commit it is refused. The row stays for the audit.

use super::audit::{self, Record};
use super::key_grant::{self, KeyHolder};
use super::{ActionError, ActionResult, Cx};
use crate::domain::ids::Id;
use crate::models::api_keys::{self, ApiKey};
use crate::models::{AnyConnection, accounts};

/// Deletes a key of `holder`; answers it as it was.
///
/// # Errors
/// `NotFound` for another account's key, or one deleted already.
pub fn delete_api_key(conn: &mut AnyConnection, cx: &Cx, holder: KeyHolder, id: Id) -> ActionResult<ApiKey> {
    accounts::lock(conn, &[], &[holder.id()])?;
    let account = holder.account(conn)?;
    let key = api_keys::find(conn, account.id, id)?.ok_or(ActionError::NotFound("api key"))?;
    let scopes = api_keys::scopes_of(conn, &[id])?;
    api_keys::delete(conn, id, cx.at())?;
    let before = Some(key_grant::shown(&key, &scopes));
    let record = Record { action: "api_key.delete", target: key.label.clone(), before, after: None };
    audit::record(conn, cx, &account, record)?;
    Ok(key)
}
