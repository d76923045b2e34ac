//! Accepting mail: every way in ends here. One committer per node runs one durable transaction for all that waits,
//! then answers each; an answer is given only after the commit.

mod alert;
mod bounds;
mod commit;
mod committer;
mod group;
mod intake;
mod known;
mod ledger;
mod line;
mod release;
mod rows;

use chrono::{DateTime, Utc};

use super::idempotency::{RenderAccepted, Ticket};
use crate::domain::ids::Id;
use crate::domain::message::status::SandboxResult;

pub use bounds::{hour_of, limits_of};
pub use committer::Committer;
pub use line::Line;
pub use release::{has_room, release_held};

/// A request that the edge has parsed, checked and rendered: what is left is to decide and to store it.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub account_id: Id,
    pub sender: String,
    pub sender_domain: String,
    pub entries: Vec<PreparedEntry>,
    /// JSON of what was rendered; entries share one where nothing differs.
    pub contents: Vec<Vec<u8>>,
    /// The contents are no JSON but whole messages, as mail programs handed them in.
    pub is_raw: bool,
    /// A cap that has room for some recipients takes none of them: the way in has one answer for all.
    pub all_or_none: bool,
    pub attachments: Vec<PreparedAttachment>,
    pub tags: Vec<String>,
    /// The sandbox result asked for; `None` is a real message.
    pub sandbox: Option<SandboxResult>,
    pub track_opens: Option<bool>,
    pub track_clicks: Option<bool>,
    /// Days; `None` takes the account's.
    pub data_retention: Option<i32>,
    pub metadata_retention: Option<i32>,
    pub first_attempt: Option<DateTime<Utc>>,
    pub expires: Option<DateTime<Utc>>,
    /// Where and how the answer is stored in the same transaction, for retries.
    pub reply: Option<(Ticket, RenderAccepted)>,
}

impl Prepared {
    /// About how much memory it takes, in kilobytes, at least 1.
    #[must_use]
    pub fn kilobytes(&self) -> u32 {
        let contents: usize = self.contents.iter().map(Vec::len).sum();
        let attachments: usize = self.attachments.iter().map(|attachment| attachment.data.len()).sum();
        u32::try_from((contents + attachments + self.entries.len() * 256) / 1024 + 1).unwrap_or(u32::MAX)
    }
}

#[derive(Clone, Debug)]
pub struct PreparedEntry {
    pub email: String,
    /// The form that suppressions are looked up by.
    pub email_lower: String,
    pub name: Option<String>,
    /// The rendered subject and which of the contents it says, or why this recipient cannot be written to.
    pub body: Result<(String, usize), String>,
}

#[derive(Clone, Debug)]
pub struct PreparedAttachment {
    pub file_name: String,
    pub content_type: String,
    pub disposition: Option<String>,
    pub content_id: Option<String>,
    pub data: Vec<u8>,
}

/// What became of one recipient, in the order they were given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub email: String,
    pub name: Option<String>,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Queued { id: Id },
    Scheduled { id: Id },
    Refused { reason: String },
}

/// The answer to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub sender_domain: String,
    pub entries: Vec<Entry>,
    pub first_attempt: Option<DateTime<Utc>>,
    pub expires: Option<DateTime<Utc>>,
}

impl Accepted {
    /// One of its messages; none where nothing was written down.
    #[must_use]
    pub fn first_id(&self) -> Option<Id> {
        self.entries.iter().find_map(|entry| match entry.outcome {
            Outcome::Queued { id } | Outcome::Scheduled { id } => Some(id),
            Outcome::Refused { .. } => None,
        })
    }
}
