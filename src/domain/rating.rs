//! The price of a period: a monthly fee, some included messages, and a graduated price per thousand beyond them.
//! A bill has a line each for the fee, the included and every tier that was reached; a line is rounded once.

use serde::{Deserialize, Serialize};

use super::money::{Currency, Micros, Money};
use super::number::{self, Misread, NumberStyle};
use super::proration::Part;
use super::refusal::Refusal;

const MAX_FEE_MINOR: i64 = 1_000_000_000_000;
const MAX_MESSAGES: i64 = 1_000_000_000_000;
const MAX_MICROS: i64 = 1_000_000_000_000;
const MAX_TIERS: usize = 20;

/// What the agency pays for its pooled mail. One version of it: plans are effective-dated where they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub currency: Currency,
    /// In minor units.
    pub monthly_fee_minor: i64,
    /// Messages that the fee covers.
    pub included: i64,
    /// Prices beyond the included, the cheapest to reach first. Without any, more messages cost nothing.
    pub tiers: Vec<Tier>,
}

/// One step of the graduated price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// Up to how many messages beyond the included it reaches; `None` is without end.
    pub up_to: Option<i64>,
    /// Millionths of a major unit for a thousand messages.
    pub micros_per_thousand: i64,
}

impl Plan {
    /// Checks a whole plan: ranges, rising tiers, and a last tier without end.
    pub fn validate(self) -> Result<Self, Refusal> {
        if !(0..=MAX_FEE_MINOR).contains(&self.monthly_fee_minor) {
            return Err(Refusal::new("The monthly fee is out of range. Enter 0 or more."));
        }
        if !(0..=MAX_MESSAGES).contains(&self.included) {
            return Err(Refusal::new("The included messages are out of range. Enter 0 or more."));
        }
        if self.tiers.len() > MAX_TIERS {
            return Err(Refusal::new(format!("A plan has at most {MAX_TIERS} price steps.")));
        }
        let mut below = 0;
        for (index, tier) in self.tiers.iter().enumerate() {
            check_tier(index + 1, *tier, below, index + 1 == self.tiers.len())?;
            below = tier.up_to.unwrap_or(below);
        }
        Ok(self)
    }

    /// The plan as it prices a part of a full period: its days of the fee and of the included messages. What lies beyond
    /// the included costs what it always costs.
    #[must_use]
    pub fn for_part(self, part: Part) -> Self {
        Self { monthly_fee_minor: part.fee(self.monthly_fee_minor), included: part.included(self.included), ..self }
    }

    /// Reads what a form sent: the fee, the included messages, and rows of (up to, price per thousand), where
    /// an empty "up to" is without end and wholly empty rows are left out.
    ///
    /// # Errors
    /// A sentence that names the field.
    pub fn parse(
        currency: &str,
        fee: &str,
        included: &str,
        rows: &[(String, String)],
        style: NumberStyle,
    ) -> Result<Self, Refusal> {
        let currency = Currency::parse(currency).map_err(|refusal| refusal.at("Currency"))?;
        let fee = Money::parse(fee, currency, style).map_err(|refusal| refusal.at("Monthly fee"))?;
        let included = count(included, style).map_err(|refusal| refusal.at("Included messages"))?;
        let mut tiers = Vec::new();
        for (index, (up_to, price)) in rows.iter().enumerate() {
            if up_to.trim().is_empty() && price.trim().is_empty() {
                continue;
            }
            let step = |refusal: Refusal| refusal.at(&format!("Price step {}", index + 1));
            let up_to = if up_to.trim().is_empty() { None } else { Some(count(up_to, style).map_err(step)?) };
            tiers.push(Tier { up_to, micros_per_thousand: Micros::parse(price, style).map_err(step)?.0 });
        }
        Self { currency, monthly_fee_minor: fee.minor, included, tiers }.validate()
    }
}

