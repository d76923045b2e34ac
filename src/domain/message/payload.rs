//! What a request said, rendered, as it is stored: the form between accepting and delivering.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::attachment::Attachment;
use super::mailbox::Mailbox;
use super::mime::{self, MimeParts};

/// The stored content of one or more messages of a request. Hidden recipients are not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    pub from: Mailbox,
    /// Empty when each recipient gets a message of its own: then `To` is the message's recipient.
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    pub reply_to: Option<Mailbox>,
    pub subject: String,
    pub text: Option<String>,
    pub html: Option<String>,
    pub amp: Option<String>,
    pub headers: Vec<(String, String)>,
}

impl Payload {
    /// The message's bytes: always the same for the same arguments.
    #[must_use]
    pub fn to_mime(
        &self,
        recipient: &Mailbox,
        date: DateTime<Utc>,
        message_id: &str,
        attachments: &[Attachment],
    ) -> Vec<u8> {
        let own = std::slice::from_ref(recipient);
        mime::build(&MimeParts {
            from: &self.from,
            to: if self.to.is_empty() { own } else { &self.to },
            cc: &self.cc,
            reply_to: self.reply_to.as_ref(),
            subject: &self.subject,
            date,
            message_id,
            text: self.text.as_deref(),
            html: self.html.as_deref(),
            amp: self.amp.as_deref(),
            headers: &self.headers,
            attachments,
        })
    }
}
