//! A request understood: everything checked that can be checked without the database. A malformed recipient does
//! not refuse the request; it becomes an error for that recipient alone.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::super::email_address::EmailAddress;
use super::super::refusal::Refusal;
use super::super::text::Tag;
use super::attachment::{self, Attachment};
use super::headers;
use super::input::{AddressInput, CommonInput, ConversationInput, ListedInput, MessageInput, RecipientInput};
use super::mailbox::{Mailbox, parse_name};
use super::schedule::{Retention, Schedule};
use super::status::SandboxResult;

/// The contract's limits.
pub const MAX_RECIPIENTS: usize = 100;
pub const MAX_CONVERSATION: usize = 50;
pub const MAX_TAGS: usize = 10;
/// Each of the three bodies, in bytes.
pub const MAX_BODY_BYTES: usize = 5 * 1024 * 1024;
/// In characters.
pub const MAX_SUBJECT: usize = 998;

/// What a request asks for, ready to be accepted.
#[derive(Clone, Debug)]
pub struct Draft {
    pub from: Mailbox,
    pub recipients: Vec<Recipient>,
    /// All recipients share one message and see each other, but for `Bcc`.
    pub is_conversation: bool,
    pub reply_to: Option<Mailbox>,
    /// A template unless `is_conversation`; so are the bodies.
    pub subject: String,
    pub bodies: Bodies,
    pub attachments: Vec<Attachment>,
    pub headers: Vec<(String, String)>,
    pub substitutions: Map<String, Value>,
    pub tags: Vec<Tag>,
    /// `Some` when the message must never leave.
    pub sandbox: Option<SandboxResult>,
    pub track_opens: Option<bool>,
    pub track_clicks: Option<bool>,
    pub retention: Retention,
    pub schedule: Schedule,
}

/// The forms of the content; text or HTML is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bodies {
    pub text: Option<String>,
    pub html: Option<String>,
    pub amp: Option<String>,
}

/// Where a recipient stands in the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecipientKind {
    To,
    Cc,
    Bcc,
}

/// One recipient of a request, valid or not.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// As it was given, for the answer.
    pub email: String,
    /// As it was given, for the answer.
    pub name: String,
    pub kind: RecipientKind,
    pub substitutions: Map<String, Value>,
    /// Whom to send to, or why this recipient cannot be.
    pub mailbox: Result<Mailbox, Refusal>,
}

impl Draft {
    /// Reads `POST messages`.
    pub fn from_message(input: MessageInput, now: DateTime<Utc>) -> Result<Self, Refusal> {
        let given = input.recipients.unwrap_or_default();
        check_count(given.len(), MAX_RECIPIENTS, "recipients")?;
        let mut recipients = Vec::with_capacity(given.len());
        for (index, recipient) in given.into_iter().enumerate() {
            recipients.push(Recipient::parse(recipient, RecipientKind::To, &format!("recipients[{index}].email"))?);
        }
        let mut draft = Self::from_common(input.from, input.common, recipients, false, now)?;
        draft.substitutions = input.substitutions.unwrap_or_default();
        Ok(draft)
    }

    /// Reads `POST messages/conversation`.
    pub fn from_conversation(input: ConversationInput, now: DateTime<Utc>) -> Result<Self, Refusal> {
        let mut recipients = Vec::new();
        let lists = [
            ("to", RecipientKind::To, input.to),
            ("cc", RecipientKind::Cc, input.cc),
            ("bcc", RecipientKind::Bcc, input.bcc),
        ];
        for (field, kind, list) in lists {
            for (index, ListedInput { email, name }) in list.unwrap_or_default().into_iter().enumerate() {
                let recipient = RecipientInput { email, name, substitutions: None };
                recipients.push(Recipient::parse(recipient, kind, &format!("{field}[{index}].email"))?);
            }
            check_count(recipients.len(), MAX_CONVERSATION, "to, cc and bcc together")?;
        }
        Self::from_common(input.from, input.common, recipients, true, now)
    }

    fn from_common(
        from: Option<AddressInput>,
        common: CommonInput,
        recipients: Vec<Recipient>,
        is_conversation: bool,
        now: DateTime<Utc>,
    ) -> Result<Self, Refusal> {
        let from = from.ok_or_else(|| Refusal::new("from: The sender is missing."))?;
        let from = Mailbox::parse(&from).map_err(|refusal| refusal.at("from"))?;
        let reply_to =
            common.reply_to.as_ref().map(Mailbox::parse).transpose().map_err(|refusal| refusal.at("reply_to"))?;
        let has_cc = recipients.iter().any(|recipient| recipient.kind == RecipientKind::Cc);
        let headers =
            headers::parse(common.headers, reply_to.is_some(), has_cc).map_err(|refusal| refusal.at("headers"))?;
        let tracking = common.tracking.unwrap_or_default();
        Ok(Self {
            from,
            recipients,
            is_conversation,
            reply_to,
            subject: subject(common.subject)?,
            bodies: bodies(common.text_content, common.html_content, common.amp_content)?,
            attachments: attachment::parse_all(common.attachments)?,
            headers,
            substitutions: Map::new(),
            tags: tags(common.tags)?,
            sandbox: sandbox(common.sandbox, common.sandbox_result.as_deref())?,
            track_opens: tracking.open,
            track_clicks: tracking.click,
            retention: Retention::parse(common.retention.as_ref())?,
            schedule: Schedule::parse(common.schedule.as_ref(), now)?,
        })
    }

