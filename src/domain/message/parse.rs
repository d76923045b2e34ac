//! Reading a message back for `content_parsed` of the contract and for the dashboard.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_parser::{ContentType, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::entity::{inside, split};
use super::encoded_word::disarmed;

/// What is in a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = MessageContentParsed)]
pub struct ContentParsed {
    /// What is there to read: text, HTML, AMP.
    pub parts: Vec<ContentPart>,
    pub attachments: Vec<ParsedAttachment>,
    /// By name as written, each with all its values, decoded and on one line.
    pub headers: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = MessageContentPart)]
pub struct ContentPart {
    pub content_type: String,
    pub content: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = MessageAttachment)]
pub struct ParsedAttachment {
    pub filename: String,
    /// Base64.
    pub content: String,
    pub content_type: String,
    /// Without brackets; empty for a plain file.
    pub content_id: String,
}

/// How deep multiparts are looked into; what lies deeper is shown as the file that it is.
const MAX_DEPTH: usize = 50;
/// The longest header section that is read, in bytes: of one parameter in a hundred thousand pieces the parser makes much.
const MAX_HEAD: usize = 64 * 1024;
/// As [`MAX_HEAD`], of a part within a message.
const MAX_INNER_HEAD: usize = 8 * 1024;
/// As [`MAX_HEAD`], of all parts within a message together.
const MAX_INNER_HEADS: usize = 128 * 1024;
/// The most parts that are shown.
const MAX_PARTS: usize = 1000;

/// Reads a raw message. What is no message at all gives an empty answer. Parts are parted here, and the parser gets each
/// alone: it would go into messages within messages as deep as whoever wrote them likes, to show nothing of them.
#[must_use]
pub fn parse(raw: &[u8]) -> ContentParsed {
    // It may still stumble over what nobody has tried.
    std::panic::catch_unwind(|| read(raw)).unwrap_or_default()
}

/// A part that waits to be read.
struct Place<'m> {
    entity: &'m [u8],
    within: Within,
    /// Of its multipart.
    first: bool,
    depth: usize,
}

/// What a part lies in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Alternative,
    Related,
    Digest,
    Other,
}

fn read(raw: &[u8]) -> ContentParsed {
    let parser = MessageParser::new().with_mime_headers().default_header_text();
    let top = header(raw);
    let Some(top) = parser.parse_headers(&top) else { return ContentParsed::default() };
    let mut parsed = ContentParsed { headers: headers(&top), ..ContentParsed::default() };
    let mut waiting = vec![Place { entity: raw, within: Within::Other, first: true, depth: 0 }];
    let mut room = MAX_INNER_HEADS;
    while let Some(place) = waiting.pop() {
        if parsed.parts.len() + parsed.attachments.len() == MAX_PARTS {
            break;
        }
        if !is_readable(&place, &mut room) {
            parsed.attachments.push(unread(place.entity));
            continue;
        }
        let head = header(place.entity);
        let head = parser.parse_headers(&head);
        let part = head.as_ref().and_then(|head| head.parts.first());
        match part.and_then(|part| children(part, &place)) {
            Some(parts) => waiting.extend(parts.into_iter().rev()),
            None => leaf(&parser, part, &place, &mut parsed),
        }
    }
    parsed
}

/// Whether the header section is one that anybody would write, with those of all parts before it.
fn is_readable(place: &Place<'_>, room: &mut usize) -> bool {
    let length = split(place.entity).0.len();
    if place.depth == 0 {
        return length <= MAX_HEAD;
    }
    let fits = length <= MAX_INNER_HEAD && length <= *room;
    if fits {
        *room -= length;
    }
    fits
}

/// The header section alone, as far as it is read.
fn header(entity: &[u8]) -> Vec<u8> {
    let (head, _) = split(entity);
    let head = disarmed(head.get(..MAX_HEAD).unwrap_or(head));
    [&*head, b"\r\n"].concat()
}

/// The entity as the parser gets it, with nothing in the line that ends its header: a blank there is none to the parser,
/// which would read on through the body.
fn harmless(entity: &[u8]) -> Cow<'_, [u8]> {
    let (head, body) = split(entity);
    let between = &entity[head.len()..entity.len() - body.len()];
    let has_blank = between.iter().any(|byte| matches!(byte, b' ' | b'\t'));
    match disarmed(head) {
        Cow::Borrowed(_) if !has_blank => Cow::Borrowed(entity),
        head => Cow::Owned([&*head, b"\r\n", body].concat()),
    }
}

/// A part as the bytes that it is.
fn unread(entity: &[u8]) -> ParsedAttachment {
    let content_type = "application/octet-stream".to_owned();
    ParsedAttachment {
        filename: String::new(),
        content: STANDARD.encode(entity),
        content_type,
        content_id: String::new(),
    }
}

