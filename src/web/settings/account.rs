//! Settings of the account: what it is called, how long it keeps mail, when it is billed, how clients see it.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::billing_change;
use crate::actions::ActionResult;
use crate::actions::set_logo::set_logo;
use crate::actions::update_account::{AccountChanges, update_account};
use crate::app::App;
use crate::domain::ids::Id;
use crate::domain::number::{self, NumberStyle};
use crate::domain::period::BillingAnchor;
use crate::domain::role::Permission;
use crate::domain::text::{AccountName, ShortText};
use crate::domain::website::Website;
use crate::load::Owner;
use crate::models::AnyConnection;
use crate::models::accounts::{self, Account};
use crate::telemetry;
use crate::telemetry::held::held;
use crate::web::acting::Acting;
use crate::web::error::{PageError, PageResult, query};
use crate::web::forms::{Errors, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::navigation;
use crate::web::page::{html_with, see_other};
use crate::web::scope::Tab;

#[derive(Template)]
#[template(path = "settings/account.html")]
struct AccountPage {
    shell: Shell,
    tabs: Vec<Tab>,
    form: AccountForm,
    errors: Errors,
    /// Only an agency has periods, a brand and a logo of its own.
    agency: bool,
    logo: Option<String>,
    zones: Vec<(&'static str, &'static str)>,
    billing: Billing,
}

/// What is said of another billing period.
#[derive(Default)]
struct Billing {
    /// What the change in the form would do: to be read before it is saved, and how the form says that it was.
    asked: Option<(String, String)>,
    /// What a change does that is saved and has not begun.
    planned: Option<String>,
}

/// Another billing period, to be looked at and saved.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    anchor_day: String,
    time_zone: String,
}

impl Asked {
    fn anchor(&self) -> Option<BillingAnchor> {
        BillingAnchor::parse(self.anchor_day.trim().parse().ok()?, &self.time_zone).ok()
    }
}

/// The form, as it is shown and as it comes.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct AccountForm {
    name: String,
    website: String,
    about: String,
    message_metadata_retention: String,
    message_data_retention: String,
    time_zone: String,
    anchor_day: String,
    number_style: String,
    brand_name: String,
    remove_logo: Option<String>,
    /// The billing period whose effect was read.
    confirmed: String,
}

impl AccountForm {
    fn of(account: &Account) -> Self {
        Self {
            name: account.name.clone(),
            website: account.website.clone(),
            about: account.about.clone(),
            message_metadata_retention: account.metadata_retention.to_string(),
            message_data_retention: account.data_retention.to_string(),
            time_zone: account.time_zone.clone(),
            anchor_day: account.anchor_day.to_string(),
            number_style: account.number_style.as_str().to_owned(),
            brand_name: account.brand_name.clone().unwrap_or_default(),
            remove_logo: None,
            confirmed: String::new(),
        }
    }

    fn parsed(&self, agency: bool, numbers: NumberStyle) -> Result<AccountChanges, Errors> {
        let mut errors = Errors::none();
        let whole =
            |text: &str, wanted: &str| number::whole(text, numbers).map_err(|misread| misread.refusal(numbers, wanted));
        let mut days = |field: &str, text: &str| errors.take(field, whole(text, "Enter a number of days."));
        let mut changes = AccountChanges {
            metadata_retention: days("message_metadata_retention", &self.message_metadata_retention),
            data_retention: days("message_data_retention", &self.message_data_retention),
            about: Some(self.about.clone()),
            ..AccountChanges::default()
        };
        changes.name = errors.take("name", AccountName::parse(&self.name));
        changes.website = errors.take("website", Website::parse(&self.website));
        if agency {
            let day = whole(&self.anchor_day, "Choose a billing day from 1 to 31.");
            changes.anchor = errors.take("anchor_day", day.and_then(|day| BillingAnchor::parse(day, &self.time_zone)));
            if !self.number_style.is_empty() {
                changes.number_style = errors.take("number_style", NumberStyle::parse(&self.number_style));
            }
            changes.brand_name = match self.brand_name.trim() {
                "" => Some(None),
                name => errors.take("brand_name", ShortText::parse(name)).map(Some),
            };
        }
        if errors.is_empty() { Ok(changes) } else { Err(errors) }
    }
}

fn page(acting: &Acting, form: AccountForm, errors: Errors, billing: Billing) -> PageResult {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let account = &acting.account;
    let logo = account.logo_type.as_ref().map(|_| logo_address(account));
    let zones = chrono_tz::TZ_VARIANTS.iter().map(|zone| (zone.name(), zone.name())).collect();
    let (shell, tabs) = (acting.shell("Settings"), navigation::settings(acting));
    let agency = account.parent_id.is_none();
    html_with(status, &AccountPage { shell, tabs, form, errors, agency, logo, zones, billing })
}

