//! Suspending one sub account: what will stop is shown before, what stopped after.

use actix_web::http::StatusCode;
use actix_web::web::Path as UrlPath;
use askama::Template;
use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde::Deserialize;

use super::{Path, child};
use crate::actions::ActionResult;
use crate::actions::suspend_account::{Hold, suspend_account};
use crate::domain::hold::HoldKind;
use crate::domain::instants;
use crate::domain::refusal::Refusal;
use crate::domain::role::Permission;
use crate::domain::text::SuspendReason;
use crate::models::accounts::Account;
use crate::models::suspensions::Suspension;
use crate::models::{AnyConnection, api_keys, queue, suspensions};
use crate::web::acting::Acting;
use crate::web::error::PageResult;
use crate::web::format::{self, When};
use crate::web::forms::{Errors, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::page::{html_with, see_other};

/// The kinds, each with what it is for.
pub const KINDS: [(&str, &str, &str); 4] = [
    ("abuse", "Abuse", "Spam, complaints, a stolen key."),
    ("reputation", "Reputation", "Bounces or blocklists endanger the others."),
    ("billing", "Billing", "An invoice is not paid."),
    ("manual", "Another reason", "Say it in your own words."),
];

/// The most characters the client is told.
const MAX_CUSTOMER_TEXT: usize = 1_000;

#[derive(Template)]
#[template(path = "sub_accounts/suspend.html")]
struct SuspendPage {
    shell: Shell,
    id: String,
    name: String,
    stops: Stops,
    open: Option<(Suspension, When)>,
    form: Form,
    zone: String,
    errors: Errors,
}

impl SuspendPage {
    fn zone_hint(&self) -> String {
        format!("In the time zone {}. Left empty, it holds until somebody lifts it.", self.zone)
    }
}

/// What a suspension stops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stops {
    pub queued: i64,
    pub scheduled: i64,
    pub keys: i64,
}

impl Stops {
    /// Counts it now.
    ///
    /// # Errors
    /// Only the database's.
    pub fn of(conn: &mut AnyConnection, account: &Account, now: NaiveDateTime) -> ActionResult<Self> {
        let (waiting, scheduled) = queue::depth(conn, account.id, now)?;
        Ok(Self { queued: waiting, scheduled, keys: api_keys::count(conn, account.id)? })
    }

    /// "214 queued and 12 scheduled messages wait, 2 keys are refused."
    #[must_use]
    pub fn sentence(&self) -> String {
        let number = |count: i64| format::number(count);
        let keys = if self.keys == 1 { "1 key is".to_owned() } else { format!("{} keys are", number(self.keys)) };
        format!(
            "{} queued and {} scheduled messages wait, {keys} refused.",
            number(self.queued),
            number(self.scheduled)
        )
    }
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    pub kind: String,
    pub reason: String,
    pub customer_text: String,
    /// As a field of type datetime-local sends it, in the parent's time zone.
    pub until: String,
    pub tell_client: String,
    pub tell_members: String,
}

impl Form {
    /// The choices that most suspensions want.
    #[must_use]
    pub fn fresh() -> Self {
        Self { kind: "abuse".into(), tell_members: "on".into(), ..Self::default() }
    }

    /// The hold, or what is wrong with it beside each field.
    pub fn hold(&self, tz: Tz, now: DateTime<Utc>, errors: &mut Errors) -> Option<Hold> {
        let kind = errors.take("kind", HoldKind::parse(&self.kind));
        let reason = errors.take("reason", SuspendReason::parse(&self.reason));
        let text = errors.take("customer_text", customer_text(&self.customer_text));
        let until = errors.take("until", until(&self.until, tz, now));
        Some(Hold {
            kind: kind?,
            reason: reason?,
            customer_text: text?,
            until: until?,
            tell_client: !self.tell_client.is_empty(),
            tell_members: !self.tell_members.is_empty(),
        })
    }
}

