//! What an account sent, by day, domain and tag, for one billing period.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::Query;
use askama::Template;
use serde::Deserialize;

use super::activity::title;
use super::frame::{self, Facts, Frame, whole};
use super::overview::{chart, in_span};
use super::span::Span;
use super::{usage_csv, usage_sheet};
use crate::actions::{ActionError, ActionResult};
use crate::domain::ids::Id;
use crate::domain::reputation::left;
use crate::domain::role::Permission;
use crate::models::accounts::Account;
use crate::models::usage::{self, DomainDay, UsageDay};
use crate::models::{AnyConnection, domains, periods};
use crate::web::chart::BarChart;
use crate::web::error::{PageError, PageResult};
use crate::web::filters;
use crate::web::format;
use crate::web::layout::Shell;
use crate::web::page::html;
use crate::web::scope::AccountScope;

/// A row of a table by domain or tag.
pub struct Part {
    pub name: String,
    pub accepted: u64,
    pub share: String,
    /// Of what left of it; empty where it is not known.
    pub bounces: String,
    pub complaints: String,
}

/// A day as the table shows it.
pub struct Day {
    pub label: String,
    pub key: String,
    pub accepted: u64,
    pub delivered: u64,
    pub deferred: u64,
    pub bounced: u64,
    pub failed: u64,
    pub suppressed: u64,
    pub complained: u64,
}

impl Day {
    /// The numbers that `files::COUNTS` names.
    pub fn counts(&self) -> [u64; 7] {
        [self.accepted, self.delivered, self.deferred, self.bounced, self.failed, self.suppressed, self.complained]
    }
}

/// A period's days and parts.
pub struct Usage {
    pub span: Span,
    periods: Vec<Span>,
    pub days: Vec<UsageDay>,
    pub domains: Vec<(String, Counts)>,
    pub tags: Vec<(String, i64)>,
}

/// What became of a domain's mail.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub accepted: i64,
    pub delivered: i64,
    pub bounced: i64,
    pub complained: i64,
}

impl Counts {
    pub fn of(row: &DomainDay) -> Self {
        Self { accepted: row.accepted, delivered: row.delivered, bounced: row.bounced, complained: row.complained }
    }

    pub fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.delivered += other.delivered;
        self.bounced += other.bounced;
        self.complained += other.complained;
    }

    /// Bounces and complaints as shares of what left.
    pub fn rates(&self) -> (String, String) {
        let left = whole(left(self.delivered, self.bounced));
        (format::percent(whole(self.bounced), left), format::percent(whole(self.complained), left))
    }
}

