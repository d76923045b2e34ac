//! One domain: its records, how each stands, and what can be done.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use serde::Deserialize;

use super::list::Labels;
use super::records::{self, RecordRow, Standing};
use crate::actions::share_domain::share_token;
use crate::actions::{ActionError, ActionResult};
use crate::domain::domain_name::DomainName;
use crate::domain::role::Permission;
use crate::models::domains::{self, Domain};
use crate::models::{AnyConnection, usage};
use crate::web::account::frame::{self, Frame};
use crate::web::account::span::Span;
use crate::web::account::usage::Counts;
use crate::web::error::{PageError, PageResult};
use crate::web::format::When;
use crate::web::forms::Errors;
use crate::web::layout::Shell;
use crate::web::page::html_with;
use crate::web::scope::AccountScope;

#[derive(Template)]
#[template(path = "domains/show.html")]
struct DomainPage {
    shell: Shell,
    frame: Frame,
    /// Of the list.
    list: String,
    /// Of this domain.
    path: String,
    name: String,
    standing: Standing,
    records: Vec<RecordRow>,
    checked: Option<When>,
    /// Bounces and complaints of what left from it, and the period they are of.
    rates: Option<(String, String, String)>,
    /// The whole link for people without an account here; empty without one.
    link: String,
    may_manage: bool,
    locked: bool,
    values: SettingsForm,
    labels: Labels,
    errors: Errors,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct SettingsForm {
    pub dkim_selector: String,
    pub tracking_subdomain: String,
    pub return_path_subdomain: String,
    pub subscription_subdomain: String,
    pub media_subdomain: String,
}

impl SettingsForm {
    fn of(domain: &Domain) -> Self {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        Self {
            dkim_selector: text(&domain.dkim_selector),
            tracking_subdomain: text(&domain.tracking_subdomain),
            return_path_subdomain: text(&domain.return_path_subdomain),
            subscription_subdomain: text(&domain.subscription_subdomain),
            media_subdomain: text(&domain.media_subdomain),
        }
    }
}

/// The domain's name in the address, in the form it is stored in.
pub(super) fn name(path: &OfDomain) -> Result<String, PageError> {
    DomainName::parse(&path.domain).map(String::from).map_err(|_| PageError::not_found())
}

/// What the addresses name; `AccountScope` reads the account.
#[derive(Deserialize)]
pub struct OfDomain {
    domain: String,
}

/// `GET .../domains/{domain}`
pub async fn show(scope: AccountScope, path: Path<OfDomain>) -> PageResult {
    scope.require(Permission::ViewDomains)?;
    page(&scope, &name(&path)?, None, Errors::none()).await
}

/// What became of the domain's mail of a period.
fn counts(conn: &mut AnyConnection, domain: &Domain, period: &Span) -> ActionResult<Counts> {
    let (from, to) = (period.first_day().to_string(), period.last_day().to_string());
    let mut counts = Counts::default();
    let Some(id) = period.id else { return Ok(counts) };
    for row in
        usage::by_domain(conn, domain.account_id, id, (&from, &to))?.iter().filter(|row| row.domain_id == domain.id)
    {
        counts.add(&Counts::of(row));
    }
    Ok(counts)
}

/// The page; with `form` as it was typed when something is wrong with it.
pub(super) async fn page(scope: &AccountScope, name: &str, form: Option<SettingsForm>, errors: Errors) -> PageResult {
    let wanted = name.to_owned();
    let (facts, (domain, counts)) = frame::load(scope, move |conn, account, facts| {
        let domain = domains::find(conn, account.id, &wanted)?.ok_or(ActionError::NotFound("domain"))?;
        let counts = counts(conn, &domain, &facts.period)?;
        Ok((domain, counts))
    })
    .await?;
    let app = &scope.acting.app;
    let records = records::rows(&domain, &app.config.platform);
    let may_manage = scope.may(Permission::ManageDomains);
    let token = if may_manage { share_token(&app.services, &domain)? } else { None };
    let link = token.map(|token| format!("{}/dns/{token}", app.config.public_url)).unwrap_or_default();
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    html_with(
        status,
        &DomainPage {
            frame: Frame::new(scope, &facts, &domain.name),
            shell: scope.shell(&domain.name),
            list: scope.path("/domains"),
            path: scope.path(&format!("/domains/{}", domain.name)),
            standing: records::standing(&domain, &records),
            records,
            checked: domain.last_check_at.map(|at| facts.when(at)),
            rates: scope.may(Permission::ViewUsage).then(|| {
                let (bounces, complaints) = counts.rates();
                (bounces, complaints, facts.period.label(facts.now.naive_utc()))
            }),
            link,
            may_manage,
            locked: domain.verified_at.is_some(),
            values: form.unwrap_or_else(|| SettingsForm::of(&domain)),
            labels: Labels::defaults(),
            errors,
            name: domain.name,
        },
    )
}
