//! One line of the list, as it is shown.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use chrono_tz::Tz;

use crate::actions::ActionResult;
use crate::domain::ids::Id;
use crate::domain::number::NumberStyle;
use crate::models::AnyConnection;
use crate::models::sub_account_list::{Line, Page};
use crate::models::trends::{Trend, Trends};
use crate::web::chart::{Meter, Sparkline};
use crate::web::format::{self, When};
use crate::web::glance::Glance;

/// One sub account.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: Id,
    pub name: String,
    pub website: String,
    pub external_id: String,
    /// Class and word of its state.
    pub class: &'static str,
    pub state: &'static str,
    pub meter: Meter,
    pub trend: Sparkline,
    pub bounces: String,
    pub bounce_tone: &'static str,
    pub complaints: String,
    pub complaint_tone: &'static str,
    pub domains: i64,
    /// "not set" without a plan.
    pub cost: String,
    /// The same without its currency.
    pub cost_amount: String,
    pub activity: Option<When>,
    pub deleted: Option<When>,
    pub sent: i64,
    /// What its rates are of.
    pub left: u64,
    /// As it is set; the meter has what is in force in a short period.
    pub cap: i64,
    pub created: chrono::NaiveDate,
}

impl Row {
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.class == "held"
    }

    /// The cap as the edit field shows it.
    #[must_use]
    pub fn cap_text(&self, numbers: NumberStyle) -> String {
        if self.cap == 0 { String::new() } else { numbers.whole(self.cap) }
    }
}

/// When, where and by whom the list is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub now: NaiveDateTime,
    pub tz: Tz,
    pub numbers: NumberStyle,
}

/// The rows of a page, in its order. Without `trends` their sparklines stay flat: an export needs none.
///
/// # Errors
/// Only the database's.
pub fn rows(
    conn: &mut AnyConnection,
    page: Page,
    glance: &Glance,
    seen: Seen,
    trends: Option<&Trends>,
) -> ActionResult<Vec<Row>> {
    let open: Vec<_> = page.rows.iter().map(|line| (line.account_id, line.open_days)).collect();
    let days = match trends {
        Some(trends) => trends.of(conn, &open, glance.today)?,
        None => HashMap::new(),
    };
    let shown = |line: Line| {
        let trend = trend(days.get(&line.account_id));
        row(line, trend, glance, seen)
    };
    Ok(page.rows.into_iter().map(shown).collect())
}

fn trend(days: Option<&Trend>) -> Sparkline {
    let counts = days.map(|days| days.map(i64::unsigned_abs));
    Sparkline::new(counts.as_ref().map_or(&[], |counts| counts.as_slice()))
}

fn row(line: Line, trend: Sparkline, glance: &Glance, seen: Seen) -> Row {
    // A row that was last written in an older period: nothing was sent in this one.
    let current = line.period_id.is_some() && line.period_id == glance.period_id;
    let count = |value: i64| if current { value.unsigned_abs() } else { 0 };
    let sent = count(line.sent);
    let cap = glance.part.cap(line.monthly_credit);
    let meter = Meter::new(sent, (cap > 0).then_some(cap.unsigned_abs()));
    let meter = meter.written_in(seen.numbers);
    let (class, state) = state(&line, &meter, line.deleted_at.is_some());
    let left = count(crate::domain::reputation::left(line.delivered, line.bounced));
    let rate = |part: i64, warn: u64, bad: u64| {
        let part = count(part);
        let ppm = part.saturating_mul(1_000_000).checked_div(left).unwrap_or(0);
        let tone = if ppm > bad {
            "bad"
        } else if ppm > warn {
            "warn"
        } else {
            ""
        };
        (format::percent_in(seen.numbers, part, left), if left == 0 { "none" } else { tone })
    };
    let (bounces, bounce_tone) = rate(line.bounced, 20_000, 50_000);
    let (complaints, complaint_tone) = rate(line.complained, 1_000, 3_000);
    let when = |at| When::new(at, seen.now, seen.tz);
    let sent_signed = if current { line.sent } else { 0 };
    let cost = glance.share(sent_signed);
    Row {
        id: line.account_id,
        name: line.name,
        website: line.website,
        external_id: line.external_id.unwrap_or_default(),
        class,
        state,
        meter,
        trend,
        bounces,
        bounce_tone,
        complaints,
        complaint_tone,
        domains: line.domain_count,
        cost: seen.numbers.shown(format::or_not_set(cost)),
        cost_amount: cost.map_or_else(|| format::NOT_SET.to_owned(), |money| money.to_decimal().to_string()),
        activity: line.last_activity_at.map(when),
        deleted: line.deleted_at.map(when),
        sent: sent_signed,
        left,
        cap: line.monthly_credit,
        created: format::local_date(line.created_at, seen.tz),
    }
}

/// Being on hold is told before being at a cap: it is what stops the mail.
fn state(line: &Line, meter: &Meter, deleted: bool) -> (&'static str, &'static str) {
    match (line.state.as_str(), meter.tone()) {
        _ if deleted => ("off", "Deleted"),
        ("suspended", _) => ("held", "Suspended"),
        (_, "ba") => ("full", "At cap"),
        (_, "wa") => ("near", "Near cap"),
        _ => ("active", "Active"),
    }
}
