//! What bounds a sub account beside its monthly cap: what happens at the cap, caps of a day and an hour, when members
//! are told, and the switch that lets it send nothing.

use actix_web::http::StatusCode;
use actix_web::web::Path as UrlPath;
use askama::Template;
use serde::Deserialize;

use super::{Path, child};
use crate::actions::accept_message::limits_of;
use crate::actions::set_limits::set_limits;
use crate::domain::limits::{AlertPercents, AtCap, Limits, parse_limit};
use crate::domain::refusal::Refusal;
use crate::domain::role::Permission;
use crate::models::accounts::Account;
use crate::models::{held, limits};
use crate::web::acting::Acting;
use crate::web::error::PageResult;
use crate::web::format;
use crate::web::forms::{Errors, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::page::{html_with, see_other};

/// What each choice at the cap means, in a sentence.
pub const CHOICES: &[(AtCap, &str)] = &[
    (AtCap::Reject, "New messages are refused with the reason until the next period."),
    (AtCap::Hold, "New messages are accepted and kept, and leave oldest first once there is room."),
    (AtCap::Overage, "It sends on beyond its cap, and what it sends is billed."),
];

#[derive(Template)]
#[template(path = "sub_accounts/limits.html")]
struct LimitsPage {
    shell: Shell,
    id: String,
    name: String,
    form: LimitsForm,
    /// Messages that wait at the cap now.
    held: i64,
    errors: Errors,
}

/// The form, as it is shown and as it comes. An empty cap is none.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct LimitsForm {
    at_cap: String,
    hold_days: String,
    daily: String,
    hourly: String,
    alerts: String,
    sends_nothing: String,
}

impl LimitsForm {
    fn of(limits: &Limits) -> Self {
        let cap = |number: i64| if number == 0 { String::new() } else { format::number(number) };
        Self {
            at_cap: limits.at_cap.as_str().into(),
            hold_days: limits.hold_days.to_string(),
            daily: cap(limits.daily),
            hourly: cap(limits.hourly),
            alerts: limits.alerts.stored().replace(',', ", "),
            sends_nothing: if limits.sends_nothing { "on".into() } else { String::new() },
        }
    }

    fn parsed(&self) -> Result<Limits, Errors> {
        let mut errors = Errors::none();
        let at_cap = errors.take("at_cap", AtCap::parse(&self.at_cap));
        let days = self.hold_days.trim().parse::<i32>().ok().filter(|days| (1..=30).contains(days));
        let days = days.ok_or_else(|| Refusal::new("Enter 1 to 30 days."));
        let hold_days = errors.take("hold_days", days);
        let daily = errors.take("daily", parse_limit(&self.daily));
        let hourly = errors.take("hourly", parse_limit(&self.hourly));
        let alerts = errors.take("alerts", AlertPercents::parse(&self.alerts));
        match (at_cap, hold_days, daily, hourly, alerts) {
            (Some(at_cap), Some(hold_days), Some(daily), Some(hourly), Some(alerts)) => {
                let sends_nothing = !self.sends_nothing.is_empty();
                Ok(Limits { at_cap, hold_days, daily, hourly, sends_nothing, alerts })
            }
            _ => Err(errors),
        }
    }
}

/// `GET /sub-accounts/{id}/limits`
pub async fn show(acting: Acting, path: UrlPath<Path>) -> PageResult {
    let account = child(&acting, &path, Permission::SetCap).await?;
    let id = account.id;
    let row = acting.app.read(move |conn| limits_of(limits::find(conn, id)?.as_ref())).await?;
    page(&acting, account, LimitsForm::of(&row), Errors::none()).await
}

/// `POST /sub-accounts/{id}/limits`
pub async fn submit(acting: Acting, path: UrlPath<Path>, form: Posted<LimitsForm>) -> PageResult {
    let account = child(&acting, &path, Permission::SetCap).await?;
    let wanted = match form.parsed() {
        Ok(wanted) => wanted,
        Err(errors) => return page(&acting, account, form.clone(), errors).await,
    };
    let (cx, parent, id) = (acting.cx(), acting.account.id, account.id);
    acting.app.write(move |conn| set_limits(conn, &cx, parent, id, wanted)).await?;
    let detail = "They decide from now on. What is held leaves as soon as there is room for it.".to_owned();
    acting.flash(&Flash { detail, ..Flash::new(Tone::Good, format!("The limits of {} are saved.", account.name)) });
    Ok(see_other(&format!("/sub-accounts/{id}")))
}

async fn page(acting: &Acting, account: Account, form: LimitsForm, errors: Errors) -> PageResult {
    let id = account.id;
    let held = acting.app.read(move |conn| Ok(held::count(conn, id)?)).await?;
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let shell = acting.shell(&format!("Limits of {}", account.name));
    html_with(status, &LimitsPage { shell, id: id.to_string(), name: account.name, form, held, errors })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_field_is_named_and_a_saved_form_reads_as_it_was() {
        let form = LimitsForm { hold_days: "0".into(), daily: "x".into(), alerts: "0".into(), ..LimitsForm::default() };
        let errors = form.parsed().expect_err("nothing is right");
        for field in ["at_cap", "hold_days", "daily", "alerts"] {
            assert!(!errors.of(field).is_empty(), "{field}");
        }
        let limits = Limits { daily: 5_000, at_cap: AtCap::Hold, sends_nothing: true, ..Limits::default() };
        assert_eq!(LimitsForm::of(&limits).parsed().ok(), Some(limits));
    }
}
