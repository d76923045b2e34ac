//! What an account may still ask of the API, on all nodes together: a bucket that fills with time. PostgreSQL only; on
//! SQLite there is one node, which counts in its memory.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};

use super::AnyConnection;
use crate::domain::ids::Id;

/// A bucket's measure: how fast it fills, and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Requests a second.
    pub rate: i64,
    /// Requests.
    pub burst: i64,
}

/// What was taken, and what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct Taken {
    /// Requests.
    #[diesel(sql_type = BigInt)]
    pub granted: i64,
    /// Millionths of requests.
    #[diesel(sql_type = BigInt)]
    pub level: i64,
}

/// Takes up to `wanted` requests of an account at `now`, in microseconds since 1970, in one statement that orders all
/// nodes. A time behind that of another node fills nothing; one that is far behind begins to count anew, so that a
/// clock that was once ahead keeps nobody waiting.
pub fn take(conn: &mut AnyConnection, account: Id, wanted: i64, bucket: Bucket, now: i64) -> QueryResult<Taken> {
    const FULL: &str = "LEAST($3, b.level + LEAST(GREATEST(excluded.filled_at - b.filled_at, 0), 3600000000) * $4)";
    let wanted = wanted.clamp(1, bucket.burst.max(1));
    let query = format!(
        "INSERT INTO rate_buckets AS b (account_id, level, filled_at, granted) VALUES ($1, $3 - $2 * 1000000, $5, $2) \
         ON CONFLICT (account_id) DO UPDATE SET \
         level = {FULL} - LEAST($2, {FULL} / 1000000) * 1000000, granted = LEAST($2, {FULL} / 1000000), \
         filled_at = CASE WHEN b.filled_at > excluded.filled_at + 5000000 THEN excluded.filled_at \
         ELSE GREATEST(b.filled_at, excluded.filled_at) END \
         RETURNING granted, level"
    );
    diesel::sql_query(query)
        .bind::<Binary, _>(account)
        .bind::<BigInt, _>(wanted)
        .bind::<BigInt, _>(bucket.burst.max(1) * 1_000_000)
        .bind::<BigInt, _>(bucket.rate.max(1))
        .bind::<BigInt, _>(now)
        .get_result(conn)
}