fn logo_address(account: &Account) -> String {
    format!("/brand/{}/logo?v={}", account.id, account.updated_at.and_utc().timestamp())
}

/// `GET /settings`: for roles without the account's settings, their own profile.
pub async fn show(acting: Acting, asked: Query<Asked>) -> PageResult {
    if acting.require(Permission::ManageSettings).is_err() {
        return Ok(see_other("/settings/profile"));
    }
    let mut form = AccountForm::of(&acting.account);
    if acting.account.parent_id.is_some() {
        return page(&acting, form, Errors::none(), Billing::default());
    }
    let mut billing = Billing { asked: None, planned: billing_change::planned(&acting).await? };
    if let Some(anchor) = changed(&acting.account, asked.anchor()) {
        (form.anchor_day, form.time_zone) = (anchor.day().to_string(), anchor.tz().name().to_owned());
        let told = billing_change::told(&acting, anchor).await?;
        billing.asked = told.map(|told| (told, billing_change::key(anchor)));
    }
    page(&acting, form, Errors::none(), billing)
}

/// An anchor that is another than the account's.
fn changed(account: &Account, anchor: Option<BillingAnchor>) -> Option<BillingAnchor> {
    anchor.filter(|anchor| billing_change::anchor_of(account) != Some(*anchor))
}

/// `POST /settings`. Another billing period is saved once it was said what it does; all else at once.
pub async fn save(acting: Acting, form: Posted<AccountForm>) -> PageResult {
    acting.require(Permission::ManageSettings)?;
    let (cx, account, agency) = (acting.cx(), acting.account.id, acting.account.parent_id.is_none());
    let mut changes = match form.parsed(agency, acting.numbers) {
        Ok(changes) => changes,
        Err(errors) => return page(&acting, form.clone(), errors, Billing::default()),
    };
    let unread =
        changed(&acting.account, changes.anchor).filter(|anchor| billing_change::key(*anchor) != form.confirmed);
    let asked = match unread {
        Some(anchor) => billing_change::told(&acting, anchor).await?.and(unread),
        None => None,
    };
    if asked.is_some() {
        changes.anchor = None;
    }
    let picture = form.file("logo").filter(|_| agency).map(|file| file.bytes.clone());
    let remove = agency && picture.is_none() && form.remove_logo.is_some();
    let done = acting.app.write(move |conn| -> ActionResult<()> {
        update_account(conn, &cx, account, &changes)?;
        apply_logo(conn, &cx, account, picture.as_deref(), remove)
    });
    if let Err(error) = done.await {
        return page(&acting, form.clone(), Errors::from_action(error, "name")?, Billing::default());
    }
    if let Some(anchor) = asked {
        let text = "The billing period is not changed yet. Read what the change does, then save it.";
        let detail = "All other settings are saved.".to_owned();
        acting.flash(&Flash { detail, ..Flash::new(Tone::Info, text) });
        let day = anchor.day().to_string();
        let address = query(&[("anchor_day", &day), ("time_zone", anchor.tz().name())]);
        return Ok(see_other(&format!("/settings?{address}#billing")));
    }
    acting.flash(&Flash::new(Tone::Good, "Your settings are saved."));
    Ok(see_other("/settings"))
}

fn apply_logo(
    conn: &mut AnyConnection,
    cx: &crate::actions::Cx,
    account: Id,
    picture: Option<&[u8]>,
    remove: bool,
) -> ActionResult<()> {
    if picture.is_some() || remove { set_logo(conn, cx, account, picture) } else { Ok(()) }
}

/// `GET /brand/{account}/logo`: for everybody who meets the brand, signed in or not.
pub async fn logo(request: HttpRequest, app: Data<App>, account: Path<String>) -> PageResult {
    let id: Id = account.parse().map_err(|_| PageError::not_found())?;
    let mut share = app.load.memory.share(Owner::stranger(telemetry::info(&request).ip));
    let found = app.into_inner().read(move |conn| Ok(accounts::logo(conn, id)?)).await?;
    let (kind, bytes) = found.ok_or_else(PageError::not_found)?;
    share.reach(bytes.len())?;
    let mut answer = HttpResponse::Ok();
    answer.content_type(kind).insert_header(("cache-control", "public, max-age=86400"));
    // Whoever asks and does not read holds no more than strangers may.
    Ok(held(answer.body(bytes), share))
}
