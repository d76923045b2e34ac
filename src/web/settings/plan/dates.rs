//! From when plans apply, in words: the one in force, the one planned, and those before.

use chrono::NaiveDateTime;
use chrono_tz::Tz;

use crate::actions::set_plan::{self, Dated, in_force, planned};
use crate::domain::ids::Id;
use crate::domain::money::{Micros, Money};
use crate::domain::proration::Part;
use crate::domain::rating::Plan;
use crate::models::counters;
use crate::models::periods::Period;
use crate::models::plans::{self, PlanRow};
use crate::web::acting::Acting;
use crate::web::error::PageError;
use crate::web::format::{self, When};
use crate::web::usage::running;

/// What the page shows beside the form.
pub(super) struct Known {
    pub in_force: Option<Dated>,
    pub planned: Option<Dated>,
    history: Vec<PlanRow>,
    /// Messages of the running period.
    pub used: i64,
    period: Period,
}

/// A plan as one row of a table.
pub(super) struct Line {
    /// "1 December 2026".
    pub from: String,
    pub fee: String,
    pub included: String,
    pub steps: String,
}

/// A plan that was saved.
pub(super) struct Past {
    pub line: Line,
    pub saved: When,
    pub by: String,
    /// "in force", "planned", or nothing.
    pub state: &'static str,
}

/// The running period and the next, as the form's choices name them.
pub(super) struct Dates {
    pub period: Id,
    pub running: String,
    pub next: String,
}

impl Dates {
    pub(super) fn next_choice(&self) -> String {
        format!("From the next period ({})", self.next)
    }

    pub(super) fn running_choice(&self) -> String {
        format!("From the current period (since {})", self.running)
    }
}

pub(super) async fn known(acting: &Acting) -> Result<Known, PageError> {
    let period = running(acting).await?;
    let (account, now) = (acting.account.id, acting.now());
    let found = acting.app.read(move |conn| {
        let used = counters::volumes(conn, account, period.id)?.iter().map(|(_, accepted)| accepted).sum();
        let (in_force, planned) = (in_force(conn, account, now.naive_utc())?, planned(conn, account, now)?);
        Ok(Known { in_force, planned, history: plans::history(conn, account)?, used, period })
    });
    Ok(found.await?)
}

impl Known {
    /// What the form starts from: what was entered last, whether it has begun or not.
    pub(super) fn newest(&self) -> Option<&Plan> {
        self.planned.as_ref().or(self.in_force.as_ref()).map(|dated| &dated.plan)
    }

    /// How much of a whole period the running one is.
    pub(super) fn part(&self) -> Part {
        self.period.part()
    }

    pub(super) fn dates(&self) -> Dates {
        let (running, next) = (self.day(self.period.start_at), self.day(self.period.end_at));
        Dates { period: self.period.id, running, next }
    }

    /// The plan in force, from the first day that it prices.
    pub(super) fn standing(&self) -> Option<Line> {
        let dated = self.in_force.as_ref()?;
        // One that was saved within the period prices all of it.
        let from = if dated.from > self.period.start_at { self.period.start_at } else { dated.from };
        Some(line(&dated.plan, self.day(from)))
    }

    /// The plan that is to begin, with its id.
    pub(super) fn coming(&self) -> Option<(Id, Line)> {
        let dated = self.planned.as_ref()?;
        Some((dated.id, line(&dated.plan, self.day(dated.from))))
    }

    pub(super) fn past(&self, acting: &Acting) -> Vec<Past> {
        self.history.iter().filter_map(|row| self.one(acting, row)).collect()
    }

    fn one(&self, acting: &Acting, row: &PlanRow) -> Option<Past> {
        let is = |dated: &Option<Dated>| dated.as_ref().is_some_and(|dated| dated.id == row.id);
        let state = match (is(&self.in_force), is(&self.planned)) {
            (true, _) => "in force",
            (_, true) => "planned",
            _ => "",
        };
        let saved = When::new(row.created_at, acting.now().naive_utc(), acting.time_zone());
        let plan = set_plan::read(row).ok()?;
        let line = line(&plan, self.day(row.effective_from));
        Some(Past { line, saved, by: row.created_by.clone(), state })
    }

    /// A day where the running period is reckoned.
    fn day(&self, at: NaiveDateTime) -> String {
        let tz: Tz = self.period.time_zone.parse().unwrap_or(chrono_tz::UTC);
        format::long_date(format::local_date(at, tz))
    }
}

fn line(plan: &Plan, from: String) -> Line {
    let price = |micros: i64| format::price(Micros(micros));
    let steps: Vec<String> = plan.tiers.iter().map(|tier| price(tier.micros_per_thousand)).collect();
    Line {
        from,
        fee: format::money(Money::new(plan.monthly_fee_minor, plan.currency)),
        included: format::number(plan.included),
        steps: if steps.is_empty() {
            "none".to_owned()
        } else {
            format!("{} per {}", steps.join(", then "), format::number(1_000))
        },
    }
}
