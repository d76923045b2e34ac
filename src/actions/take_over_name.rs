//! A domain that is verified takes its name over: what others who had added it have waiting is to end (`clear_queue`). Any
//! number of accounts may have added a name, so who they are is noted in slices, the first with the next round of the leader.

use chrono::{DateTime, Utc};

use super::error::ActionResult;
use crate::models::AnyConnection;
use crate::models::clearings::{self, Clearing};
use crate::models::domains::{self, Domain};
use crate::models::takeovers::{self, Takeover};

/// Notes that `domain` holds its name now: its own messages stay.
///
/// # Errors
/// Only the database's.
pub fn take_over_name(conn: &mut AnyConnection, domain: &Domain) -> ActionResult<()> {
    clearings::remove(conn, domain.id)?;
    if !domains::waiting_elsewhere(conn, domain.account_id, &domain.name, None, 1)?.is_empty() {
        takeovers::note(conn, domain.id, None)?;
    }
    Ok(())
}

/// A name that was taken over from others of whom not all were seen to.
///
/// # Errors
/// Only the database's.
pub fn next(conn: &mut AnyConnection) -> ActionResult<Option<Takeover>> {
    Ok(takeovers::next(conn)?)
}

/// Notes of the next others who had the name that what they have waiting ends.
///
/// # Errors
/// Only the database's.
pub fn go_on(conn: &mut AnyConnection, now: DateTime<Utc>, takeover: Takeover) -> ActionResult<()> {
    let holder = takeover.domain_id;
    let Some(named) = domains::find_by_id(conn, holder)? else { return Ok(takeovers::end(conn, holder)?) };
    domains::lock_name(conn, &named.name, named.account_id)?;
    let holding = domains::find_by_id(conn, holder)?;
    if holding.is_none_or(|row| row.verified_at.is_none() || row.deleted_at.is_some()) {
        // Whoever holds it next begins again.
        return Ok(takeovers::end(conn, holder)?);
    }

    let (account, after) = (named.account_id, takeover.after_id);
    let others = domains::waiting_elsewhere(conn, account, &named.name, after, domains::WAITING)?;
    for (domain, account) in &others {
        clearings::note(conn, &Clearing::of_domain(*domain, *account, now.naive_utc()))?;
    }
    match others.last() {
        Some((last, _)) => takeovers::note(conn, holder, Some(*last))?,
        None => takeovers::end(conn, holder)?,
    }
    Ok(())
}
