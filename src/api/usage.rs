//! Usage and allocated cost of a parent's running billing period.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::auth::Caller;
use super::error::ApiResult;
use super::views::Usage;
use crate::actions::ensure_period::{self, ensure_period};
use crate::actions::usage_report::usage_report;
use crate::app::App;

pub async fn get(app: Data<App>, caller: Caller) -> ApiResult {
    caller.require("sub-accounts:usage")?;
    let parent = caller.require_parent()?;
    let app = app.into_inner();
    let now = app.clock.now();
    // The first look into a new month makes its period; all others leave the writer alone.
    let running = app.read(move |conn| ensure_period::running(conn, parent, now)).await?;
    let period = match running {
        Some(period) => period,
        None => app.write(move |conn| ensure_period(conn, parent, now)).await?,
    };
    let shown = app.read(move |conn| Ok(Usage::new(&usage_report(conn, now, parent, Some(period.id))?))).await?;
    Ok(HttpResponse::Ok().json(shown))
}
