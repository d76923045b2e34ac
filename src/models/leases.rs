//! Leases: work that must run on one node at a time.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use diesel::sql_types::{Binary, Text, Timestamp};

use super::AnyConnection;
use super::kept::kept;
use crate::domain::clocks::farthest;
use crate::domain::ids::Id;

/// Takes or renews the lease `name` for `owner` until `until`; answers whether `owner` holds it. One that ends later
/// than its holder can have meant was taken by a clock that was ahead, and is as good as over.
pub fn take(
    conn: &mut AnyConnection,
    name: &str,
    owner: Id,
    now: NaiveDateTime,
    until: NaiveDateTime,
) -> QueryResult<bool> {
    let rows = kept(
        "INSERT INTO leases (name, owner, until_at) VALUES ($1, $2, $3) \
         ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until_at = excluded.until_at \
         WHERE leases.owner = excluded.owner OR leases.until_at <= $4 OR leases.until_at > $5",
    )
    .bind::<Text, _>(name)
    .bind::<Binary, _>(owner)
    .bind::<Timestamp, _>(until)
    .bind::<Timestamp, _>(now)
    .bind::<Timestamp, _>(farthest(until, TimeDelta::zero()))
    .execute(conn)?;
    Ok(rows > 0)
}
