//! An agency of any size in a moment: its sub accounts, their summaries, tags, counters and days, written by the
//! database itself. One in a thousand suspended, one in fifty near its cap, one in five never active.

use canopy::actions::ensure_period::ensure_period;
use canopy::actions::set_plan::set_plan;
use canopy::domain::ids::Id;
use canopy::domain::money::Currency;
use canopy::domain::rating::{Plan, Tier};
use canopy::models::AnyConnection;
use canopy::models::accounts::{self, Account};
use canopy::secrets;
use diesel::connection::SimpleConnection as _;

use crate::World;
use crate::support::rows;

pub const EMAIL: &str = "owner@bench.example";
pub const PASSWORD: &str = "correct horse battery staple";

/// What there is now.
#[derive(Clone, Copy)]
pub struct Agency {
    pub id: Id,
    pub period: Id,
}

/// What is wanted.
#[derive(Clone, Copy)]
pub struct Size {
    pub children: usize,
    /// Days of usage for each, today the last.
    pub days: u64,
    /// Messages of each on each of these days.
    pub daily: u64,
}

/// Writes it.
pub fn agency(world: &World, size: Size) -> Agency {
    let hash = secrets::hash_password(PASSWORD);
    let agency = world.write(|conn, cx| {
        let mut account = Account::new(Id::new(cx.now), None, "Bench", "bench.example", cx.at());
        let owner = rows::person(conn, cx, EMAIL, &hash)?;
        account.owner_id = Some(owner);
        accounts::insert(conn, &account)?;
        rows::join(conn, cx, account.id, owner, "owner")?;
        set_plan(conn, cx, account.id, plan())?;
        Ok(Agency { id: account.id, period: ensure_period(conn, account.id, cx.now)?.id })
    });
    let today = world.app.clock.now().date_naive();
    let days: Vec<String> = (0..size.days).rev().map(|ago| (today - chrono::Days::new(ago)).to_string()).collect();
    world.write(|conn, _| Ok(conn.batch_execute(&sql(conn, agency, size, &days))?));
    agency
}

fn plan() -> Plan {
    let tiers = vec![
        Tier { up_to: Some(1_000_000), micros_per_thousand: 400_000 },
        Tier { up_to: None, micros_per_thousand: 250_000 },
    ];
    Plan { currency: Currency::parse("EUR").expect("a currency"), monthly_fee_minor: 49_900, included: 100_000, tiers }
}

/// How a database makes numbers, ids and times.
struct Dialect {
    parent: String,
    period: String,
    id: &'static str,
    numbers: String,
    at: &'static str,
}

impl Dialect {
    fn of(conn: &AnyConnection, agency: Agency, children: usize) -> Self {
        let (parent, period) = (agency.id.0.simple().to_string(), agency.period.0.simple().to_string());
        match conn {
            AnyConnection::Pg(_) => Self {
                parent: format!("decode('{parent}', 'hex')"),
                period: format!("decode('{period}', 'hex')"),
                id: "decode(md5(i::text), 'hex')",
                numbers: format!("(SELECT generate_series(1, {children}) AS i) n"),
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

fn sql(conn: &AnyConnection, agency: Agency, size: Size, days: &[String]) -> String {
    let Dialect { parent, period, id, numbers, at } = Dialect::of(conn, agency, size.children);
    let sent = size.daily * size.days;
    let daily = size.daily;
    let days = days.iter().map(|day| format!("SELECT '{day}' AS day")).collect::<Vec<_>>().join(" UNION ALL ");
    let children = size.children;
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
         SELECT {id}, {period}, {parent}, {sent}, {sent} * 98 / 100, {sent} / 100, FALSE FROM {numbers}; \
         INSERT INTO usage_days (account_id, period_id, day, parent_id, accepted, delivered, bounced) \
         SELECT {id}, {period}, day, {parent}, {daily}, {daily} * 98 / 100, {daily} / 100 FROM {numbers} CROSS JOIN ({days}) d; \
         INSERT INTO usage_totals (parent_id, day, accepted, delivered, bounced) \
         SELECT {parent}, day, {daily} * {children}, {daily} * {children} * 98 / 100, {daily} * {children} / 100 FROM ({days}) d; \
         ANALYZE;"
    )
}
