//! From a message as a mail program handed it in to one ready to be accepted. Its bytes are kept once for all of its
//! recipients, and a cap that has no room for all of them takes none: SMTP has one reply for a whole message.

use chrono::{DateTime, Utc};

use super::accept_message::{Prepared, PreparedEntry};
use super::{ActionError, ActionResult};
use crate::domain::email_address::EmailAddress;
use crate::domain::entity::check_depth;
use crate::domain::ids::Id;
use crate::domain::message::submitted::Submitted;
use crate::domain::refusal::Refusal;

/// A message between its last line and its acceptance.
#[derive(Clone, Debug)]
pub struct Submission {
    pub account_id: Id,
    /// Stands in for a missing From, where the listener is trusted (RFC 6409 section 8).
    pub instead_of_from: Option<String>,
    /// The domains that it may be from, where its sender is bound to some.
    pub only_from: Option<Vec<String>>,
    pub recipients: Vec<EmailAddress>,
    /// As it came: CRLF at the end of each line, doubled dots halved.
    pub raw: Vec<u8>,
    pub trace: Trace,
    /// Everything of this sender stays in the sandbox.
    pub sandbox: bool,
}

/// How a message came here, for its Received field (RFC 5321 section 4.4). The client's address is nobody's business
/// but ours: recipients get to know its name for itself.
#[derive(Clone, Debug)]
pub struct Trace {
    pub helo: String,
    pub host: String,
    /// RFC 3848: ESMTPSA after STARTTLS and AUTH.
    pub protocol: &'static str,
}

/// Reads the message and prepares one copy a recipient.
///
/// # Errors
/// `Invalid` that names `from.email` for a sender that it may not have, or what else is wrong with the header.
pub fn prepare_submission(now: DateTime<Utc>, submission: &Submission) -> ActionResult<Prepared> {
    let read = Submitted::read(&submission.raw).map_err(refused)?;
    check_depth(&submission.raw).map_err(|refusal| ActionError::invalid(DEPTH, refusal.message()))?;
    let (sender, added) = sender(&read, submission)?;
    let only = submission.only_from.as_ref();
    if only.is_some_and(|domains| domains.iter().all(|domain| domain != sender.domain())) {
        let message = format!("these credentials may not send from {}", sender.domain());
        return Err(ActionError::invalid(FROM, message));
    }
    let entry = |recipient: &EmailAddress| PreparedEntry {
        email: recipient.to_string(),
        email_lower: recipient.lower(),
        name: None,
        body: Ok((read.subject.clone(), 0)),
    };
    let days = |days: Option<i64>| days.and_then(|days| i32::try_from(days).ok());
    Ok(Prepared {
        account_id: submission.account_id,
        sender: sender.to_string(),
        sender_domain: sender.domain().to_owned(),
        entries: submission.recipients.iter().map(entry).collect(),
        contents: vec![read.kept(&submission.trace.field(now), added.as_deref(), now)],
        is_raw: true,
        all_or_none: true,
        attachments: Vec::new(),
        tags: read.asks.tags.iter().map(|tag| tag.as_str().to_owned()).collect(),
        sandbox: read.asks.sandbox(submission.sandbox),
        track_opens: read.asks.track_opens,
        track_clicks: read.asks.track_clicks,
        data_retention: days(read.asks.data_days),
        metadata_retention: days(read.asks.metadata_days),
        first_attempt: None,
        expires: None,
        reply: None,
    })
}

/// The field that a message is refused by whose parts lie too deep in one another.
pub const DEPTH: &str = "parts";

/// The field that a wrong sender is refused by, as `accept_message` names it.
pub const FROM: &str = "from.email";

/// Whom it is from, and the From field that has to be added.
fn sender(read: &Submitted<'_>, submission: &Submission) -> ActionResult<(EmailAddress, Option<String>)> {
    if let Some(from) = &read.from {
        return Ok((from.clone(), None));
    }
    let Some(envelope) = submission.instead_of_from.as_deref().filter(|address| !address.is_empty()) else {
        return Err(ActionError::invalid(FROM, "the message has no From field"));
    };
    let address = EmailAddress::parse(envelope).map_err(|refusal| ActionError::invalid(FROM, refusal.message()))?;
    let field = format!("From: {address}\r\n");
    Ok((address, Some(field)))
}

