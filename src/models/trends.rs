//! Thirty days of many accounts, for the lines of a list page. What an account accepted on a day that is over does not
//! change any more, so a node keeps those days and reads only the last two again.

use std::collections::HashMap;

use chrono::{Days, NaiveDate};
use diesel::prelude::*;
use parking_lot::Mutex;

use super::{AnyConnection, usage};
use crate::domain::ids::Id;

/// Days of a trend, today included.
pub const DAYS: usize = 30;
/// Days at its end that are always read: a transaction that began before midnight may commit after it.
const OPEN: usize = 2;
/// Accounts whose days are kept, at a few hundred bytes each.
const KEPT: usize = 20_000;

/// The days of one account, the oldest first.
pub type Trend = [i64; DAYS];

#[derive(Clone, Copy)]
struct Kept {
    from: NaiveDate,
    counts: Trend,
}

/// What a node remembers.
#[derive(Default)]
pub struct Trends(Mutex<HashMap<Id, Kept>>);

impl Trends {
    /// What each of `accounts` accepted on each of the thirty days up to `today`.
    ///
    /// # Errors
    /// Only the database's.
    pub fn of(&self, conn: &mut AnyConnection, accounts: &[Id], today: NaiveDate) -> QueryResult<HashMap<Id, Trend>> {
        let from = today.checked_sub_days(Days::new(DAYS as u64 - 1)).unwrap_or(today);
        let open = from.checked_add_days(Days::new((DAYS - OPEN) as u64)).unwrap_or(today);
        let mut found = self.known(accounts, from);
        let unknown: Vec<Id> = accounts.iter().copied().filter(|id| !found.contains_key(id)).collect();
        let recent: Vec<Id> = found.keys().copied().collect();
        found.extend(unknown.iter().map(|id| (*id, [0; DAYS])));
        add(conn, &mut found, &recent, from, open)?;
        add(conn, &mut found, &unknown, from, from)?;
        let mut known = self.0.lock();
        if known.len() + unknown.len() > KEPT {
            known.clear();
        }
        for id in unknown {
            let mut counts = found.get(&id).copied().unwrap_or([0; DAYS]);
            counts[DAYS - OPEN..].fill(0);
            known.insert(id, Kept { from, counts });
        }
        Ok(found)
    }

    /// The days that are over, of those accounts that are kept with the same first day.
    fn known(&self, accounts: &[Id], from: NaiveDate) -> HashMap<Id, Trend> {
        let known = self.0.lock();
        let fresh = |id: &Id| known.get(id).filter(|kept| kept.from == from).map(|kept| (*id, kept.counts));
        accounts.iter().filter_map(fresh).collect()
    }
}

/// Adds the days of `accounts` since `since` to trends that begin with `from`.
fn add(
    conn: &mut AnyConnection,
    trends: &mut HashMap<Id, Trend>,
    accounts: &[Id],
    from: NaiveDate,
    since: NaiveDate,
) -> QueryResult<()> {
    if accounts.is_empty() {
        return Ok(());
    }
    for (id, day, accepted) in usage::days_of_many(conn, accounts, &since.to_string())? {
        let place = day.parse::<NaiveDate>().ok().and_then(|day| usize::try_from((day - from).num_days()).ok());
        if let Some(count) = place.and_then(|place| trends.get_mut(&id)?.get_mut(place)) {
            *count += accepted;
        }
    }
    Ok(())
}
