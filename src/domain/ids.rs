//! Identifiers: UUIDv7, so that they sort by creation (RFC 9562, section 5.7).

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::{NoContext, Timestamp, Uuid};

/// The id of any row. Stored as 16 bytes; shown hyphenated in lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(pub Uuid);

impl Id {
    /// A fresh id that sorts at `now`.
    #[must_use]
    pub fn new(now: DateTime<Utc>) -> Self {
        let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
        Self(Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos())))
    }

    /// The id that sorts before every other made in the millisecond of `at`, or later.
    #[must_use]
    pub fn first_at(at: DateTime<Utc>) -> Self {
        let milliseconds = u128::try_from(at.timestamp_millis()).unwrap_or(0);
        Self(Uuid::from_u128(milliseconds << 80))
    }

    /// When it was made, to the millisecond; 1970 for one that does not say.
    #[must_use]
    pub fn made_at(self) -> DateTime<Utc> {
        let (seconds, nanos) = self.0.get_timestamp().map_or((0, 0), |made| made.to_unix());
        DateTime::from_timestamp(i64::try_from(seconds).unwrap_or(0), nanos).unwrap_or_default()
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for Id {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_id_of_an_instant_parts_what_came_before_from_what_came_after() {
        let at = |millis| DateTime::from_timestamp_millis(millis).expect("an instant");
        let (before, then) = (Id::new(at(1_790_000_000_122)), Id::new(at(1_790_000_000_123)));
        let first = Id::first_at(at(1_790_000_000_123));
        assert!(before < first && first < then);
        assert_eq!(Id::first_at(at(-1)), Id::first_at(at(0)), "there was nothing before 1970");
    }
}
