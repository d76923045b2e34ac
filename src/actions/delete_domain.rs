//! Removing a domain: nothing new is accepted from it, and what waits from it ends (`clear_queue`). The row stays,
//! because a verified name stays closed to other accounts for a while, and what left is still told by it.

use serde_json::json;

use super::end_keys::forget_domain;
use super::refresh_summary::refresh_summary;
use super::{ActionResult, Cx, domain_change};
use crate::domain::ids::Id;
use crate::models::clearings::{self, Clearing};
use crate::models::domains::{self, Domain};
use crate::models::{AnyConnection, accounts};

/// Removes a domain of `account`, and what names it in scopes of keys and in SMTP credentials; answers it as it was.
///
/// # Errors
/// `NotFound`, `Suspended`.
pub fn delete_domain(conn: &mut AnyConnection, cx: &Cx, account: Id, name: &str) -> ActionResult<Domain> {
    let (account, before) = domain_change::domain(conn, cx, account, name)?;
    let mut after = before.clone();
    after.deleted_at = Some(cx.at());
    after.updated_at = cx.at();
    after.share_digest = None;
    after.share_sealed = None;
    domains::save(conn, &after)?;
    clearings::note(conn, &Clearing::of_domain(after.id, account.id, cx.at()))?;
    let (scopes, credentials) = forget_domain(conn, after.id)?;
    accounts::refresh_search_text(conn, account.id)?;
    refresh_summary(conn, account.id, cx.now)?;
    let mut old = domain_change::shown(&before);
    old["verified"] = json!(before.verified_at.is_some());
    old["key_scopes_removed"] = json!(scopes);
    old["smtp_credentials_unbound"] = json!(credentials);
    domain_change::note(conn, cx, &account, &before, "domain.delete", Some(old), None)?;
    Ok(before)
}
