//! What a client sent on each day, what became of it, and the cap that goes with it.

use chrono::Datelike;

use super::calendar::{Calendar, Day, LAST_HOUR};
use super::client::{Client, Part};
use super::random::Random;
use crate::models::counters::Delta;

/// The abusive client is stopped this many days before now.
pub const STOPPED_DAYS_AGO: f64 = 2.0;
/// For this many days before it is stopped, it writes to bought addresses.
const SPREE_DAYS: i64 = 9;
/// The deleted client went this many days before now.
pub const DELETED_DAYS_AGO: f64 = 12.0;

/// A day on which a client sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// Which of the calendar's days.
    pub day: usize,
    pub counts: Delta,
    /// Of the deferred ones, those that still are.
    pub waiting: i64,
}

/// A client's days, oldest first, without those on which nothing happened; and its monthly cap, 0 for none.
pub struct Traffic {
    pub sent: Vec<Sent>,
    pub cap: i64,
    /// Messages that wait at the cap, not counted yet.
    pub held: i64,
}

impl Traffic {
    pub fn of(client: &mut Client, calendar: &Calendar) -> Self {
        let mut wanted: Vec<(usize, i64)> = Vec::new();
        for (index, day) in calendar.days.iter().enumerate() {
            let volume = volume(client, calendar, index, day);
            let volume = client.random.rounded(volume);
            if volume > 0 {
                wanted.push((index, volume));
            }
        }
        let cap = cap(client, calendar, &wanted);
        if cap > 0 {
            hold_to(cap, calendar, &mut wanted);
        }
        let sent = wanted.into_iter().filter(|(_, volume)| *volume > 0);
        let sent = sent.map(|(day, volume)| Sent { day, counts: outcomes(client, calendar, day, volume), waiting: 0 });
        let mut traffic = Self { sent: sent.collect(), cap, held: 0 };
        let used = traffic.by_period(calendar)[calendar.running()].accepted;
        if client.part == Part::AtCap && used == cap {
            traffic.held = client.random.between(8, 14);
        }
        traffic
    }

    /// Leaves up to `most` of what was sent last waiting at a slow destination, where that was yesterday or today, and
    /// messages of that day are kept.
    pub fn put_off(&mut self, calendar: &Calendar, kept_days: i32, most: i64) {
        let Some(last) = self.sent.last_mut() else { return };
        if (calendar.days.len() - last.day) as i32 > kept_days.min(2) {
            return;
        }
        let counts = &mut last.counts;
        last.waiting = most.min(counts.delivered / 2);
        counts.delivered -= last.waiting;
        counts.complained = counts.complained.min(counts.delivered);
        counts.deferred = counts.deferred.min(counts.delivered) + last.waiting;
    }

    /// What happened in each of the calendar's periods.
    #[must_use]
    pub fn by_period(&self, calendar: &Calendar) -> Vec<Delta> {
        let mut periods = vec![Delta::default(); calendar.periods.len()];
        for sent in &self.sent {
            periods[calendar.days[sent.day].period] += sent.counts;
        }
        periods
    }
}

/// How many days before today.
fn days_ago(calendar: &Calendar, index: usize) -> i64 {
    (calendar.days.len() - 1 - index) as i64
}

/// What a client wants to send on a day, before chance rounds it to whole messages.
fn volume(client: &mut Client, calendar: &Calendar, index: usize, day: &Day) -> f64 {
    let ago = days_ago(calendar, index);
    let gone = match client.part {
        Part::Abusive => ago <= STOPPED_DAYS_AGO as i64,
        Part::Deleted => ago <= DELETED_DAYS_AGO as i64,
        _ => false,
    };
    // Of the day alone, so that a day more or less of the calendar changes no other.
    let mut chance = Random::stream(client.id.0.as_u128() as u64, "day", ago as u64);
    let mood = 0.75 + chance.unit() * 0.5;
    if gone || day.start <= client.created_at {
        return 0.0;
    }
    let weekday = day.date.weekday().num_days_from_monday() as usize;
    let rhythm = client.sector.week[weekday];
    let writes = if client.part == Part::Rare { rare_day(client, ago) } else { 1.0 };
    let spree = if client.part == Part::Abusive && ago <= STOPPED_DAYS_AGO as i64 + SPREE_DAYS { 3.5 } else { 1.0 };
    let grown = 1.0 + (client.growth - 1.0) * (1.0 - (ago as f64 / 90.0).min(1.0));
    let today = day.hours as f64 / LAST_HOUR as f64;
    client.usual * rhythm * writes * spree * grown * mood * today
}

/// Rare clients write on one day in fourteen.
fn rare_day(client: &Client, ago: i64) -> f64 {
    if ago % 14 == i64::from(client.id.as_bytes()[15] % 14) { 1.0 } else { 0.0 }
}

fn cap(client: &mut Client, calendar: &Calendar, wanted: &[(usize, i64)]) -> i64 {
    let of_period = |period: usize| -> i64 {
        wanted.iter().filter(|(day, _)| calendar.days[*day].period == period).map(|(_, volume)| volume).sum()
    };
    let running = of_period(calendar.running());
    let most = (0..calendar.periods.len()).map(of_period).max().unwrap_or(0);
    match client.part {
        Part::NearCap => tens(running as f64 / 0.93),
        Part::AtCap => tens(running as f64 * 0.85),
        Part::NoDns => 5_000,
        Part::Ready => (most * 2).max(2_000) / 500 * 500,
        _ if client.random.chance(0.35) => 0,
        _ => ((most as f64 * (1.4 + client.random.unit())) as i64 / 250 + 1) * 250,
    }
}

fn tens(value: f64) -> i64 {
    ((value / 10.0) as i64 * 10).max(10)
}

/// No period goes over the cap: what comes after it is reached was refused.
fn hold_to(cap: i64, calendar: &Calendar, wanted: &mut [(usize, i64)]) {
    let mut used = vec![0; calendar.periods.len()];
    for (day, volume) in wanted {
        let used = &mut used[calendar.days[*day].period];
        *volume = (*volume).min(cap - *used);
        *used += *volume;
    }
}

/// What became of a day's messages: all of them are final. A message that was put off counts as deferred, and as what
/// became of it later.
fn outcomes(client: &mut Client, calendar: &Calendar, day: usize, accepted: i64) -> Delta {
    let random = &mut client.random;
    let spree = days_ago(calendar, day) <= STOPPED_DAYS_AGO as i64 + SPREE_DAYS;
    let (bounces, complaints, suppressions) = match client.part {
        Part::Abusive if spree => (0.16, 0.012, 0.05),
        _ => (0.004 + random.unit() * 0.016, 0.0004, 0.004),
    };
    let share = |random: &mut Random, rate: f64| random.rounded(accepted as f64 * rate);
    let bounced = share(random, bounces).min(accepted);
    let failed = share(random, 0.0008).min(accepted - bounced);
    let delivered = accepted - bounced - failed;
    let deferred = share(random, 0.012).min(delivered);
    let complained = share(random, complaints).min(delivered);
    let suppressed = share(random, suppressions);
    Delta { accepted, delivered, deferred, bounced, failed, suppressed, complained }
}