fn check_tier(number: usize, tier: Tier, below: i64, last: bool) -> Result<(), Refusal> {
    if !(0..=MAX_MICROS).contains(&tier.micros_per_thousand) {
        return Err(Refusal::new(format!("The price of step {number} is out of range. Enter 0 or more.")));
    }
    match tier.up_to {
        None if !last => {
            Err(Refusal::new(format!("Step {number} has no end, but another follows. Give it an “up to”.")))
        }
        Some(_) if last => Err(Refusal::new("Leave the last step's “up to” empty, so that every message has a price.")),
        Some(up_to) if up_to <= below || up_to > MAX_MESSAGES => {
            Err(Refusal::new(format!("Step {number} must reach further than the step before it.")))
        }
        _ => Ok(()),
    }
}

/// A number of messages.
///
/// # Errors
/// A sentence for what is no whole number of 0 to 1,000,000,000,000.
pub fn count(text: &str, style: NumberStyle) -> Result<i64, Refusal> {
    let wanted = format!("Enter a whole number, for example {}.", style.whole(100_000));
    let read = number::whole(text, style).and_then(|n| if n <= MAX_MESSAGES { Ok(n) } else { Err(Misread::TooLarge) });
    read.map_err(|misread| misread.refusal(style, &wanted))
}

/// What a line of a bill is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    Fee,
    Included,
    /// The tier's place in the plan, from 0.
    Tier(usize),
}

/// One line of a bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BillLine {
    pub kind: LineKind,
    /// Messages; 1 for the fee.
    pub quantity: i64,
    /// The tier's price; 0 for the others.
    pub micros_per_thousand: i64,
    pub amount_minor: i64,
}

/// What a volume costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    pub lines: Vec<BillLine>,
    /// The sum of the lines, in minor units.
    pub total_minor: i64,
}

/// The bill for `volume` messages in a period; of a short one take the plan [`Plan::for_part`]. Amounts beyond an `i64` of minor units stop at its end.
#[must_use]
pub fn rate(plan: &Plan, volume: i64) -> Bill {
    let volume = volume.max(0);
    let included = volume.min(plan.included.max(0));
    let fee =
        BillLine { kind: LineKind::Fee, quantity: 1, micros_per_thousand: 0, amount_minor: plan.monthly_fee_minor };
    let mut lines = vec![fee];
    if plan.included > 0 {
        lines.push(BillLine { kind: LineKind::Included, quantity: included, micros_per_thousand: 0, amount_minor: 0 });
    }
    let mut reached = 0;
    let beyond = volume - included;
    for (index, tier) in plan.tiers.iter().enumerate() {
        let quantity = beyond.min(tier.up_to.unwrap_or(i64::MAX)) - reached;
        if quantity <= 0 {
            break;
        }
        reached += quantity;
        lines.push(BillLine {
            kind: LineKind::Tier(index),
            quantity,
            micros_per_thousand: tier.micros_per_thousand,
            amount_minor: price(quantity, tier.micros_per_thousand, plan.currency),
        });
    }
    let total_minor = lines.iter().fold(0_i64, |sum, line| sum.saturating_add(line.amount_minor));
    Bill { lines, total_minor }
}

/// `quantity` messages at a price per thousand, rounded half to even into minor units.
/// In `i128`: a quantity and a price of 63 bits each would not fit the 96 bits of a `Decimal`.
fn price(quantity: i64, micros_per_thousand: i64, currency: Currency) -> i64 {
    const MICROS_TIMES_THOUSAND: i128 = 1_000_000_000;
    let divisor = MICROS_TIMES_THOUSAND / i128::from(currency.minor_per_major());
    let exact = i128::from(quantity) * i128::from(micros_per_thousand);
    let (floor, rest) = (exact.div_euclid(divisor), exact.rem_euclid(divisor));
    let up = match (rest * 2).cmp(&divisor) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => floor % 2 != 0,
        std::cmp::Ordering::Greater => true,
    };
    i64::try_from(floor + i128::from(up)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
