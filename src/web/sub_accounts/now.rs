//! `GET /sub-accounts/now`: the figures of the rows that somebody has in front of them, as they are now. A piece of the
//! page: script puts its values in the places that have the same names (`data-row`, `data-now`) and moves nothing.

use std::sync::Arc;

use actix_web::web::Query;
use askama::Template;
use serde::Deserialize;

use super::row::{self, Row, Seen};
use super::summary::Summary;
use crate::actions::undelete_sub_account::UNDELETE_WITHIN;
use crate::domain::ids::Id;
use crate::domain::role::Permission;
use crate::models::sub_account_list::{self, Facet, Page};
use crate::web::acting::Acting;
use crate::web::error::PageResult;
use crate::web::glance::Glance;
use crate::web::page::html;

#[derive(Template)]
#[template(path = "sub_accounts/now.html")]
struct NowPart {
    found: Found,
}

struct Found {
    summary: Summary,
    rows: Vec<Row>,
}

/// The accounts that are looked at.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Looked {
    /// Ids with commas between them; one that is none, or not of this agency, has no row in the answer.
    ids: String,
}

/// `GET /sub-accounts/now`
pub async fn show(acting: Acting, looked: Query<Looked>) -> PageResult {
    acting.require(Permission::ViewSubAccounts)?;
    let money = acting.may(Permission::ViewCost);
    let (parent, now) = (acting.account.clone(), acting.now());
    let seen = Seen { now: now.naive_utc(), tz: acting.time_zone(), numbers: acting.numbers };
    let ids: Vec<Id> = looked.ids.split(',').filter_map(|id| id.parse().ok()).collect();
    let app = Arc::clone(&acting.app);
    let found = acting.app.read(move |conn| {
        let glance = Glance::remembered(&app.running, conn, &parent, now)?;
        let deleted_since = (now - UNDELETE_WITHIN).naive_utc();
        let facet = app.facets.of(parent.id, now, || Facet::read(conn, parent.id, deleted_since))?;
        let lines = sub_account_list::some(conn, parent.id, &ids)?;
        let rows = row::rows(conn, Page { rows: lines, ..Page::default() }, &glance, seen, None)?;
        Ok(Found { summary: Summary { glance, facet, money }, rows })
    });
    html(&NowPart { found: found.await? })
}
