//! `/` for an agency: the period at a glance, thirty days of it, what needs attention first, and what happened last.

use std::sync::Arc;

use askama::Template;

use super::acting::Acting;
use super::activity::by;
use super::activity::hidden;
use super::activity::sentence::{Sentence, sentence};
use super::chart::BarChart;
use super::error::PageResult;
use super::format::{self, When};
use super::glance::Glance;
use super::layout::Shell;
use super::page::html;
use super::sub_accounts::list::shown;
use super::sub_accounts::row::{self, Row, Seen};
use crate::actions::ActionResult;
use crate::actions::undelete_sub_account::UNDELETE_WITHIN;
use crate::domain::ids::Id;
use crate::domain::role::Permission;
use crate::models::accounts::Account;
use crate::models::sub_account_list::{self, CapFilter, Counts, Facet, Filter, Health, HoldFilter, Query, Sort};
use crate::models::{AnyConnection, audit, domains, suspensions};

/// Accounts shown of each kind that needs attention.
const EACH: usize = 5;
/// Entries of the latest activity.
const LATEST: i64 = 7;

#[derive(Template)]
#[template(path = "overview/agency.html")]
struct OverviewPage {
    shell: Shell,
    glance: Glance,
    chart: BarChart,
    counts: Counts,
    attention: Vec<Concern>,
    activity: Vec<Line>,
    money: bool,
    clients: bool,
    creates: bool,
    /// Where all activity is, when there is such a page for the role.
    all_activity: bool,
}

/// One thing that needs attention.
struct Concern {
    account: Id,
    name: String,
    class: &'static str,
    state: &'static str,
    /// Why, and since when or how much.
    why: String,
    /// What to do about it: label and last part of the account's address.
    act: Option<(&'static str, &'static str)>,
}

struct Line {
    said: Sentence,
    when: When,
    by: String,
}

impl OverviewPage {
    fn subtitle(&self) -> String {
        format!("Period {}, {}", self.glance.range(), self.glance.days_left())
    }

    fn near_or_at(&self) -> String {
        shown(self.counts.near + self.counts.at)
    }

    fn near_note(&self) -> String {
        format!("{} at the cap, {} near it", shown(self.counts.at), shown(self.counts.near))
    }

    fn held(&self) -> String {
        shown(self.counts.suspended)
    }

    fn held_note(&self) -> String {
        format!("of {}", format::count(self.counts.all().unsigned_abs(), "sub account", "sub accounts"))
    }
}

/// The page.
///
/// # Errors
/// What the database answers.
pub async fn show(acting: Acting) -> PageResult {
    let (parent, now) = (acting.account.clone(), acting.now());
    let seen = Seen { now: now.naive_utc(), tz: acting.time_zone(), numbers: acting.numbers };
    let acts = Acts { holds: acting.may(Permission::Suspend), caps: acting.may(Permission::SetCap) };
    let logs = acting.may(Permission::ViewActivity);
    let hidden = hidden::in_overviews(acting.may(Permission::ViewCost));
    let app = Arc::clone(&acting.app);
    let (glance, counts, attention, activity) = acting
        .app
        .read(move |conn| {
            let glance = Glance::read(conn, &parent, now)?;
            let since = (now - UNDELETE_WITHIN).naive_utc();
            let counts = app.facets.of(parent.id, now, || Facet::read(conn, parent.id, since))?.counts;
            let attention = attention(conn, &parent, &glance, seen, acts)?;
            let activity = if logs { latest(conn, parent.id, hidden, seen)? } else { Vec::new() };
            Ok((glance, counts, attention, activity))
        })
        .await?;
    let shell = acting.shell("Overview");
    html(&OverviewPage {
        chart: glance.chart(),
        glance,
        counts,
        attention,
        activity,
        money: acting.may(Permission::ViewCost),
        clients: acting.may(Permission::ViewSubAccounts),
        creates: acting.may(Permission::CreateSubAccounts),
        all_activity: shell.nav.iter().any(|item| item.href == "/activity"),
        shell,
    })
}

