//! Reading a message back for `content_parsed` of the contract and for the dashboard.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_parser::{HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType};
use serde::Serialize;
use utoipa::ToSchema;

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

/// Reads a raw message. What is no message at all gives an empty answer, and so does one at which the parser gives up:
/// it panics on some broken nesting, which mail programs may hand in.
#[must_use]
pub fn parse(raw: &[u8]) -> ContentParsed {
    std::panic::catch_unwind(|| read(raw)).unwrap_or_default()
}

fn read(raw: &[u8]) -> ContentParsed {
    let parser = MessageParser::new().with_mime_headers().default_header_text();
    let Some(message) = parser.parse(raw) else { return ContentParsed::default() };
    let mut parsed = ContentParsed { headers: headers(&message), ..ContentParsed::default() };
    for (index, part) in message.parts.iter().enumerate() {
        let is_file = message.attachments.iter().any(|attachment| usize::try_from(*attachment) == Ok(index));
        match readable(part, is_file) {
            Some(content) => {
                parsed.parts.push(ContentPart { content_type: content_type(part), content: content.to_owned() })
            }
            None if !matches!(part.body, PartType::Multipart(_)) => parsed.attachments.push(attachment(part)),
            None => {}
        }
    }
    parsed
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
mod tests {
    use super::*;

    const RAW: &[u8] = b"From: Ann <a@a.example>\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nX-Two: 1\r\nX-Two: 2\r\n\
        Received: by x;\r\n Tue, 24 Nov 2026 12:00:00 +0000\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hi</p>\r\n\
        --m\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\
        Content-Transfer-Encoding: base64\r\n\r\naGk=\r\n--m--\r\n";

    #[test]
    fn parts_files_and_headers_are_told_apart() {
        let parsed = parse(RAW);
        assert_eq!(parsed.parts.len(), 1);
        assert_eq!(parsed.parts[0].content_type, "text/html");
        assert_eq!(parsed.parts[0].content.trim_end(), "<p>Hi</p>");
        assert_eq!(parsed.attachments.len(), 1);
        assert_eq!(
            (parsed.attachments[0].filename.as_str(), parsed.attachments[0].content.as_str()),
            ("a.pdf", "aGk=")
        );
        assert_eq!(parsed.headers["Subject"], ["Grüße"]);
        assert_eq!(parsed.headers["X-Two"], ["1", "2"]);
        assert_eq!(parsed.headers["From"], ["Ann <a@a.example>"]);
        assert_eq!(parsed.headers["Received"], ["by x; Tue, 24 Nov 2026 12:00:00 +0000"]);
    }

    #[test]
    fn nonsense_is_no_panic() {
        assert_eq!(parse(b"").parts, []);
        let _ = parse(&[0xff; 300]);
        let nested = "Content-Type: message/rfc822\r\n\r\n".repeat(2000);
        let _ = parse(nested.as_bytes());
    }
}
