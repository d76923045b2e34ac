//! Members of the parent are told when a cap is 80 % used and when it is reached: once per crossing.

use chrono::{DateTime, Utc};

use super::group::Sender;
use crate::actions::error::ActionResult;
use crate::actions::notify;
use crate::actions::services::Services;
use crate::domain::cap::{MonthlyCap, Threshold, crossed};
use crate::models::{AnyConnection, counters};

/// Writes the mails of the thresholds that this group's grants crossed.
pub fn on_crossing(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    services: &Services,
    sender: &Sender,
) -> ActionResult<()> {
    let Ok(cap) = MonthlyCap::new(sender.account.monthly_credit) else { return Ok(()) };
    let passed = crossed(cap, sender.used_before, sender.used);
    if passed.is_empty() {
        return Ok(());
    }
    let Some(counter) = counters::find(conn, sender.account.id, sender.period.id)? else { return Ok(()) };
    let fresh = |threshold: Threshold| match threshold {
        Threshold::P80 => counter.alerted_80_at.is_none(),
        Threshold::P100 => counter.alerted_100_at.is_none(),
    };
    for threshold in passed.iter().copied().filter(|threshold| fresh(*threshold)) {
        notify::cap_crossed(
            conn,
            now,
            services,
            &sender.account,
            threshold,
            sender.used,
            sender.period.end_at.and_utc(),
        )?;
    }
    let at = Some(now.naive_utc());
    let told = |threshold: Threshold, before| if passed.contains(&threshold) { at } else { before };
    counters::set_alerts(
        conn,
        sender.account.id,
        sender.period.id,
        told(Threshold::P80, counter.alerted_80_at),
        told(Threshold::P100, counter.alerted_100_at),
    )?;
    Ok(())
}
