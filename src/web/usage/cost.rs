//! The pooled bill of a period: the facts on top of the page, and its lines.

use super::bill::{Line, shown};
use super::load::Loaded;
use crate::domain::money::Money;
use crate::domain::rating::rate;
use crate::web::format::{self, NOT_SET};

/// Money of a period, for whoever may see it.
pub struct Cost {
    /// The bill's total, or "not set".
    pub total: String,
    /// Under it.
    pub note: String,
    /// `None` while no plan says what is included.
    pub included: Option<(String, String)>,
    /// What the period will likely cost, and the band of 80 %.
    pub forecast: Option<(String, String)>,
    pub lines: Vec<Line>,
}

/// The period's money. Without a plan it is not set, never zero.
#[must_use]
pub fn of(loaded: &Loaded, current: bool) -> Cost {
    let (Some(plan), Some(bill)) = (&loaded.report.plan, &loaded.report.bill) else {
        let note = if current { "no plan is entered" } else { "no plan was in force" };
        return Cost { total: NOT_SET.into(), note: note.into(), included: None, forecast: None, lines: Vec::new() };
    };
    let money = |minor| format::money(Money::new(minor, plan.currency));
    let beyond = bill.total_minor.saturating_sub(plan.monthly_fee_minor);
    let used = loaded.report.total.messages.accepted;
    Cost {
        total: money(bill.total_minor),
        note: format!(
            "fee {}{}, beyond included {}",
            money(plan.monthly_fee_minor),
            format::part(loaded.span.part),
            money(beyond)
        ),
        included: (plan.included > 0).then(|| (format::number(plan.included), left(plan.included, used))),
        forecast: loaded.forecast.map(|at| {
            let cost = |messages| money(rate(plan, messages).total_minor);
            (cost(at.expected), format!("80 % likely {} – {}", cost(at.low), cost(at.high)))
        }),
        lines: bill.lines.iter().map(|line| shown(plan, loaded.span.part, line)).collect(),
    }
}

fn left(included: i64, used: i64) -> String {
    if used >= included { "all used".to_owned() } else { format!("{} left", format::number(included - used)) }
}
