//! The pages of an account's messages.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

use super::Message;
use crate::domain::ids::Id;
use crate::domain::search_words::{SearchWords, literal};
use crate::models::AnyConnection;
use crate::models::schema::messages;

/// What a list of messages is narrowed by. Empty fields do not narrow.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub statuses: Vec<String>,
    pub sender: Option<String>,
    /// `Some` narrows to these sender domains; an empty list finds nothing.
    pub sender_domains: Option<Vec<String>>,
    pub recipient_lower: Option<String>,
    pub subject: Option<SearchWords>,
    pub id: Option<Id>,
    pub tags: Vec<String>,
    pub from: Option<NaiveDateTime>,
    pub to: Option<NaiveDateTime>,
}

/// A page of an account's messages by id: newest first, or, with `ascending`, the ones just newer than `edge`.
pub fn page(
    conn: &mut AnyConnection,
    account: Id,
    filter: &Filter,
    edge: Option<Id>,
    ascending: bool,
    limit: i64,
) -> QueryResult<Vec<Message>> {
    let mut query = messages::table.filter(messages::account_id.eq(account)).select(Message::as_select()).into_boxed();
    if !filter.statuses.is_empty() {
        query = query.filter(messages::status.eq_any(filter.statuses.clone()));
    }
    if let Some(sender) = &filter.sender {
        query = query.filter(messages::sender.eq(sender.clone()));
    }
    if let Some(domains) = &filter.sender_domains {
        query = query.filter(messages::sender_domain.eq_any(domains.clone()));
    }
    if let Some(recipient) = &filter.recipient_lower {
        query = query.filter(messages::recipient_lower.eq(recipient.clone()));
    }
    if let Some(subject) = &filter.subject {
        query = query.filter(messages::subject.like(subject.anywhere()).escape('\\'));
    }
    if let Some(id) = filter.id {
        query = query.filter(messages::id.eq(id));
    }
    for tag in &filter.tags {
        let quoted = serde_json::to_string(tag).unwrap_or_default();
        query = query.filter(messages::tags.like(format!("%{}%", literal(&quoted))).escape('\\'));
    }
    // Ids begin with the time of acceptance: only the partitions of that time are looked into.
    if let Some(from) = filter.from {
        query = query.filter(messages::created_at.ge(from)).filter(messages::id.ge(Id::first_at(from.and_utc())));
    }
    if let Some(to) = filter.to {
        let after = Id::first_at(to.and_utc() + TimeDelta::milliseconds(1));
        query = query.filter(messages::created_at.le(to)).filter(messages::id.lt(after));
    }
    match (edge, ascending) {
        (Some(edge), true) => query = query.filter(messages::id.gt(edge)),
        (Some(edge), false) => query = query.filter(messages::id.lt(edge)),
        (None, _) => {}
    }
    if ascending {
        query.order(messages::id.asc()).limit(limit).load(conn)
    } else {
        query.order(messages::id.desc()).limit(limit).load(conn)
    }
}
