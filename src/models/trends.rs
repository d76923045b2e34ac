//! Thirty days of many accounts, for the lines of a list page. What an account accepted on a day that is over does not
//! change any more, so a node keeps those days, and only what may not be over comes with each page.

use std::collections::HashMap;

use chrono::{Days, NaiveDate, NaiveDateTime, Timelike};
use diesel::prelude::*;
use parking_lot::Mutex;

use super::{AnyConnection, usage};
use crate::domain::ids::Id;

/// Days of a trend, today included.
pub const DAYS: usize = 30;
/// Days at its end that may not be over.
const OPEN: usize = 2;

/// What was accepted on the days that are not over, today first; `None` for one that is.
pub type OpenDays = [Option<i64>; OPEN];

/// The days that are not over at `local`, today first. A transaction that began before midnight may commit after it, so
/// yesterday is over an hour later.
#[must_use]
pub fn open_days(local: NaiveDateTime) -> Vec<String> {
    let today = local.date();
    let yesterday = today.pred_opt().filter(|_| local.hour() == 0);
    std::iter::once(today).chain(yesterday).map(|day| day.to_string()).collect()
}

/// Accounts whose days are kept, at a few hundred bytes each.
const KEPT: usize = 20_000;

/// The days of one account, the oldest first.
pub type Trend = [i64; DAYS];

#[derive(Clone, Copy)]
struct Kept {
    from: NaiveDate,
    /// Its last day but one was over when it was read.
    settled: bool,
    counts: Trend,
}

/// What a node remembers.
#[derive(Default)]
pub struct Trends(Mutex<HashMap<Id, Kept>>);

impl Trends {
    /// What each of `accounts`, given with its open days, accepted on each of the thirty days up to `today`.
    ///
    /// # Errors
    /// Only the database's.
    pub fn of(
        &self,
        conn: &mut AnyConnection,
        accounts: &[(Id, OpenDays)],
        today: NaiveDate,
    ) -> QueryResult<HashMap<Id, Trend>> {
        let from = today.checked_sub_days(Days::new(DAYS as u64 - 1)).unwrap_or(today);
        let mut found = self.known(accounts, from);
        let unknown: Vec<&(Id, OpenDays)> = accounts.iter().filter(|(id, _)| !found.contains_key(id)).collect();
        add(conn, &mut found, &unknown.iter().map(|(id, _)| *id).collect::<Vec<_>>(), from)?;
        self.keep(&unknown, &found, from);
        for (id, open) in accounts {
            let counts = found.entry(*id).or_insert([0; DAYS]);
            for (count, open) in counts.iter_mut().rev().zip(open) {
                *count = open.unwrap_or(*count);
            }
        }
        Ok(found)
    }

    /// The days that are over, of those accounts that are kept with the same first day.
    fn known(&self, accounts: &[(Id, OpenDays)], from: NaiveDate) -> HashMap<Id, Trend> {
        let known = self.0.lock();
        let fresh = |(id, open): &(Id, OpenDays)| {
            let kept = known.get(id).filter(|kept| kept.from == from && (kept.settled || open[1].is_some()))?;
            Some((*id, kept.counts))
        };
        accounts.iter().filter_map(fresh).collect()
    }

    fn keep(&self, accounts: &[&(Id, OpenDays)], found: &HashMap<Id, Trend>, from: NaiveDate) {
        let mut known = self.0.lock();
        if known.len() + accounts.len() > KEPT {
            known.clear();
        }
        for (id, open) in accounts {
            let counts = found.get(id).copied().unwrap_or([0; DAYS]);
            known.insert(*id, Kept { from, settled: open[1].is_none(), counts });
        }
    }
}

/// Adds the days of `accounts` to trends that begin with `from`.
fn add(conn: &mut AnyConnection, trends: &mut HashMap<Id, Trend>, accounts: &[Id], from: NaiveDate) -> QueryResult<()> {
    if accounts.is_empty() {
        return Ok(());
    }
    for (id, day, accepted) in usage::days_of_many(conn, accounts, &from.to_string())? {
        let place = day.parse::<NaiveDate>().ok().and_then(|day| usize::try_from((day - from).num_days()).ok());
        if let Some(count) = place.and_then(|place| trends.entry(id).or_insert([0; DAYS]).get_mut(place)) {
            *count += accepted;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        text.parse().expect("an instant")
    }

    #[test]
    fn yesterday_is_over_an_hour_after_midnight() {
        assert_eq!(open_days(at("2026-11-24T00:59:59")), ["2026-11-24", "2026-11-23"]);
        assert_eq!(open_days(at("2026-11-24T01:00:00")), ["2026-11-24"]);
        assert_eq!(open_days(at("2026-03-01T00:00:00")), ["2026-03-01", "2026-02-28"]);
    }

    #[test]
    fn what_was_kept_while_yesterday_was_open_is_read_again_when_it_is_over() {
        let (trends, id) = (Trends::default(), Id::new(chrono::DateTime::UNIX_EPOCH));
        let from = at("2026-11-24T00:00:00").date();
        let (early, later): ((Id, OpenDays), (Id, OpenDays)) = ((id, [Some(1), Some(5)]), (id, [Some(1), None]));
        trends.keep(&[&early], &HashMap::new(), from);
        assert_eq!(trends.known(&[early], from).len(), 1);
        assert_eq!(trends.known(&[later], from).len(), 0);
        trends.keep(&[&later], &HashMap::from([(id, [7; DAYS])]), from);
        assert_eq!(trends.known(&[later], from), HashMap::from([(id, [7; DAYS])]));
        assert_eq!(trends.known(&[later], from.succ_opt().expect("a day")).len(), 0);
    }
}
