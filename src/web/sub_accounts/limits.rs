//! What bounds a sub account beside its monthly cap: what happens at the cap, caps of a day and an hour, when members
//! are told, and the switch that lets it send nothing.

use actix_web::http::StatusCode;
use actix_web::web::Path as UrlPath;
use askama::Template;
use serde::Deserialize;

use super::{Path, child};
use crate::actions::ActionError;
use crate::actions::accept_message::limits_of;
use crate::actions::set_limits::set_limits;
use crate::domain::limits::{AlertPercents, AtCap, Limits, MAX_HOLD_DAYS, parse_limit};
use crate::domain::number::{self, NumberStyle};
use crate::domain::refusal::Refusal;
use crate::domain::role::Permission;
use crate::models::accounts::Account;
use crate::models::{held, limits};
use crate::web::acting::Acting;
use crate::web::error::PageResult;
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
    fn of(limits: &Limits, numbers: NumberStyle) -> Self {
        let cap = |number: i64| if number == 0 { String::new() } else { numbers.whole(number) };
        Self {
            at_cap: limits.at_cap.as_str().into(),
            hold_days: limits.hold_days.to_string(),
            daily: cap(limits.daily),
            hourly: cap(limits.hourly),
            alerts: limits.alerts.shown(numbers),
            sends_nothing: if limits.sends_nothing { "on".into() } else { String::new() },
        }
    }

    fn parsed(&self, numbers: NumberStyle) -> Result<Limits, Errors> {
        let mut errors = Errors::none();
        let at_cap = errors.take("at_cap", AtCap::parse(&self.at_cap));
        let hold_days = errors.take("hold_days", days(&self.hold_days, numbers));
        let daily = errors.take("daily", parse_limit(&self.daily, numbers));
        let hourly = errors.take("hourly", parse_limit(&self.hourly, numbers));
        let alerts = errors.take("alerts", AlertPercents::typed(&self.alerts, numbers));
        match (at_cap, hold_days, daily, hourly, alerts) {
            (Some(at_cap), Some(hold_days), Some(daily), Some(hourly), Some(alerts)) => {
                let sends_nothing = !self.sends_nothing.is_empty();
                Ok(Limits { at_cap, hold_days, daily, hourly, sends_nothing, alerts })
            }
            _ => Err(errors),
        }
    }
}

fn days(text: &str, numbers: NumberStyle) -> Result<i32, Refusal> {
    let wanted = "Enter 1 to 30 days.";
    let days = number::whole(text, numbers).map_err(|misread| misread.refusal(numbers, wanted))?;
    i32::try_from(days).ok().filter(|days| (1..=MAX_HOLD_DAYS).contains(days)).ok_or_else(|| Refusal::new(wanted))
}

/// What the numbers were and are now, for those that differ.
fn changes(before: &Limits, after: &Limits, numbers: NumberStyle) -> String {
    let cap = |number: i64| if number == 0 { "none".to_owned() } else { numbers.whole(number) };
    let percents = |limits: &Limits| match limits.alerts.shown(numbers) {
        none if none.is_empty() => "none".to_owned(),
        some => format!("{some} %"),
    };
    let all = [
        ("Daily cap", cap(before.daily), cap(after.daily)),
        ("Hourly cap", cap(before.hourly), cap(after.hourly)),
        ("Days that held messages are kept", before.hold_days.to_string(), after.hold_days.to_string()),
        ("Alerts", percents(before), percents(after)),
    ];
    let told = all.iter().filter(|(_, was, is)| was != is).map(|(what, was, is)| format!("{what}: {is} (was {was}). "));
    told.collect()
}

/// `GET /sub-accounts/{id}/limits`
pub async fn show(acting: Acting, path: UrlPath<Path>) -> PageResult {
    let account = child(&acting, &path, Permission::SetCap).await?;
    let id = account.id;
    let row = acting.app.read(move |conn| limits_of(limits::find(conn, id)?.as_ref())).await?;
    page(&acting, account, LimitsForm::of(&row, acting.numbers), Errors::none()).await
}

/// `POST /sub-accounts/{id}/limits`
pub async fn submit(acting: Acting, path: UrlPath<Path>, form: Posted<LimitsForm>) -> PageResult {
    let account = child(&acting, &path, Permission::SetCap).await?;
    let wanted = match form.parsed(acting.numbers) {
        Ok(wanted) => wanted,
        Err(errors) => return page(&acting, account, form.clone(), errors).await,
    };
    let (cx, parent, id) = (acting.cx(), acting.account.id, account.id);
    let after = wanted.clone();
    let before = acting.app.write(move |conn| {
        let before = limits_of(limits::find(conn, id)?.as_ref())?;
        set_limits(conn, &cx, parent, id, wanted)?;
        Ok::<_, ActionError>(before)
    });
    let changed = changes(&before.await?, &after, acting.numbers);
    let detail = format!("{changed}They decide from now on. What is held leaves as soon as there is room for it.");
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
        let errors = form.parsed(NumberStyle::Point).expect_err("nothing is right");
        for field in ["at_cap", "hold_days", "daily", "alerts"] {
            assert!(!errors.of(field).is_empty(), "{field}");
        }
        let limits = Limits { daily: 5_000, at_cap: AtCap::Hold, sends_nothing: true, ..Limits::default() };
        for style in NumberStyle::ALL {
            assert_eq!(LimitsForm::of(&limits, style).parsed(style).ok().as_ref(), Some(&limits));
        }
        let before = Limits { daily: 0, ..limits.clone() };
        assert_eq!(changes(&before, &limits, NumberStyle::Comma), "Daily cap: 5.000 (was none). ");
    }
}
