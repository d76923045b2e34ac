//! Settings, Plan: what the pooled mail costs the agency. Rows of price steps come and go without script: every
//! button sends the whole form, and the page comes back with it.

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use crate::actions::set_plan::{self, plan_in_force, set_plan};
use crate::domain::ids::Id;
use crate::domain::money::{Currency, Micros, Money};
use crate::domain::rating::{Plan, rate};
use crate::domain::refusal::Refusal;
use crate::domain::role::Permission;
use crate::models::plans::{self, PlanRow};
use crate::models::{counters, periods};
use crate::web::acting::Acting;
use crate::web::error::{PageError, PageResult};
use crate::web::format::{self, When};
use crate::web::forms::{Errors, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::navigation;
use crate::web::page::{html_with, see_other};
use crate::web::scope::Tab;
use crate::web::usage::bill;

/// Currencies offered in the list; one that the account has already is offered too.
const CURRENCIES: [&str; 32] = [
    "USD", "EUR", "GBP", "AUD", "BRL", "CAD", "CHF", "CLP", "CNY", "CZK", "DKK", "HKD", "HUF", "IDR", "ILS", "INR",
    "JPY", "KRW", "KWD", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "RON", "SEK", "SGD", "THB", "TRY", "TWD", "ZAR",
];
/// As many price steps as a plan may have.
const MAX_STEPS: usize = 20;

#[derive(Template)]
#[template(path = "settings/plan.html")]
struct PlanPage {
    shell: Shell,
    tabs: Vec<Tab>,
    form: PlanForm,
    errors: Errors,
    currencies: Vec<(String, String)>,
    preview: Option<Preview>,
    history: Vec<Past>,
    set: bool,
    /// A row for one more step fits.
    room: bool,
}

/// What so many messages would cost by the plan in the form.
struct Preview {
    messages: String,
    total: String,
    each: String,
    lines: Vec<bill::Line>,
}

/// A plan that was saved.
struct Past {
    when: When,
    by: String,
    fee: String,
    included: String,
    steps: String,
}

/// The form, as it is shown and as it comes.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct PlanForm {
    currency: String,
    fee: String,
    included: String,
    up_to: Vec<String>,
    price: Vec<String>,
    /// How many messages to try the plan with.
    messages: String,
    /// The button: `save`, `preview`, `add`, or `remove-2`.
    #[serde(rename = "do")]
    button: String,
}

impl PlanForm {
    fn of(plan: Option<&Plan>, used: i64) -> Self {
        let Some(plan) = plan else {
            let one = vec![String::new()];
            let (currency, messages) = ("USD".to_owned(), "100,000".to_owned());
            return Self { currency, up_to: one.clone(), price: one, messages, ..Self::default() };
        };
        let number = |count: Option<i64>| count.map(format::number).unwrap_or_default();
        Self {
            currency: plan.currency.code().to_owned(),
            fee: Money::new(plan.monthly_fee_minor, plan.currency).amount(),
            included: format::number(plan.included),
            up_to: plan.tiers.iter().map(|tier| number(tier.up_to)).collect(),
            price: plan.tiers.iter().map(|tier| Micros(tier.micros_per_thousand).to_string()).collect(),
            messages: format::number(used.max(1_000)),
            button: String::new(),
        }
    }

    /// The rows of price steps: up to, price. There is always one to fill in.
    fn rows(&self) -> Vec<(String, String)> {
        let count = self.up_to.len().max(self.price.len()).clamp(1, MAX_STEPS);
        let at = |list: &[String], row: usize| list.get(row).cloned().unwrap_or_default();
        (0..count).map(|row| (at(&self.up_to, row), at(&self.price, row))).collect()
    }

    fn add(&mut self) {
        let rows = self.rows();
        (self.up_to, self.price) = rows.into_iter().unzip();
        if self.up_to.len() < MAX_STEPS {
            self.up_to.push(String::new());
            self.price.push(String::new());
        }
    }

    fn remove(&mut self, row: usize) {
        let mut rows = self.rows();
        if row < rows.len() {
            rows.remove(row);
        }
        (self.up_to, self.price) = rows.into_iter().unzip();
    }

    fn plan(&self) -> Result<Plan, Errors> {
        let fee = if self.fee.trim().is_empty() { "0" } else { &self.fee };
        let included = if self.included.trim().is_empty() { "0" } else { &self.included };
        Plan::parse(&self.currency, fee, included, &self.rows()).map_err(|refusal| beside(&refusal))
    }

