//! What happened to an account, from the audit: who, when, what it changed.

use actix_web::web::Query;
use askama::Template;
use serde::Deserialize;

use super::doers::{Doers, FORMER, Side};
use super::frame::{self, Facts, Frame};
use super::paging::{Edge, Paged, fetch};
use crate::domain::role::Permission;
use crate::domain::search_words::SearchWords;
use crate::models::audit::{self, Entry, Filter};
use crate::web::activity::sentence::{self, KINDS, Sentence};
use crate::web::activity::{hidden, kinds};
use crate::web::error::PageResult;
use crate::web::format::When;
use crate::web::layout::Shell;
use crate::web::page::html;
use crate::web::scope::AccountScope;

/// An entry as pages show it.
pub struct Line {
    pub said: Sentence,
    /// Who did it.
    pub by: String,
    /// From where, for those whose business it is.
    pub address: String,
    pub when: When,
}

#[derive(Template)]
#[template(path = "account/activity.html")]
struct ActivityPage {
    shell: Shell,
    frame: Frame,
    path: String,
    kind: String,
    who: String,
    kinds: Vec<(&'static str, &'static str)>,
    page: Paged<Line>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ActivityQuery {
    kind: String,
    who: String,
    older: Option<String>,
    newer: Option<String>,
}

/// `GET .../activity`
pub async fn show(scope: AccountScope, query: Query<ActivityQuery>) -> PageResult {
    scope.require(Permission::ViewActivity)?;
    let ActivityQuery { kind, who, older, newer } = query.into_inner();
    let kind = KINDS.iter().find(|(prefix, _)| *prefix == kind).map_or("", |(prefix, _)| prefix);
    let (edge, ascending) = Edge { older, newer }.read::<i64>();
    let filter = Filter {
        account_id: Some(scope.account.id),
        action_prefix: Some(kind.to_owned()).filter(|kind| !kind.is_empty()),
        actor: SearchWords::cut(&who),
        hidden: hidden::in_lists(scope.may(Permission::ViewCost)),
        ..Filter::default()
    };
    let (facts, (entries, doers)) = frame::load(&scope, move |conn, account, _| {
        let entries = audit::page(conn, account.root_id(), &filter, edge, ascending, fetch())?;
        let doers = Doers::of(conn, account, &entries)?;
        Ok((entries, doers))
    })
    .await?;
    let path = scope.path("/activity");
    let paged =
        Paged::new(entries, (edge.is_some(), ascending), &path, &[("kind", kind), ("who", &who)], |row| row.seq);
    let rows = paged.rows.iter().map(|entry| line(&scope, &facts, &doers, entry)).collect();
    let kinds = kinds(scope.may(Permission::ViewCost));
    html(&ActivityPage {
        frame: Frame::new(&scope, &facts, "Activity"),
        shell: scope.shell(&title(&scope, "Activity")),
        path,
        kind: kind.to_owned(),
        who,
        kinds,
        page: Paged { rows, newer: paged.newer, older: paged.older },
    })
}

/// An entry as whoever looks may read it. What an agency notes about its client for its own people stays with them, and so do
/// their names and addresses.
#[must_use]
pub fn line(scope: &AccountScope, facts: &Facts, doers: &Doers, entry: &Entry) -> Line {
    let mut said = sentence::sentence(entry);
    let agencys = entry.action.starts_with("sub_account.") || entry.on_behalf_of.is_some();
    let inside = scope.is_from_inside();
    if inside && agencys {
        said.details.retain(|detail| !detail.starts_with("Reason:") && !detail.starts_with("Kind:"));
        if entry.action == "sub_account.lift" {
            said.details.clear();
        }
    }
    let side = if agencys { Side::Agency } else { doers.side(entry) };
    let by = match entry.actor_kind.as_str() {
        _ if inside && side == Side::Agency => facts.agency().to_owned(),
        "api_key" if inside && side == Side::Gone => "A key that is gone".to_owned(),
        "user" if inside && side == Side::Gone => FORMER.to_owned(),
        "api_key" => format!("API key {}", entry.actor_label),
        "system" => "Canopy".to_owned(),
        _ => entry.actor_label.clone(),
    };
    let address = if inside && side != Side::Own { String::new() } else { entry.address.clone() };
    Line { said, by, address, when: facts.when(entry.at) }
}

/// The browser tab names the client too when the page is seen from outside.
#[must_use]
pub fn title(scope: &AccountScope, page: &str) -> String {
    if scope.is_from_outside() { format!("{page} · {}", scope.account.name) } else { page.to_owned() }
}
