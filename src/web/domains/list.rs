//! An account's domains, and adding one.

use std::sync::Arc;

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::records::{self, Shape};
use crate::actions::create_domain::{NewDomain, SealedKey, Subdomains, create_domain};
use crate::actions::domain_records::{DEFAULT_MEDIA, DEFAULT_RETURN_PATH, DEFAULT_SUBSCRIPTION, DEFAULT_TRACKING};
use crate::domain::dkim_selector::{DEFAULT_SELECTOR, DkimSelector};
use crate::domain::domain_name::{DomainName, SubdomainLabel};
use crate::domain::role::Permission;
use crate::load;
use crate::models::domains::{self, Domain};
use crate::web::account::frame::{self, Facts, Frame};
use crate::web::error::{PageError, PageResult};
use crate::web::format::When;
use crate::web::forms::{Errors, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::page::{html_with, see_other};
use crate::web::scope::AccountScope;

#[derive(Template)]
#[template(path = "domains/list.html")]
struct ListPage {
    shell: Shell,
    frame: Frame,
    path: String,
    rows: Vec<Row>,
    may_manage: bool,
    new: AddForm,
    errors: Errors,
    labels: Labels,
}

struct Row {
    name: String,
    href: String,
    state: Shape,
    found: String,
    checked: Option<When>,
}

/// What the fields say when they are left empty.
pub struct Labels {
    pub selector: String,
    pub tracking: String,
    pub return_path: String,
    pub subscription: String,
    pub media: String,
}

impl Labels {
    #[must_use]
    pub fn defaults() -> Self {
        let empty = |label: &str| format!("Empty: {label}");
        Self {
            selector: empty(DEFAULT_SELECTOR),
            tracking: empty(DEFAULT_TRACKING),
            return_path: empty(DEFAULT_RETURN_PATH),
            subscription: empty(DEFAULT_SUBSCRIPTION),
            media: empty(DEFAULT_MEDIA),
        }
    }
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct AddForm {
    domain: String,
    dkim_selector: String,
    dkim_private_key: String,
    tracking_subdomain: String,
    return_path_subdomain: String,
    subscription_subdomain: String,
    media_subdomain: String,
}

impl AddForm {
    /// Whether the less usual fields are to be seen at once.
    fn is_unusual(&self) -> bool {
        let all = [&self.dkim_selector, &self.tracking_subdomain, &self.return_path_subdomain];
        let more = [&self.subscription_subdomain, &self.media_subdomain, &self.dkim_private_key];
        all.iter().chain(&more).any(|text| !text.is_empty())
    }
}

/// `GET .../domains`
pub async fn show(scope: AccountScope) -> PageResult {
    scope.require(Permission::ViewDomains)?;
    page(&scope, AddForm::default(), Errors::none()).await
}

async fn page(scope: &AccountScope, form: AddForm, errors: Errors) -> PageResult {
    let (facts, found) = frame::load(scope, |conn, account, _| Ok(domains::all(conn, account.id)?)).await?;
    let rows = found.iter().map(|domain| row(scope, &facts, domain)).collect();
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    html_with(
        status,
        &ListPage {
            frame: Frame::new(scope, &facts, "Domains"),
            shell: scope.shell("Domains"),
            path: scope.path("/domains"),
            rows,
            may_manage: scope.may(Permission::ManageDomains),
            new: form,
            errors,
            labels: Labels::defaults(),
        },
    )
}

fn row(scope: &AccountScope, facts: &Facts, domain: &Domain) -> Row {
    let rows = records::rows(domain, &scope.acting.app.config.platform);
    let (found, needed) = records::found_of_needed(&rows);
    let looked = rows.iter().any(|row| row.state.1 != records::NOT_CHECKED);
    Row {
        name: domain.name.clone(),
        href: scope.path(&format!("/domains/{}", domain.name)),
        state: records::standing(domain, &rows).shape,
        found: if looked { format!("{found} of {needed}") } else { "no data".to_owned() },
        checked: domain.last_check_at.map(|at| facts.when(at)),
    }
}

/// `POST .../domains`
pub async fn add(scope: AccountScope, form: Posted<AddForm>) -> PageResult {
    scope.require(Permission::ManageDomains)?;
    let form = form.into_inner();
    let mut errors = Errors::none();
    let Some(new) = read(&scope, &form, &mut errors).await? else { return page(&scope, form, errors).await };
    let (cx, account) = (scope.acting.cx(), scope.account.id);
    match scope.acting.app.write(move |conn| create_domain(conn, &cx, account, new)).await {
        Ok(domain) => {
            let text = format!("{} is added. Publish its records, then check.", domain.name);
            scope.acting.flash(&Flash::new(Tone::Good, text));
            Ok(see_other(&scope.path(&format!("/domains/{}", domain.name))))
        }
        Err(error) => page(&scope, form, Errors::from_action(error, "domain")?).await,
    }
}

/// Reads the form, and makes the key pair off the async threads; `None` when something is wrong.
async fn read(scope: &AccountScope, form: &AddForm, errors: &mut Errors) -> Result<Option<NewDomain>, PageError> {
    let name = errors.take("domain", DomainName::parse(&form.domain));
    let selector = errors.take("dkim_selector", DkimSelector::parse(&form.dkim_selector)).flatten();
    let subdomains = Subdomains {
        tracking: label(errors, "tracking_subdomain", &form.tracking_subdomain),
        return_path: label(errors, "return_path_subdomain", &form.return_path_subdomain),
        subscription: label(errors, "subscription_subdomain", &form.subscription_subdomain),
        media: label(errors, "media_subdomain", &form.media_subdomain),
    };
    let Some(name) = name.filter(|_| errors.is_empty()) else { return Ok(None) };
    let (app, pem) = (Arc::clone(&scope.acting.app), form.dkim_private_key.clone());
    let place = app.load.preparing.enter(scope.acting.owner()).await?;
    let key = load::off_thread(place, move || {
        Ok(match pem.trim() {
            "" => Ok(SealedKey::generate(&app.services)),
            pem => SealedKey::from_pem(&app.services, pem),
        })
    });
    match key.await? {
        Ok(key) => Ok(Some(NewDomain { name, selector, subdomains, key })),
        Err(error) => {
            errors.add("dkim_private_key", error.to_string());
            Ok(None)
        }
    }
}

/// A label that was typed; empty is the default.
pub(super) fn label(errors: &mut Errors, field: &str, text: &str) -> Option<SubdomainLabel> {
    if text.trim().is_empty() { None } else { errors.take(field, SubdomainLabel::parse(text)) }
}