    /// The valid mailboxes of one kind, for the header of a conversation.
    #[must_use]
    pub fn mailboxes(&self, kind: RecipientKind) -> Vec<Mailbox> {
        let of_kind = self.recipients.iter().filter(|recipient| recipient.kind == kind);
        of_kind.filter_map(|recipient| recipient.mailbox.clone().ok()).collect()
    }
}

impl Recipient {
    /// An address that is not there at all refuses the request; one that is wrong only refuses itself.
    fn parse(input: RecipientInput, kind: RecipientKind, field: &str) -> Result<Self, Refusal> {
        let email = input.email.ok_or_else(|| Refusal::new("The recipient's address is missing.").at(field))?;
        let name = input.name.unwrap_or_default();
        let mailbox = EmailAddress::parse(&email)
            .and_then(|address| parse_name(Some(&name)).map(|name| Mailbox { address, name }));
        Ok(Self { email, name, kind, substitutions: input.substitutions.unwrap_or_default(), mailbox })
    }
}

fn check_count(count: usize, max: usize, field: &str) -> Result<(), Refusal> {
    match count {
        0 => Err(Refusal::new("Name at least one recipient.").at(field)),
        count if count > max => Err(Refusal::new(format!("At most {max} recipients can be named.")).at(field)),
        _ => Ok(()),
    }
}

fn subject(subject: Option<String>) -> Result<String, Refusal> {
    let subject = subject.unwrap_or_default();
    if subject.trim().is_empty() {
        return Err(Refusal::new("subject: The subject is missing."));
    }
    if subject.chars().any(char::is_control) {
        return Err(Refusal::new("subject: The subject holds a line break or another control character. Remove it."));
    }
    if subject.chars().count() > MAX_SUBJECT {
        return Err(Refusal::new(format!("subject: The subject is too long. Use at most {MAX_SUBJECT} characters.")));
    }
    Ok(subject)
}

fn bodies(text: Option<String>, html: Option<String>, amp: Option<String>) -> Result<Bodies, Refusal> {
    let bodies =
        Bodies { text: body(text, "text_content")?, html: body(html, "html_content")?, amp: body(amp, "amp_content")? };
    if bodies.text.is_none() && bodies.html.is_none() {
        return Err(Refusal::new("text_content, html_content: Give the message a text or an HTML body."));
    }
    Ok(bodies)
}

/// An empty body counts as absent.
fn body(content: Option<String>, field: &str) -> Result<Option<String>, Refusal> {
    let Some(content) = content.filter(|content| !content.trim().is_empty()) else { return Ok(None) };
    if content.len() > MAX_BODY_BYTES {
        return Err(Refusal::new(format!("The body is larger than {} MB.", MAX_BODY_BYTES / 1024 / 1024)).at(field));
    }
    if content.contains('\0') {
        return Err(Refusal::new("The body holds a NUL character. Remove it.").at(field));
    }
    Ok(Some(content))
}

fn tags(tags: Option<Vec<String>>) -> Result<Vec<Tag>, Refusal> {
    let tags = tags.unwrap_or_default();
    if tags.len() > MAX_TAGS {
        return Err(Refusal::new(format!("tags: At most {MAX_TAGS} tags can be set.")));
    }
    let mut parsed: Vec<Tag> = Vec::with_capacity(tags.len());
    for (index, tag) in tags.iter().enumerate() {
        let tag = Tag::parse(tag).map_err(|refusal| refusal.at(&format!("tags[{index}]")))?;
        if !parsed.contains(&tag) {
            parsed.push(tag);
        }
    }
    Ok(parsed)
}

/// A result is checked even where it has no effect, so that a typing error does not wait for the first test.
fn sandbox(sandbox: Option<bool>, result: Option<&str>) -> Result<Option<SandboxResult>, Refusal> {
    let result = result.filter(|result| !result.is_empty()).map(SandboxResult::parse).transpose();
    let result = result.map_err(|refusal| refusal.at("sandbox_result"))?;
    Ok(sandbox.unwrap_or(false).then(|| result.unwrap_or_default()))
}

#[cfg(test)]
mod tests;
