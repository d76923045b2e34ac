//! The parent's members are told when an account's bounces or complaints are too many: once a crossing.

use chrono::{DateTime, Utc};

use super::error::ActionResult;
use super::notify;
use super::services::Services;
use crate::domain::reputation::{Rate, Turn, left};
use crate::models::accounts::Account;
use crate::models::counters::{self, Counter};
use crate::models::{AnyConnection, accounts};

/// Weighs the rates of a running period's counter; writes the mails of a crossing, and that they were written.
///
/// # Errors
/// Only the database's.
pub fn warn_of_rates(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    services: &Services,
    counter: &Counter,
) -> ActionResult<()> {
    let left = left(counter.delivered, counter.bounced);
    let of = |rate: Rate| match rate {
        Rate::Bounces => (counter.bounced, counter.bounces_warned_at),
        Rate::Complaints => (counter.complained, counter.complaints_warned_at),
    };
    let turn = |rate: Rate| rate.turn(of(rate).0, left, of(rate).1.is_some());
    let turns = [Rate::Bounces, Rate::Complaints].map(|rate| (rate, turn(rate)));
    if turns.iter().all(|(_, turn)| *turn == Turn::Stay) {
        return Ok(());
    }
    let account = accounts::find_any(conn, counter.account_id)?;
    for (rate, _) in turns.iter().filter(|(_, turn)| *turn == Turn::Warn) {
        if let Some(account) = account.as_ref().filter(|account| account.deleted_at.is_none()) {
            tell(conn, now, services, account, *rate, (of(*rate).0, left))?;
        }
    }
    let [bounces, complaints] = turns.map(|(rate, turn)| match turn {
        Turn::Warn => Some(now.naive_utc()),
        Turn::Rearm => None,
        Turn::Stay => of(rate).1,
    });
    Ok(counters::set_warned(conn, counter.account_id, counter.period_id, bounces, complaints)?)
}

fn tell(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    services: &Services,
    account: &Account,
    rate: Rate,
    (count, left): (i64, i64),
) -> ActionResult<()> {
    let (what, happened) = match rate {
        Rate::Bounces => ("bounce rate", "bounced"),
        Rate::Complaints => ("complaint rate", "were marked as unwanted by their recipients"),
    };
    let percent = |part: i64, whole: i64| {
        let hundredths = part.saturating_mul(10_000) / whole.max(1);
        format!("{}.{:02} %", hundredths / 100, hundredths % 100)
    };
    let lines = vec![
        format!("{count} of {left} messages that left in this billing period {happened}: {}.", percent(count, left)),
        format!(
            "Mailbox providers hold more than {} against a sender, and slow down or refuse everything it sends. Ask where \
             the addresses come from, or put the account on hold until that is clear.",
            percent(rate.threshold(), 1_000_000)
        ),
    ];
    notify::rate_crossed(conn, now, services, account, what, lines)
}
