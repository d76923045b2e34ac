//! Length and end of every chain of the audit go outside once a day: what is gone together with its head is found by nothing
//! that lies in the same database.

use chrono::{DateTime, TimeDelta, Utc};

use super::error::ActionResult;
use super::notify::{self, Letter};
use super::pass_on_letter::KIND;
use super::services::Services;
use crate::domain::audit_head::AuditHead;
use crate::domain::ids::Id;
use crate::emails::Body;
use crate::models::{AnyConnection, audit, leases};
use crate::secrets::hex;

/// How often they are told.
const EVERY: TimeDelta = TimeDelta::days(1);
/// Heads read, and told in one mail, at once.
const AT_ONCE: i64 = 500;

/// Takes the turn of this day for `teller`; answers whether it is due. Whoever cannot tell gives it back.
///
/// # Errors
/// Only the database's.
pub fn take_turn(conn: &mut AnyConnection, teller: Id, now: DateTime<Utc>) -> ActionResult<bool> {
    Ok(leases::take(conn, LEASE, teller, now.naive_utc(), (now + EVERY).naive_utc())?)
}

/// Gives a turn back that was taken: the next round tries again.
///
/// # Errors
/// Only the database's.
pub fn give_back(conn: &mut AnyConnection, teller: Id, now: DateTime<Utc>) -> ActionResult<()> {
    leases::take(conn, LEASE, teller, now.naive_utc(), now.naive_utc())?;
    Ok(())
}

const LEASE: &str = "audit heads";

/// The heads after `root`, some at a time.
///
/// # Errors
/// Only the database's.
pub fn heads_after(conn: &mut AnyConnection, root: Option<Id>) -> ActionResult<Vec<AuditHead>> {
    let heads = audit::heads_after(conn, root, AT_ONCE)?;
    Ok(heads.into_iter().map(|head| AuditHead { root: head.root_id, seq: head.seq, hash: hex(&head.hash) }).collect())
}

/// Mails some of them to the operator.
///
/// # Errors
/// Only the database's.
pub fn mail(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    services: &Services,
    operator: &str,
    lines: &[String],
) -> ActionResult<()> {
    let intro = "How the chains of the audit end today. Keep this mail outside the installation: saved as a file, \
                 `canopy verify-audit --against FILE` finds by it what was cut off or deleted since.";
    let listed = lines.join("\n");
    // Nothing but ids, numbers and hexadecimal digits is in a line.
    let body = Body { text: format!("{intro}\n\n{listed}\n"), html: format!("<p>{intro}</p><pre>{listed}</pre>") };
    let subject = format!("Audit of {}", now.format("%Y-%m-%d"));
    notify::put(
        conn,
        now,
        services,
        &Letter { about: None, kind: KIND, recipient: operator, subject: &subject, body: &body },
    )
}
