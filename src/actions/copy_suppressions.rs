//! A new domain is given the suppressions that were made for every domain of its account: those that the transaction which
//! added it had no room for, slice by slice. It is not verified before it has them all.

use chrono::{DateTime, Utc};

use super::error::ActionResult;
use crate::domain::ids::Id;
use crate::models::suppression_copies::{self, Copying};
use crate::models::{AnyConnection, accounts, domains};

/// What the domain's page says meanwhile.
const WAITS: &str = "Every record is in place. It is verified as soon as it has the suppressions that this account made \
                     for all of its domains, which takes a minute or two.";

/// A domain that has more to come.
///
/// # Errors
/// Only the database's.
pub fn next(conn: &mut AnyConnection) -> ActionResult<Option<Copying>> {
    Ok(suppression_copies::next(conn)?)
}

/// Gives it some more; after the last of them it is looked at again at once.
///
/// # Errors
/// Only the database's.
pub fn go_on(conn: &mut AnyConnection, now: DateTime<Utc>, copying: Copying) -> ActionResult<()> {
    let Some(domain) = domains::find_by_id(conn, copying.domain_id)?.filter(|domain| domain.deleted_at.is_none())
    else {
        return Ok(suppression_copies::end(conn, copying.domain_id)?);
    };
    // Nobody lets an address go meanwhile of which a copy is being made.
    accounts::lock(conn, &[], &[domain.account_id])?;
    domains::look_now(conn, domain.id, now.naive_utc())?;
    suppression_copies::go_on(conn, &domain, copying.after_id, now.naive_utc())?;
    Ok(())
}

/// Why a domain cannot be verified yet, in a sentence; `None` when it has them all.
///
/// # Errors
/// Only the database's.
pub(super) fn obstacle(conn: &mut AnyConnection, domain: Id) -> ActionResult<Option<String>> {
    Ok(suppression_copies::is_under_way(conn, domain)?.then(|| WAITS.to_owned()))
}
