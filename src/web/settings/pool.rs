//! Settings, Limits: what all accounts of the agency may send together in a period, and when its members are told.

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use crate::actions::ActionError;
use crate::actions::accept_message::limits_of;
use crate::actions::ensure_period::running;
use crate::actions::set_limits::set_pool;
use crate::domain::limits::{AlertPercents, parse_limit};
use crate::domain::number::NumberStyle;
use crate::domain::proration::Part;
use crate::domain::role::Permission;
use crate::models::{counters, limits};
use crate::web::acting::Acting;
use crate::web::chart::Meter;
use crate::web::error::{PageError, PageResult};
use crate::web::forms::{Errors, Posted};
use crate::web::layout::{Flash, Shell, Tone};
use crate::web::navigation;
use crate::web::page::{html_with, see_other};
use crate::web::scope::Tab;

#[derive(Template)]
#[template(path = "settings/pool.html")]
struct PoolPage {
    shell: Shell,
    tabs: Vec<Tab>,
    form: PoolForm,
    meter: Meter,
    /// Days, and days of a full one, of a short period: the meter has its part of the cap.
    short: Option<(i32, i32)>,
    errors: Errors,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct PoolForm {
    /// Messages; empty is no cap.
    pool: String,
    /// Percents of it.
    alerts: String,
}

/// Only an agency has a pool.
fn require(acting: &Acting) -> Result<(), PageError> {
    acting.require(Permission::SetCap)?;
    if acting.account.parent_id.is_some() { Err(PageError::not_found()) } else { Ok(()) }
}

/// `GET /settings/limits`
pub async fn show(acting: Acting) -> PageResult {
    require(&acting)?;
    page(&acting, None, Errors::none()).await
}

/// `POST /settings/limits`
pub async fn submit(acting: Acting, form: Posted<PoolForm>) -> PageResult {
    require(&acting)?;
    let mut errors = Errors::none();
    let pool = errors.take("pool", parse_limit(&form.pool, acting.numbers));
    let alerts = AlertPercents::typed(&form.alerts, acting.numbers).and_then(AlertPercents::within_the_whole);
    let alerts = errors.take("alerts", alerts);
    let (Some(pool), Some(alerts)) = (pool, alerts) else {
        return page(&acting, Some(form.clone()), errors).await;
    };
    let (cx, parent) = (acting.cx(), acting.account.id);
    let was = acting.app.write(move |conn| {
        let was = limits::find(conn, parent)?.map_or(0, |row| row.pool);
        set_pool(conn, &cx, parent, pool, alerts)?;
        Ok::<_, ActionError>(was)
    });
    acting.flash(&said(was.await?, pool, acting.numbers));
    Ok(see_other("/settings/limits"))
}

/// What was understood, and what it was before.
fn said(was: i64, pool: i64, numbers: NumberStyle) -> Flash {
    let text = match pool {
        0 => "There is no pool cap.".to_owned(),
        pool => format!("All accounts together may send {} messages a period.", numbers.whole(pool)),
    };
    let detail = match was {
        was if was == pool => String::new(),
        0 => "There was no pool cap before.".to_owned(),
        was => format!("Before, the pool cap was {}.", numbers.whole(was)),
    };
    Flash { detail, ..Flash::new(Tone::Good, text) }
}

async fn page(acting: &Acting, typed: Option<PoolForm>, errors: Errors) -> PageResult {
    let (parent, now) = (acting.account.id, acting.now());
    let (cap, alerts, used, part) = acting
        .app
        .read(move |conn| {
            let row = limits::find(conn, parent)?;
            let alerts = limits_of(row.as_ref())?.alerts;
            let cap = row.map_or(0, |row| row.pool);
            let (used, part) = match running(conn, parent, now)? {
                Some(period) => {
                    let used = counters::volumes(conn, parent, period.id)?.iter().map(|(_, accepted)| accepted).sum();
                    (used, period.part())
                }
                None => (0, Part::WHOLE),
            };
            Ok((cap, alerts, used, part))
        })
        .await?;
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let saved = || PoolForm {
        pool: if cap == 0 { String::new() } else { acting.numbers.whole(cap) },
        alerts: alerts.shown(acting.numbers),
    };
    let form = typed.unwrap_or_else(saved);
    let in_force = part.cap(cap);
    let meter = Meter::new(i64::unsigned_abs(used), (in_force > 0).then_some(in_force.unsigned_abs()));
    let meter = meter.written_in(acting.numbers);
    let short = part.days();
    html_with(
        status,
        &PoolPage { shell: acting.shell("Limits"), tabs: navigation::settings(acting), form, meter, short, errors },
    )
}
