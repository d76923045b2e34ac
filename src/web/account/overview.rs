//! An account at a glance: what stops it or soon will, this period's mail, what happened last.

use askama::Template;

use super::activity::{self, Line};
use super::doers::Doers;
use super::frame::{self, Facts, Frame, whole};
use super::overview_facts::{self, Figures};
use super::span::Span;
use crate::actions::ActionResult;
use crate::domain::forecast::{self, CapForecast, Known};
use crate::domain::ids::Id;
use crate::domain::role::Permission;
use crate::models::audit::{self, Entry, Filter};
use crate::models::messages::{self, Message};
use crate::models::usage::{self, UsageDay};
use crate::models::{AnyConnection, accounts::Account};
use crate::web::activity::hidden;
use crate::web::chart::{BarChart, Column, Meter};
use crate::web::error::PageResult;
use crate::web::format::{self, When};
use crate::web::layout::Shell;
use crate::web::page::html;
use crate::web::scope::AccountScope;

/// What needs attention, above everything else.
pub struct Notice {
    pub tone: &'static str,
    pub title: String,
    pub lines: Vec<String>,
    /// Label and address.
    pub links: Vec<(String, String)>,
}

/// A message of the short list.
pub struct Latest {
    pub recipient: String,
    pub subject: String,
    pub class: &'static str,
    pub label: &'static str,
    pub when: When,
    pub href: String,
}

#[derive(Template)]
#[template(path = "account/overview.html")]
struct OverviewPage {
    shell: Shell,
    frame: Frame,
    notices: Vec<Notice>,
    chart: BarChart,
    period: String,
    meter: Meter,
    figures: Figures,
    latest: Vec<Latest>,
    activity: Vec<Line>,
    base: String,
}

/// What the page is made from.
#[derive(Default)]
pub struct Data {
    pub days: Vec<UsageDay>,
    pub counter: Option<crate::models::counters::Counter>,
    pub deferred: i64,
    pub waiting: i64,
    pub scheduled: i64,
    /// At the cap.
    pub held: i64,
    pub cost: Option<String>,
    messages: Vec<Message>,
    entries: Vec<Entry>,
    doers: Doers,
}

/// What the role may see of it.
#[derive(Clone, Copy)]
struct May {
    cost: bool,
    messages: bool,
    activity: bool,
}

/// `GET .../` of an account.
pub async fn show(scope: AccountScope) -> PageResult {
    scope.require(Permission::ViewOverview)?;
    let may = May {
        cost: scope.may(Permission::ViewCost),
        messages: scope.may(Permission::ViewMessages),
        activity: scope.may(Permission::ViewActivity),
    };
    let (facts, data) = frame::load(&scope, move |conn, account, facts| read(conn, account, facts, may)).await?;
    let cap = facts.cap(&scope.account);
    let figures = overview_facts::figures(&facts, &data, may.cost);
    let forecast = cap.and_then(|cap| forecast(&facts, &data.days, cap));
    html(&OverviewPage {
        notices: overview_facts::notices(
            &scope,
            &facts,
            forecast,
            raise_to(&facts, &data.days, scope.account.monthly_credit),
        ),
        frame: Frame::new(&scope, &facts, "Overview"),
        chart: chart(&facts.period, &data.days, &facts),
        period: facts.period.label(facts.now.naive_utc()),
        meter: Meter::new(whole(facts.used), cap.map(whole)).written_in(scope.acting.numbers),
        figures,
        latest: data.messages.iter().map(|message| latest(&scope, &facts, message)).collect(),
        activity: data.entries.iter().map(|entry| activity::line(&scope, &facts, &data.doers, entry)).collect(),
        base: scope.base.clone(),
        shell: scope.shell(&activity::title(&scope, "Overview")),
    })
}

fn read(conn: &mut AnyConnection, account: &Account, facts: &Facts, may: May) -> ActionResult<Data> {
    let today = format::local_date(facts.now.naive_utc(), facts.tz());
    let from = (today - chrono::Days::new(56)).min(facts.period.first_day()).to_string();
    let days = usage::days(conn, account.id, &from, &facts.period.last_day().to_string())?;
    let hidden = hidden::in_overviews(may.cost);
    let filter = Filter { account_id: Some(account.id), hidden, ..Filter::default() };
    let entries = match may.activity {
        true => audit::page(conn, account.root_id(), &filter, None, false, 5)?,
        false => Vec::new(),
    };

    Ok(Data {
        days,
        doers: Doers::of(conn, account, &entries)?,
        entries,
        messages: match may.messages {
            true => messages::page(conn, account.id, &messages::Filter::default(), None, false, 5)?,
            false => Vec::new(),
        },
        ..figures_of(conn, account, facts, may.cost)?
    })
}

