//! An agency's sub accounts in any number, in a moment: written by the database itself, with their summaries, tags,
//! counters and days. One in a thousand suspended, one in fifty near its cap, one in five never active.

use canopy::domain::ids::Id;
use canopy::models::AnyConnection;

/// Whose they are, and the period that they sent in.
#[derive(Clone, Copy, Debug)]
pub struct Agency {
    pub id: Id,
    pub period: Id,
}

/// How many, and how much.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub children: usize,
    /// Days of usage of each, today the last; at least one.
    pub days: u64,
    /// Messages of each on each of these days.
    pub daily: u64,
}

/// How a database makes numbers, ids and times.
pub struct Dialect {
    pub parent: String,
    pub period: String,
    /// The id of number `i`.
    pub id: &'static str,
    /// The numbers from 1 on, as `i`.
    pub numbers: String,
    /// A minute later for each `i`.
    pub at: &'static str,
}

impl Dialect {
    pub fn of(conn: &AnyConnection, agency: Agency, children: usize) -> Self {
        let (parent, period) = (agency.id.0.simple().to_string(), agency.period.0.simple().to_string());
        match conn {
            AnyConnection::Pg(_) => Self {
                parent: format!("decode('{parent}', 'hex')"),
                period: format!("decode('{period}', 'hex')"),
                id: "decode(md5(i::text), 'hex')",
                numbers: format!("(SELECT generate_series(CAST(1 AS BIGINT), {children}) AS i) n"),
                at: "TIMESTAMP '2026-01-01' + i * INTERVAL '1 minute'",
            },
            AnyConnection::Sqlite(_) => Self {
                parent: format!("x'{parent}'"),
                period: format!("x'{period}'"),
                id: "CAST(substr('0000000000000000' || i, -16) AS BLOB)",
                numbers: format!(
                    "(WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < {children}) SELECT i FROM s) n"
                ),
                at: "datetime('2026-01-01', '+' || i || ' minutes')",
            },
        }
    }
}

/// The SQL that writes them; `today` in the agency's time zone.
pub fn sql(conn: &AnyConnection, agency: Agency, size: Size, today: chrono::NaiveDate) -> String {
    let days = (0..size.days).rev().map(|ago| format!("SELECT '{}' AS day", today - chrono::Days::new(ago)));
    let days = days.collect::<Vec<_>>().join(" UNION ALL ");
    let Dialect { parent, period, id, numbers, at } = Dialect::of(conn, agency, size.children);
    let sent = size.daily * size.days;
    let all = size.daily * size.children as u64;
    let daily = size.daily;
    format!(
        "INSERT INTO accounts (id, parent_id, name, name_lower, website, search_text, monthly_credit, created_at, updated_at) \
         SELECT {id}, {parent}, 'Client ' || i, 'client ' || i, 'c' || i || '.example', \
         'client ' || i || ' c' || i || '.example', 50000, {at}, {at} FROM {numbers}; \
         INSERT INTO account_summaries (account_id, parent_id, name_lower, state, cap_state, monthly_credit, period_id, sent, \
         used_permille, delivered, bounced, bounce_ppm, complaint_ppm, domain_count, last_activity_at, created_at) \
         SELECT {id}, {parent}, 'client ' || i, CASE WHEN i % 1000 = 0 THEN 'suspended' ELSE 'active' END, \
         CASE WHEN i % 50 = 0 THEN 'near' ELSE 'under' END, 50000, {period}, (i * 7919) % 50000, (i * 31) % 1000, \
         (i * 7919) % 50000 * 98 / 100, (i * 17) % 400, (i * 17) % 20100, (i * 13) % 1005, i % 7, \
         CASE WHEN i % 5 = 0 THEN NULL ELSE {at} END, {at} FROM {numbers}; \
         INSERT INTO account_tags (account_id, tag, parent_id) \
         SELECT {id}, CASE WHEN i % 100 = 0 THEN 'vip' WHEN i % 9 = 0 THEN 'hotels' ELSE 'shops' END, {parent} \
         FROM {numbers} WHERE i % 3 = 0 OR i % 100 = 0; \
         INSERT INTO counters (account_id, period_id, parent_id, accepted, delivered, bounced, dirty) \
         SELECT {id}, {period}, {parent}, {sent}, {sent} - {sent} / 50, {sent} / 100, FALSE FROM {numbers}; \
         INSERT INTO usage_days (account_id, period_id, day, parent_id, accepted, delivered, bounced) \
         SELECT {id}, {period}, day, {parent}, {daily}, {daily} - {daily} / 50, {daily} / 100 FROM {numbers} CROSS JOIN ({days}) d; \
         INSERT INTO usage_totals (parent_id, day, period_id, accepted, delivered, bounced) \
         SELECT {parent}, day, {period}, {all}, {all} - {all} / 50, {all} / 100 FROM ({days}) d; \
         ANALYZE;"
    )
}
