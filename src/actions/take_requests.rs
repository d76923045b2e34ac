//! The API requests that an account may make, taken by a node for the next of them, out of what all nodes share.

use chrono::{DateTime, Utc};

use super::error::ActionResult;
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::rate_buckets::{self, Bucket, Taken};

/// Takes up to `wanted`.
///
/// # Errors
/// Only the database's.
pub fn take_requests(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    account: Id,
    wanted: i64,
    bucket: Bucket,
) -> ActionResult<Taken> {
    Ok(rate_buckets::take(conn, account, wanted, bucket, now.timestamp_micros())?)
}
