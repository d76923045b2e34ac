//! From what is stored back to the bytes of a message: for delivery, for the API's `content`, for the dashboard.

use super::{ActionError, ActionResult};
use crate::domain::email_address::EmailAddress;
use crate::domain::message::attachment::{Attachment as File, MediaType};
use crate::domain::message::mailbox::Mailbox;
use crate::domain::message::payload::Payload;
use crate::domain::message::submitted;
use crate::models::messages::{Attachment, Content, Message};

/// The disposition that is stored for a file shown in place.
pub(super) const INLINE: &str = "inline";
/// The disposition that is stored for a file offered for download.
pub(super) const ATTACHMENT: &str = "attachment";

/// The message as RFC 5322 bytes, unsigned: always the same for the same rows. Its date is when it was asked to leave; one
/// that a mail program handed in is as it wrote it, under a Message-ID of ours.
///
/// # Errors
/// `Internal` when a row does not hold what accepting wrote.
pub fn raw(message: &Message, content: &Content, attachments: &[Attachment]) -> ActionResult<Vec<u8>> {
    if content.is_raw {
        return Ok(submitted::with_message_id(&content.payload, &message.header_id()));
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Id;

    /// Rows as accepting writes them.
    fn rows() -> (Message, Content, Attachment) {
        let now = chrono::DateTime::from_timestamp(1_795_521_600, 0).expect("an instant");
        let (id, at) = (Id::new(now), now.naive_utc());
        let payload = serde_json::json!({ "from": { "address": "hi@a.example", "name": null }, "to": [], "cc": [],
            "reply_to": null, "subject": "Hello", "text": "Hello", "html": null, "amp": null, "headers": [] });
        let content = Content {
            id,
            account_id: id,
            payload: payload.to_string().into(),
            request_id: id,
            purge_at: at,
            is_raw: false,
            last_message_id: id,
            has_attachments: true,
        };
        let file = Attachment {
            request_id: id,
            position: 0,
            file_name: "a.ics".into(),
            content_type: "text/calendar; method=\"REQUEST\"".into(),
            disposition: Some(INLINE.into()),
            content_id: None,
            data: b"BEGIN".to_vec(),
        };
        (Message::sample(id, at), content, file)
    }

    #[test]
    fn the_same_rows_always_give_the_same_bytes() {
        let (message, content, file) = rows();
        let bytes = raw(&message, &content, std::slice::from_ref(&file)).expect("built");
        assert_eq!(bytes, raw(&message, &content, &[file]).expect("built"));
        let text = String::from_utf8(bytes).expect("ASCII");
        for part in ["To: \"Ann\" <ann@b.example>", "method=", "Content-Disposition: inline", &message.header_id()] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    #[test]
    fn what_was_handed_in_stays_as_it_is_but_for_its_message_id() {
        let (message, mut content, _) = rows();
        content.is_raw = true;
        content.payload = b"Received: by x\r\nFrom: a@b.example\r\n\r\n{}\r\n".to_vec();
        let text = String::from_utf8(raw(&message, &content, &[]).expect("built")).expect("ASCII");
        let id = message.header_id();
        assert_eq!(text, format!("Received: by x\r\nMessage-ID: <{id}>\r\nFrom: a@b.example\r\n\r\n{{}}\r\n"));
    }

    #[test]
    fn a_scheduled_message_is_dated_when_it_was_to_leave() {
        let (mut message, content, _) = rows();
        message.scheduled_at = Some(message.created_at + chrono::TimeDelta::days(3));
        let text = String::from_utf8(raw(&message, &content, &[]).expect("built")).expect("ASCII");
        assert!(text.contains("Date: Fri, 27 Nov 2026"), "{text}");
    }

    #[test]
    fn rows_that_accepting_never_wrote_are_an_error_of_ours() {
        let (message, mut content, mut file) = rows();
        file.content_type = "nonsense".into();
        assert!(matches!(raw(&message, &content, &[file]), Err(ActionError::Internal(_))));
        content.payload = b"{}".to_vec();
        assert!(matches!(raw(&message, &content, &[]), Err(ActionError::Internal(_))));
    }
}