fn customer_text(text: &str) -> Result<String, Refusal> {
    let text = text.trim().replace("\r\n", "\n");
    let odd = |c: char| c.is_control() && c != '\n' && c != '\t';
    if text.chars().count() > MAX_CUSTOMER_TEXT || text.contains(odd) {
        return Err(Refusal::new("The text for the client is too long. Use at most 1,000 characters of plain text."));
    }
    Ok(text)
}

fn until(text: &str, tz: Tz, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Refusal> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let local = instants::local(text)?;
    // Where the clock jumps over it, the end is an hour later; never earlier than meant.
    let at = tz.from_local_datetime(&local).latest().map(|at| at.to_utc());
    let at = at.unwrap_or_else(|| tz.from_utc_datetime(&local).to_utc());
    if at <= now {
        return Err(Refusal::new("The end must be in the future. Leave it empty to hold until somebody lifts it."));
    }
    Ok(Some(at))
}

/// `GET /sub-accounts/{id}/suspend`
pub async fn show(acting: Acting, path: UrlPath<Path>) -> PageResult {
    let account = child(&acting, &path, Permission::Suspend).await?;
    page(&acting, account, Form::fresh(), Errors::none()).await
}

/// `POST /sub-accounts/{id}/suspend`
pub async fn submit(acting: Acting, path: UrlPath<Path>, form: Posted<Form>) -> PageResult {
    let account = child(&acting, &path, Permission::Suspend).await?;
    let mut errors = Errors::none();
    let Some(hold) = form.hold(acting.time_zone(), acting.now(), &mut errors) else {
        return page(&acting, account, form.into_inner(), errors).await;
    };
    let (cx, parent, services) = (acting.cx(), acting.account.id, std::sync::Arc::clone(&acting.app.services));
    let told = hold.tell_client || hold.tell_members;
    let (account, stopped) = acting
        .app
        .write(move |conn| {
            let account = suspend_account(conn, &cx, &services, parent, account.id, &hold)?;
            let stopped = Stops::of(conn, &account, cx.at())?;
            Ok((account, stopped))
        })
        .await?;
    let told = if told { " The mails you chose are on their way." } else { " Nobody was told by mail." };
    acting.flash(&Flash {
        detail: format!("{}{told}", stopped.sentence()),
        link: Some(("Lift".into(), format!("/sub-accounts/{}/lift", account.id))),
        ..Flash::new(Tone::Good, format!("{} is suspended.", account.name))
    });
    Ok(see_other(&format!("/sub-accounts/{}", account.id)))
}

async fn page(acting: &Acting, account: Account, form: Form, errors: Errors) -> PageResult {
    let (now, shown) = (acting.now().naive_utc(), account.clone());
    let (stops, open) = acting
        .app
        .read(move |conn| {
            let open = suspensions::open(conn, shown.id, now)?.into_iter().next();
            Ok((Stops::of(conn, &shown, now)?, open))
        })
        .await?;
    let tz = acting.time_zone();
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    html_with(
        status,
        &SuspendPage {
            shell: acting.shell(&format!("Suspend {}", account.name)),
            id: account.id.to_string(),
            name: account.name,
            stops,
            open: open.map(|hold| (hold.clone(), When::new(hold.created_at, now, tz))),
            form,
            zone: tz.name().to_owned(),
            errors,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_read_in_the_parents_time_zone_and_lies_in_the_future() {
        let now: DateTime<Utc> = "2026-11-24T12:00:00Z".parse().expect("an instant");
        let berlin = chrono_tz::Europe::Berlin;
        let at = until("2026-12-01T09:00", berlin, now).expect("right").expect("an end");
        assert_eq!(at.to_rfc3339(), "2026-12-01T08:00:00+00:00");
        assert_eq!(until(" ", berlin, now), Ok(None));
        assert!(until("2026-11-24T12:00", berlin, now).is_err());
        for odd in ["soon", "+12026-12-31T23:59", "2201-01-01T00:00", "9999-12-31T23:59"] {
            assert!(until(odd, berlin, now).is_err(), "{odd}");
        }
    }
}
