//! A message that waits, as a row: from outside without what is the client's, its recipients and what replies name.

use chrono::NaiveDateTime;
use chrono_tz::Tz;

use super::read::Found;
use crate::domain::ids::Id;
use crate::domain::waiting::{Reason, without_local_parts};
use crate::models::queue_view::Waiting;
use crate::web::format::When;

/// The longest a reply is told.
const LONGEST: usize = 160;

pub struct Row {
    pub id: String,
    /// The recipient for whoever may see it, else their domain.
    pub to: String,
    /// The message's page, for whoever may open it.
    pub href: String,
    pub account: String,
    pub account_id: String,
    pub class: &'static str,
    pub label: &'static str,
    /// The last reply, where there was one.
    pub reply: String,
    pub attempts: i32,
    /// When it is tried next, or what it waits for.
    pub next: Option<When>,
    pub waits_for: &'static str,
    pub accepted: Option<When>,
}

/// From where the rows are looked at.
pub struct View<'a> {
    pub root: Id,
    pub now: NaiveDateTime,
    pub tz: Tz,
    /// Before a message's address, for whoever may see recipients and what was answered about them.
    pub inside: Option<&'a str>,
}

impl View<'_> {
    #[must_use]
    pub fn row(&self, waiting: &Waiting, found: &Found) -> Row {
        let reason = self.reason(waiting, found);
        let message = found.messages.get(&waiting.message_id);
        let recipient = message.filter(|_| self.inside.is_some()).map(|message| message.recipient.clone());
        let (next, waits_for) = self.next(waiting, reason);
        Row {
            id: waiting.message_id.to_string(),
            to: recipient.unwrap_or_else(|| waiting.destination.clone()),
            href: self.inside.map(|base| format!("{base}/messages/{}", waiting.message_id)).unwrap_or_default(),
            account: found.names.get(&waiting.account_id).cloned().unwrap_or_default(),
            account_id: waiting.account_id.to_string(),
            class: class(reason),
            label: reason.label(),
            reply: found.replies.get(&waiting.message_id).map(|log| self.reply(log)).unwrap_or_default(),
            attempts: waiting.attempts,
            next,
            waits_for,
            accepted: message.map(|message| When::new(message.created_at, self.now, self.tz)),
        }
    }

    /// The reason that stands in front: what leaves now leaves whatever holds the others.
    fn reason(&self, waiting: &Waiting, found: &Found) -> Reason {
        if waiting.is_leaving(self.now) {
            Reason::Sending
        } else if waiting.reason == Reason::AtCap {
            Reason::AtCap
        } else if found.held.contains(&waiting.account_id) || found.held.contains(&self.root) {
            Reason::Suspended
        } else {
            waiting.reason
        }
    }

    fn next(&self, waiting: &Waiting, reason: Reason) -> (Option<When>, &'static str) {
        match reason {
            Reason::Sending => (None, "under way"),
            Reason::AtCap => (None, "when there is room"),
            Reason::Suspended => (None, "when the hold ends"),
            _ if waiting.due_at <= self.now => (None, "due now"),
            _ => (Some(When::new(waiting.due_at, self.now, self.tz)), ""),
        }
    }

    fn reply(&self, log: &str) -> String {
        let text = if self.inside.is_some() { log.to_owned() } else { without_local_parts(log) };
        if text.chars().count() <= LONGEST { text } else { text.chars().take(LONGEST).chain(['…']).collect() }
    }
}

fn class(reason: Reason) -> &'static str {
    match reason {
        Reason::Waiting | Reason::Scheduled => "wait",
        Reason::Deferred => "near",
        Reason::AtCap => "full",
        Reason::Suspended => "held",
        Reason::Sending => "busy",
    }
}
