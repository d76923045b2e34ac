//! `/metrics` for Prometheus: what this node counted, and how the installation stands. The database is read for it every
//! 15 seconds at most, whoever asks and however often; what it cannot say in time is left out.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use secrecy::ExposeSecret;

use crate::actions::{ActionResult, roll_periods};
use crate::app::App;
use crate::metrics::{Depth, Rates, TEXT};
use crate::models::{AnyConnection, installation};
use crate::secrets;

/// How long what the database said is told again.
const EVERY: TimeDelta = TimeDelta::seconds(15);
/// How long it is waited for: Prometheus gives up after ten seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// `GET /metrics`
pub async fn scrape(app: Data<App>, request: HttpRequest) -> HttpResponse {
    let app = app.into_inner();
    if !may(&app, &request) {
        return HttpResponse::Unauthorized()
            .insert_header((WWW_AUTHENTICATE, "Bearer"))
            .content_type("text/plain; charset=utf-8")
            .body("the bearer token is missing or wrong\n");
    }
    let now = app.clock.now();
    if app.metrics.standing.is_due(now, EVERY) {
        refresh(&app, now).await;
    }
    let pool = app.db.connections();
    app.metrics.standing.connections(pool.busy, pool.idle, pool.most);
    match app.metrics.text() {
        Ok(text) => HttpResponse::Ok().content_type(TEXT).insert_header((CACHE_CONTROL, "no-store")).body(text),
        Err(error) => {
            log::error!("the metrics could not be written: {error}");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// Where a token is set, it is asked for on every listener.
fn may(app: &App, request: &HttpRequest) -> bool {
    let Some(token) = &app.config.metrics_token else { return true };
    let shown = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown =
        shown.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    shown.is_some_and(|(_, shown)| secrets::same(shown.trim().as_bytes(), token.expose_secret().as_bytes()))
}

struct Read {
    depths: Vec<installation::Depth>,
    first_due: Option<NaiveDateTime>,
    lease_until: Option<NaiveDateTime>,
    accounts: Vec<installation::Rates>,
    /// Parents whose billing periods are not closed.
    unclosed: usize,
}

async fn refresh(app: &Arc<App>, now: DateTime<Utc>) {
    let reading = app.read(move |conn| read(conn, now));
    match tokio::time::timeout(PATIENCE, reading).await {
        Ok(Ok(read)) => tell(app, now, read),
        Ok(Err(error)) => {
            log::warn!("the database could not be read for the metrics: {error}");
            app.metrics.standing.unknown();
        }
        Err(_) => {
            log::warn!("the database did not answer in time for the metrics");
            app.metrics.standing.unknown();
        }
    }
}

fn read(conn: &mut AnyConnection, now: DateTime<Utc>) -> ActionResult<Read> {
    let unclosed = roll_periods::far_beyond(conn, now)?.len();
    let now = now.naive_utc();
    Ok(Read {
        unclosed,
        depths: installation::depths(conn, now, installation::MOST)?,
        first_due: installation::first_due(conn)?,
        lease_until: installation::lease_until(conn, "housekeeping")?,
        accounts: installation::watched(conn, now, installation::LOOKED_AT)?,
    })
}

fn tell(app: &App, now: DateTime<Utc>, read: Read) {
    let since = |then: DateTime<Utc>| seconds((now - then).max(TimeDelta::zero()));
    let depth = |depth: installation::Depth| Depth {
        state: depth.state,
        messages: depth.messages,
        oldest: depth.oldest.map_or(0., |id| since(id.made_at())),
    };
    let rates = |rates: installation::Rates| Rates {
        account: rates.account.to_string(),
        delivered: rates.delivered,
        bounced: rates.bounced,
        complained: rates.complained,
    };
    let at = |time: DateTime<Utc>| seconds(time - DateTime::UNIX_EPOCH);
    let depths: Vec<Depth> = read.depths.into_iter().map(depth).collect();
    let accounts: Vec<Rates> = read.accounts.into_iter().map(rates).collect();
    let overdue = read.first_due.map_or(0., |due| since(due.and_utc()));
    let lease_until = read.lease_until.map_or(0., |until| at(until.and_utc()));
    app.metrics.standing.set(at(now), &depths, overdue, lease_until, &accounts);
    app.metrics.standing.unclosed(read.unclosed);
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of centuries fit")]
fn seconds(time: TimeDelta) -> f64 {
    time.num_milliseconds() as f64 / 1000.
}
