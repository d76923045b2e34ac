//! The MTA-STS policies of recipients' domains that were fetched (RFC 8461), for all nodes: one a domain.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use diesel::sql_types::{Text, Timestamp};

use super::AnyConnection;
use super::schema::mta_sts_policies;
use crate::domain::clocks::farthest;

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = mta_sts_policies)]
pub struct StoredPolicy {
    pub domain: String,
    /// Of the DNS record that led to it.
    pub policy_id: String,
    /// `enforce`, `testing` or `none`.
    pub mode: String,
    /// Patterns, with a space between them.
    pub mx: String,
    pub fetched_at: NaiveDateTime,
    pub expires_at: NaiveDateTime,
}

/// What a domain's policy is at `now`, if one was fetched that still counts. One that was fetched by a clock far ahead is
/// fetched anew: nobody knows how long it lasts.
pub fn find(conn: &mut AnyConnection, domain: &str, now: NaiveDateTime) -> QueryResult<Option<StoredPolicy>> {
    let live = mta_sts_policies::table
        .find(domain)
        .filter(mta_sts_policies::expires_at.gt(now))
        .filter(mta_sts_policies::fetched_at.le(farthest(now, TimeDelta::zero())));
    live.select(StoredPolicy::as_select()).first(conn).optional()
}

/// Takes the place of what was known of the domain, unless another node has fetched later.
pub fn keep(conn: &mut AnyConnection, policy: &StoredPolicy) -> QueryResult<()> {
    diesel::sql_query(
        "INSERT INTO mta_sts_policies (domain, policy_id, mode, mx, fetched_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (domain) DO UPDATE SET policy_id = excluded.policy_id, mode = excluded.mode, mx = excluded.mx, \
         fetched_at = excluded.fetched_at, expires_at = excluded.expires_at \
         WHERE mta_sts_policies.fetched_at <= excluded.fetched_at OR mta_sts_policies.fetched_at > $7",
    )
    .bind::<Text, _>(&policy.domain)
    .bind::<Text, _>(&policy.policy_id)
    .bind::<Text, _>(&policy.mode)
    .bind::<Text, _>(&policy.mx)
    .bind::<Timestamp, _>(policy.fetched_at)
    .bind::<Timestamp, _>(policy.expires_at)
    .bind::<Timestamp, _>(farthest(policy.fetched_at, TimeDelta::zero()))
    .execute(conn)
    .map(drop)
}

/// Removes up to `limit` policies that are over.
pub fn purge(conn: &mut AnyConnection, now: NaiveDateTime, limit: i64) -> QueryResult<usize> {
    let over = mta_sts_policies::table.filter(mta_sts_policies::expires_at.le(now));
    let over = over.order(mta_sts_policies::expires_at).limit(limit).select(mta_sts_policies::domain);
    let over: Vec<String> = over.load(conn)?;
    if over.is_empty() {
        return Ok(0);
    }
    diesel::delete(mta_sts_policies::table.filter(mta_sts_policies::domain.eq_any(over))).execute(conn)
}
