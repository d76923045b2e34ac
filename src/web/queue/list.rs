//! The lists: an agency's of all its accounts, and that of one account.

use actix_web::web::Query;
use askama::Template;

use super::panel::Panel;
use super::params::Params;
use super::read::{Found, read};
use super::row::View;
use crate::actions::ActionResult;
use crate::domain::ids::Id;
use crate::domain::role::Permission;
use crate::domain::search_words::SearchWords;
use crate::models::queue_view::{Counts, Whose};
use crate::models::{AnyConnection, accounts};
use crate::web::account::activity::title;
use crate::web::account::frame::{self, Frame};
use crate::web::acting::Acting;
use crate::web::error::PageResult;
use crate::web::layout::Shell;
use crate::web::page::html;
use crate::web::scope::AccountScope;

/// Sub accounts that are offered where a name fits several.
const OFFERED: i64 = 6;

#[derive(Template)]
#[template(path = "queue/list.html")]
struct ListPage {
    shell: Shell,
    panel: Panel,
    /// Name and address of the sub accounts that the name fits, where it is not one.
    offered: Vec<(String, String)>,
    unknown: bool,
}

#[derive(Template)]
#[template(path = "queue/account.html")]
struct AccountPage {
    shell: Shell,
    frame: Frame,
    panel: Panel,
}

/// Whose queue a name or an id asks for.
pub enum Asked {
    One(Whose),
    /// None, or several with their names.
    NotOne(Vec<(Id, String)>),
}

/// Finds the account of the family of `root` that `text` names; nothing is the whole family.
///
/// # Errors
/// Only the database's.
pub fn asked(conn: &mut AnyConnection, root: Id, text: &str) -> ActionResult<Asked> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Asked::One(Whose::Family(root)));
    }
    let ids = match text.parse::<Id>() {
        Ok(id) => vec![id],
        Err(_) => {
            let found = SearchWords::cut(text).map(|words| accounts::of_family_named(conn, root, &words, OFFERED));
            found.transpose()?.unwrap_or_default()
        }
    };
    let rows = accounts::find_many(conn, &ids)?.into_iter().filter(|account| account.root_id() == root);
    let mut rows: Vec<(Id, String)> = rows.map(|account| (account.id, account.name)).collect();
    let lower = text.to_lowercase();
    if rows.iter().filter(|(_, name)| name.to_lowercase() == lower).count() == 1 {
        rows.retain(|(_, name)| name.to_lowercase() == lower);
    }
    match rows.as_slice() {
        [(id, _)] => Ok(Asked::One(Whose::Account(*id))),
        _ => Ok(Asked::NotOne(rows)),
    }
}

/// `GET /queue`
pub async fn show(acting: Acting, params: Query<Params>) -> PageResult {
    acting.require(Permission::ViewSubAccounts)?;
    let params = params.into_inner();
    let (root, now, tz) = (acting.account.id, acting.now().naive_utc(), acting.time_zone());
    let (client, filter, page) = (params.client.clone(), params.filter(), params.page());
    let (found, names) = acting
        .app
        .read(move |conn| match asked(conn, root, &client)? {
            Asked::One(whose) => Ok((read(conn, (whose, root), &filter, page, now)?, None)),
            Asked::NotOne(names) => Ok((Found::nothing(Counts::default()), Some(names))),
        })
        .await?;
    let path = "/queue";
    let unknown = names.as_ref().is_some_and(Vec::is_empty);
    let offered = names.unwrap_or_default().into_iter();
    let offered = offered.map(|(id, name)| (name, params.with_client(path, &id.to_string()))).collect();
    let view = View { root, now, tz, inside: None };
    let shell = acting.shell("Queue");
    let panel = Panel::new(path, params, found, &view, true, acting.may(Permission::Suspend));
    html(&ListPage { panel: Panel { csrf: shell.csrf.clone(), ..panel }, shell, offered, unknown })
}

/// `GET .../queue`
pub async fn of_account(scope: AccountScope, params: Query<Params>) -> PageResult {
    scope.require(Permission::ViewOverview)?;
    let params = Params { client: String::new(), ..params.into_inner() };
    let (filter, page) = (params.filter(), params.page());
    let (facts, found) = frame::load(&scope, move |conn, account, facts| {
        read(conn, (Whose::Account(account.id), account.root_id()), &filter, page, facts.now.naive_utc())
    })
    .await?;
    let inside = scope.may(Permission::ViewMessages).then_some(scope.base.as_str());
    let view = View { root: scope.account.root_id(), now: facts.now.naive_utc(), tz: facts.tz(), inside };
    let shell = scope.shell(&title(&scope, "Queue"));
    let may_change = scope.may(changes(&scope));
    let panel = Panel::new(&scope.path("/queue"), params, found, &view, false, may_change);
    html(&AccountPage {
        frame: Frame::new(&scope, &facts, "Queue"),
        panel: Panel { csrf: shell.csrf.clone(), ..panel },
        shell,
    })
}

/// What it takes to change the queue of this account: from outside what it takes to stop its mail altogether, inside
/// what it takes to send and to take back a message.
#[must_use]
pub fn changes(scope: &AccountScope) -> Permission {
    if scope.is_from_outside() { Permission::Suspend } else { Permission::SendTest }
}
