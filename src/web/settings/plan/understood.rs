//! A plan as it was understood, before it is saved: each figure as it is and as it will be, and what that does to the
//! running period.

use askama::Template;

use super::dates::Known;
use super::form::PlanForm;
use crate::actions::ActionResult;
use crate::actions::set_plan::{Begins, same_currency, same_period};
use crate::domain::money::{Micros, Money};
use crate::domain::rating::{Plan, Tier, rate};
use crate::web::acting::Acting;
use crate::web::error::PageResult;
use crate::web::format;
use crate::web::layout::Shell;
use crate::web::navigation;
use crate::web::page::html;
use crate::web::scope::Tab;

#[derive(Template)]
#[template(path = "settings/plan_understood.html")]
struct UnderstoodPage {
    shell: Shell,
    tabs: Vec<Tab>,
    form: PlanForm,
    understood: Understood,
    /// There is a plan in force, which the new one is beside.
    changes: bool,
}

/// One figure.
pub(super) struct Row {
    pub what: String,
    pub was: String,
    pub is: String,
}

impl Row {
    pub(super) fn differs(&self) -> bool {
        self.was != self.is
    }
}

/// What will be saved.
pub(super) struct Understood {
    /// All of it as one word, and what it was compared with: the same again is a yes.
    word: String,
    rows: Vec<Row>,
    effects: Vec<String>,
    unchanged: bool,
}

/// Refuses what saving would refuse.
///
/// # Errors
/// `Invalid` for a form of an older period, and for another currency in the running one.
pub(super) fn possible(known: &Known, form: &PlanForm, plan: &Plan) -> ActionResult<()> {
    if let Some(seen) = form.seen() {
        same_period(known.dates().period, seen)?;
    }
    match &known.in_force {
        Some(before) if form.begins() == Begins::Running => same_currency(&before.plan, plan),
        _ => Ok(()),
    }
}

impl Understood {
    pub(super) fn new(known: &Known, form: &PlanForm, plan: &Plan) -> Self {
        let (before, planned) = (known.in_force.as_ref(), known.planned.as_ref());
        let same = |other: Option<&Plan>| other == Some(plan);
        let in_force = before.map(|dated| &dated.plan);
        let unchanged = match form.begins() {
            Begins::Running => same(in_force),
            Begins::Next => same(planned.map(|dated| &dated.plan).or(in_force)),
        };
        let beside = [before, planned].map(|dated| dated.map(|dated| dated.id.to_string()).unwrap_or_default());
        Self {
            word: format!("{:?} {} {}", form.begins(), beside.join(" "), exact(plan)),
            rows: rows(in_force, plan),
            effects: effects(known, form.begins(), plan),
            unchanged,
        }
    }

    /// Whether the plan is in force, or planned, already.
    pub(super) fn changes_nothing(&self) -> bool {
        self.unchanged
    }

    /// Whether `word` says that this was shown.
    pub(super) fn is(&self, word: &str) -> bool {
        self.word == word
    }

    /// The page that asks once more.
    pub(super) fn page(self, acting: &Acting, form: PlanForm) -> PageResult {
        html(&UnderstoodPage {
            tabs: navigation::settings(acting),
            shell: acting.shell("Look at the plan"),
            changes: self.rows.iter().any(|row| !row.was.is_empty()),
            understood: self,
            form,
        })
    }
}

/// Every number of a plan, whatever the style.
fn exact(plan: &Plan) -> String {
    let tier = |tier: &Tier| format!("{}:{}", tier.up_to.unwrap_or(0), tier.micros_per_thousand);
    let tiers: Vec<String> = plan.tiers.iter().map(tier).collect();
    format!("{} {} {} {}", plan.currency, plan.monthly_fee_minor, plan.included, tiers.join(" "))
}

fn rows(before: Option<&Plan>, plan: &Plan) -> Vec<Row> {
    let (was, is) = (before.map(figures).unwrap_or_default(), figures(plan));
    let steps = was.len().max(is.len());
    let at = |all: &[String], row: usize| match (all.get(row), all.is_empty()) {
        (Some(text), _) => text.clone(),
        (None, true) => String::new(),
        (None, false) => "none".to_owned(),
    };
    let what = |row: usize| match row {
        0 => "Currency".to_owned(),
        1 => "Monthly fee".to_owned(),
        2 => "Included messages".to_owned(),
        step => format!("Price step {}", step - 2),
    };
    (0..steps).map(|row| Row { what: what(row), was: at(&was, row), is: at(&is, row) }).collect()
}

/// Currency, fee, included messages, and each step.
fn figures(plan: &Plan) -> Vec<String> {
    let mut all = vec![
        format!("{} ({})", plan.currency, plan.currency.name()),
        format::money(Money::new(plan.monthly_fee_minor, plan.currency)),
        format::number(plan.included),
    ];
    all.extend(plan.tiers.iter().map(|tier| {
        let price = format::per_thousand(Micros(tier.micros_per_thousand));
        match tier.up_to {
            Some(up_to) => format!("{price}, up to {}", format::number(up_to)),
            None => format!("{price}, without end"),
        }
    }));
    all
}

/// What saving does to the running period and the next, in sentences.
fn effects(known: &Known, begins: Begins, plan: &Plan) -> Vec<String> {
    let dates = known.dates();
    // Of a short period the bill has its part of the fee and of the included messages.
    let cost = |plan: &Plan| {
        let part = plan.clone().for_part(known.part());
        format::money(Money::new(rate(&part, known.used).total_minor, plan.currency))
    };
    let sent = format::count(known.used.unsigned_abs(), "message", "messages");
    let Some(before) = known.in_force.as_ref().map(|dated| &dated.plan) else {
        let now =
            format!("It prices the running period, from {}. {sent} so far come to {}.", dates.running, cost(plan));
        return vec![now];
    };

    let mut all = Vec::new();
    if begins == Begins::Running {
        all.push(format!("The running period, since {}, is priced anew, with every account’s share.", dates.running));
        all.push(format!("Its {sent} so far come to {} instead of {}.", cost(plan), cost(before)));
    } else {
        all.push(format!("The running period keeps its prices: {sent} so far come to {}.", cost(before)));
        all.push(format!("The new plan begins on {}. By it the same would come to {}.", dates.next, cost(plan)));
    }
    match known.coming() {
        Some((_, line)) if begins == Begins::Next => {
            all.push(format!("The change that is planned from {} is replaced.", line.from));
        }
        Some((_, line)) => all.push(format!("The change that is planned from {} stays.", line.from)),
        None => {}
    }
    all
}
