//! Settings, Plan: what the pooled mail costs the agency, and from when. Rows of price steps come and go without script:
//! every button sends the whole form, and the page comes back with it.

mod dates;
mod form;
mod understood;

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use self::dates::{Dates, Known, Line, Past, known};
use self::form::{PlanForm, Preview};
use self::understood::Understood;
use crate::actions::ActionError;
use crate::actions::set_plan::{Entered, set_plan, still_running};
use crate::actions::withdraw_plan::withdraw_plan;
use crate::domain::ids::Id;
use crate::domain::money::Currency;
use crate::domain::rating::Plan;
use crate::domain::role::Permission;
use crate::web::acting::Acting;
use crate::web::error::{PageError, PageResult};
use crate::web::forms::{Errors, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::navigation;
use crate::web::page::{html_with, see_other};
use crate::web::scope::Tab;

/// Currencies offered in the list; one that the account has already is offered too.
const CURRENCIES: [&str; 32] = [
    "USD", "EUR", "GBP", "AUD", "BRL", "CAD", "CHF", "CLP", "CNY", "CZK", "DKK", "HKD", "HUF", "IDR", "ILS", "INR",
    "JPY", "KRW", "KWD", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "RON", "SEK", "SGD", "THB", "TRY", "TWD", "ZAR",
];
const PATH: &str = "/settings/plan";

#[derive(Template)]
#[template(path = "settings/plan.html")]
struct PlanPage {
    shell: Shell,
    tabs: Vec<Tab>,
    form: PlanForm,
    errors: Errors,
    currencies: Vec<(String, String)>,
    preview: Option<Preview>,
    /// `None` until the costs are set: then there is nothing to choose about dates.
    standing: Option<Line>,
    planned: Option<(Id, Line)>,
    dates: Dates,
    history: Vec<Past>,
}

/// The button beside a planned change.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct WithdrawForm {
    plan: String,
}

fn allowed(acting: &Acting) -> Result<Id, PageError> {
    acting.require(Permission::ManagePlan)?;
    Ok(acting.account.id)
}

/// `GET /settings/plan`
pub async fn show(acting: Acting) -> PageResult {
    allowed(&acting)?;
    let known = known(&acting).await?;
    let form = PlanForm::of(known.newest(), known.used, acting.numbers);
    let preview = known.newest().and_then(|plan| form.preview(plan, acting.numbers).ok());
    page(&acting, &known, form, Errors::none(), preview)
}

/// `POST /settings/plan`
pub async fn submit(acting: Acting, form: Posted<PlanForm>) -> PageResult {
    allowed(&acting)?;
    let mut form = form.into_inner();
    if let Some(row) = form.button.strip_prefix("remove-").and_then(|row| row.parse().ok()) {
        form.remove(row);
        return again(&acting, form, Errors::none(), None).await;
    }
    if form.button == "add" {
        form.add();
        return again(&acting, form, Errors::none(), None).await;
    }
    if form.button == "edit" {
        return again(&acting, form, Errors::none(), None).await;
    }
    let plan = match form.plan(acting.numbers) {
        Ok(plan) => plan,
        Err(errors) => return again(&acting, form, errors, None).await,
    };
    if form.button == "preview" {
        return match form.preview(&plan, acting.numbers) {
            Ok(preview) => again(&acting, form, Errors::none(), Some(preview)).await,
            Err(errors) => again(&acting, form, errors, None).await,
        };
    }
    ask_or_save(&acting, form, plan).await
}

/// Saves what was shown as understood; shows it first where it was not, or where something else is true by now.
async fn ask_or_save(acting: &Acting, form: PlanForm, plan: Plan) -> PageResult {
    let known = known(acting).await?;
    if let Err(error) = understood::possible(&known, &form, &plan) {
        return page(acting, &known, form, Errors::from_action(error, "when")?, None);
    }
    let understood = Understood::new(&known, &form, &plan);
    if understood.changes_nothing() || understood.is(&form.understood) {
        return save(acting, form, plan).await;
    }
    understood.page(acting, form)
}

async fn save(acting: &Acting, form: PlanForm, plan: Plan) -> PageResult {
    let (cx, account) = (acting.cx(), acting.account.id);
    let (begins, seen) = (form.begins(), form.seen());
    let saved = acting.app.write(move |conn| {
        if let Some(seen) = seen {
            still_running(conn, &cx, account, seen)?;
        }
        set_plan(conn, &cx, account, plan, begins)
    });
    let entered = match saved.await {
        Ok(entered) => entered,
        Err(error) => return again(acting, form, Errors::from_action(error, "when")?, None).await,
    };
    let dates = known(acting).await?.dates();
    acting.flash(&said(entered, &dates));
    Ok(see_other(PATH))
}

/// What saving came to.
fn said(entered: Entered, dates: &Dates) -> Flash {
    let (text, detail) = match entered {
        Entered::InForce => {
            ("The plan is in force.".to_owned(), format!("It prices the running period from {}.", dates.running))
        }
        Entered::Planned(_) => {
            let text = format!("The plan changes on {}.", dates.next);
            (text, "Until then the running period keeps its prices.".to_owned())
        }
        Entered::Unchanged => return Flash::new(Tone::Info, "Nothing was changed: this plan was saved already."),
    };
    Flash { detail, link: Some(("See usage & cost".into(), "/usage".into())), ..Flash::new(Tone::Good, text) }
}

/// `POST /settings/plan/withdraw`
pub async fn withdraw(acting: Acting, form: Posted<WithdrawForm>) -> PageResult {
    let account = allowed(&acting)?;
    let plan: Id = form.plan.parse().map_err(|_| PageError::not_found())?;
    let cx = acting.cx();
    let flash = match acting.app.write(move |conn| withdraw_plan(conn, &cx, account, plan)).await {
        Ok(()) => Flash {
            detail: "The plan in force goes on.".into(),
            ..Flash::new(Tone::Good, "The planned change is withdrawn.")
        },
        Err(ActionError::Conflict(said)) => Flash::new(Tone::Warn, said),
        Err(error) => return Err(error.into()),
    };
    acting.flash(&flash);
    Ok(see_other(PATH))
}

/// The page with what was typed.
async fn again(acting: &Acting, form: PlanForm, errors: Errors, preview: Option<Preview>) -> PageResult {
    page(acting, &known(acting).await?, form, errors, preview)
}

fn page(acting: &Acting, known: &Known, form: PlanForm, errors: Errors, preview: Option<Preview>) -> PageResult {
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
            currencies,
            errors,
            preview,
            standing: known.standing(),
            planned: known.coming(),
            dates: known.dates(),
            history: known.past(acting),
            form,
        },
    )
}

fn words(currency: Currency) -> String {
    format!("{} ({})", currency.code(), currency.name())
}
