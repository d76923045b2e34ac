//! `GET /sub-accounts.csv`: what the list is narrowed to, all of it, in its order. Read and sent piece by piece.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::{Bytes, Query as UrlQuery};
use futures_util::stream;

use super::params::Params;
use super::row::{self, Row, Seen};
use crate::actions::undelete_sub_account::UNDELETE_WITHIN;
use crate::actions::{ActionError, ActionResult};
use crate::app::App;
use crate::domain::number::NumberStyle;
use crate::domain::role::Permission;
use crate::load::Owner;
use crate::models::AnyConnection;
use crate::models::sub_account_list::{self, Edge, Query};
use crate::web::acting::Acting;
use crate::web::csv;
use crate::web::error::PageResult;
use crate::web::format;
use crate::web::glance::Glance;

/// Accounts read at once.
const PIECE: usize = 1_000;

#[derive(Clone)]
struct Export {
    query: Query,
    glance: Arc<Glance>,
    seen: Seen,
    money: bool,
    owner: Owner,
}

/// `GET /sub-accounts.csv`
pub async fn csv(acting: Acting, params: UrlQuery<Params>) -> PageResult {
    acting.require(Permission::ViewSubAccounts)?;
    let money = acting.may(Permission::ViewCost);
    let (parent, now, sort) = (acting.account.clone(), acting.now(), params.sort(money));
    let query = Query {
        parent: parent.id,
        filter: params.filter(),
        sort,
        descending: params.descending(),
        edge: None,
        backward: false,
        limit: PIECE,
        deleted_since: (now - UNDELETE_WITHIN).naive_utc(),
        open_days: Vec::new(),
    };
    let glance = acting.app.read(move |conn| Glance::read(conn, &parent, now)).await?;
    let seen = Seen { now: now.naive_utc(), tz: acting.time_zone(), numbers: NumberStyle::Point };
    let export = Export { query, glance: Arc::new(glance), seen, money, owner: acting.owner() };
    let file = format!("attachment; filename=\"sub-accounts-{}.csv\"", export.glance.today);
    let body = stream::once(std::future::ready(Ok(Bytes::from(head(&export)))));
    let rest = stream::try_unfold(Some((Arc::clone(&acting.app), export)), |state| async move {
        let Some((app, export)) = state else { return Ok::<_, ActionError>(None) };
        piece(app, export).await.map(Some)
    });
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, file))
        .streaming(futures_util::StreamExt::chain(body, rest)))
}

type Next = Option<(Arc<App>, Export)>;

async fn piece(app: Arc<App>, mut export: Export) -> ActionResult<(Bytes, Next)> {
    let wanted = export.clone();
    // A place for each piece, none between them: who reads slowly keeps nobody waiting.
    let (text, edge) = app.read_much(export.owner, move |conn| lines(conn, &wanted)).await?;
    let next = edge.map(|edge| {
        export.query.edge = Some(edge);
        (app, export)
    });
    Ok((Bytes::from(text), next))
}

/// Some lines, and where the next ones begin.
fn lines(conn: &mut AnyConnection, export: &Export) -> ActionResult<(String, Option<Edge>)> {
    let page = sub_account_list::page(conn, &export.query)?;
    let edge = page.rows.last().filter(|_| page.after).map(|row| Edge::of(row, export.query.sort));
    let rows = row::rows(conn, page, &export.glance, export.seen, None)?;
    let text = rows.iter().map(|row| csv::line(&cells(row, export.money))).collect();
    Ok((text, edge))
}

fn head(export: &Export) -> String {
    let mut cells: Vec<String> = [
        "id",
        "name",
        "website",
        "external_id",
        "status",
        "messages_this_period",
        "monthly_cap",
        "bounce_rate",
        "complaint_rate",
        "domains",
        "last_activity",
        "created",
    ]
    .map(str::to_owned)
    .into();
    if export.money {
        let currency = export.glance.plan.as_ref().map(|plan| format!("_{}", plan.currency.code_lower()));
        cells.push(format!("estimated_cost{}", currency.unwrap_or_default()));
    }
    csv::line(&cells)
}

fn cells(row: &Row, money: bool) -> Vec<String> {
    let mut cells = vec![
        row.id.to_string(),
        row.name.clone(),
        row.website.clone(),
        row.external_id.clone(),
        row.state.to_owned(),
        row.sent.to_string(),
        if row.cap == 0 { "no cap".to_owned() } else { row.cap.to_string() },
        row.bounces.replace('\u{a0}', " "),
        row.complaints.replace('\u{a0}', " "),
        row.domains.to_string(),
        row.activity.as_ref().map(|when| when.iso.clone()).unwrap_or_default(),
        format::long_date(row.created),
    ];
    if money {
        cells.push(row.cost_amount.clone());
    }
    cells
}
