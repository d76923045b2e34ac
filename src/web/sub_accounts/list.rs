//! `GET /sub-accounts`: search, filters, every order, pages from an edge.

use std::sync::Arc;

use actix_web::web::Query as UrlQuery;
use askama::Template;
use chrono::TimeZone as _;

use super::params::Params;
use super::row::{self, Row, Seen};
use crate::actions::ActionResult;
use crate::actions::undelete_sub_account::UNDELETE_WITHIN;
use crate::app::App;
use crate::domain::role::Permission;
use crate::models::AnyConnection;
use crate::models::accounts::Account;
use crate::models::sub_account_list::{self, Counts, Edge, Facet, Query, Sort};
use crate::models::trends;
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
    /// May see money, change caps, hold and lift, create, delete and take back, tag.
    money: bool,
    caps: bool,
    holds: bool,
    creates: bool,
    deletes: bool,
    tags_edit: bool,
}

struct Found {
    glance: Glance,
    facet: Arc<Facet>,
    rows: Vec<Row>,
    previous: String,
    next: String,
}

impl ListPage {
    /// The tags of the menu.
    fn tags(&self) -> &[(String, i64)] {
        let tags = &self.found.facet.tags;
        &tags[..tags.len().min(TAGS)]
    }

    fn all(&self) -> String {
        shown(self.found.facet.counts.all())
    }

    fn count(&self, number: &i64) -> String {
        shown(*number)
    }

    fn near_note(&self) -> String {
        match self.found.facet.counts.at {
            0 => "none at its cap".into(),
            at => format!("{} at the cap", shown(at)),
        }
    }

    fn held_note(&self) -> &'static str {
        if self.found.facet.counts.suspended == 0 { "every account may send" } else { "their mail waits" }
    }

    fn near_or_at(&self) -> String {
        shown(self.found.facet.counts.near + self.found.facet.counts.at)
    }

    fn subtitle(&self) -> String {
        let all = self.found.facet.counts.all();
        let accounts = if all == 1 { "1 account".to_owned() } else { format!("{} accounts", shown(all)) };
        format!("{accounts} · period {}, {}", self.found.glance.range(), self.found.glance.days_left())
    }

    fn is_deleted_list(&self) -> bool {
        self.params.hold == "deleted"
    }

    fn narrowed(&self) -> bool {
        !self.params.filter().is_empty()
    }

    fn sort_label(&self) -> String {
        let sort = self.params.sort(self.money);
        let name = self.orders().into_iter().find(|(_, of)| *of == sort).map_or("name", |(name, _)| name);
        name.to_lowercase()
    }

    /// The orders for the menu, which the phone has instead of heads.
    fn orders(&self) -> Vec<(&'static str, Sort)> {
        let mut all = vec![
            ("Name", Sort::Name),
            ("Status", Sort::Status),
            ("Messages this period", Sort::Sent),
            ("Share of the cap", Sort::Used),
            ("Bounce rate", Sort::Bounces),
            ("Complaint rate", Sort::Complaints),
            ("Domains", Sort::Domains),
            ("Last activity", Sort::Activity),
            ("Newest", Sort::Created),
        ];
        if self.money {
            all.insert(3, ("Cost", Sort::Cost));
        }
        all
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
    let seen = Seen { now: now.naive_utc(), tz };
    let app = Arc::clone(&acting.app);
    // What stands beside the list takes long to count; without that, a page without filters is a short read.
    let short = app.facets.fresh(&parent.id, now).is_some() && asked.filter().is_empty();
    let read = move |conn: &mut AnyConnection| find(&app, conn, &parent, &asked, money, now, seen);
    let found = if short { acting.app.glimpse(read).await? } else { acting.app.read(read).await? };
    html(&ListPage {
        money,
        caps: acting.may(Permission::SetCap),
        holds: acting.may(Permission::Suspend),
        creates: acting.may(Permission::CreateSubAccounts),
        deletes: acting.may(Permission::DeleteSubAccounts),
        tags_edit: acting.may(Permission::EditSubAccounts),
        shell: acting.shell("Sub accounts"),
        params,
        found,
    })
}

fn find(
    app: &App,
    conn: &mut AnyConnection,
    parent: &Account,
    params: &Params,
    money: bool,
    now: chrono::DateTime<chrono::Utc>,
    seen: Seen,
) -> ActionResult<Found> {
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
    Ok(Found { rows: row::rows(conn, page, &glance, seen, Some(&app.trends))?, glance, facet, previous, next })
}