/// What lies in a multipart; none for a part that is to be shown as it is.
fn children<'m>(part: &MessagePart<'_>, place: &Place<'m>) -> Option<Vec<Place<'m>>> {
    let kind = part.content_type()?;
    if !kind.ctype().eq_ignore_ascii_case("multipart") || place.depth == MAX_DEPTH {
        return None;
    }
    let (_, body) = split(place.entity);
    let parts = inside(body, kind.attribute("boundary")?, MAX_PARTS);
    let within = match kind.subtype().unwrap_or_default().to_ascii_lowercase().as_str() {
        "alternative" => Within::Alternative,
        "related" => Within::Related,
        "digest" => Within::Digest,
        _ => Within::Other,
    };
    let of = |(at, part): (usize, &'m [u8])| {
        // The last line break belongs to the boundary (RFC 2046 section 5.1.1).
        let entity = part.strip_suffix(b"\n").map_or(part, |part| part.strip_suffix(b"\r").unwrap_or(part));
        Place { entity, within, first: at == 0, depth: place.depth + 1 }
    };
    let parts: Vec<_> = parts.into_iter().enumerate().map(of).collect();
    (!parts.is_empty()).then_some(parts)
}

/// Takes one part for what it is: text to read, or a file. `part` is its header alone.
fn leaf(parser: &MessageParser, part: Option<&MessagePart<'_>>, place: &Place<'_>, parsed: &mut ContentParsed) {
    if let Some(part) = part
        .filter(|part| is_container(part))
        .or(part.filter(|part| place.within == Within::Digest && part.content_type().is_none()))
    {
        parsed.attachments.push(held(parser, part, place));
        return;
    }
    let entity = harmless(place.entity);
    let Some(message) = parser.parse(&entity) else { return };
    let Some(part) = message.parts.first() else { return };
    match readable(part, is_file(part, place)) {
        Some(content) => {
            parsed.parts.push(ContentPart { content_type: content_type(part), content: content.to_owned() });
        }
        None => parsed.attachments.push(attachment(part)),
    }
}

/// What the parser would go into.
fn is_container(part: &MessagePart<'_>) -> bool {
    part.content_type()
        .is_some_and(|kind| ["multipart", "message"].iter().any(|of| kind.ctype().eq_ignore_ascii_case(of)))
}

/// A container as a file: what it holds, decoded as its header says.
fn held(parser: &MessageParser, part: &MessagePart<'_>, place: &Place<'_>) -> ParsedAttachment {
    let asked = part.content_transfer_encoding().unwrap_or_default();
    let known = ["base64", "quoted-printable"].into_iter().find(|known| known.eq_ignore_ascii_case(asked));
    let encoding = known.unwrap_or("8bit");
    let opaque = format!("Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n");
    let (_, body) = split(place.entity);
    let alone = [opaque.as_bytes(), body].concat();
    let decoded = parser.parse(&alone);
    let bytes = decoded.as_ref().and_then(|message| message.parts.first()).map_or(body, MessagePart::contents);
    let kind = if part.content_type().is_some() { content_type(part) } else { "message/rfc822".to_owned() };
    ParsedAttachment { content: STANDARD.encode(bytes), content_type: kind, ..attachment(part) }
}

/// Whether a text is attached rather than there to be read.
fn is_file(part: &MessagePart<'_>, place: &Place<'_>) -> bool {
    let kind = part.content_type();
    let is_read = matches!(content_type(part).to_ascii_lowercase().as_str(), "text/plain" | "text/html");
    if !is_read || place.within == Within::Alternative {
        return !is_read;
    }
    let attached = part.content_disposition().is_some_and(ContentType::is_attachment);
    let named = kind.is_some_and(|kind| kind.has_attribute("name"));
    attached || !(place.first || (place.within != Within::Related && !named))
}

/// The text of a part that is there to be read. AMP counts, though a parser takes it for a file.
fn readable<'a>(part: &'a MessagePart<'_>, is_file: bool) -> Option<&'a str> {
    let is_amp = part.content_disposition().is_none() && content_type(part) == "text/x-amp-html";
    match &part.body {
        PartType::Text(text) | PartType::Html(text) if !is_file || is_amp => Some(text),
        _ => None,
    }
}

fn content_type(part: &MessagePart<'_>) -> String {
    match part.content_type() {
        Some(found) => {
            found.c_subtype.as_ref().map_or_else(|| found.c_type.to_string(), |sub| format!("{}/{sub}", found.c_type))
        }
        None => "text/plain".to_owned(),
    }
}

fn attachment(part: &MessagePart<'_>) -> ParsedAttachment {
    ParsedAttachment {
        filename: part.attachment_name().unwrap_or_default().to_owned(),
        content: STANDARD.encode(part.contents()),
        content_type: content_type(part),
        content_id: part.content_id().unwrap_or_default().to_owned(),
    }
}

fn headers(message: &Message<'_>) -> BTreeMap<String, Vec<String>> {
    let raw = message.raw_message();
    let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for header in message.headers() {
        let value = match &header.value {
            HeaderValue::Text(text) => text.to_string(),
            _ => unfolded(raw.get(header.offset_start as usize..header.offset_end as usize).unwrap_or_default()),
        };
        headers.entry(header.name.as_str().to_owned()).or_default().push(value);
    }
    headers
}

/// RFC 5322 section 2.2.3: a folded line goes on after its line break.
fn unfolded(value: &[u8]) -> String {
    String::from_utf8_lossy(value).replace(['\r', '\n'], "").trim().to_owned()
}

#[cfg(test)]
mod tests;
