//! `/usage`: the page. A client's own usage is at `/account/usage`.

use actix_web::web::Query;
use askama::Template;
use chrono::NaiveDate;

use super::cost::{self, Cost};
use super::load::{Loaded, UsageQuery, load};
use super::table::{Table, Wanted};
use crate::domain::reputation::left;
use crate::domain::role::Permission;
use crate::models::usage::UsageTotal;
use crate::web::account::span::Span;
use crate::web::acting::Acting;
use crate::web::chart::{BarChart, Column};
use crate::web::error::{PageResult, query};
use crate::web::format;
use crate::web::layout::Shell;
use crate::web::page::{html, see_other};

#[derive(Template)]
#[template(path = "usage/index.html")]
struct UsagePage {
    shell: Shell,
    /// Value and words of the picker.
    periods: Vec<(String, String)>,
    chosen: String,
    period: String,
    zone: String,
    current: bool,
    accepted: String,
    delivered: String,
    bounced: String,
    complained: String,
    /// `None` for who may not see money.
    cost: Option<Cost>,
    may_set_plan: bool,
    chart: BarChart,
    table: Table,
    by_name: bool,
    sort_by_name: String,
    sort_by_messages: String,
    previous: String,
    next: String,
    export: String,
    spreadsheet: String,
}

/// `GET /usage`
pub async fn show(acting: Acting, asked: Query<UsageQuery>) -> PageResult {
    if acting.account.parent_id.is_some() {
        return Ok(see_other("/account/usage"));
    }
    acting.require(Permission::ViewUsage)?;
    let loaded = load(&acting, &asked).await?;
    html(&page(&acting, &asked, &loaded))
}

fn page(acting: &Acting, asked: &UsageQuery, loaded: &Loaded) -> UsagePage {
    let now = acting.now().naive_utc();
    let money = acting.may(Permission::ViewCost);
    let by_name = asked.sort == "name";
    let wanted = Wanted { page: asked.page.parse().unwrap_or(1), by_name, money };
    let when = |at| format::short_date(format::local_date(at, loaded.span.tz));
    let table = Table::new(&loaded.report, wanted, when);
    let chosen = loaded.span.id.map(|id| id.to_string()).unwrap_or_default();
    let current = loaded.span.is_current(now);
    let address = |sort: &str, page: usize| address(if current { "" } else { &chosen }, sort, page);
    let sort = if by_name { "name" } else { "" };
    let count = |number: i64| number.max(0).unsigned_abs();
    let total = loaded.report.total.messages;
    UsagePage {
        periods: options(loaded, acting),
        period: loaded.span.label(now),
        zone: loaded.span.tz.to_string(),
        current,
        accepted: format::number(total.accepted),
        delivered: format::percent(count(total.delivered), count(total.accepted)),
        bounced: format::percent(count(total.bounced), count(left(total.delivered, total.bounced))),
        complained: format::percent(count(total.complained), count(left(total.delivered, total.bounced))),
        cost: money.then(|| cost::of(loaded, current)),
        may_set_plan: acting.may(Permission::ManagePlan),
        chart: chart(&loaded.span, &loaded.days, now),
        by_name,
        sort_by_name: address("name", 1),
        sort_by_messages: address("", 1),
        previous: if table.page > 1 { address(sort, table.page - 1) } else { String::new() },
        next: if table.page < table.pages { address(sort, table.page + 1) } else { String::new() },
        export: format!("/usage.csv?{}", query(&[("period", &chosen)])),
        spreadsheet: format!("/usage.xlsx?{}", query(&[("period", &chosen)])),
        chosen,
        table,
        shell: acting.shell("Usage & cost"),
    }
}

fn address(period: &str, sort: &str, page: usize) -> String {
    let page = if page > 1 { page.to_string() } else { String::new() };
    let pairs: Vec<(&str, &str)> = [("period", period), ("sort", sort), ("page", page.as_str())]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect();
    if pairs.is_empty() { "/usage".to_owned() } else { format!("/usage?{}", query(&pairs)) }
}

fn options(loaded: &Loaded, acting: &Acting) -> Vec<(String, String)> {
    let now = acting.now().naive_utc();
    let option = |span: &Span| (span.id.map(|id| id.to_string()).unwrap_or_default(), span.label(now));
    loaded.periods.iter().map(option).collect()
}

/// The period's days so far; the days to come keep their place.
fn chart(span: &Span, days: &[UsageTotal], now: chrono::NaiveDateTime) -> BarChart {
    let column = |day: NaiveDate| {
        let key = day.to_string();
        let row = days.iter().find(|row| row.day == key);
        let of = |field: fn(&UsageTotal) -> i64| row.map_or(0, field).max(0).unsigned_abs();
        Column::single(format::short_date(day), of(|row| row.accepted), of(|row| row.bounced))
    };
    BarChart {
        slots: span.len(),
        highlight_last: span.is_current(now),
        ..BarChart::simple("Messages per day", span.days_until(now).map(column).collect())
    }
}
