//! From a request understood to one ready to be accepted: rendered for each recipient, files as they are stored.
//! Work for the processor alone, so it runs off the async threads and outside the accepting transaction.

use super::accept_message::{Prepared, PreparedAttachment, PreparedEntry};
use super::build_message::{ATTACHMENT, INLINE};
use super::{ActionError, ActionResult};
use crate::domain::ids::Id;
use crate::domain::message::attachment::Attachment;
use crate::domain::message::draft::{Draft, Recipient, RecipientKind};
use crate::domain::message::payload::Payload;
use crate::domain::message::render::{Failed, Halt, Rendered, Templates};
use crate::domain::refusal::Refusal;

/// What all copies of one request may hold together, in bytes: templates can make much of little.
const MAX_CONTENTS_BYTES: usize = 64 * 1024 * 1024;

/// Renders `draft` for its recipients. A recipient that is malformed, or whose values break a template, refuses only
/// itself. The answer names no `reply`: the caller adds it. Where something [`varies`](crate::domain::message::render::varies),
/// this needs the stack that [`Renderers`](super::renderers::Renderers) have; `halt` is asked on the way.
///
/// # Errors
/// `Invalid` for a template that is wrong for everybody or does too much work, or copies that are too large together.
pub fn prepare_message(account_id: Id, draft: Draft, halt: &Halt) -> ActionResult<Prepared> {
    let (entries, contents) = if draft.is_conversation { shared(&draft)? } else { copies(&draft, halt)? };
    let days = |days: Option<i64>| days.and_then(|days| i32::try_from(days).ok());
    Ok(Prepared {
        account_id,
        sender: draft.from.address.to_string(),
        sender_domain: draft.from.address.domain().to_owned(),
        entries,
        contents,
        is_raw: false,
        all_or_none: false,
        tags: draft.tags.iter().map(|tag| tag.as_str().to_owned()).collect(),
        sandbox: draft.sandbox,
        track_opens: draft.track_opens,
        track_clicks: draft.track_clicks,
        data_retention: days(draft.retention.data_days),
        metadata_retention: days(draft.retention.metadata_days),
        first_attempt: draft.schedule.first_attempt,
        expires: draft.schedule.expires,
        attachments: draft.attachments.into_iter().map(stored).collect(),
        reply: None,
    })
}

type Copies = (Vec<PreparedEntry>, Vec<Vec<u8>>);

/// A conversation: one content for all.
fn shared(draft: &Draft) -> ActionResult<Copies> {
    let rendered = Rendered::plain(draft);
    let subject = rendered.subject.to_string();
    let content = content(draft, rendered)?;
    let entries = draft.recipients.iter().map(|recipient| entry(recipient, Ok((subject.clone(), 0)))).collect();
    Ok((entries, vec![content]))
}

/// One content for all while nothing differs, else one for each recipient that can be written to.
fn copies(draft: &Draft, halt: &Halt) -> ActionResult<Copies> {
    let templates = Templates::compile(draft, halt).map_err(refused)?;
    if !templates.varies() {
        return shared(draft);
    }
    let (mut entries, mut contents) = (Vec::with_capacity(draft.recipients.len()), Vec::new());
    let mut size = 0;
    for recipient in &draft.recipients {
        let rendered = match &recipient.mailbox {
            Ok(_) => match templates.render(&recipient.substitutions) {
                Ok(rendered) => Ok(rendered),
                Err(Failed::Values(refusal)) => Err(refusal),
                Err(Failed::Work(refusal)) => return Err(refused(refusal)),
            },
            Err(refusal) => Err(refusal.clone()),
        };
        let body = match rendered {
            Ok(rendered) => {
                let subject = rendered.subject.to_string();
                let content = content(draft, rendered)?;
                size += content.len();
                contents.push(content);
                Ok((subject, contents.len() - 1))
            }
            Err(refusal) => Err(refusal),
        };
        if size > MAX_CONTENTS_BYTES {
            let message = "The messages to all recipients are too large together. Send to fewer at once.";
            return Err(ActionError::invalid("recipients", message));
        }
        entries.push(entry(recipient, body));
    }
    Ok((entries, contents))
}