/// What the person may do about a concern.
#[derive(Clone, Copy)]
struct Acts {
    holds: bool,
    caps: bool,
}

/// On hold, at its cap, near its cap, bouncing, DNS not done: what stops mail comes first.
fn attention(
    conn: &mut AnyConnection,
    parent: &Account,
    glance: &Glance,
    seen: Seen,
    acts: Acts,
) -> ActionResult<Vec<Concern>> {
    let mut all = Vec::new();
    let held = Filter { hold: HoldFilter::Suspended, ..Filter::default() };
    for row in rows(conn, parent.id, held, Sort::Sent, glance, seen)? {
        let hold = suspensions::open(conn, row.id, seen.now)?.into_iter().next();
        let why = hold.map_or_else(String::new, |hold| {
            let since = format::relative(hold.created_at, seen.now, seen.tz);
            let reason = hold.reason.lines().next().unwrap_or_default().trim_end_matches('.');
            format!("{reason}, {since}")
        });
        all.push(concern(&row, "held", "Suspended", why, acts.holds.then_some(("Lift…", "/lift"))));
    }
    let cap = acts.caps.then_some(("Raise cap", "/cap"));
    for (filter, class, state) in [(CapFilter::At, "full", "At cap"), (CapFilter::Near, "near", "Near cap")] {
        let filter = Filter { hold: HoldFilter::Active, cap: filter, ..Filter::default() };
        for row in rows(conn, parent.id, filter, Sort::Used, glance, seen)? {
            let why = format!("{} {} this period", row.meter.used_text(), row.meter.cap_text());
            all.push(concern(&row, class, state, why, cap));
        }
    }
    let bouncing = Filter { hold: HoldFilter::Active, health: Health::HighBounce, ..Filter::default() };
    let suspend = acts.holds.then_some(("Suspend…", "/suspend"));
    for row in rows(conn, parent.id, bouncing, Sort::Bounces, glance, seen)? {
        let why = format!("{} of {} that left bounced", row.bounces, seen.numbers.whole(row.left.cast_signed()));
        all.push(concern(&row, "near", "High bounce", why, suspend));
    }
    for (account, name, domain, since) in domains::unverified_below(conn, parent.id, EACH as i64)? {
        let why = format!("{domain}, added {}", format::relative(since, seen.now, seen.tz));
        let act = Some(("See records", "/domains"));
        all.push(Concern { account, name, class: "wait", state: "DNS not done", why, act });
    }
    Ok(all)
}

fn concern(
    row: &Row,
    class: &'static str,
    state: &'static str,
    why: String,
    act: Option<(&'static str, &'static str)>,
) -> Concern {
    Concern { account: row.id, name: row.name.clone(), class, state, why, act }
}

fn rows(
    conn: &mut AnyConnection,
    parent: Id,
    filter: Filter,
    sort: Sort,
    glance: &Glance,
    seen: Seen,
) -> ActionResult<Vec<Row>> {
    let query = Query {
        parent,
        filter,
        sort,
        descending: true,
        edge: None,
        backward: false,
        limit: EACH,
        deleted_since: seen.now,
        open_days: Vec::new(),
    };
    let page = sub_account_list::page(conn, &query)?;
    row::rows(conn, page, glance, seen, None)
}

fn latest(conn: &mut AnyConnection, root: Id, hidden: &'static [&'static str], seen: Seen) -> ActionResult<Vec<Line>> {
    let filter = audit::Filter { hidden, ..audit::Filter::default() };
    let entries = audit::page(conn, root, &filter, None, false, LATEST)?;
    let line = |entry: audit::Entry| Line {
        said: sentence(&entry),
        when: When::new(entry.at, seen.now, seen.tz),
        by: by(&entry),
    };
    Ok(entries.into_iter().map(line).collect())
}
