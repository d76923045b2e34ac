//! `GET .../now`: how an account stands and what its period came to, as of now. A piece of its overview, which script puts
//! in the places that have the same names.

use askama::Template;

use super::frame::{self, Frame, whole};
use super::overview::figures_of;
use super::overview_facts::{self, Figures};
use crate::domain::role::Permission;
use crate::web::chart::Meter;
use crate::web::error::PageResult;
use crate::web::page::html;
use crate::web::scope::AccountScope;

#[derive(Template)]
#[template(path = "account/now.html")]
struct NowPart {
    frame: Frame,
    period: String,
    meter: Meter,
    figures: Figures,
}

/// `GET .../now` of an account.
pub async fn show(scope: AccountScope) -> PageResult {
    scope.require(Permission::ViewOverview)?;
    // Its share of the bill takes everybody's counters: that one figure is of when the page was opened.
    let (facts, data) = frame::load(&scope, |conn, account, facts| figures_of(conn, account, facts, false)).await?;
    let cap = facts.cap(&scope.account);
    html(&NowPart {
        frame: Frame::new(&scope, &facts, "Overview"),
        period: facts.period.label(facts.now.naive_utc()),
        meter: Meter::new(whole(facts.used), cap.map(whole)).written_in(scope.acting.numbers),
        figures: overview_facts::figures(&facts, &data, false),
    })
}
