//! A bill in words: which messages each line is for. The lines add up to the total.

use crate::domain::money::{Micros, Money};
use crate::domain::proration::Part;
use crate::domain::rating::{BillLine, LineKind, Plan};
use crate::web::format;

/// One line of the bill.
pub struct Line {
    pub what: String,
    pub quantity: String,
    pub price: String,
    pub amount: String,
}

/// A line as a bill reads: "Message 500,001 and on, per 1,000". `plan` is the period's, which is `part` of a full one.
#[must_use]
pub fn shown(plan: &Plan, part: Part, line: &BillLine) -> Line {
    let what = match line.kind {
        LineKind::Fee => format!("Monthly fee{}", format::part(part)),
        LineKind::Included => format!("Included messages, up to {}", format::number(plan.included)),
        LineKind::Tier(index) => step(plan, index),
    };
    let priced = matches!(line.kind, LineKind::Tier(_));
    Line {
        what,
        quantity: if line.kind == LineKind::Fee { String::new() } else { format::number(line.quantity) },
        price: if priced { format::per_thousand(Micros(line.micros_per_thousand)) } else { String::new() },
        amount: format::money(Money::new(line.amount_minor, plan.currency)),
    }
}

/// Which messages a price step is for, counted from the first of the period.
fn step(plan: &Plan, index: usize) -> String {
    let below = index.checked_sub(1).and_then(|before| plan.tiers.get(before)).and_then(|tier| tier.up_to).unwrap_or(0);
    let first = plan.included.saturating_add(below).saturating_add(1);
    match plan.tiers.get(index).and_then(|tier| tier.up_to) {
        Some(up_to) => format!("Messages {} to {}", format::number(first), format::number(plan.included + up_to)),
        None => format!("Messages from {} on", format::number(first)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::number::NumberStyle;
    use crate::domain::rating::rate;

    #[test]
    fn the_lines_of_a_bill_say_which_messages_they_are_for() {
        let rows = [("1000".to_owned(), "0.85".to_owned()), (String::new(), "0.5".to_owned())];
        let plan = Plan::parse("USD", "500", "500,000", &rows, NumberStyle::Point).expect("a plan");
        let bill = rate(&plan, 502_000);
        let lines: Vec<Line> = bill.lines.iter().map(|line| shown(&plan, Part::WHOLE, line)).collect();
        let said: Vec<&str> = lines.iter().map(|line| line.what.as_str()).collect();
        assert_eq!(
            said,
            [
                "Monthly fee",
                "Included messages, up to 500,000",
                "Messages 500,001 to 501,000",
                "Messages from 501,001 on"
            ]
        );
        assert_eq!((lines[2].price.as_str(), lines[2].amount.as_str()), ("0.85 per 1,000", "$0.85"));
    }
}
