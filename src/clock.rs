//! The clock, passed in: tests step it, and the program reads the time nowhere else.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Timelike, Utc};

/// UTC to the microsecond: PostgreSQL keeps no more, so SQLite must not either.
#[derive(Default)]
pub struct Clock {
    /// Microseconds that tests have stepped it by.
    offset: AtomicI64,
}

impl Clock {
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    pub fn now(&self) -> DateTime<Utc> {
        truncated(Utc::now() + TimeDelta::microseconds(self.offset.load(Ordering::Relaxed)))
    }

    /// Steps the clock forward (or back). For tests.
    pub fn step(&self, by: TimeDelta) {
        self.offset.fetch_add(by.num_microseconds().unwrap_or(0), Ordering::Relaxed);
    }
}

fn truncated(at: DateTime<Utc>) -> DateTime<Utc> {
    at.with_nanosecond(at.nanosecond() / 1000 * 1000).unwrap_or(at)
}
