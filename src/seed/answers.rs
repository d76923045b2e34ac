//! What the hosts that the demo's mail went to said.

use crate::domain::bounce::Classification;
use crate::domain::message::status::MessageStatus;

/// What a remote host said, and what it means.
pub struct Answer {
    pub status: MessageStatus,
    pub code: i32,
    pub text: &'static str,
    pub classification: Option<Classification>,
    /// The address itself is bad: it goes on the suppression list.
    pub hard: bool,
}

pub const DELIVERED: Answer =
    Answer { status: MessageStatus::Delivered, code: 250, text: "2.0.0 Accepted", classification: None, hard: false };
pub const BUSY: Answer = later(451, "4.7.1 Greylisted, try again later");
/// What a host that takes mail slowly says.
pub const SLOW: &[Answer] = &[
    later(421, "4.7.0 Too many messages from your network, try again later"),
    later(451, "4.3.2 System busy, try again later"),
    later(450, "4.2.1 The recipient is receiving mail too quickly right now"),
];
pub const FAILED: Answer = Answer {
    status: MessageStatus::Failed,
    code: 503,
    text: "5.5.1 Bad sequence of commands",
    classification: Some(Classification::ProtocolErrors),
    hard: false,
};
const fn later(code: i32, text: &'static str) -> Answer {
    Answer { status: MessageStatus::Deferred, code, text, classification: None, hard: false }
}
const fn bounce(code: i32, text: &'static str, classification: Classification, hard: bool) -> Answer {
    Answer { status: MessageStatus::Bounced, code, text, classification: Some(classification), hard }
}
pub const BOUNCES: &[Answer] = &[
    bounce(550, "5.1.1 No such user here", Classification::InvalidRecipient, true),
    bounce(550, "5.1.1 The account does not exist", Classification::InvalidRecipient, true),
    bounce(550, "5.2.1 The mailbox is disabled", Classification::InactiveMailbox, true),
    bounce(552, "5.2.2 The mailbox is full", Classification::MailboxFull, false),
    bounce(554, "5.7.1 Blocked: too many complaints about this sender", Classification::SpamBlock, false),
];
