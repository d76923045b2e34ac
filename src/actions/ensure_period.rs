//! The billing period that an instant falls in, made where there is none yet.

use chrono::{DateTime, NaiveDateTime, Utc};

use super::error::{ActionError, ActionResult};
use crate::domain::ids::Id;
use crate::domain::period::{BillingAnchor, period_containing};
use crate::models::accounts::Account;
use crate::models::periods::{self, Period};
use crate::models::{AnyConnection, accounts};

/// The period of the parent `root` that contains `now`. A new anchor day or time zone applies from the next period,
/// which begins where the last one ended.
///
/// # Errors
/// `NotFound` for an unknown parent, `Internal` for the database.
pub fn ensure_period(conn: &mut AnyConnection, root: Id, now: DateTime<Utc>) -> ActionResult<Period> {
    if let Some(period) = periods::containing(conn, root, now.naive_utc())? {
        return Ok(period);
    }
    let account = accounts::find_any(conn, root)?.ok_or(ActionError::NotFound("account"))?;
    let mut previous_end = periods::latest(conn, root)?.map(|period| period.end_at);
    loop {
        let period = next_period(&account, previous_end, now)?;
        periods::insert(conn, &period)?;
        if let Some(period) = periods::containing(conn, root, now.naive_utc())? {
            return Ok(period);
        }
        if previous_end.is_some_and(|end| end >= period.end_at) {
            return Err(ActionError::Internal(format!("the periods of {root} do not advance")));
        }
        previous_end = Some(period.end_at);
    }
}

fn next_period(account: &Account, previous_end: Option<NaiveDateTime>, now: DateTime<Utc>) -> ActionResult<Period> {
    let anchor = BillingAnchor::parse(i64::from(account.anchor_day), &account.time_zone)
        .map_err(|refusal| ActionError::Internal(refusal.to_string()))?;
    let (start, end) = match previous_end.filter(|end| *end <= now.naive_utc()) {
        Some(start) => (start, period_containing(anchor, start.and_utc()).1),
        None => {
            let (start, end) = period_containing(anchor, now);
            (start.naive_utc(), end)
        }
    };
    Ok(Period {
        id: Id::new(now),
        account_id: account.id,
        start_at: start,
        end_at: end.naive_utc(),
        time_zone: account.time_zone.clone(),
        anchor_day: account.anchor_day,
        created_at: now.naive_utc(),
    })
}
