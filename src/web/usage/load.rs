//! What the page and its export read: the report, the days, and the periods there are.

use chrono::{NaiveDate, TimeDelta};
use serde::Deserialize;

use crate::actions::ensure_period::{self, ensure_period};
use crate::actions::usage_report::{UsageReport, usage_report};
use crate::actions::{ActionError, ActionResult};
use crate::domain::forecast::{self, Forecast, Known};
use crate::domain::ids::Id;
use crate::models::periods::Period;
use crate::models::usage::{self, UsageTotal};
use crate::models::{AnyConnection, periods};
use crate::web::account::span::Span;
use crate::web::acting::Acting;
use crate::web::error::PageError;
use crate::web::format;

/// How far back the forecast looks.
const HISTORY_DAYS: i64 = 56;

/// The address's query.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct UsageQuery {
    /// Id of a period; empty is the running one.
    pub period: String,
    /// From 1.
    pub page: String,
    /// `name`, or by messages.
    pub sort: String,
}

/// One period of a parent, read at one moment.
pub struct Loaded {
    pub report: UsageReport,
    pub span: Span,
    /// Newest first.
    pub periods: Vec<Span>,
    /// Its days, each with what counts in it.
    pub days: Vec<UsageTotal>,
    /// Messages at the end of the period; `None` when it is over, and with too little history.
    pub forecast: Option<Forecast>,
}

/// The period that runs now. The first look into a new one makes it; all others leave the writer alone.
///
/// # Errors
/// Only the database's.
pub async fn running(acting: &Acting) -> Result<Period, PageError> {
    let (parent, now) = (acting.account.id, acting.now());
    let found = acting.app.read(move |conn| ensure_period::running(conn, parent, now)).await?;
    Ok(match found {
        Some(period) => period,
        None => acting.app.write(move |conn| ensure_period(conn, parent, now)).await?,
    })
}

/// Reads the period that was asked for.
///
/// # Errors
/// 404 for a period that is not this account's.
pub async fn load(acting: &Acting, query: &UsageQuery) -> Result<Loaded, PageError> {
    let wanted = Some(query.period.as_str()).filter(|text| !text.is_empty());
    let wanted = wanted.map(str::parse::<Id>).transpose().map_err(|_| PageError::not_found())?;
    let (parent, now) = (acting.account.id, acting.now());
    let running = running(acting).await?;
    let found = acting.app.read_much(acting.owner(), move |conn| {
        let report = usage_report(conn, now, parent, Some(wanted.unwrap_or(running.id)))?;
        let span = Span::of(&report.period);
        let periods = periods::all(conn, parent)?.iter().map(Span::of).collect();
        let (from, to) = (span.first_day(), span.last_day());
        let mut days = usage::totals(conn, parent, &from.to_string(), &to.to_string())?;
        days.retain(|row| row.period_id == report.period.id);
        let today = format::local_date(now.naive_utc(), span.tz);
        let current = span.is_current(now.naive_utc());
        let forecast = if current { foretell(conn, parent, &report, &span, today)? } else { None };
        Ok::<_, ActionError>(Loaded { report, span, periods, days, forecast })
    });
    Ok(found.await?)
}

fn foretell(
    conn: &mut AnyConnection,
    parent: Id,
    report: &UsageReport,
    span: &Span,
    today: NaiveDate,
) -> ActionResult<Option<Forecast>> {
    let from = today - TimeDelta::days(HISTORY_DAYS);
    let rows = usage::totals(conn, parent, &from.to_string(), &today.to_string())?;
    let on = |day: NaiveDate| {
        let key = day.to_string();
        rows.iter().filter(|row| row.day == key).map(|row| row.accepted).sum::<i64>()
    };
    let first = rows.first().and_then(|row| row.day.parse().ok()).unwrap_or(today);
    let daily: Vec<i64> = first.iter_days().take_while(|day| *day < today).map(on).collect();
    Ok(forecast::period_end(&Known {
        daily: &daily,
        today,
        today_so_far: on(today),
        used: report.total.messages.accepted,
        period_end: format::local_date(span.end, span.tz),
    }))
}
