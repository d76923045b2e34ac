//! The form of a plan as it is typed: rows of price steps, a number of messages to try it with, and from when it applies.

use serde::Deserialize;

use crate::actions::set_plan::Begins;
use crate::domain::ids::Id;
use crate::domain::money::{Micros, Money};
use crate::domain::number::NumberStyle;
use crate::domain::proration::Part;
use crate::domain::rating::{Plan, count, rate};
use crate::domain::refusal::Refusal;
use crate::web::format;
use crate::web::forms::Errors;
use crate::web::usage::bill;

/// As many price steps as a plan may have.
const MAX_STEPS: usize = 20;

/// What so many messages would cost by the plan in the form.
pub(super) struct Preview {
    pub(super) messages: String,
    pub(super) total: String,
    pub(super) each: String,
    pub(super) lines: Vec<bill::Line>,
}

/// The form, as it is shown and as it comes.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct PlanForm {
    pub(super) currency: String,
    pub(super) fee: String,
    pub(super) included: String,
    pub(super) up_to: Vec<String>,
    pub(super) price: Vec<String>,
    /// How many messages to try the plan with.
    pub(super) messages: String,
    /// From when it applies: `next` or `current`.
    pub(super) when: String,
    /// The period that ran when the form was shown.
    pub(super) period: String,
    /// What the page before said that it had understood.
    pub(super) understood: String,
    /// The button: `save`, `preview`, `add`, `remove-2`, or `edit` on the page that asks once more.
    #[serde(rename = "do")]
    pub(super) button: String,
}

impl PlanForm {
    /// The form for `plan`, which would cost so much for what was `used`, as its reader writes numbers.
    pub(super) fn of(plan: Option<&Plan>, used: i64, numbers: NumberStyle) -> Self {
        let Some(plan) = plan else {
            let one = vec![String::new()];
            let (currency, messages) = ("USD".to_owned(), numbers.whole(100_000));
            return Self { currency, up_to: one.clone(), price: one, messages, ..Self::default() };
        };
        let number = |count: Option<i64>| count.map(|count| numbers.whole(count)).unwrap_or_default();
        Self {
            currency: plan.currency.code().to_owned(),
            fee: numbers.shown(Money::new(plan.monthly_fee_minor, plan.currency).amount()),
            included: numbers.whole(plan.included),
            up_to: plan.tiers.iter().map(|tier| number(tier.up_to)).collect(),
            price: plan.tiers.iter().map(|tier| numbers.shown(Micros(tier.micros_per_thousand))).collect(),
            messages: numbers.whole(used.max(1_000)),
            ..Self::default()
        }
    }

    /// The rows of price steps: up to, price. There is always one to fill in.
    pub(super) fn rows(&self) -> Vec<(String, String)> {
        let count = self.up_to.len().max(self.price.len()).clamp(1, MAX_STEPS);
        let at = |list: &[String], row: usize| list.get(row).cloned().unwrap_or_default();
        (0..count).map(|row| (at(&self.up_to, row), at(&self.price, row))).collect()
    }

    pub(super) fn add(&mut self) {
        let rows = self.rows();
        (self.up_to, self.price) = rows.into_iter().unzip();
        if self.up_to.len() < MAX_STEPS {
            self.up_to.push(String::new());
            self.price.push(String::new());
        }
    }

    pub(super) fn remove(&mut self, row: usize) {
        let mut rows = self.rows();
        if row < rows.len() {
            rows.remove(row);
        }
        (self.up_to, self.price) = rows.into_iter().unzip();
    }

    pub(super) fn plan(&self, numbers: NumberStyle) -> Result<Plan, Errors> {
        let fee = if self.fee.trim().is_empty() { "0" } else { &self.fee };
        let included = if self.included.trim().is_empty() { "0" } else { &self.included };
        Plan::parse(&self.currency, fee, included, &self.rows(), numbers).map_err(|refusal| beside(&refusal))
    }

    /// From when the plan is to apply: from the next period, unless it was said otherwise.
    pub(super) fn begins(&self) -> Begins {
        if self.when == "current" { Begins::Running } else { Begins::Next }
    }

    /// The period that ran when the form was shown.
    pub(super) fn seen(&self) -> Option<Id> {
        self.period.parse().ok()
    }

    /// A row for one more step fits.
    pub(super) fn has_room(&self) -> bool {
        self.rows().len() < MAX_STEPS
    }

    pub(super) fn preview(&self, plan: &Plan, numbers: NumberStyle) -> Result<Preview, Errors> {
        let messages = count(&self.messages, numbers).map_err(|refusal| Errors::one("messages", refusal.message()))?;
        let bill = rate(plan, messages);
        let each = i128::from(bill.total_minor) * 1_000 / i128::from(messages.max(1));
        let money = |minor| format::money(Money::new(minor, plan.currency));
        let each = money(i64::try_from(each).unwrap_or(i64::MAX));
        Ok(Preview {
            messages: format::count(messages.unsigned_abs(), "message", "messages"),
            total: money(bill.total_minor),
            each: if messages == 0 { format::NO_DATA.to_owned() } else { each },
            lines: bill.lines.iter().map(|line| bill::shown(plan, Part::WHOLE, line)).collect(),
        })
    }
}

/// A refusal of the plan beside the field that it names.
fn beside(refusal: &Refusal) -> Errors {
    let message = refusal.message();
    let named = [("Currency: ", "currency"), ("Monthly fee: ", "fee"), ("Included messages: ", "included")];
    match named.iter().find_map(|(start, field)| message.strip_prefix(start).map(|rest| (*field, rest))) {
        Some((field, rest)) => Errors::one(field, rest),
        None => Errors::one("steps", message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(rows: &[(&str, &str)]) -> PlanForm {
        PlanForm {
            currency: "USD".into(),
            fee: "500".into(),
            included: "500,000".into(),
            up_to: rows.iter().map(|(up_to, _)| (*up_to).to_owned()).collect(),
            price: rows.iter().map(|(_, price)| (*price).to_owned()).collect(),
            messages: "703,032".into(),
            ..PlanForm::default()
        }
    }

    #[test]
    fn steps_come_and_go_without_losing_the_others() {
        let mut form = form(&[("1,000", "2"), ("", "1")]);
        form.add();
        assert_eq!(form.rows().len(), 3);
        form.remove(0);
        assert_eq!(form.rows(), [(String::new(), "1".to_owned()), (String::new(), String::new())]);
        form.remove(7);
        form.remove(0);
        form.remove(0);
        assert_eq!(form.rows(), [(String::new(), String::new())], "one to fill in is always there");
    }

    #[test]
    fn a_preview_prices_every_message_of_a_period() {
        let form = form(&[("", "0.90")]);
        let plan = form.plan(NumberStyle::Point).expect("a plan");
        let preview = form.preview(&plan, NumberStyle::Point).expect("a preview");
        assert_eq!((preview.total.as_str(), preview.each.as_str()), ("$682.73", "$0.97"));
    }

    #[test]
    fn what_is_wrong_is_said_beside_its_field() {
        let mut wrong = form(&[("", "")]);
        wrong.fee = "five".into();
        assert!(!wrong.plan(NumberStyle::Point).expect_err("refused").of("fee").is_empty());
        let steps = form(&[("", "1"), ("", "2")]).plan(NumberStyle::Point).expect_err("refused");
        assert!(!steps.of("steps").is_empty());
    }
}
