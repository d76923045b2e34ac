//! Ending the link to a domain's records: from this transaction's commit it leads nowhere.

use serde_json::json;

use super::{ActionResult, Cx, domain_change};
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::domains::{self, Domain};

/// Ends the link of a domain; without one nothing happens.
///
/// # Errors
/// `NotFound`, `Suspended`.
pub fn unshare_domain(conn: &mut AnyConnection, cx: &Cx, account: Id, name: &str) -> ActionResult<Domain> {
    let (account, mut domain) = domain_change::domain(conn, cx, account, name)?;
    if domain.share_digest.take().is_none() {
        return Ok(domain);
    }
    domain.share_sealed = None;
    domains::save(conn, &domain)?;
    domain_change::note(conn, cx, &account, &domain, "domain.unshare", Some(json!({ "shared": true })), None)?;
    Ok(domain)
}
