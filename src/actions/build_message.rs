//! From what is stored back to the bytes of a message: for delivery, for the API's `content`, for the dashboard.

use super::{ActionError, ActionResult};
use crate::domain::email_address::EmailAddress;
use crate::domain::message::attachment::{Attachment as File, MediaType};
use crate::domain::message::mailbox::Mailbox;
use crate::domain::message::payload::Payload;
use crate::models::messages::{Attachment, Content, Message};

/// The disposition that is stored for a file shown in place.
pub(super) const INLINE: &str = "inline";
/// The disposition that is stored for a file offered for download.
pub(super) const ATTACHMENT: &str = "attachment";

/// The message as RFC 5322 bytes, unsigned: always the same for the same rows. Its date is when it was asked to leave.
///
/// # Errors
/// `Internal` when a row does not hold what accepting wrote.
pub fn raw(message: &Message, content: &Content, attachments: &[Attachment]) -> ActionResult<Vec<u8>> {
    let payload: Payload = serde_json::from_slice(&content.payload)
        .map_err(|error| broken(&format!("content {}", content.id), &error.to_string()))?;
    let address = EmailAddress::parse(&message.recipient)
        .map_err(|refusal| broken(&format!("message {}", message.id), refusal.message()))?;
    let recipient = Mailbox { address, name: message.recipient_name.clone() };
    let files = attachments.iter().map(file).collect::<ActionResult<Vec<_>>>()?;
    let date = message.scheduled_at.unwrap_or(message.created_at).and_utc();
    Ok(payload.to_mime(&recipient, date, &message.header_id(), &files))
}

fn file(row: &Attachment) -> ActionResult<File> {
    let content_type = MediaType::parse(&row.content_type)
        .map_err(|refusal| broken(&format!("attachment {} of {}", row.position, row.request_id), refusal.message()))?;
    Ok(File {
        data: row.data.clone(),
        content_type,
        file_name: row.file_name.clone(),
        content_id: row.content_id.clone(),
        inline: row.disposition.as_deref() == Some(INLINE),
    })
}

fn broken(what: &str, why: &str) -> ActionError {
    ActionError::Internal(format!("{what} cannot be read back: {why}"))
}
