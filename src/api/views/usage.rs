//! The contract's SubAccountUsageResponse: usage and allocated cost of a billing period.

use serde::Serialize;
use utoipa::ToSchema;

use super::time;
use crate::actions::usage_report::{Counted, UsageLine, UsageReport};
use crate::domain::ids::Id;
use crate::domain::money::{Currency, Money};

/// What an account without a plan shows: the contract asks for a currency and for numbers.
const CURRENCY_NOT_SET: &str = "usd";

const NOTE: &str = "All accounts under this parent share one bill. Each cost here is the part of that bill that matches \
                    the account's part of the messages; on a plan of its own the account would pay something else.";
const NOTE_NOT_SET: &str = "The parent has not entered what its mail costs yet, so every cost is 0.";

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SubAccountUsageResponse)]
pub struct Usage {
    billing_period: BillingPeriod,
    /// ISO 4217 in lower case.
    currency: String,
    #[schema(inline)]
    allocation_method: Method,
    allocation_note: &'static str,
    /// Mail that the parent sent itself.
    parent: OfParent,
    sub_accounts: Vec<OfSubAccount>,
    /// The sub accounts deleted since the period began, together.
    removed_sub_accounts: Part,
    total: Part,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct BillingPeriod {
    #[schema(format = DateTime)]
    start: String,
    /// The first instant after the period.
    #[schema(format = DateTime)]
    end: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Method {
    Proportional,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SubAccountUsageBreakdown)]
pub struct Part {
    /// Recipients accepted outside the sandbox.
    #[schema(minimum = 0)]
    reception_count: i64,
    /// In major units; the parts add up to the total to the last minor unit.
    #[schema(minimum = 0)]
    allocated_cost: f64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ParentUsageBreakdown)]
pub struct OfParent {
    #[schema(value_type = uuid::Uuid)]
    account_id: Id,
    #[serde(flatten)]
    part: Part,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NamedUsageBreakdown)]
pub struct OfSubAccount {
    #[schema(value_type = uuid::Uuid)]
    account_id: Id,
    name: String,
    #[serde(flatten)]
    part: Part,
}

impl Usage {
    #[must_use]
    pub fn new(report: &UsageReport) -> Self {
        let currency = report.plan.as_ref().map(|plan| plan.currency);
        let part = |counted: &Counted| Part::new(counted, currency);
        let child = |line: &UsageLine| OfSubAccount {
            account_id: line.account_id,
            name: line.name.clone(),
            part: part(&line.counted),
        };
        Self {
            billing_period: BillingPeriod { start: time(report.period.start_at), end: time(report.period.end_at) },
            currency: currency.map_or_else(|| CURRENCY_NOT_SET.into(), Currency::code_lower),
            allocation_method: Method::Proportional,
            allocation_note: if currency.is_some() { NOTE } else { NOTE_NOT_SET },
            parent: OfParent { account_id: report.parent.account_id, part: part(&report.parent.counted) },
            sub_accounts: report.children.iter().map(child).collect(),
            removed_sub_accounts: part(&report.removed_sum()),
            total: part(&report.total),
        }
    }
}

impl Part {
    fn new(counted: &Counted, currency: Option<Currency>) -> Self {
        let cost = counted.cost_minor.zip(currency);
        Self {
            reception_count: counted.messages.accepted,
            allocated_cost: cost.map_or(0.0, |(minor, currency)| Money::new(minor, currency).as_json_number()),
        }
    }
}
