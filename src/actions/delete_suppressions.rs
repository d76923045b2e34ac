//! Letting suppressed addresses go again: one of them, or all.

use serde_json::json;

use super::audit::{self, Record};
use super::{ActionError, ActionResult, Cx};
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::Id;
use crate::models::{AnyConnection, accounts, domains, suppressions};

/// Removes the suppressions of one address, for one domain or for every one; answers how many.
///
/// # Errors
/// `NotFound` when there is none.
pub fn delete_suppressions(
    conn: &mut AnyConnection,
    cx: &Cx,
    account: Id,
    email: &EmailAddress,
    domain: Option<&str>,
) -> ActionResult<usize> {
    accounts::lock(conn, &[], &[account])?;
    let removed = suppressions::delete(conn, account, &email.lower(), domain)?;
    if removed == 0 {
        return Err(ActionError::NotFound("suppression"));
    }
    note(conn, cx, account, "suppression.delete", email.to_string(), domain, removed)?;
    Ok(removed)
}

/// Suppressions that one transaction lets go when all of them go.
pub const WIPED: usize = 500;

/// Removes up to [`WIPED`] suppressions of an account, for one domain or for every one; answers how many. Whoever wants
/// all of them gone comes again until there were fewer.
///
/// # Errors
/// `NotFound` for a domain that the account does not have.
pub fn wipe_suppressions(conn: &mut AnyConnection, cx: &Cx, account: Id, domain: Option<&str>) -> ActionResult<usize> {
    if let Some(name) = domain {
        domains::find(conn, account, name)?.ok_or(ActionError::NotFound("domain"))?;
    }
    accounts::lock(conn, &[], &[account])?;
    let removed = suppressions::delete_some(conn, account, domain, i64::try_from(WIPED).unwrap_or(i64::MAX))?;
    if removed > 0 {
        note(conn, cx, account, "suppression.wipe", "all addresses".to_owned(), domain, removed)?;
    }
    Ok(removed)
}

fn note(
    conn: &mut AnyConnection,
    cx: &Cx,
    account: Id,
    action: &str,
    target: String,
    domain: Option<&str>,
    removed: usize,
) -> ActionResult<()> {
    let account = accounts::find(conn, account)?.ok_or(ActionError::NotFound("account"))?;
    let before = Some(json!({ "domain": domain.unwrap_or(suppressions::EVERY_DOMAIN), "rows": removed }));
    audit::record(conn, cx, &account, Record { action, target, before, after: None })
}
