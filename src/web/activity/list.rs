//! `/activity`: what was changed, by whom, newest first.

use std::collections::HashMap;

use actix_web::web::Query;
use askama::Template;

use super::filter::{ActivityQuery, resolve};
use super::hidden;
use super::sentence::{self, KINDS, Sentence};
use crate::domain::ids::Id;
use crate::domain::role::Permission;
use crate::models::audit::{self, Entry};
use crate::models::{AnyConnection, accounts};
use crate::web::account::paging::{Edge, Paged, fetch};
use crate::web::acting::Acting;
use crate::web::error::{PageResult, query};
use crate::web::format::When;
use crate::web::layout::Shell;
use crate::web::page::{html, see_other};

/// An entry as the list shows it.
pub struct Line {
    pub seq: i64,
    pub said: Sentence,
    pub by: String,
    pub address: String,
    /// The sub account it is about, and where to look at it; empty for the agency itself.
    pub about: String,
    pub about_href: String,
    pub when: When,
}

#[derive(Template)]
#[template(path = "activity/list.html")]
struct ListPage {
    shell: Shell,
    asked: ActivityQuery,
    kinds: Vec<(&'static str, &'static str)>,
    zone: String,
    page: Paged<Line>,
    export: String,
}

/// `GET /activity`
pub async fn show(acting: Acting, asked: Query<ActivityQuery>) -> PageResult {
    if acting.account.parent_id.is_some() {
        return Ok(see_other("/account/activity"));
    }
    acting.require(Permission::ViewActivity)?;
    let asked = asked.into_inner().tidy();
    let edge = Edge { older: asked.older.clone(), newer: asked.newer.clone() };
    let (edge, ascending) = edge.read::<i64>();
    let (root, account, mut filter) = (acting.account.id, asked.account.clone(), asked.filter(&acting));
    let found = acting.app.read(move |conn| {
        resolve(conn, root, &account, &mut filter)?;
        let entries = audit::page(conn, root, &filter, edge, ascending, fetch())?;
        let names = names(conn, &entries)?;
        Ok((entries, names))
    });
    let (entries, names) = found.await?;
    let paged = Paged::new(entries, (edge.is_some(), ascending), "/activity", &asked.pairs(), |entry| entry.seq);
    let rows = paged.rows.iter().map(|entry| line(&acting, &names, entry)).collect();
    let kept: Vec<_> = asked.pairs().into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let export = if kept.is_empty() { "/activity.csv".into() } else { format!("/activity.csv?{}", query(&kept)) };
    html(&ListPage {
        shell: acting.shell("Activity"),
        kinds: kinds(acting.may(Permission::ViewCost)),
        zone: acting.time_zone().to_string(),
        page: Paged { rows, newer: paged.newer, older: paged.older },
        export,
        asked,
    })
}

/// The kinds there is anything of for whoever looks.
#[must_use]
pub fn kinds(sees_money: bool) -> Vec<(&'static str, &'static str)> {
    let hidden = hidden::in_lists(sees_money);
    KINDS.iter().copied().filter(|(prefix, _)| !hidden.contains(prefix)).collect()
}

/// Name, and whether it is live, of each account that the entries are about.
pub type Names = HashMap<Id, (String, bool)>;

/// Reads them.
///
/// # Errors
/// Only the database's.
pub fn names(conn: &mut AnyConnection, entries: &[Entry]) -> diesel::QueryResult<Names> {
    let mut ids: Vec<Id> = entries.iter().map(|entry| entry.account_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let rows = accounts::named(conn, &ids)?;
    Ok(rows.into_iter().map(|(id, name, _, deleted)| (id, (name, deleted.is_none()))).collect())
}

/// An entry in words.
#[must_use]
pub fn line(acting: &Acting, names: &Names, entry: &Entry) -> Line {
    let child = names.get(&entry.account_id).filter(|_| entry.account_id != entry.root_id);
    Line {
        seq: entry.seq,
        said: sentence::sentence(entry),
        by: by(entry),
        address: entry.address.clone(),
        about: child.map(|(name, _)| name.clone()).unwrap_or_default(),
        about_href: child
            .filter(|(_, live)| *live)
            .map(|_| format!("/sub-accounts/{}/activity", entry.account_id))
            .unwrap_or_default(),
        when: When::new(entry.at, acting.now().naive_utc(), acting.time_zone()),
    }
}

/// Who did it.
#[must_use]
pub fn by(entry: &Entry) -> String {
    match entry.actor_kind.as_str() {
        "api_key" => format!("API key {}", entry.actor_label),
        "system" => "Canopy".to_owned(),
        _ => entry.actor_label.clone(),
    }
}
