//! What every change of a domain begins with: the account may be changed, and the domain is its own.

use serde_json::{Value, json};

use super::audit::{self, Record};
use super::{ActionError, ActionResult, Cx};
use crate::domain::ids::Id;
use crate::models::accounts::{self, Account};
use crate::models::domains::{self, Domain};
use crate::models::{AnyConnection, suspensions};

/// The live account, locked, when its domains may be changed.
///
/// # Errors
/// `NotFound` for a deleted account, `Suspended` while it or its parent is on hold.
pub(super) fn account(conn: &mut AnyConnection, cx: &Cx, id: Id) -> ActionResult<Account> {
    let root = accounts::find(conn, id)?.ok_or(ActionError::NotFound("account"))?.root_id();
    accounts::lock(conn, &[root], &[id])?;
    let account = accounts::find(conn, id)?.ok_or(ActionError::NotFound("account"))?;
    let held = suspensions::held(conn, &[id, root], cx.at())?;
    match held.first() {
        None => Ok(account),
        Some(_) => Err(ActionError::Suspended { parent: !held.contains(&id) }),
    }
}

/// The account's live domain of that name, its row locked.
///
/// # Errors
/// As [`account`]; `NotFound` when the account has no such domain.
pub(super) fn domain(conn: &mut AnyConnection, cx: &Cx, id: Id, name: &str) -> ActionResult<(Account, Domain)> {
    let account = account(conn, cx, id)?;
    domains::lock_name(conn, name, id)?;
    let domain = domains::find(conn, id, name)?.ok_or(ActionError::NotFound("domain"))?;
    Ok((account, domain))
}

/// A domain's settings as the audit shows them.
pub(super) fn shown(domain: &Domain) -> Value {
    json!({
        "domain": domain.name, "dkim_selector": domain.active_selector,
        "tracking_subdomain": domain.tracking_subdomain, "return_path_subdomain": domain.return_path_subdomain,
        "subscription_subdomain": domain.subscription_subdomain, "media_subdomain": domain.media_subdomain,
    })
}

/// One audit entry about a domain.
///
/// # Errors
/// Only the database's.
pub(super) fn note(
    conn: &mut AnyConnection,
    cx: &Cx,
    account: &Account,
    domain: &Domain,
    action: &str,
    before: Option<Value>,
    after: Option<Value>,
) -> ActionResult<()> {
    audit::record(conn, cx, account, Record { action, target: domain.name.clone(), before, after })
}
