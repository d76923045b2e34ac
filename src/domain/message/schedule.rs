//! When a message may first leave and when it is dropped, and how long it is kept.

use chrono::{DateTime, TimeDelta, Utc};

use super::super::instants;
use super::super::refusal::Refusal;
use super::input::{RetentionInput, ScheduleInput};

/// The contract's limits from the request on.
const MAX_FIRST_ATTEMPT_DAYS: i64 = 7;
const MAX_EXPIRES_DAYS: i64 = 8;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    pub first_attempt: Option<DateTime<Utc>>,
    pub expires: Option<DateTime<Utc>>,
}

impl Schedule {
    /// Reads RFC 3339 times, both in the future and within their limits.
    pub fn parse(input: Option<&ScheduleInput>, now: DateTime<Utc>) -> Result<Self, Refusal> {
        let Some(input) = input else { return Ok(Self::default()) };
        let first_attempt =
            time(input.first_attempt.as_deref(), "schedule.first_attempt", MAX_FIRST_ATTEMPT_DAYS, now)?;
        let expires = time(input.expires.as_deref(), "schedule.expires", MAX_EXPIRES_DAYS, now)?;
        if let (Some(first), Some(last)) = (first_attempt, expires)
            && last <= first
        {
            return Err(Refusal::new("schedule.expires: It must be later than schedule.first_attempt."));
        }
        Ok(Self { first_attempt, expires })
    }
}

fn time(text: Option<&str>, field: &str, days: i64, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Refusal> {
    let Some(text) = text else { return Ok(None) };
    let at = instants::instant(text).map_err(|refusal| refusal.at(field))?;
    if at <= now {
        return Err(Refusal::new("The time must be in the future.").at(field));
    }
    if at > now + TimeDelta::days(days) {
        return Err(Refusal::new(format!("The time must be within {days} days.")).at(field));
    }
    Ok(Some(at))
}

/// Days to keep a message; `None` takes the account's setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    pub metadata_days: Option<i64>,
    pub data_days: Option<i64>,
}

impl Retention {
    /// Checks the contract's ranges: metadata 1 to 30, data 0 to 30.
    pub fn parse(input: Option<&RetentionInput>) -> Result<Self, Refusal> {
        let Some(input) = input else { return Ok(Self::default()) };
        Ok(Self {
            metadata_days: days(input.metadata, 1, "retention.metadata")?,
            data_days: days(input.data, 0, "retention.data")?,
        })
    }
}

fn days(value: Option<i64>, min: i64, field: &str) -> Result<Option<i64>, Refusal> {
    match value {
        Some(days) if !(min..=30).contains(&days) => Err(Refusal::new(format!("Use {min} to 30 days.")).at(field)),
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(first: Option<&str>, expires: Option<&str>) -> Result<Schedule, Refusal> {
        let now = "2026-11-24T12:00:00Z".parse().expect("an instant");
        let input = ScheduleInput { first_attempt: first.map(str::to_owned), expires: expires.map(str::to_owned) };
        Schedule::parse(Some(&input), now)
    }

    #[test]
    fn a_schedule_lies_within_its_days() {
        assert!(schedule(Some("2026-12-01T12:00:00Z"), Some("2026-12-02T12:00:00Z")).is_ok());
        assert!(schedule(Some("2026-11-24T14:00:00+01:00"), None).is_ok());
        for (first, expires) in [
            (Some("2026-12-01T12:00:01Z"), None),
            (Some("2026-11-24T12:00:00Z"), None),
            (Some("2026-11-24T12:30:00+01:00"), None),
            (Some("tomorrow"), None),
            (Some("2026-11-25"), None),
            (None, Some("2026-12-02T12:00:01Z")),
            (Some("2026-11-26T00:00:00Z"), Some("2026-11-25T00:00:00Z")),
        ] {
            assert!(schedule(first, expires).is_err(), "{first:?} {expires:?}");
        }
    }

    #[test]
    fn retention_keeps_its_ranges() {
        let of = |metadata, data| Retention::parse(Some(&RetentionInput { metadata, data }));
        assert!(of(Some(1), Some(0)).is_ok() && of(Some(30), Some(30)).is_ok() && of(None, None).is_ok());
        assert!(of(Some(0), None).is_err() && of(Some(31), None).is_err() && of(None, Some(-1)).is_err());
    }
}
