//! The link to a domain's records for people without an account here. It is shown again later, so the row keeps it
//! sealed; it is found by its digest.

use serde_json::json;

use super::{ActionError, ActionResult, Cx, Services, domain_change};
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::domains::{self, Domain};
use crate::secrets::Token;

const CONTEXT: &str = "domain-share";

/// Makes the link of a domain; one that is there already stays.
///
/// # Errors
/// `NotFound`, `Suspended`.
pub fn share_domain(
    conn: &mut AnyConnection,
    cx: &Cx,
    services: &Services,
    account: Id,
    name: &str,
) -> ActionResult<Domain> {
    let (account, mut domain) = domain_change::domain(conn, cx, account, name)?;
    if domain.share_digest.is_some() {
        return Ok(domain);
    }
    let token = Token::generate();
    domain.share_digest = Some(token.digest().to_vec());
    domain.share_sealed = Some(services.secrets.seal(CONTEXT, token.as_str().as_bytes()));
    domains::save(conn, &domain)?;
    domain_change::note(conn, cx, &account, &domain, "domain.share", None, Some(json!({ "shared": true })))?;
    Ok(domain)
}

/// The token of the link, where there is one.
///
/// # Errors
/// `Internal` when it was sealed with a key this node does not have.
pub fn share_token(services: &Services, domain: &Domain) -> ActionResult<Option<String>> {
    let Some(sealed) = &domain.share_sealed else { return Ok(None) };
    let internal = |error: String| ActionError::Internal(format!("the link of a domain: {error}"));
    let token = services.secrets.open(CONTEXT, sealed).map_err(|error| internal(error.to_string()))?;
    String::from_utf8(token).map(Some).map_err(|error| internal(error.to_string()))
}
