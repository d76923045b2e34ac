//! When a deferred message is tried again, and when it is given up (RFC 5321 section 4.5.4.1 asks for some days).

use chrono::{DateTime, TimeDelta, Utc};

use super::ids::Id;

/// Waits after the first, second, ... attempt in seconds; the last repeats.
const WAITS: [i64; 8] = [60, 5 * 60, 15 * 60, 30 * 60, 3600, 2 * 3600, 4 * 3600, 8 * 3600];
/// Three days from the time at which the message could first leave.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::days(3);
/// A wait is stretched by up to this share, so that messages deferred together do not come back together.
const JITTER_PER_MILLE: i64 = 100;

/// The longest wait between two attempts.
pub const LONGEST: TimeDelta = TimeDelta::milliseconds(WAITS[WAITS.len() - 1] * (1000 + JITTER_PER_MILLE));

/// When to try again after `attempts` attempts (at least one) that all were deferred. `None` gives up: the next attempt
/// would be later than three days after `due` (when the message could first leave) or not before `expires`.
/// The same message always gets the same answer: the jitter comes from its id.
#[must_use]
pub fn next_attempt(
    id: Id,
    attempts: u32,
    due: DateTime<Utc>,
    expires: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let next = now + wait(id, attempts);
    let in_time = next <= due + GIVE_UP_AFTER && expires.is_none_or(|expires| next < expires);
    in_time.then_some(next)
}

fn wait(id: Id, attempts: u32) -> TimeDelta {
    let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX).min(WAITS.len() - 1);
    let seconds = WAITS[index];
    TimeDelta::milliseconds(seconds * (1000 + spread(id, attempts)))
}

/// 0 to `JITTER_PER_MILLE`, by FNV-1a over the id and the attempt.
fn spread(id: Id, attempts: u32) -> i64 {
    let bytes = id.as_bytes().iter().copied().chain(attempts.to_le_bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    i64::from((hash >> 32) as u32) % (JITTER_PER_MILLE + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn start() -> DateTime<Utc> {
        "2026-11-24T12:00:00Z".parse().expect("an instant")
    }

    fn life(id: Id, expires: Option<DateTime<Utc>>) -> Vec<DateTime<Utc>> {
        let mut attempts = vec![start()];
        while let Some(next) = next_attempt(
            id,
            u32::try_from(attempts.len()).expect("few"),
            start(),
            expires,
            *attempts.last().expect("one"),
        ) {
            attempts.push(next);
        }
        attempts
    }

    #[test]
    fn an_expiry_ends_the_attempts_sooner() {
        let id = Id(Uuid::from_u128(7));
        let expires = start() + TimeDelta::minutes(10);
        assert_eq!(life(id, Some(expires)).len(), 3);
    }

    #[test]
    fn messages_deferred_together_come_back_apart() {
        let seconds = |n| wait(Id(Uuid::from_u128(n)), 4).num_seconds();
        let different: std::collections::BTreeSet<i64> = (0..200).map(seconds).collect();
        assert!(different.len() > 50, "{}", different.len());
    }

    proptest! {
        #[test]
        fn every_message_is_tried_for_about_three_days_and_then_given_up(n in any::<u128>()) {
            let attempts = life(Id(Uuid::from_u128(n)), None);
            prop_assert!((14..=18).contains(&attempts.len()), "{}", attempts.len());
            let last = *attempts.last().expect("one") - start();
            prop_assert!(last > TimeDelta::hours(60) && last <= GIVE_UP_AFTER);
            prop_assert!(attempts.windows(2).all(|pair| pair[1] - pair[0] >= TimeDelta::seconds(60)));
        }
    }
}
