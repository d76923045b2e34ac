//! Letters to the operator that were passed on within the last hour, by whichever node: thirty places, a row each.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use diesel::sql_types::Timestamp;

use super::AnyConnection;
use super::kept::kept;

/// How long a letter takes its place.
const FOR: TimeDelta = TimeDelta::hours(1);
/// Times that a place is looked for: another node may take the one that was found.
const TRIES: usize = 4;

/// Takes a place at `now`; answers whether there was one. A place that was taken far ahead of now was taken by a clock
/// that was wrong, and is free.
pub fn take(conn: &mut AnyConnection, now: NaiveDateTime) -> QueryResult<bool> {
    const TAKE: &str = "UPDATE operator_letters SET passed_at = $1 WHERE place = (SELECT place FROM operator_letters \
                        WHERE passed_at <= $2 OR passed_at > $3 ORDER BY passed_at, place LIMIT 1) \
                        AND (passed_at <= $2 OR passed_at > $3)";
    for _ in 0..TRIES {
        let rows = kept(TAKE)
            .bind::<Timestamp, _>(now)
            .bind::<Timestamp, _>(now - FOR)
            .bind::<Timestamp, _>(now + FOR)
            .execute(conn)?;
        if rows > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}
