//! A report came to the inbound listener: to which message it belongs, and what follows. What follows from nothing is
//! counted by reason.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::departed::Sent;
use super::error::ActionResult;
use super::record_bounce::record_bounce;
use super::record_complaint::record_complaint;
use super::services::Services;
use super::tally::Tally;
use super::{departed, return_path};
use crate::domain::ids::Id;
use crate::domain::return_path::ReturnAddress;
use crate::domain::returned::{InboundRefusal, Report, Returned};
use crate::models::{AnyConnection, returned};

/// A message as the listener took it.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The messages whose own addresses it came to; empty when it came to the address that all complaints go to.
    pub addressed: Vec<Id>,
    pub returned: Returned,
}

/// Whom an address at the listener stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// One message's return path or complaint address.
    Message(Id),
    /// The address that mailbox providers send complaints to.
    Complaints,
    /// Whoever runs the platform: postmaster and abuse.
    Operator,
}

/// Whether the listener takes mail for `address`; why not, otherwise. Asks no database.
pub fn recipient(services: &Services, complaint_address: &str, address: &str) -> Result<Recipient, InboundRefusal> {
    if address.eq_ignore_ascii_case(complaint_address) {
        return Ok(Recipient::Complaints);
    }
    let address = ReturnAddress::parse(address).ok_or(InboundRefusal::Relay)?;
    let id = return_path::verify(&services.secrets, &address).ok_or(InboundRefusal::Forged)?;
    Ok(Recipient::Message(id))
}

/// Records a report with everything that follows; answers what it counted as for each message it is about.
///
/// # Errors
/// `Conflict` while a message is still under way here: nothing was recorded, the report is to come again. Else only the
/// database's.
pub fn receive_report(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    services: &Services,
    incoming: &Incoming,
) -> ActionResult<Vec<Result<Id, InboundRefusal>>> {
    let outcomes = match about(services, incoming) {
        Err(refusal) => vec![Err(refusal)],
        Ok(messages) => record_each(conn, now, services, messages, &incoming.returned.report)?,
    };
    let mut refused: BTreeMap<InboundRefusal, i64> = BTreeMap::new();
    for refusal in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        *refused.entry(*refusal).or_default() += 1;
    }
    count_refusals(conn, now, &refused)?;
    Ok(outcomes)
}

/// Adds to the refusals of the day.
///
/// # Errors
/// Only the database's.
pub fn count_refusals(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    refused: &BTreeMap<InboundRefusal, i64>,
) -> ActionResult<()> {
    let day = now.format("%Y-%m-%d").to_string();
    for (refusal, count) in refused.iter().filter(|(_, count)| **count > 0) {
        returned::count_refused(conn, &day, refusal.as_str(), *count)?;
    }
    Ok(())
}

/// The messages a report is about. The address it came to says more than what is in it: only whoever was sent a message
/// knows that.
fn about(services: &Services, incoming: &Incoming) -> Result<Vec<Id>, InboundRefusal> {
    match incoming.returned.report {
        Report::Nothing => return Err(InboundRefusal::Unreadable),
        Report::Notice => return Err(InboundRefusal::Notice),
        Report::Bounce(..) | Report::Complaint(_) => {}
    }
    if !incoming.addressed.is_empty() {
        return Ok(incoming.addressed.clone());
    }
    let traces = &incoming.returned.traces;
    if traces.is_empty() {
        return Err(InboundRefusal::Foreign);
    }
    let marked = traces.marks.iter().find_map(|mark| return_path::verify_mark(&services.secrets, mark));
    let addressed = || traces.addresses.iter().find_map(|address| return_path::verify(&services.secrets, address));
    marked.or_else(addressed).map(|id| vec![id]).ok_or(InboundRefusal::Forged)
}

/// Records it for each message. All are locked before anything is counted, in the order of their ids.
fn record_each(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    services: &Services,
    mut messages: Vec<Id>,
    report: &Report,
) -> ActionResult<Vec<Result<Id, InboundRefusal>>> {
    messages.sort_unstable();
    let mut found = Vec::with_capacity(messages.len());
    for id in messages {
        found.push((id, departed::find(conn, services, id)?));
    }
    let mut tally = Tally::default();
    let mut outcomes = Vec::with_capacity(found.len());
    for (id, sent) in found {
        outcomes.push(record(conn, now, id, sent, report, &mut tally)?.map(|()| id));
    }
    tally.write(conn)?;
    Ok(outcomes)
}

fn record(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    id: Id,
    sent: Option<Sent>,
    report: &Report,
    tally: &mut Tally,
) -> ActionResult<Result<(), InboundRefusal>> {
    let Some(sent) = sent else {
        // Signed by us and gone: too old, or of a database that this one is not.
        let made = id.0.get_timestamp().map_or(0, |made| made.to_unix().0);
        let made = DateTime::from_timestamp(i64::try_from(made).unwrap_or(0), 0).unwrap_or_default();
        let old = departed::is_over(made.naive_utc(), now);
        return Ok(Err(if old { InboundRefusal::Expired } else { InboundRefusal::Foreign }));
    };
    if departed::is_over(sent.left_at, now) {
        return Ok(Err(InboundRefusal::Expired));
    }
    match report {
        Report::Complaint(complaint) => record_complaint(conn, now, &sent, complaint, tally),
        report => match report.failure_of(&sent.recipient_lower()) {
            Some(failure) => record_bounce(conn, now, &sent, failure, tally),
            // It was about somebody else that the message went to as well.
            None => Ok(Err(InboundRefusal::Notice)),
        },
    }
}
