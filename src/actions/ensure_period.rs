//! The billing period that an instant falls in, made where there is none yet. A period begins where the newest row ends
//! and nowhere else, whatever became of anchor and clock in the meantime: none overlaps another. What is accepted by a clock
//! behind the end of a closed period counts in the oldest that is open: a closed one never changes.

use chrono::{DateTime, NaiveDateTime, Utc};

use super::error::{ActionError, ActionResult};
use crate::domain::ids::Id;
use crate::domain::period::{BillingAnchor, FAR_BEYOND, following, period_containing};
use crate::domain::proration::Part;
use crate::models::accounts::Account;
use crate::models::periods::{self, Period};
use crate::models::{AnyConnection, accounts};

/// The period of the parent `root` that `now` counts in, made where it is missing.
///
/// A new anchor day or time zone applies from the next period. A time before the oldest open period counts in that one: a
/// clock set back makes no periods, and changes none that is closed. A time more than [`FAR_BEYOND`] after the end of the newest counts in the newest,
/// until somebody says that the clock is right ([`catch_up`]).
///
/// # Errors
/// `NotFound` for an unknown parent, `Internal` for the database.
pub fn ensure_period(conn: &mut AnyConnection, root: Id, now: DateTime<Utc>) -> ActionResult<Period> {
    match running(conn, root, now)? {
        Some(period) => Ok(period),
        None => make(conn, root, now),
    }
}

/// The same as far as it is there: `None` where it has yet to be made.
///
/// # Errors
/// Only the database's.
pub fn running(conn: &mut AnyConnection, root: Id, now: DateTime<Utc>) -> ActionResult<Option<Period>> {
    let at = now.naive_utc();
    if let Some(period) = periods::containing(conn, root, at)? {
        return Ok(Some(period));
    }
    match periods::latest(conn, root)? {
        Some(latest) if at < latest.end_at => Ok(periods::nearest(conn, root, at)?),
        Some(latest) if at - latest.end_at > FAR_BEYOND => Ok(Some(latest)),
        _ => Ok(None),
    }
}

/// The period that `now` counts in, as it is or would be made; nothing is written.
///
/// # Errors
/// `Internal` for an anchor that cannot be read, and the database's.
pub fn expected(conn: &mut AnyConnection, root: &Account, now: DateTime<Utc>) -> ActionResult<Period> {
    if let Some(period) = running(conn, root.id, now)? {
        return Ok(period);
    }
    let mut period = next_period(root, periods::latest(conn, root.id)?.as_ref(), now)?;
    while period.end_at <= now.naive_utc() {
        period = next_period(root, Some(&period), now)?;
    }
    Ok(period)
}

/// The period that follows the newest of `root`, were its anchor `anchor`; `None` before its first.
///
/// # Errors
/// As [`expected`].
pub fn after_change(
    conn: &mut AnyConnection,
    root: &Account,
    anchor: BillingAnchor,
    now: DateTime<Utc>,
) -> ActionResult<Option<Period>> {
    let Some(latest) = periods::latest(conn, root.id)? else { return Ok(None) };
    let (end, part) = following(anchor_of(&latest)?, latest.end_at.and_utc(), anchor);
    Ok(Some(row(root.id, anchor, (latest.end_at, end.naive_utc(), part), now)))
}

/// Makes the periods up to `now`, however far that is; answers how many. For whoever knows that the clock is right.
///
/// # Errors
/// As [`ensure_period`].
pub fn catch_up(conn: &mut AnyConnection, root: Id, now: DateTime<Utc>) -> ActionResult<usize> {
    let Some(latest) = periods::latest(conn, root)?.filter(|latest| latest.end_at <= now.naive_utc()) else {
        return Ok(0);
    };
    make(conn, root, now)?;
    Ok(periods::count_from(conn, root, latest.end_at)?)
}

/// Appends periods until one reaches beyond `now`. After each the newest row is read again: another node may have written
/// the same one by another anchor.
fn make(conn: &mut AnyConnection, root: Id, now: DateTime<Utc>) -> ActionResult<Period> {
    let account = accounts::find_any(conn, root)?.ok_or(ActionError::NotFound("account"))?;
    let mut latest = periods::latest(conn, root)?;
    loop {
        periods::insert(conn, &next_period(&account, latest.as_ref(), now)?)?;
        let newest = periods::latest(conn, root)?;
        match newest {
            Some(newest) if now.naive_utc() < newest.end_at => return Ok(newest),
            Some(newest) if latest.as_ref().is_none_or(|latest| latest.end_at < newest.end_at) => latest = Some(newest),
            _ => return Err(ActionError::Internal(format!("the periods of {root} do not advance"))),
        }
    }
}

fn next_period(account: &Account, latest: Option<&Period>, now: DateTime<Utc>) -> ActionResult<Period> {
    let anchor = parsed(account.anchor_day, &account.time_zone)?;
    let span = if let Some(latest) = latest {
        let (end, part) = following(anchor_of(latest)?, latest.end_at.and_utc(), anchor);
        (latest.end_at, end.naive_utc(), part)
    } else {
        let (start, end) = period_containing(anchor, now);
        (start.naive_utc(), end.naive_utc(), Part::WHOLE)
    };
    Ok(row(account.id, anchor, span, now))
}

fn row(
    account_id: Id,
    anchor: BillingAnchor,
    (start_at, end_at, part): (NaiveDateTime, NaiveDateTime, Part),
    now: DateTime<Utc>,
) -> Period {
    Period {
        id: Id::new(now),
        account_id,
        start_at,
        end_at,
        time_zone: anchor.tz().name().to_owned(),
        anchor_day: i32::try_from(anchor.day()).unwrap_or(1),
        created_at: now.naive_utc(),
        days: part.days().map(|(days, _)| days),
        of_days: part.days().map(|(_, of_days)| of_days),
    }
}

/// The anchor that a period was made by.
fn anchor_of(period: &Period) -> ActionResult<BillingAnchor> {
    parsed(period.anchor_day, &period.time_zone)
}

fn parsed(day: i32, zone: &str) -> ActionResult<BillingAnchor> {
    BillingAnchor::parse(i64::from(day), zone).map_err(|refusal| ActionError::Internal(refusal.to_string()))
}
