//! `GET /sub-accounts`: search, filters, every order, pages from an edge.

use std::sync::Arc;

use actix_web::web::Query as UrlQuery;
use askama::Template;
use chrono::{DateTime, TimeZone as _, Utc};

use super::columns::{COLUMNS, ORDERS};
use super::params::Params;
use super::row::{self, Row, Seen};
use super::summary::Summary;
use super::views::keeper;
use super::views::menu::Menu;
use crate::actions::ActionResult;
use crate::actions::create_saved_view::Keeper;
use crate::actions::undelete_sub_account::UNDELETE_WITHIN;
use crate::app::App;
use crate::domain::number::NumberStyle;
use crate::domain::role::Permission;
use crate::models::AnyConnection;
use crate::models::accounts::Account;
use crate::models::sub_account_list::{self, Counts, Edge, Facet, Query, Sort};
use crate::models::{saved_views, trends};
use crate::web::acting::Acting;
use crate::web::error::PageResult;
use crate::web::format;
use crate::web::glance::Glance;
use crate::web::layout::Shell;
use crate::web::page::html;

/// Rows of a page.
const ROWS: usize = 50;
/// Tags in the menu.
const TAGS: usize = 40;

#[derive(Template)]
#[template(path = "sub_accounts/list.html")]
struct ListPage {
    shell: Shell,
    params: Params,
    found: Found,
    numbers: NumberStyle,
    /// May see money, change caps, hold and lift, create, delete and take back, tag.
    money: bool,
    caps: bool,
    holds: bool,
    creates: bool,
    deletes: bool,
    tags_edit: bool,
}

struct Found {
    summary: Summary,
    views: Menu,
    rows: Vec<Row>,
    previous: String,
    next: String,
}

impl ListPage {
    /// The tags of the menu.
    fn tags(&self) -> &[(String, i64)] {
        let tags = &self.found.summary.facet.tags;
        &tags[..tags.len().min(TAGS)]
    }

    fn all(&self) -> String {
        shown(self.found.summary.facet.counts.all())
    }

    fn count(&self, number: &i64) -> String {
        shown(*number)
    }

    fn subtitle(&self) -> String {
        let all = self.found.summary.facet.counts.all();
        let accounts = if all == 1 { "1 account".to_owned() } else { format!("{} accounts", shown(all)) };
        format!("{accounts} · period {}, {}", self.found.summary.glance.range(), self.found.summary.glance.days_left())
    }

    fn is_deleted_list(&self) -> bool {
        self.params.hold == "deleted"
    }

    fn narrowed(&self) -> bool {
        !self.params.filter().is_empty()
    }

    fn sort_label(&self) -> String {
        let sort = self.params.sort(self.money);
        let name = self.orders().find(|(_, of)| *of == sort).map_or("name", |(name, _)| name);
        name.to_lowercase()
    }

    /// The orders for the menu, which the phone has instead of heads.
    fn orders(&self) -> impl Iterator<Item = (&'static str, Sort)> {
        let money = self.money;
        ORDERS.into_iter().filter(move |(_, sort)| money || *sort != Sort::Cost)
    }

    /// A row's cap as its edit field shows it.
    fn cap_text(&self, row: &Row) -> String {
        row.cap_text(self.numbers)
    }

    /// The columns that can be left out, for the menu.
    fn columns(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let money = self.money;
        COLUMNS.into_iter().filter(move |(word, _)| money || *word != "cost")
    }

    /// Whether the list has a column, and the role sees it.
    fn has(&self, column: &str) -> bool {
        (self.money || column != "cost") && self.params.shows(column)
    }

    fn order(&self, sort: Sort) -> &'static str {
        if self.params.sort(self.money) == sort && (self.money || self.params.sort != "cost") {
            self.params.order(sort)
        } else {
            ""
        }
    }

    /// Whether rows can be ticked: something can be done to many.
    fn bulk(&self) -> bool {
        (self.caps || self.holds || self.tags_edit) && !self.is_deleted_list()
    }
}

/// "10,000+" beyond what is counted.
pub fn shown(count: i64) -> String {
    if count > Counts::MOST { format!("{}+", format::number(Counts::MOST)) } else { format::number(count) }
}

/// `GET /sub-accounts`
pub async fn show(acting: Acting, params: UrlQuery<Params>) -> PageResult {
    acting.require(Permission::ViewSubAccounts)?;
    let mut params = params.into_inner();
    let money = acting.may(Permission::ViewCost);
    if !money && params.sort == "cost" {
        params.sort.clear();
    }
    let (parent, now, tz) = (acting.account.clone(), acting.now(), acting.time_zone());
    let asked = params.clone();
    let seen = Seen { now: now.naive_utc(), tz, numbers: acting.numbers };
    let (app, keeper) = (Arc::clone(&acting.app), keeper(&acting));
    // What stands beside the list takes long to count; without that, a page without filters is a short read.
    let short = app.facets.fresh(&parent.id, now).is_some() && asked.filter().is_empty();
    let read = move |conn: &mut AnyConnection| find(&app, conn, &parent, &asked, Looks { keeper, money, now, seen });
    let found = if short { acting.app.glimpse(read).await? } else { acting.app.read(read).await? };
    html(&ListPage {
        money,
        caps: acting.may(Permission::SetCap),
        holds: acting.may(Permission::Suspend),
        creates: acting.may(Permission::CreateSubAccounts),
        deletes: acting.may(Permission::DeleteSubAccounts),
        tags_edit: acting.may(Permission::EditSubAccounts),
        shell: acting.shell("Sub accounts"),
        numbers: acting.numbers,
        params,
        found,
    })
}

/// Who looks, and when.
#[derive(Clone, Copy)]
struct Looks {
    keeper: Keeper,
    money: bool,
    now: DateTime<Utc>,
    seen: Seen,
}

fn find(app: &App, conn: &mut AnyConnection, parent: &Account, params: &Params, looks: Looks) -> ActionResult<Found> {
    let Looks { keeper, money, now, seen } = looks;
    let glance = Glance::remembered(&app.running, conn, parent, now)?;
    let deleted_since = (now - UNDELETE_WITHIN).naive_utc();
    let sort = params.sort(money);
    let (edge, backward) = params.edge(sort);
    let query = Query {
        parent: parent.id,
        filter: params.filter(),
        sort,
        descending: params.descending(),
        edge,
        backward,
        limit: ROWS,
        deleted_since,
        open_days: trends::open_days(seen.tz.from_utc_datetime(&seen.now).naive_local()),
    };
    let page = sub_account_list::page(conn, &query)?;
    let edge_of = |row: Option<&sub_account_list::Line>| row.map(|row| Edge::of(row, sort));
    let link = |there: bool, edge: Option<Edge>, href: &dyn Fn(&Edge) -> String| {
        edge.filter(|_| there).map(|edge| href(&edge)).unwrap_or_default()
    };
    let previous = link(page.before, edge_of(page.rows.first()), &|edge| params.page_before(edge));
    let next = link(page.after, edge_of(page.rows.last()), &|edge| params.page_after(edge));
    let facet = app.facets.of(parent.id, now, || Facet::read(conn, parent.id, deleted_since))?;
    let who = (keeper.account, keeper.user);
    let views = app.views.of(who, now, || saved_views::seen_by(conn, keeper.account, keeper.user))?;
    let views = Menu::new(&views, params, keeper, money);
    let rows = row::rows(conn, page, &glance, seen, Some(&app.trends))?;
    Ok(Found { summary: Summary { glance, facet, money }, views, rows, previous, next })
}
