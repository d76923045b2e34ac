//! What another billing day or time zone does, in words: asked for before it is saved, and told until it has begun.

use chrono::NaiveDateTime;
use chrono_tz::Tz;

use crate::actions::ActionResult;
use crate::actions::ensure_period::after_change;
use crate::domain::period::BillingAnchor;
use crate::models::accounts::Account;
use crate::models::periods::{self, Period};
use crate::web::acting::Acting;
use crate::web::error::PageError;
use crate::web::format;

/// The anchor that an account has now; `None` where it cannot be read.
pub(super) fn anchor_of(account: &Account) -> Option<BillingAnchor> {
    BillingAnchor::parse(i64::from(account.anchor_day), &account.time_zone).ok()
}

/// How a form says that its sender has read what `anchor` does.
pub(super) fn key(anchor: BillingAnchor) -> String {
    format!("{} {}", anchor.day(), anchor.tz().name())
}

/// What follows the newest period by `anchor`; `None` before the first one, which nothing is changed for.
///
/// # Errors
/// Only the database's.
pub(super) async fn told(acting: &Acting, anchor: BillingAnchor) -> Result<Option<String>, PageError> {
    let (account, now) = (acting.account.clone(), acting.now());
    let found = acting.app.read(move |conn| -> ActionResult<_> {
        let next = after_change(conn, &account, anchor, now)?;
        Ok(periods::latest(conn, account.id)?.zip(next))
    });
    Ok(found.await?.map(|(newest, next)| words(&newest, &next)))
}

/// A change that is saved and has not begun.
///
/// # Errors
/// Only the database's.
pub(super) async fn planned(acting: &Acting) -> Result<Option<String>, PageError> {
    let account = acting.account.clone();
    let newest = acting.app.read(move |conn| Ok(periods::latest(conn, account.id)?)).await?;
    let anchor = anchor_of(&acting.account);
    let same = newest.is_none_or(|newest| {
        (newest.anchor_day, newest.time_zone.as_str()) == (acting.account.anchor_day, acting.account.time_zone.as_str())
    });
    match anchor.filter(|_| !same) {
        Some(anchor) => told(acting, anchor).await,
        None => Ok(None),
    }
}

fn words(newest: &Period, next: &Period) -> String {
    let ends = format!("The running period ends on {}, as it began.", last_day(newest));
    let last = last_day(next);
    match next.part().days() {
        Some((days, of_days)) => format!(
            "{ends} A short period of {days} of {of_days} days follows, until {last}: its fee, its included messages and \
             all monthly caps are that part of a full one's. Full periods follow it."
        ),
        None => format!("{ends} The next one is a full one and ends on {last}, in {}.", next.time_zone),
    }
}

/// "30 November 2026", where the period is reckoned.
fn last_day(period: &Period) -> String {
    let tz: Tz = period.time_zone.parse().unwrap_or(chrono_tz::UTC);
    let before = |at: NaiveDateTime| at - chrono::TimeDelta::microseconds(1);
    format::long_date(format::local_date(before(period.end_at), tz))
}