#[derive(Template)]
#[template(path = "account/usage.html")]
struct UsagePage {
    shell: Shell,
    frame: Frame,
    path: String,
    /// Value and words of the picker.
    periods: Vec<(String, String)>,
    chosen: String,
    period: String,
    is_current: bool,
    chart: BarChart,
    total: Day,
    days: Vec<Day>,
    domains: Vec<Part>,
    tags: Vec<Part>,
    bounce_rate: String,
    complaint_rate: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct UsageQuery {
    period: Option<String>,
}

/// `GET .../usage`
pub async fn show(scope: AccountScope, query: Query<UsageQuery>) -> PageResult {
    scope.require(Permission::ViewUsage)?;
    let (facts, usage) = load(&scope, query.into_inner()).await?;
    let days: Vec<Day> = daily(&usage, &facts);
    let total = total(&days);
    let now = facts.now.naive_utc();
    let option = |span: &Span| (span.id.map(|id| id.to_string()).unwrap_or_default(), span.label(now));
    html(&UsagePage {
        frame: Frame::new(&scope, &facts, "Usage"),
        shell: scope.shell(&title(&scope, "Usage")),
        path: scope.path("/usage"),
        periods: usage.periods.iter().map(option).collect(),
        chosen: option(&usage.span).0,
        period: usage.span.label(now),
        is_current: usage.span.is_current(now),
        chart: chart(&usage.span, &usage.days, &facts),
        domains: domain_parts(&usage.domains, total.accepted),
        tags: parts(&usage.tags, total.accepted),
        bounce_rate: format::percent(total.bounced, total.delivered + total.bounced),
        complaint_rate: format::percent(total.complained, total.delivered + total.bounced),
        days: days.into_iter().rev().collect(),
        total,
    })
}

/// `GET .../usage.csv`
pub async fn csv(scope: AccountScope, query: Query<UsageQuery>) -> Result<HttpResponse, PageError> {
    scope.require(Permission::ViewUsage)?;
    let (facts, usage) = load(&scope, query.into_inner()).await?;
    Ok(usage_csv::answer(&scope.account.name, &daily(&usage, &facts)))
}

/// `GET .../usage.xlsx`
pub async fn xlsx(scope: AccountScope, query: Query<UsageQuery>) -> PageResult {
    scope.require(Permission::ViewUsage)?;
    let (facts, usage) = load(&scope, query.into_inner()).await?;
    usage_sheet::answer(&scope, facts.now, daily(&usage, &facts), usage).await
}

async fn load(scope: &AccountScope, query: UsageQuery) -> Result<(Facts, Usage), PageError> {
    let wanted = query.period.filter(|text| !text.is_empty());
    let wanted = wanted.map(|text| text.parse::<Id>()).transpose().map_err(|_| PageError::not_found())?;
    frame::load_much(scope, move |conn, account, facts| read(conn, account, facts, wanted)).await
}

fn read(conn: &mut AnyConnection, account: &Account, facts: &Facts, wanted: Option<Id>) -> ActionResult<Usage> {
    let mut all: Vec<Span> = periods::all(conn, facts.root.id)?.iter().map(Span::of).collect();
    all.retain(|span| span.end > account.created_at);
    if facts.period.id.is_none() {
        all.insert(0, facts.period.clone());
    }
    let span = match wanted {
        Some(id) => {
            all.iter().find(|span| span.id == Some(id)).cloned().ok_or(ActionError::NotFound("billing period"))?
        }
        None => facts.period.clone(),
    };
    let (from, to) = (span.first_day().to_string(), span.last_day().to_string());
    let (domain_days, tagged) = match span.id {
        Some(id) => {
            (usage::by_domain(conn, account.id, id, (&from, &to))?, usage::by_tag(conn, account.id, id, (&from, &to))?)
        }
        None => (Vec::new(), Vec::new()),
    };
    let mut by_domain: BTreeMap<Id, Counts> = BTreeMap::new();
    for row in domain_days {
        by_domain.entry(row.domain_id).or_default().add(&Counts::of(&row));
    }
    let ids: Vec<Id> = by_domain.keys().copied().collect();
    let names: BTreeMap<Id, String> =
        domains::find_many(conn, &ids)?.into_iter().map(|row| (row.id, row.name)).collect();
    let mut named: BTreeMap<String, Counts> = BTreeMap::new();
    for (id, counts) in by_domain {
        let name = names.get(&id).cloned().unwrap_or_else(|| "a removed domain".into());
        named.entry(name).or_default().add(&counts);
    }
    let mut tags: BTreeMap<String, i64> = BTreeMap::new();
    for (tag, accepted) in tagged {
        *tags.entry(tag).or_default() += accepted;
    }
    let days = usage::days(conn, account.id, &from, &to)?.into_iter().filter(|row| in_span(&span, row)).collect();
    Ok(Usage { span, periods: all, days, domains: named.into_iter().collect(), tags: tags.into_iter().collect() })
}

/// Every day that has begun, oldest first.
fn daily(usage: &Usage, facts: &Facts) -> Vec<Day> {
    let day = |date: chrono::NaiveDate| {
        let key = date.to_string();
        let rows = || usage.days.iter().filter(|row| row.day == key);
        let sum = |field: fn(&UsageDay) -> i64| whole(rows().map(field).sum());
        Day {
            label: date.format("%a %-d %b").to_string(),
            accepted: sum(|row| row.accepted),
            delivered: sum(|row| row.delivered),
            deferred: sum(|row| row.deferred),
            bounced: sum(|row| row.bounced),
            failed: sum(|row| row.failed),
            suppressed: sum(|row| row.suppressed),
            complained: sum(|row| row.complained),
            key,
        }
    };
    usage.span.days_until(facts.now.naive_utc()).map(day).collect()
}

pub fn total(days: &[Day]) -> Day {
    let sum = |field: fn(&Day) -> u64| days.iter().map(field).sum();
    Day {
        label: "Total".into(),
        key: String::new(),
        accepted: sum(|day| day.accepted),
        delivered: sum(|day| day.delivered),
        deferred: sum(|day| day.deferred),
        bounced: sum(|day| day.bounced),
        failed: sum(|day| day.failed),
        suppressed: sum(|day| day.suppressed),
        complained: sum(|day| day.complained),
    }
}

/// The most first.
fn parts(rows: &[(String, i64)], accepted: u64) -> Vec<Part> {
    let mut parts: Vec<Part> = rows
        .iter()
        .map(|(name, count)| Part {
            name: name.clone(),
            accepted: whole(*count),
            share: format::percent(whole(*count), accepted),
            bounces: String::new(),
            complaints: String::new(),
        })
        .collect();
    parts.sort_by(|a, b| b.accepted.cmp(&a.accepted).then_with(|| a.name.cmp(&b.name)));
    parts
}

/// The same with the rates of each.
fn domain_parts(rows: &[(String, Counts)], accepted: u64) -> Vec<Part> {
    let volumes: Vec<(String, i64)> = rows.iter().map(|(name, counts)| (name.clone(), counts.accepted)).collect();
    let mut parts = parts(&volumes, accepted);
    for part in &mut parts {
        if let Some((_, counts)) = rows.iter().find(|(name, _)| *name == part.name) {
            (part.bounces, part.complaints) = counts.rates();
        }
    }
    parts
}