/// The recipient's own refusal comes before whatever its content is. The address of one that can be written to is in
/// its canonical form, the other's as it was given.
fn entry(recipient: &Recipient, body: Result<(String, usize), Refusal>) -> PreparedEntry {
    match &recipient.mailbox {
        Ok(mailbox) => PreparedEntry {
            email: mailbox.address.to_string(),
            email_lower: mailbox.address.lower(),
            name: mailbox.name.clone(),
            body: body.map_err(String::from),
        },
        Err(refusal) => PreparedEntry {
            email: recipient.email.clone(),
            email_lower: recipient.email.to_lowercase(),
            name: Some(recipient.name.clone()).filter(|name| !name.is_empty()),
            body: Err(refusal.message().to_owned()),
        },
    }
}

fn content(draft: &Draft, rendered: Rendered<'_>) -> ActionResult<Vec<u8>> {
    let listed = |kind| if draft.is_conversation { draft.mailboxes(kind) } else { Vec::new() };
    let payload = Payload {
        from: draft.from.clone(),
        to: listed(RecipientKind::To),
        cc: listed(RecipientKind::Cc),
        reply_to: draft.reply_to.clone(),
        subject: rendered.subject.into_owned(),
        text: rendered.text.map(|text| text.into_owned()),
        html: rendered.html.map(|html| html.into_owned()),
        amp: rendered.amp.map(|amp| amp.into_owned()),
        headers: draft.headers.clone(),
    };
    serde_json::to_vec(&payload).map_err(|error| ActionError::Internal(error.to_string()))
}

fn stored(file: Attachment) -> PreparedAttachment {
    PreparedAttachment {
        file_name: file.file_name,
        content_type: file.content_type.to_string(),
        disposition: Some(if file.inline { INLINE } else { ATTACHMENT }.to_owned()),
        content_id: file.content_id,
        data: file.data,
    }
}

/// A refusal that names its field in front.
fn refused(refusal: Refusal) -> ActionError {
    match refusal.message().split_once(": ") {
        Some((field, message)) => ActionError::invalid(field, message),
        None => ActionError::invalid("body", refusal.message()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn never() -> Halt {
        std::sync::Arc::new(|| false)
    }

    fn prepared(change: impl Fn(&mut Value)) -> ActionResult<Prepared> {
        let now = "2026-11-24T12:00:00Z".parse().expect("an instant");
        let mut body = json!({ "from": { "email": "Hi@A.example" }, "subject": "Hello", "text_content": "Hello",
            "recipients": [{ "email": "Ann@B.example" }, { "email": "wrong" }, { "email": "eve@b.example" }] });
        change(&mut body);
        let draft = Draft::from_message(serde_json::from_value(body).expect("JSON"), now).expect("a draft");
        prepare_message(Id::new(now), draft, &never())
    }

    fn indexes(prepared: &Prepared) -> Vec<Option<usize>> {
        prepared.entries.iter().map(|entry| entry.body.as_ref().ok().map(|(_, index)| *index)).collect()
    }

    #[test]
    fn one_content_is_shared_while_nothing_differs() {
        let prepared = prepared(|_| ()).expect("prepared");
        assert_eq!((prepared.contents.len(), indexes(&prepared)), (1, vec![Some(0), None, Some(0)]));
        assert_eq!((prepared.sender.as_str(), prepared.sender_domain.as_str()), ("Hi@a.example", "a.example"));
        assert_eq!(
            (prepared.entries[0].email.as_str(), prepared.entries[0].email_lower.as_str()),
            ("Ann@b.example", "ann@b.example")
        );
    }

    #[test]
    fn templates_make_a_content_for_each_recipient_that_can_be_written_to() {
        let prepared = prepared(|body| body["text_content"] = json!("Hello {{ name }}")).expect("prepared");
        assert_eq!((prepared.contents.len(), indexes(&prepared)), (2, vec![Some(0), None, Some(1)]));
    }

    #[test]
    fn a_template_that_is_wrong_for_all_refuses_the_request_by_its_field() {
        let refused = prepared(|body| body["subject"] = json!("{% if %}")).expect_err("refused");
        assert!(matches!(&refused, ActionError::Invalid(fields) if fields[0].field == "subject"), "{refused:?}");
    }

    #[test]
    fn copies_that_are_too_large_together_are_refused() {
        let refused = prepared(|body| {
            body["text_content"] = json!(format!("{{{{ name }}}}{}", "x".repeat(1000 * 1000)));
            body["recipients"] = json!(vec![json!({ "email": "ann@b.example" }); 100]);
        });
        assert!(matches!(refused, Err(ActionError::Invalid(_))), "100 MB are more than 64");
    }
}
