//! Members of the parent are told when chosen shares of a cap, or of the pool, are used: once per crossing.

use chrono::{DateTime, Utc};

use super::bounds::Pool;
use super::group::Sender;
use crate::actions::error::ActionResult;
use crate::actions::notify_cap::{self, Crossing};
use crate::actions::services::Services;
use crate::domain::ids::Id;
use crate::domain::limits::AlertPercents;
use crate::models::limits::{self, Told};
use crate::models::{AnyConnection, accounts};

/// Writes the mails of the shares of a monthly cap that this transaction's grants crossed.
pub fn on_crossing(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    services: &Services,
    sender: &Sender,
) -> ActionResult<()> {
    let (cap, alerts) = (sender.bounds.cap.value(), &sender.bounds.limits.alerts);
    let used = (sender.used_before, sender.bounds.used.month);
    for percent in fresh(conn, now, (sender.account.id, sender.period.id), (cap, alerts), used)? {
        let crossing = Crossing {
            percent,
            cap,
            used: used.1,
            resets_at: sender.period.end_at.and_utc(),
            at_cap: sender.bounds.limits.at_cap,
        };
        notify_cap::of_account(conn, now, services, &sender.account, &crossing)?;
    }
    Ok(())
}

/// The same for the pool of a parent.
pub fn on_pool_crossing(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    services: &Services,
    pool: &Pool,
) -> ActionResult<()> {
    let used = (pool.used_before, pool.used);
    let crossed = fresh(conn, now, (pool.parent, pool.period.id), (pool.cap, &pool.alerts), used)?;
    if crossed.is_empty() {
        return Ok(());
    }
    let Some(parent) = accounts::find(conn, pool.parent)? else { return Ok(()) };
    for percent in crossed {
        notify_cap::of_pool(
            conn,
            now,
            services,
            &parent,
            (percent, pool.cap, pool.used),
            pool.period.end_at.and_utc(),
        )?;
    }
    Ok(())
}

/// The percents that going from the first to the second use crosses, and that were not told in the period.
fn fresh(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    (account_id, period_id): (Id, Id),
    (cap, alerts): (i64, &AlertPercents),
    (before, after): (i64, i64),
) -> ActionResult<Vec<i32>> {
    let known = alerts.reached(cap, before);
    let mut fresh = Vec::new();
    for percent in alerts.reached(cap, after).into_iter().filter(|percent| !known.contains(percent)) {
        if limits::tell(conn, &Told { account_id, period_id, percent, told_at: now.naive_utc() })? {
            fresh.push(percent);
        }
    }
    Ok(fresh)
}
