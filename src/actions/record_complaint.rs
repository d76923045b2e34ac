//! A recipient called a message unwanted: story, counters and suppression follow. It stays delivered.

use chrono::{DateTime, Utc};

use super::automatic_suppression::{self as automatic, Address};
use super::departed::Sent;
use super::error::ActionResult;
use super::record_bounce::{count, story, under_way};
use super::tally::Tally;
use crate::domain::message::status::MessageStatus;
use crate::domain::returned::{Complaint, InboundRefusal};
use crate::models::AnyConnection;
use crate::models::counters::Delta;

/// What a complaint is called in a message's story.
pub const COMPLAINED: &str = "complained";

/// Records that the recipient of `sent` complained. What it adds to the counters is left in `tally`.
///
/// # Errors
/// `Conflict` while the message is still under way here; else only the database's.
pub fn record_complaint(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    sent: &Sent,
    complaint: &Complaint,
    tally: &mut Tally,
) -> ActionResult<Result<(), InboundRefusal>> {
    match sent.status {
        MessageStatus::Delivered | MessageStatus::Bounced => {}
        status if !status.is_final() => return Err(under_way()),
        _ => return Ok(Err(InboundRefusal::Foreign)),
    }
    let at = now.naive_utc();
    let address = Address { account_id: sent.account_id, sender_domain: &sent.sender_domain, email: &sent.recipient };
    if !automatic::note(conn, sent.id, address, ("complaint", "none"), at)? {
        return Ok(Err(InboundRefusal::Replayed));
    }
    let by = if complaint.host.is_empty() { String::new() } else { format!(", reported by {}", complaint.host) };
    if sent.row.is_some() {
        story(conn, sent, now, COMPLAINED, format!("Marked as unwanted ({}){by}.", complaint.kind))?;
    }
    automatic::suppress(conn, address, &format!("Complaint ({}){by}", complaint.kind), at)?;
    count(conn, sent, Delta { complained: 1, ..Delta::default() }, tally)?;
    Ok(Ok(()))
}
