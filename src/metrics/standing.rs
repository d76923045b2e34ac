//! How things stand: what the database knows of the whole installation, and this node's connections to it. Set when
//! somebody asks, and never older than the asker allows.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use prometheus::{Error, Gauge, IntGauge, IntGaugeVec};

use super::Makes;

/// What waits in one state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Depth {
    pub state: &'static str,
    pub messages: i64,
    /// Seconds since the oldest was accepted; 0 without one.
    pub oldest: f64,
}

/// An account in its running period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rates {
    pub account: String,
    pub delivered: i64,
    pub bounced: i64,
    pub complained: i64,
}

/// What is known of the installation.
pub struct Standing {
    database_up: IntGauge,
    read_at: Gauge,
    connections: IntGaugeVec,
    messages: IntGaugeVec,
    oldest: prometheus::GaugeVec,
    overdue: Gauge,
    lease_until: Gauge,
    unclosed: IntGauge,
    delivered: IntGaugeVec,
    bounced: IntGaugeVec,
    complained: IntGaugeVec,
    /// When somebody last set out to read.
    asked_at: Mutex<Option<DateTime<Utc>>>,
}

const STATES: &[&str] = &["state"];
const ACCOUNT: &[&str] = &["account"];

impl Standing {
    pub(super) fn new(made: &Makes) -> Result<Self, Error> {
        let oldest = prometheus::GaugeVec::new(
            super::opts("queue_oldest_seconds", "Age of the oldest message of a state, since it was accepted"),
            STATES,
        )?;
        Ok(Self {
            database_up: made.count("database_up", "1 while the database answers, 0 when it did not")?,
            read_at: made.gauge("standing_read_time_seconds", "When the database was last read for these figures")?,
            connections: made.gauges(
                "database_connections",
                "This node's pooled connections: in use, idle, and the most there may be",
                STATES,
            )?,
            messages: made.gauges(
                "queue_messages",
                "Messages of the installation that wait, by state; counted up to 100000",
                STATES,
            )?,
            oldest: made.registered(oldest)?,
            overdue: made.gauge(
                "queue_overdue_seconds",
                "How long the account that is due longest has waited for its turn; accounts on hold are not due",
            )?,
            lease_until: made.gauge(
                "leader_lease_until_seconds",
                "Until when a node holds the lease of housekeeping, in seconds since 1970; 0 before the first",
            )?,
            unclosed: made.count(
                "billing_periods_unclosed",
                "Parent accounts whose newest billing period ended more than 62 days ago by this node's clock: it stays open",
            )?,
            delivered: made.gauges(
                "account_delivered",
                "Delivered in the running period, of watched accounts",
                ACCOUNT,
            )?,
            bounced: made.gauges("account_bounced", "Bounced in the running period, of watched accounts", ACCOUNT)?,
            complained: made.gauges(
                "account_complained",
                "Complaints in the running period, of watched accounts",
                ACCOUNT,
            )?,
            asked_at: Mutex::default(),
        })
    }

    /// Whether the database is to be read again: the first who asks within `every` is told so, and no other.
    pub fn is_due(&self, now: DateTime<Utc>, every: TimeDelta) -> bool {
        let mut asked_at = self.asked_at.lock().unwrap_or_else(PoisonError::into_inner);
        let due = asked_at.is_none_or(|at| now - at >= every || now < at);
        if due {
            *asked_at = Some(now);
        }
        due
    }

    /// What is true of this node's connections now.
    pub fn connections(&self, busy: u32, idle: u32, most: u32) {
        for (state, count) in [("busy", busy), ("idle", idle), ("most", most)] {
            self.connections.with_label_values(&[state]).set(i64::from(count));
        }
    }

    /// Sets what was read at `at` (seconds since 1970); accounts that are no longer watched go.
    pub fn set(&self, at: f64, depths: &[Depth], overdue: f64, lease_until: f64, accounts: &[Rates]) {
        self.database_up.set(1);
        self.read_at.set(at);
        self.overdue.set(overdue);
        self.lease_until.set(lease_until);
        for depth in depths {
            self.messages.with_label_values(&[depth.state]).set(depth.messages);
            self.oldest.with_label_values(&[depth.state]).set(depth.oldest);
        }
        for family in [&self.delivered, &self.bounced, &self.complained] {
            family.reset();
        }
        for rates in accounts {
            self.delivered.with_label_values(&[&rates.account]).set(rates.delivered);
            self.bounced.with_label_values(&[&rates.account]).set(rates.bounced);
            self.complained.with_label_values(&[&rates.account]).set(rates.complained);
        }
    }

    /// How many parents' newest billing period ended so long ago that no other follows it.
    pub fn unclosed(&self, parents: usize) {
        self.unclosed.set(i64::try_from(parents).unwrap_or(i64::MAX));
    }

    /// The database did not answer: what was read before is no longer told.
    pub fn unknown(&self) {
        self.database_up.set(0);
        for family in [&self.messages, &self.delivered, &self.bounced, &self.complained] {
            family.reset();
        }
        self.oldest.reset();
        self.overdue.set(f64::NAN);
    }
}
