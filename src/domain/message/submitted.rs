//! A message as a mail program hands it in (RFC 5322): its header is read, what is not for its recipients is taken out,
//! and everything else stays byte for byte. Strict about what mail programs could read in two ways, since the sender's
//! domain is what decides whether a message may leave.

mod asks;
mod sender;

use chrono::{DateTime, Utc};
use mail_parser::MessageParser;

use super::super::email_address::EmailAddress;
use super::super::refusal::Refusal;
use super::draft::MAX_SUBJECT;
use super::encoded_word::disarmed;
pub use asks::Asks;

/// The most fields of a header.
const MAX_FIELDS: usize = 1000;
/// One that passed this many hosts goes round in circles (RFC 5321 section 6.3 asks for 100 at least).
const MAX_HOPS: usize = 100;
/// Bytes of a subject that are looked at: each of its letters may be written as sixteen.
const MAX_ENCODED: usize = 16 * MAX_SUBJECT;
/// Fields that hide somebody, that delivery writes itself, or that reports are believed by.
const TAKEN_OUT: [&str; 7] =
    ["bcc", "resent-bcc", "return-path", "message-id", "x-canopy-id", "cfbl-address", "cfbl-feedback-id"];

/// A message that was read; borrows it.
#[derive(Debug)]
pub struct Submitted<'m> {
    /// The address in From; `None` where there is no From at all.
    pub from: Option<EmailAddress>,
    /// Decoded, on one line; may be empty.
    pub subject: String,
    pub asks: Asks,
    fields: Vec<Field<'m>>,
    has_date: bool,
    /// From the empty line on; nothing where the header has no end.
    rest: &'m [u8],
}

/// A field of the header.
#[derive(Clone, Copy, Debug)]
struct Field<'m> {
    name: &'m str,
    /// Behind the colon.
    value: &'m [u8],
    /// With its name and its last CRLF.
    whole: &'m [u8],
}

impl Field<'_> {
    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// On one line, decoded as UTF-8.
    fn text(&self) -> String {
        String::from_utf8_lossy(self.value).replace(['\r', '\n'], "").trim().to_owned()
    }
}

impl<'m> Submitted<'m> {
    /// Reads `raw`, whose lines end in CRLF.
    ///
    /// # Errors
    /// For a header that is none, several senders, a control header that cannot be obeyed, or a message that goes round.
    pub fn read(raw: &'m [u8]) -> Result<Self, Refusal> {
        let (all, rest) = fields(raw)?;
        let mut asks = Asks::default();
        let (mut fields, mut senders) = (Vec::with_capacity(all.len()), Vec::new());
        for field in all {
            if asks.take(field.name, &field)? || TAKEN_OUT.iter().any(|name| field.is(name)) {
                continue;
            }
            if field.is("from") {
                senders.push(field.text());
            }
            fields.push(field);
        }
        if fields.iter().filter(|field| field.is("received")).count() > MAX_HOPS {
            return Err(Refusal::new("received: The message passed too many hosts: it goes round in circles."));
        }
        let from = match senders.as_slice() {
            [] => None,
            [one] => Some(sender::sole(one).map_err(|refusal| refusal.at("from"))?),
            _ => return Err(Refusal::new("from: There are several From fields. Leave one.")),
        };
        let subject = fields.iter().find(|field| field.is("subject")).map(subject).unwrap_or_default();
        let has_date = fields.iter().any(|field| field.is("date"));
        Ok(Self { from, subject, asks, fields, has_date, rest })
    }

    /// The message as it is kept: behind a trace of its way here, without what was taken out, and with what was missing.
    /// `trace` is a whole field with its CRLF; so is `from`, for a message without one.
    #[must_use]
    pub fn kept(&self, trace: &str, from: Option<&str>, now: DateTime<Utc>) -> Vec<u8> {
        let header: usize = self.fields.iter().map(|field| field.whole.len()).sum();
        let mut kept = Vec::with_capacity(trace.len() + header + self.rest.len() + 400);
        kept.extend_from_slice(trace.as_bytes());
        for field in &self.fields {
            kept.extend_from_slice(field.whole);
        }
        if !kept.ends_with(b"\r\n") {
            kept.extend_from_slice(b"\r\n");
        }
        if !self.has_date {
            kept.extend_from_slice(format!("Date: {}\r\n", now.to_rfc2822()).as_bytes());
        }
        kept.extend_from_slice(from.unwrap_or_default().as_bytes());
        kept.extend_from_slice(if self.rest.is_empty() { b"\r\n" } else { self.rest });
        kept
    }
}

/// What is kept, as it leaves to one recipient: with a Message-ID of its own, below the trace.
#[must_use]
pub fn with_message_id(kept: &[u8], message_id: &str) -> Vec<u8> {
    let (trace, rest) = kept.split_at(field_length(kept));
    let own = format!("Message-ID: <{message_id}>\r\n");
    [trace, own.as_bytes(), rest].concat()
}

/// The fields of a header, and the rest from the empty line on.
fn fields(raw: &[u8]) -> Result<(Vec<Field<'_>>, &[u8]), Refusal> {
    let malformed = || Refusal::new("header: A line of the header is no header field. An empty line ends the header.");
    let (mut found, mut at) = (Vec::with_capacity(16), 0);
    while at < raw.len() && !raw[at..].starts_with(b"\r\n") {
        let whole = &raw[at..at + field_length(&raw[at..])];
        let colon = whole.iter().position(|byte| *byte == b':').ok_or_else(malformed)?;
        // A blank before the colon is of an older form (RFC 5322 section 4.5), and verifiers of signatures disagree on it.
        let name = std::str::from_utf8(&whole[..colon]).map_err(|_| malformed())?;
        let right = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()) && !whole.contains(&0);
        if !right {
            return Err(malformed());
        }
        if found.len() == MAX_FIELDS {
            return Err(Refusal::new(format!("header: The header has more than {MAX_FIELDS} fields.")));
        }
        found.push(Field { name, value: &whole[colon + 1..], whole });
        at += whole.len();
    }
    Ok((found, &raw[at..]))
}

/// How long the field at the beginning is, the lines that it goes on in included (RFC 5322 section 2.2.3).
fn field_length(raw: &[u8]) -> usize {
    let mut length = 0;
    loop {
        let end = raw[length..].iter().position(|byte| *byte == b'\n');
        length = end.map_or(raw.len(), |end| length + end + 1);
        if !matches!(raw.get(length), Some(b' ' | b'\t')) {
            return length;
        }
    }
}

/// What a subject says; of what it is written with, no more is looked at than a subject can have.
fn subject(field: &Field<'_>) -> String {
    let field = &Field { value: field.value.get(..MAX_ENCODED).unwrap_or(field.value), ..*field };
    let plain = field.value.is_ascii() && !field.value.windows(2).any(|two| two == b"=?");
    let text = if plain { field.text() } else { decoded(field).unwrap_or_else(|| field.text()) };
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_SUBJECT).collect()
}

fn decoded(field: &Field<'_>) -> Option<String> {
    let alone = [b"Subject:", &*disarmed(field.value), b"\r\n"].concat();
    MessageParser::default().parse_headers(&alone)?.subject().map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests;