impl Trace {
    fn field(&self, now: DateTime<Utc>) -> String {
        let harmless =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'[' | b']' | b':');
        let helo = if self.helo.bytes().all(harmless) && !self.helo.is_empty() { &self.helo } else { "unknown" };
        let (host, protocol, id) = (&self.host, self.protocol, Id::new(now));
        format!("Received: from {helo}\r\n\tby {host} (Canopy) with {protocol} id {id};\r\n\t{}\r\n", now.to_rfc2822())
    }
}

/// A refusal that names its field in front.
fn refused(refusal: Refusal) -> ActionError {
    match refusal.message().split_once(": ") {
        Some(("from", message)) => ActionError::invalid(FROM, message),
        Some((field, message)) => ActionError::invalid(field, message),
        None => ActionError::invalid("message", refusal.message()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn submission(raw: &str) -> Submission {
        let now = DateTime::UNIX_EPOCH;
        Submission {
            account_id: Id::new(now),
            instead_of_from: None,
            only_from: None,
            recipients: ["Ann@b.example", "eve@c.example"].iter().map(|text| text.parse_address()).collect(),
            raw: raw.replace('\n', "\r\n").into_bytes(),
            trace: Trace { helo: "mail(er)".into(), host: "canopy.example".into(), protocol: "ESMTPSA" },
            sandbox: false,
        }
    }

    trait ParseAddress {
        fn parse_address(&self) -> EmailAddress;
    }

    impl ParseAddress for str {
        fn parse_address(&self) -> EmailAddress {
            EmailAddress::parse(self).expect("an address")
        }
    }

    fn field_of(error: ActionError) -> String {
        let ActionError::Invalid(fields) = error else { panic!("{error:?}") };
        fields[0].field.clone()
    }

    #[test]
    fn a_message_is_kept_once_for_all_of_its_recipients_behind_a_trace_without_addresses() {
        let prepared = prepare_submission(DateTime::UNIX_EPOCH, &submission("From: Hi@A.example\nSubject: s\n\nx\n"))
            .expect("fit");
        assert_eq!((prepared.contents.len(), prepared.entries.len()), (1, 2));
        assert_eq!((prepared.sender.as_str(), prepared.sender_domain.as_str()), ("Hi@a.example", "a.example"));
        assert_eq!(prepared.entries[0].email_lower, "ann@b.example");
        let kept = String::from_utf8_lossy(&prepared.contents[0]).into_owned();
        assert!(kept.starts_with("Received: from unknown\r\n\tby canopy.example (Canopy) with ESMTPSA id "), "{kept}");
    }

    #[test]
    fn the_sender_is_in_from_or_in_the_envelope_where_that_is_trusted() {
        let refused = |submission: &Submission| {
            field_of(prepare_submission(DateTime::UNIX_EPOCH, submission).expect_err("refused"))
        };
        let mut without = submission("Subject: s\n\nx\n");
        assert_eq!(refused(&without), FROM);
        without.instead_of_from = Some("a@trusted.example".into());
        let prepared = prepare_submission(DateTime::UNIX_EPOCH, &without).expect("trusted");
        assert_eq!(prepared.sender_domain, "trusted.example");
        assert!(String::from_utf8_lossy(&prepared.contents[0]).contains("\r\nFrom: a@trusted.example\r\n\r\nx"));
        let mut bound = submission("From: a@other.example\n\nx\n");
        bound.only_from = Some(vec!["a.example".into()]);
        assert_eq!(refused(&bound), FROM);
        assert_eq!(refused(&submission("From: a@b.example\nFrom: c@d.example\n\nx\n")), FROM);
        assert_eq!(refused(&submission("From: a@b.example\nahasend-sandbox: ?\n\nx\n")), "ahasend-sandbox");
    }
}
