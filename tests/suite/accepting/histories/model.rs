//! What the caps of a family mean, as they are told to people: every answer is counted anew from everything that went out.

use std::collections::VecDeque;

use canopy::domain::limits::AtCap;
use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Utc};
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

/// A billing period by its local days.
#[derive(Clone, Copy, Debug)]
struct Month {
    anchor: u32,
    first: NaiveDate,
    /// The first day of the next.
    next: NaiveDate,
    /// How many days it has of how many.
    part: (i64, i64),
}

/// A parent, the first of its accounts, and its children.
#[derive(Clone, Debug)]
pub struct Model {
    pub zone: Tz,
    /// The billing day; it counts from the next period on.
    pub anchor: u32,
    pub pool: i64,
    pub accounts: Vec<Account>,
    month: Month,
}

/// Whether periods begin on a day.
fn begins(anchor: u32, day: NaiveDate) -> bool {
    let last = day.succ_opt().is_some_and(|next| next.day() == 1);
    day.day() == anchor || (last && day.day() < anchor)
}

/// The first day after `day` on which periods begin.
fn next_after(anchor: u32, day: NaiveDate) -> NaiveDate {
    day.iter_days().skip(1).find(|day| begins(anchor, *day)).expect("within a month or so")
}

impl Model {
    pub fn new(zone: Tz, anchor: u32, now: At, accounts: Vec<Account>) -> Self {
        let mut first = now.with_timezone(&zone).date_naive();
        while !begins(anchor, first) {
            first = first.pred_opt().expect("a day before");
        }
        let month = Month { anchor, first, next: next_after(anchor, first), part: (1, 1) };
        Self { zone, anchor, pool: 0, accounts, month }
    }

    /// Goes on to the period of `now`.
    pub fn roll(&mut self, now: At) {
        while now.with_timezone(&self.zone).date_naive() >= self.month.next {
            let (before, first) = (self.month.anchor, self.month.next);
            let next = next_after(self.anchor, first);
            let (days, full) = ((next - first).num_days(), (next_after(before, first) - first).num_days());
            let part = if days < full { (days, full) } else { (1, 1) };
            self.month = Month { anchor: self.anchor, first, next, part };
        }
    }

    pub fn is_short(&self) -> bool {
        self.month.part != (1, 1)
    }

    /// A cap of a month as it is in the running period, rounded up.
    fn of_month(&self, cap: i64) -> i64 {
        let (days, of_days) = self.month.part;
        (cap * days + of_days - 1) / of_days
    }

    fn count(account: &Account, same: impl Fn(At) -> bool) -> i64 {
        account.out.iter().filter(|(at, _)| same(*at)).map(|(_, count)| count).sum()
    }

    pub fn in_month(&self, account: usize, now: At) -> i64 {
        let Month { first, next, .. } = self.month;
        let day = |at: At| at.with_timezone(&self.zone).date_naive();
        debug_assert!((first..next).contains(&day(now)), "rolled");
        Self::count(&self.accounts[account], |at| (first..next).contains(&day(at)))
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
            (self.of_month(month), self.in_month(number, now)),
            (self.of_month(self.pool), self.of_pool(now)),
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