    fn preview(&self, plan: &Plan) -> Result<Preview, Errors> {
        let digits: String = self.messages.chars().filter(|c| !matches!(c, ',' | ' ' | '\u{a0}')).collect();
        let messages = digits.parse::<i64>().ok().filter(|count| (0..=1_000_000_000_000).contains(count));
        let messages = messages.ok_or_else(|| Errors::one("messages", "Enter a whole number, for example 250,000."))?;
        let bill = rate(plan, messages);
        let each = i128::from(bill.total_minor) * 1_000 / i128::from(messages.max(1));
        let each = Money::new(i64::try_from(each).unwrap_or(i64::MAX), plan.currency).to_string();
        Ok(Preview {
            messages: format::count(messages.unsigned_abs(), "message", "messages"),
            total: Money::new(bill.total_minor, plan.currency).to_string(),
            each: if messages == 0 { format::NO_DATA.to_owned() } else { each },
            lines: bill.lines.iter().map(|line| bill::shown(plan, line)).collect(),
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

/// What the page shows beside the form.
struct Known {
    plan: Option<Plan>,
    history: Vec<PlanRow>,
    used: i64,
}

async fn known(acting: &Acting) -> Result<Known, PageError> {
    let (account, now) = (acting.account.id, acting.now().naive_utc());
    let found = acting.app.read(move |conn| {
        let period = periods::containing(conn, account, now)?;
        let used = period.map(|period| counters::of_period(conn, account, period.id)).transpose()?.unwrap_or_default();
        Ok(Known {
            plan: plan_in_force(conn, account, now)?,
            history: plans::history(conn, account)?,
            used: used.iter().map(|row| row.accepted).sum(),
        })
    });
    Ok(found.await?)
}

fn allowed(acting: &Acting) -> Result<Id, PageError> {
    acting.require(Permission::ManagePlan)?;
    Ok(acting.account.id)
}

/// `GET /settings/plan`
pub async fn show(acting: Acting) -> PageResult {
    allowed(&acting)?;
    let known = known(&acting).await?;
    let form = PlanForm::of(known.plan.as_ref(), known.used);
    let preview = known.plan.as_ref().and_then(|plan| form.preview(plan).ok());
    page(&acting, known, form, Errors::none(), preview)
}

/// `POST /settings/plan`
pub async fn submit(acting: Acting, form: Posted<PlanForm>) -> PageResult {
    let account = allowed(&acting)?;
    let mut form = form.into_inner();
    if let Some(row) = form.button.strip_prefix("remove-").and_then(|row| row.parse().ok()) {
        form.remove(row);
        return page(&acting, known(&acting).await?, form, Errors::none(), None);
    }
    if form.button == "add" {
        form.add();
        return page(&acting, known(&acting).await?, form, Errors::none(), None);
    }
    let plan = match form.plan() {
        Ok(plan) => plan,
        Err(errors) => return page(&acting, known(&acting).await?, form, errors, None),
    };
    if form.button == "preview" {
        let (errors, preview) = match form.preview(&plan) {
            Ok(preview) => (Errors::none(), Some(preview)),
            Err(errors) => (errors, None),
        };
        return page(&acting, known(&acting).await?, form, errors, preview);
    }
    let cx = acting.cx();
    acting.app.write(move |conn| set_plan(conn, &cx, account, plan)).await?;
    acting.flash(&Flash {
        detail: "The running period is priced by it from its first day.".into(),
        link: Some(("See usage & cost".into(), "/usage".into())),
        ..Flash::new(Tone::Good, "The plan is saved.")
    });
    Ok(see_other("/settings/plan"))
}

fn page(acting: &Acting, known: Known, form: PlanForm, errors: Errors, preview: Option<Preview>) -> PageResult {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let mut codes: Vec<&str> = CURRENCIES.to_vec();
    if Currency::parse(&form.currency).is_ok() && !codes.contains(&form.currency.as_str()) {
        codes.push(&form.currency);
    }
    let named = |code: &&str| Currency::parse(code).ok().map(|known| (known.code().to_owned(), words(known)));
    let currencies = codes.iter().filter_map(named).collect();
    html_with(
        status,
        &PlanPage {
            tabs: navigation::settings(acting),
            shell: acting.shell("Plan"),
            room: form.rows().len() < MAX_STEPS,
            currencies,
            errors,
            preview,
            set: known.plan.is_some(),
            history: known.history.iter().filter_map(|row| past(acting, row)).collect(),
            form,
        },
    )
}

fn words(currency: Currency) -> String {
    format!("{} ({})", currency.code(), currency.name())
}

fn past(acting: &Acting, row: &PlanRow) -> Option<Past> {
    let plan = set_plan::read(row).ok()?;
    let price = |micros: i64| Micros(micros).to_string();
    let steps: Vec<String> = plan.tiers.iter().map(|tier| price(tier.micros_per_thousand)).collect();
    Some(Past {
        when: When::new(row.effective_from, acting.now().naive_utc(), acting.time_zone()),
        by: row.created_by.clone(),
        fee: Money::new(plan.monthly_fee_minor, plan.currency).to_string(),
        included: format::number(plan.included),
        steps: if steps.is_empty() { "none".to_owned() } else { format!("{} per 1,000", steps.join(", then ")) },
    })
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
        let plan = form.plan().expect("a plan");
        let preview = form.preview(&plan).expect("a preview");
        assert_eq!((preview.total.as_str(), preview.each.as_str()), ("$682.73", "$0.97"));
    }

    #[test]
    fn what_is_wrong_is_said_beside_its_field() {
        let mut wrong = form(&[("", "")]);
        wrong.fee = "five".into();
        assert!(!wrong.plan().expect_err("refused").of("fee").is_empty());
        let steps = form(&[("", "1"), ("", "2")]).plan().expect_err("refused");
        assert!(!steps.of("steps").is_empty());
    }
}