/// What the period came to, without days, messages and activity.
///
/// # Errors
/// Only the database's.
pub fn figures_of(conn: &mut AnyConnection, account: &Account, facts: &Facts, cost: bool) -> ActionResult<Data> {
    let (waiting, scheduled) = crate::models::queue::depth(conn, account.id, facts.now.naive_utc())?;
    Ok(Data {
        counter: match facts.period.id {
            Some(id) => crate::models::counters::find(conn, account.id, id)?,
            None => None,
        },
        deferred: crate::models::queue::tried(conn, account.id)?,
        waiting,
        scheduled,
        held: crate::models::held::count(conn, account.id)?,
        cost: if cost { overview_facts::cost(conn, account, facts)? } else { None },
        ..Data::default()
    })
}

/// Accepted and bounced per day of `span`, days without mail included.
#[must_use]
pub fn chart(span: &Span, days: &[UsageDay], facts: &Facts) -> BarChart {
    let now = facts.now.naive_utc();
    let column = |day: chrono::NaiveDate| {
        let key = day.to_string();
        let of = |field: fn(&UsageDay) -> i64| {
            whole(days.iter().filter(|row| row.day == key && in_span(span, row)).map(field).sum())
        };
        Column::single(format::short_date(day), of(|row| row.accepted), of(|row| row.bounced))
    };
    BarChart {
        slots: span.len(),
        highlight_last: span.is_current(now),
        ..BarChart::simple("Messages per day", span.days_until(now).map(column).collect())
    }
}

/// A day in which one period ends and the next begins has a row in each.
#[must_use]
pub fn in_span(span: &Span, row: &UsageDay) -> bool {
    span.id.is_none_or(|id: Id| id == row.period_id)
}

/// The days before today as the forecast takes them: complete, without gaps, since the first mail.
fn history(facts: &Facts, days: &[UsageDay]) -> (Vec<i64>, i64) {
    let today = format::local_date(facts.now.naive_utc(), facts.tz());
    let on = |day: chrono::NaiveDate| {
        let key = day.to_string();
        days.iter().filter(|row| row.day == key).map(|row| row.accepted).sum::<i64>()
    };
    let first = days.first().and_then(|row| row.day.parse::<chrono::NaiveDate>().ok()).unwrap_or(today);
    let daily = first.iter_days().take_while(|day| *day < today).map(on).collect();
    (daily, on(today))
}

fn known<'a>(facts: &Facts, daily: &'a [i64], today_so_far: i64) -> Known<'a> {
    Known {
        daily,
        today: format::local_date(facts.now.naive_utc(), facts.tz()),
        today_so_far,
        used: facts.used,
        period_end: format::local_date(facts.period.end, facts.tz()),
    }
}

fn forecast(facts: &Facts, days: &[UsageDay], cap: i64) -> Option<CapForecast> {
    let (daily, today) = history(facts, days);
    forecast::cap_reached(&known(facts, &daily, today), cap)
}

/// A cap that would last: what the period likely needs at most with a tenth to spare, and at least a fifth above
/// today's, in two significant digits.
fn raise_to(facts: &Facts, days: &[UsageDay], cap: i64) -> Option<i64> {
    if cap == 0 {
        return None;
    }
    let (daily, today) = history(facts, days);
    let need = forecast::period_end(&known(facts, &daily, today)).map_or(facts.used, |end| end.high);
    // A short period's need, as the cap of a full one lets it through.
    let need = facts.period.part.full_cap_for(need);
    Some(rounded_up((need + need / 10).max(cap + cap / 5)).min(crate::domain::cap::MAX_CAP))
}

/// Up to two significant digits.
fn rounded_up(count: i64) -> i64 {
    let mut step = 1;
    while count / step >= 100 {
        step *= 10;
    }
    (count + step - 1) / step * step
}

fn latest(scope: &AccountScope, facts: &Facts, message: &Message) -> Latest {
    let (class, label) = super::messages::state(&message.status);
    Latest {
        recipient: message.recipient.clone(),
        subject: message.subject.clone(),
        class,
        label,
        when: facts.when(message.created_at),
        href: scope.path(&format!("/messages/{}", message.id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposed_cap_is_a_round_number_that_is_not_below_the_need() {
        for (need, wanted) in [(136_412, 140_000), (1_001, 1_100), (99, 99), (101, 110), (140_000, 140_000)] {
            assert_eq!(rounded_up(need), wanted);
        }
    }
}
