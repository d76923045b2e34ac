//! A sender's days, periods and summary.

use chrono::TimeDelta;

use super::clerk::Clerk;
use super::traffic::Traffic;
use super::{Sender, letters};
use crate::actions::refresh_summary::computed;
use crate::domain::limits::AlertPercents;
use crate::domain::reputation::{self, Rate, Turn};
use crate::models::accounts::Account;
use crate::models::bulk::{UsageDomain, UsageTag};
use crate::models::counters::Counter;
use crate::models::limits::Told;
use crate::models::usage::UsageDay;

impl Clerk<'_> {
    /// Enters a sender's days and periods; answers the running period's counter.
    pub fn ledger(&mut self, sender: &Sender, traffic: &Traffic) -> Option<Counter> {
        for sent in &traffic.sent {
            let day = &self.calendar.days[sent.day];
            let period_id = self.calendar.periods[day.period].id;
            let counts = sent.counts;
            *self.totals.entry(sent.day).or_default() += counts;
            self.rows.usage_days.push(UsageDay {
                account_id: sender.account_id,
                period_id,
                day: day.text.clone(),
                parent_id: self.parent,
                accepted: counts.accepted,
                delivered: counts.delivered,
                deferred: counts.deferred,
                bounced: counts.bounced,
                failed: counts.failed,
                suppressed: counts.suppressed,
                complained: counts.complained,
            });
            self.rows.usage_domains.push(UsageDomain {
                account_id: sender.account_id,
                period_id,
                day: day.text.clone(),
                domain_id: sender.domain_id,
                accepted: counts.accepted,
                delivered: counts.delivered,
                bounced: counts.bounced,
                complained: counts.complained,
            });
            self.rows.usage_tags.push(UsageTag {
                account_id: sender.account_id,
                period_id,
                day: day.text.clone(),
                tag: letters::letter_of(sender, sent.day).tag.into(),
                accepted: counts.accepted,
            });
        }
        self.counters(sender, traffic)
    }

    fn counters(&mut self, sender: &Sender, traffic: &Traffic) -> Option<Counter> {
        let mut running = None;
        for (place, counts) in traffic.by_period(self.calendar).into_iter().enumerate() {
            let sent = traffic.sent.iter().rev().find(|sent| self.calendar.days[sent.day].period == place);
            let Some(sent) = sent else { continue };
            let day = &self.calendar.days[sent.day];
            let last = (day.start + TimeDelta::hours(day.hours)).naive_utc();
            let left = reputation::left(counts.delivered, counts.bounced);
            let warned = |rate: Rate, count| (rate.turn(count, left, false) == Turn::Warn).then_some(last);
            let reached = AlertPercents::default().reached(traffic.cap, counts.accepted);
            let period_id = self.calendar.periods[place].id;
            self.rows.told.extend(reached.into_iter().map(|percent| Told {
                account_id: sender.account_id,
                period_id,
                percent,
                told_at: last,
            }));
            let counter = Counter {
                account_id: sender.account_id,
                period_id: self.calendar.periods[place].id,
                parent_id: self.parent,
                accepted: counts.accepted,
                delivered: counts.delivered,
                deferred: counts.deferred,
                bounced: counts.bounced,
                failed: counts.failed,
                suppressed: counts.suppressed,
                complained: counts.complained,
                last_activity_at: Some(last),
                dirty: false,
                bounces_warned_at: warned(Rate::Bounces, counts.bounced),
                complaints_warned_at: warned(Rate::Complaints, counts.complained),
            };
            running = (place == self.calendar.running()).then(|| counter.clone());
            self.rows.counters.push(counter);
        }
        running
    }

    pub(super) fn summary(&mut self, account: &Account, counter: Option<&Counter>, held: bool) {
        let period = &self.calendar.periods[self.calendar.running()];
        let mut summary = computed(account, self.parent, period, counter, held);
        summary.domain_count = 1;
        let before = self.rows.counters.iter().rev().find(|counter| counter.account_id == account.id);
        summary.last_activity_at = before.and_then(|counter| counter.last_activity_at);
        self.rows.summaries.push(summary);
    }
}
