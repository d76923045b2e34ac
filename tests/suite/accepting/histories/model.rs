//! What the caps of a family mean, as they are told to people: every answer is counted anew from everything that went out.

use std::collections::VecDeque;

use canopy::domain::limits::AtCap;
use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use chrono_tz::Tz;

type At = DateTime<Utc>;

/// What bounds an account.
#[derive(Clone, Debug)]
pub struct Rules {
    pub cap: i64,
    pub at_cap: AtCap,
    pub hold_days: i32,
    pub daily: i64,
    pub hourly: i64,
    pub sends_nothing: bool,
    pub suspended: bool,
}

#[derive(Clone, Debug)]
pub struct Account {
    pub rules: Rules,
    pub deleted: bool,
    /// When how many went out.
    pub out: Vec<(At, i64)>,
    /// When each that waits is given up, the oldest first.
    pub waiting: VecDeque<At>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// Sent or held; the sender is told the same.
    pub taken: i64,
    pub refused: i64,
    pub suspended: bool,
}

/// A parent, the first of its accounts, and its children.
#[derive(Clone, Debug)]
pub struct Model {
    pub zone: Tz,
    pub anchor: u32,
    pub pool: i64,
    pub accounts: Vec<Account>,
}

impl Model {
    pub fn month_of(&self, at: At) -> i64 {
        let local = at.with_timezone(&self.zone);
        i64::from(local.year()) * 12 + i64::from(local.month()) - i64::from(local.day() < self.anchor)
    }

    fn count(account: &Account, same: impl Fn(At) -> bool) -> i64 {
        account.out.iter().filter(|(at, _)| same(*at)).map(|(_, count)| count).sum()
    }

    pub fn in_month(&self, account: usize, now: At) -> i64 {
        Self::count(&self.accounts[account], |at| self.month_of(at) == self.month_of(now))
    }

    pub fn of_pool(&self, now: At) -> i64 {
        (0..self.accounts.len()).map(|account| self.in_month(account, now)).sum()
    }

    fn room(&self, number: usize, now: At) -> i64 {
        let account = &self.accounts[number];
        let rules = &account.rules;
        if rules.sends_nothing {
            return 0;
        }
        let day = |at: At| at.with_timezone(&self.zone).date_naive();
        let hour = |at: At| at.timestamp() / 3600;
        let month = if rules.at_cap == AtCap::Overage { 0 } else { rules.cap };
        let bounds = [
            (month, self.in_month(number, now)),
            (self.pool, self.of_pool(now)),
            (rules.daily, Self::count(account, |at| day(at) == day(now))),
            (rules.hourly, Self::count(account, |at| hour(at) == hour(now))),
        ];
        let left = bounds.iter().filter(|(cap, _)| *cap > 0).map(|(cap, used)| (cap - used).max(0)).min();
        left.unwrap_or(i64::MAX)
    }

    /// Somebody sends to so many at once; all or none of them where that is asked for.
    pub fn send(&mut self, number: usize, now: At, wanted: i64, all_or_none: bool) -> Fate {
        if self.accounts[number].rules.suspended {
            return Fate { suspended: true, ..Fate::default() };
        }
        let room = self.room(number, now);
        let account = &mut self.accounts[number];
        let holds = account.rules.at_cap == AtCap::Hold;
        let goes = match holds {
            true if account.waiting.is_empty() => wanted.min(room),
            true => 0,
            false if all_or_none && room < wanted => 0,
            false => wanted.min(room),
        };
        account.out.push((now, goes));
        if !holds {
            return Fate { taken: goes, refused: wanted - goes, suspended: false };
        }
        let end = now + TimeDelta::days(i64::from(account.rules.hold_days));
        account.waiting.extend((goes..wanted).map(|_| end));
        Fate { taken: wanted, refused: 0, suspended: false }
    }

    /// What waits goes on as far as there is room, the oldest first; whose time is over is given up.
    pub fn release(&mut self, number: usize, now: At) {
        let account = &mut self.accounts[number];
        account.waiting.retain(|end| *end > now);
        if account.rules.suspended || account.deleted {
            return;
        }
        let waits = i64::try_from(account.waiting.len()).expect("few");
        let goes = self.room(number, now).min(waits);
        let account = &mut self.accounts[number];
        account.waiting.drain(..usize::try_from(goes).expect("not negative"));
        account.out.push((now, goes));
    }
}
