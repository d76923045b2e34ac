//! Everything at once: sub accounts by name, domain, website, external id or id; messages by recipient or
//! Message-ID, as far as the person may see them.

use actix_web::web::Query;
use askama::Template;
use serde::Deserialize;

use super::account::messages::state;
use super::acting::Acting;
use super::error::PageResult;
use super::format::When;
use super::layout::Shell;
use super::page::{html, see_other};
use crate::actions::ActionResult;
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::Id;
use crate::domain::message::reference::MessageRef;
use crate::domain::role::Permission;
use crate::domain::search_words::SearchWords;
use crate::models::accounts::Account;
use crate::models::messages::{self, Message};
use crate::models::sub_account_list::{self, Filter, Sort};
use crate::models::{AnyConnection, accounts};

/// Hits of each kind.
const SHOWN: usize = 20;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct SearchQuery {
    q: String,
}

struct AccountHit {
    name: String,
    website: String,
    href: String,
    class: &'static str,
    label: &'static str,
}

struct MessageHit {
    recipient: String,
    subject: String,
    class: &'static str,
    label: &'static str,
    when: When,
    href: String,
}

/// A message of a client: from outside only whose it is.
struct Foreign {
    account: String,
    href: String,
    when: When,
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    shell: Shell,
    q: String,
    accounts: Vec<AccountHit>,
    more_accounts: String,
    messages: Vec<MessageHit>,
    foreign: Option<Foreign>,
    /// Whether a search of clients' messages needs View as: then the page says so.
    hint: bool,
}

#[derive(Default)]
struct Found {
    accounts: Vec<(Account, String)>,
    more: bool,
    messages: Vec<Message>,
    foreign: Option<(Account, Message)>,
}

#[derive(Clone, Copy)]
struct May {
    accounts: bool,
    messages: bool,
}

/// `GET /search?q=`
pub async fn show(acting: Acting, query: Query<SearchQuery>) -> PageResult {
    let q = SearchWords::cut(&query.q).map(String::from).unwrap_or_default();
    let may = May { accounts: acting.may(Permission::ViewSubAccounts), messages: acting.may(Permission::ViewMessages) };
    let (account, wanted, now) = (acting.account.id, q.clone(), acting.now().naive_utc());
    let found = match q.is_empty() {
        true => Found::default(),
        false => acting.app.read(move |conn| find(conn, account, &wanted, may, now)).await?,
    };
    // An id names one thing: straight there.
    if let ([(only, _)], true) = (found.accounts.as_slice(), q.parse::<Id>().is_ok() && found.messages.is_empty()) {
        return Ok(see_other(&format!("/sub-accounts/{}", only.id)));
    }
    let when = |at| When::new(at, acting.now().naive_utc(), acting.time_zone());
    let mut shell = acting.shell("Search");
    shell.query.clone_from(&q);
    html(&SearchPage {
        shell,
        accounts: found.accounts.iter().map(account_hit).collect(),
        more_accounts: if found.more {
            format!("/sub-accounts?{}", super::error::query(&[("q", &q)]))
        } else {
            String::new()
        },
        messages: found.messages.iter().map(|message| message_hit(message, when(message.created_at))).collect(),
        foreign: found.foreign.as_ref().map(|(account, message)| Foreign {
            account: account.name.clone(),
            href: format!("/sub-accounts/{}", account.id),
            when: when(message.created_at),
        }),
        hint: may.accounts && EmailAddress::parse(&q).is_ok(),
        q,
    })
}

fn find(conn: &mut AnyConnection, account: Id, q: &str, may: May, now: chrono::NaiveDateTime) -> ActionResult<Found> {
    let mut found = Found::default();
    if may.accounts {
        (found.accounts, found.more) = find_accounts(conn, account, q, now)?;
    }
    let reference = MessageRef::parse(q);
    let recipient = EmailAddress::parse(q).ok();
    if may.messages && (reference.is_some() || recipient.is_some()) {
        let filter = messages::Filter {
            id: reference.as_ref().map(|reference| reference.id),
            recipient_lower: recipient.filter(|_| reference.is_none()).map(|address| address.lower()),
            ..messages::Filter::default()
        };
        found.messages = messages::page(conn, account, &filter, None, false, SHOWN as i64)?;
    }
    if let Some(reference) = reference.filter(|_| may.accounts && found.messages.is_empty()) {
        let message = messages::find_many(conn, &[reference.id])?.into_iter().next();
        if let Some(message) = message
            && let Some(child) = accounts::find_child(conn, account, message.account_id)?
        {
            found.foreign = Some((child, message));
        }
    }
    Ok(found)
}

type Accounts = (Vec<(Account, String)>, bool);

fn find_accounts(conn: &mut AnyConnection, parent: Id, q: &str, now: chrono::NaiveDateTime) -> ActionResult<Accounts> {
    let query = sub_account_list::Query {
        parent,
        filter: Filter { search: q.to_owned(), ..Filter::default() },
        sort: Sort::Name,
        descending: false,
        edge: None,
        backward: false,
        limit: SHOWN,
        deleted_since: now - chrono::TimeDelta::days(30),
        open_days: Vec::new(),
    };
    let page = sub_account_list::page(conn, &query)?;
    let ids: Vec<Id> = page.rows.iter().map(|row| row.account_id).collect();
    let rows = accounts::find_many(conn, &ids)?;
    let mut hits = Vec::with_capacity(rows.len());
    for summary in &page.rows {
        if let Some(account) = rows.iter().find(|account| account.id == summary.account_id) {
            hits.push((account.clone(), summary.state.clone()));
        }
    }
    Ok((hits, page.after))
}

fn account_hit((account, state): &(Account, String)) -> AccountHit {
    let (class, label) = match state.as_str() {
        "suspended" => ("held", "Suspended"),
        "deleted" => ("off", "Deleted"),
        _ => ("active", "Active"),
    };
    let href = match state.as_str() {
        "deleted" => format!("/sub-accounts/{}/undelete", account.id),
        _ => format!("/sub-accounts/{}", account.id),
    };
    AccountHit { name: account.name.clone(), website: account.website.clone(), href, class, label }
}

fn message_hit(message: &Message, when: When) -> MessageHit {
    let (class, label) = state(&message.status);
    MessageHit {
        recipient: message.recipient.clone(),
        subject: message.subject.clone(),
        class,
        label,
        when,
        href: format!("/account/messages/{}", message.id),
    }
}
