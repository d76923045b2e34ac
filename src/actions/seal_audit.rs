//! Chains that were begun before entries were signed: each is walked once, in slices, and an entry says in it how it was
//! found. The signed entries after it pin all that came before.

use serde_json::json;

use super::audit::{self, Record};
use super::verify_chain::Walk;
use super::{ActionResult, Cx};
use crate::domain::ids::Id;
use crate::models::{AnyConnection, accounts, audit as chains};

/// A chain that is being walked.
#[derive(Clone, Debug)]
pub struct Sealing {
    root: Id,
    /// The last entry without a signature.
    until: i64,
    walk: Walk,
}

/// The next chain that waits to be sealed.
///
/// # Errors
/// Only the database's.
pub fn begin(conn: &mut AnyConnection) -> ActionResult<Option<Sealing>> {
    let next = chains::unsealed(conn)?;
    Ok(next.map(|head| Sealing { root: head.root_id, until: head.unsealed, walk: Walk::new(head.root_id) }))
}

/// Walks on; answers the chain, and whether it is walked through.
///
/// # Errors
/// Only the database's.
pub fn look(conn: &mut AnyConnection, mut sealing: Sealing) -> ActionResult<(Sealing, bool)> {
    let more = sealing.walk.step(conn, None, sealing.until)?;
    Ok((sealing, !more))
}

/// Writes down how a chain was found. One that another node sealed meanwhile is left.
///
/// # Errors
/// Only the database's.
pub fn seal(conn: &mut AnyConnection, cx: &Cx, sealing: &Sealing) -> ActionResult<()> {
    chains::lock_head(conn, sealing.root)?;
    if !chains::mark_sealed(conn, sealing.root, sealing.until)? {
        return Ok(());
    }
    let Some(account) = accounts::find_any(conn, sealing.root)? else {
        log::error!("the audit chain {} is of no account: it stays unsigned", sealing.root);
        return Ok(());
    };
    let problem = sealing.walk.problem_until(sealing.until);
    if let Some(problem) = &problem {
        log::error!("the audit chain of {} was broken before it was signed: {problem}", account.name);
    }
    let action = if problem.is_some() { "audit.seal_broken" } else { "audit.seal" };
    let after = json!({ "entries": sealing.until, "problem": problem });
    audit::record(conn, cx, &account, Record { action, target: account.name.clone(), before: None, after: Some(after) })
}
