//! The messages of an account: found by recipient, state, Message-ID, or words of the subject.

use actix_web::web::Query;
use askama::Template;
use serde::Deserialize;

use super::activity::title;
use super::frame::{self, Frame};
use super::locked;
use super::paging::{Edge, Paged, fetch};
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::Id;
use crate::domain::message::reference::MessageRef;
use crate::domain::message::status::MessageStatus;
use crate::domain::role::Permission;
use crate::domain::search_words::SearchWords;
use crate::models::messages::{self, Filter, Message};
use crate::web::error::PageResult;
use crate::web::format::When;
use crate::web::layout::Shell;
use crate::web::page::html;
use crate::web::scope::AccountScope;

/// Statuses of the picker: value, words, and which stored ones it means.
const STATUSES: &[(&str, &str, &[MessageStatus])] = &[
    ("delivered", "Delivered", &[MessageStatus::Delivered]),
    ("waiting", "Waiting", &[MessageStatus::Received, MessageStatus::Deferred]),
    ("deferred", "Deferred", &[MessageStatus::Deferred]),
    ("scheduled", "Scheduled", &[MessageStatus::Scheduled]),
    ("held", "Held at the cap", &[MessageStatus::Held]),
    ("bounced", "Bounced", &[MessageStatus::Bounced]),
    ("failed", "Failed", &[MessageStatus::Failed]),
    ("suppressed", "Suppressed", &[MessageStatus::Suppressed]),
    (
        "sandbox",
        "Sandbox",
        &[
            MessageStatus::SandboxDelivered,
            MessageStatus::SandboxDeferred,
            MessageStatus::SandboxBounced,
            MessageStatus::SandboxFailed,
            MessageStatus::SandboxSuppressed,
        ],
    ),
];

/// A message of the list.
pub struct Row {
    pub recipient: String,
    pub subject: String,
    pub sender: String,
    pub class: &'static str,
    pub label: &'static str,
    pub attempts: i32,
    pub when: When,
    pub href: String,
}

#[derive(Template)]
#[template(path = "account/messages.html")]
struct MessagesPage {
    shell: Shell,
    frame: Frame,
    path: String,
    q: String,
    status: String,
    statuses: Vec<(&'static str, &'static str, String)>,
    page: Paged<Row>,
    has_filter: bool,
    may_send: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct MessagesQuery {
    q: String,
    status: String,
    older: Option<String>,
    newer: Option<String>,
}

/// `GET .../messages`
pub async fn list(scope: AccountScope, query: Query<MessagesQuery>) -> PageResult {
    if let Some(page) = locked::page(&scope, Permission::ViewMessages, "Messages").await? {
        return Ok(page);
    }
    let MessagesQuery { q, status, older, newer } = query.into_inner();
    let q = q.trim().to_owned();
    let status = STATUSES.iter().find(|(value, ..)| *value == status).map_or("", |(value, ..)| value);
    let (edge, ascending) = Edge { older, newer }.read::<Id>();
    let filter = filter(&q, status);
    let (facts, rows) = frame::load(&scope, move |conn, account, _| {
        Ok(messages::page(conn, account.id, &filter, edge, ascending, fetch())?)
    })
    .await?;
    let path = scope.path("/messages");
    let paged = Paged::new(rows, (edge.is_some(), ascending), &path, &[("q", &q), ("status", status)], |row| row.id);
    let rows = paged.rows.iter().map(|message| row(&scope, message, facts.when(message.created_at))).collect();
    html(&MessagesPage {
        frame: Frame::new(&scope, &facts, "Messages"),
        shell: scope.shell(&title(&scope, "Messages")),
        statuses: chips(&path, &q),
        may_send: scope.may(Permission::SendTest),
        has_filter: !q.is_empty() || !status.is_empty(),
        path,
        q,
        status: status.to_owned(),
        page: Paged { rows, newer: paged.newer, older: paged.older },
    })
}

/// Value, words and address of each state, "all" first.
fn chips(path: &str, q: &str) -> Vec<(&'static str, &'static str, String)> {
    let href = |status: &str| {
        let pairs: Vec<(&str, &str)> =
            [("q", q), ("status", status)].into_iter().filter(|(_, value)| !value.is_empty()).collect();
        if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", crate::web::error::query(&pairs)) }
    };
    std::iter::once(("", "All", href("")))
        .chain(STATUSES.iter().map(|(value, label, _)| (*value, *label, href(value))))
        .collect()
}

/// What was typed decides what is searched: an id, an address, or else the subject.
fn filter(q: &str, status: &str) -> Filter {
    let statuses = STATUSES.iter().find(|(value, ..)| *value == status).map_or(&[][..], |(.., all)| all);
    let mut filter =
        Filter { statuses: statuses.iter().map(|status| status.as_str().to_owned()).collect(), ..Filter::default() };
    if q.is_empty() {
        return filter;
    }
    if let Some(reference) = MessageRef::parse(q) {
        filter.id = Some(reference.id);
    } else if let Ok(address) = EmailAddress::parse(q) {
        filter.recipient_lower = Some(address.lower());
    } else {
        filter.subject = SearchWords::cut(q);
    }
    filter
}

fn row(scope: &AccountScope, message: &Message, when: When) -> Row {
    let (class, label) = state(&message.status);
    Row {
        recipient: message.recipient.clone(),
        subject: message.subject.clone(),
        sender: message.sender.clone(),
        class,
        label,
        attempts: message.num_attempts,
        when,
        href: scope.path(&format!("/messages/{}", message.id)),
    }
}

/// Shape and word of a stored status.
#[must_use]
pub fn state(status: &str) -> (&'static str, &'static str) {
    use MessageStatus as S;
    let Ok(status) = MessageStatus::parse(status) else { return ("off", "Unknown") };
    let class = match status {
        S::Received => "busy",
        S::Scheduled => "wait",
        S::Held => "full",
        S::Delivered | S::SandboxDelivered => "active",
        S::Deferred | S::SandboxDeferred => "near",
        S::Bounced | S::Failed | S::SandboxBounced | S::SandboxFailed => "held",
        S::Suppressed | S::SandboxSuppressed => "off",
    };
    (class, status.label())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_an_id_an_address_or_words_of_the_subject() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        for text in [id.to_owned(), format!("<{id}@mail.example>")] {
            assert_eq!(filter(&text, "").id.map(|id| id.to_string()).as_deref(), Some(id), "{text}");
        }
        assert_eq!(filter("Ann@Example.org", "").recipient_lower.as_deref(), Some("ann@example.org"));
        assert_eq!(filter("your stay", "").subject, SearchWords::cut("your stay"));
        assert_eq!(filter("", "waiting").statuses, ["received", "deferred"]);
    }

    #[test]
    fn every_status_has_a_shape_and_a_place_in_the_picker() {
        for status in MessageStatus::all() {
            assert_ne!(state(status.as_str()).1, "Unknown");
            assert!(STATUSES.iter().any(|(.., all)| all.contains(&status)), "{status:?}");
        }
    }
}
