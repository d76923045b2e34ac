//! Addresses that an account must not mail: found, added, let go, exported.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Query;
use askama::Template;
use chrono::{NaiveDate, TimeDelta};
use serde::Deserialize;

use super::activity::title;
use super::frame::{self, Facts, Frame};
use super::paging::{Edge, Paged, fetch};
use crate::domain::domain_name::DomainName;
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::Id;
use crate::domain::role::Permission;
use crate::models::domains;
use crate::models::suppressions::{self, EVERY_DOMAIN, Filter, Suppression};
use crate::web::csv;
use crate::web::error::{PageError, PageResult};
use crate::web::files::{download, file_name};
use crate::web::format::{self, When};
use crate::web::forms::Errors;
use crate::web::layout::Shell;
use crate::web::page::html_with;
use crate::web::scope::AccountScope;

/// Rows of an export read at once, and at most.
const CHUNK: i64 = 5_000;
const LARGEST_EXPORT: usize = 500_000;
/// How long an address added by hand is suppressed unless told otherwise.
const USUAL_DAYS: i64 = 365;

/// A row of the list.
pub struct Row {
    email: String,
    /// As it is stored, for the form that lets it go.
    domain: String,
    domain_label: String,
    reason: String,
    since: When,
    until: String,
}

/// What was typed into "Add an address".
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct AddForm {
    pub email: String,
    pub domain: String,
    pub reason: String,
    /// `YYYY-MM-DD`.
    pub until: String,
}

#[derive(Template)]
#[template(path = "account/suppressions.html")]
struct SuppressionsPage {
    shell: Shell,
    frame: Frame,
    path: String,
    csv: String,
    q: String,
    domain: String,
    /// Value and words, for the picker and the form.
    domains: Vec<(String, String)>,
    page: Paged<Row>,
    has_filter: bool,
    may_manage: bool,
    form: AddForm,
    errors: Errors,
    today: String,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct SuppressionsQuery {
    q: String,
    domain: String,
    older: Option<String>,
    newer: Option<String>,
}

/// `GET .../suppressions`
pub async fn list(scope: AccountScope, query: Query<SuppressionsQuery>) -> PageResult {
    scope.require(Permission::ViewSuppressions)?;
    page(&scope, query.into_inner(), AddForm::default(), Errors::none()).await
}

/// The page, with a form that may have errors.
///
/// # Errors
/// Those of reading.
pub async fn page(scope: &AccountScope, query: SuppressionsQuery, form: AddForm, errors: Errors) -> PageResult {
    let SuppressionsQuery { q, domain, older, newer } = query;
    let q = q.trim().to_owned();
    let (edge, ascending) = Edge { older, newer }.read::<Id>();
    let filter = filter(&q, &domain);
    let (facts, (rows, names)) = frame::load(scope, move |conn, account, facts| {
        let now = facts.now.naive_utc();
        let rows = match filter {
            Some(filter) => suppressions::page(conn, account.id, &filter, now, edge, ascending, fetch())?,
            None => Vec::new(),
        };
        Ok((rows, domains::names(conn, account.id)?))
    })
    .await?;
    let path = scope.path("/suppressions");
    let paged =
        Paged::new(rows, (edge.is_some(), ascending), &path, &[("q", &q), ("domain", &domain)], |row: &Suppression| {
            row.id
        });
    let rows = paged.rows.iter().map(|one| row(one, &facts)).collect();
    let today = format::local_date(facts.now.naive_utc(), facts.tz());
    let form = if form.until.is_empty() { AddForm { until: usual_end(today).to_string(), ..form } } else { form };
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    html_with(
        status,
        &SuppressionsPage {
            frame: Frame::new(scope, &facts, "Suppressions"),
            shell: scope.shell(&title(scope, "Suppressions")),
            csv: format!("{path}.csv"),
            path,
            has_filter: !q.is_empty() || !domain.is_empty(),
            q,
            domain,
            domains: std::iter::once((EVERY_DOMAIN.to_owned(), "Every domain".to_owned()))
                .chain(names.into_iter().map(|(_, name)| (name.clone(), name)))
                .collect(),
            page: Paged { rows, newer: paged.newer, older: paged.older },
            may_manage: scope.may(Permission::ManageSuppressions),
            form,
            errors,
            today: today.to_string(),
        },
    )
}

/// `None` finds nothing: what is searched is no address.
fn filter(q: &str, domain: &str) -> Option<Filter> {
    let mut filter = Filter::default();
    if !q.is_empty() {
        filter.email_lower = Some(EmailAddress::parse(q).ok()?.lower());
    }
    if domain == EVERY_DOMAIN {
        filter.domain = Some(domain.to_owned());
    } else if !domain.is_empty() {
        filter.domain = Some(DomainName::parse(domain).ok()?.into());
    }
    Some(filter)
}

fn usual_end(today: NaiveDate) -> NaiveDate {
    today + TimeDelta::days(USUAL_DAYS)
}

fn row(row: &Suppression, facts: &Facts) -> Row {
    Row {
        email: row.email.clone(),
        domain_label: if row.domain == EVERY_DOMAIN { "domains added later".to_owned() } else { row.domain.clone() },
        domain: row.domain.clone(),
        reason: row.reason.clone(),
        since: facts.when(row.created_at),
        until: format::long_date(format::local_date(row.expires_at - TimeDelta::microseconds(1), facts.tz())),
    }
}

/// `GET .../suppressions.csv`: what is filtered, newest first.
pub async fn export(scope: AccountScope, query: Query<SuppressionsQuery>) -> Result<HttpResponse, PageError> {
    scope.require(Permission::ViewSuppressions)?;
    let filter = filter(query.q.trim(), &query.domain);
    let (_, text) = frame::load_much(&scope, move |conn, account, facts| {
        let mut text = csv::line(&["email", "domain", "reason", "created_at", "expires_at"]);
        let (mut edge, mut count) = (None, 0);
        let Some(filter) = filter else { return Ok(text) };
        loop {
            let rows = suppressions::page(conn, account.id, &filter, facts.now.naive_utc(), edge, false, CHUNK)?;
            for row in &rows {
                let at = |at: chrono::NaiveDateTime| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
                let (created, expires) = (at(row.created_at), at(row.expires_at));
                text.push_str(&csv::line(&[&row.email, &row.domain, &row.reason, &created, &expires]));
            }
            count += rows.len();
            edge = rows.last().map(|row| row.id);
            if rows.len() < usize::try_from(CHUNK).unwrap_or(0) || count >= LARGEST_EXPORT {
                return Ok(text);
            }
        }
    })
    .await?;
    let name = file_name(&scope.account.name, "suppressions", "csv");
    Ok(download("text/csv; charset=utf-8", &name, text.into_bytes()))
}
