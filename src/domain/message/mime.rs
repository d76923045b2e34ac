//! The bytes of a message (RFC 5322, 2045 to 2049, 2387): what a person reads as alternatives, inline images beside the
//! HTML that shows them, files around it all. The same parts always give the same bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use mail_builder::MessageBuilder;
use mail_builder::headers::HeaderType;
use mail_builder::headers::address::Address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;
use mail_builder::mime::{BodyPart, MimePart};

use super::attachment::{Attachment, MediaType};
use super::mailbox::Mailbox;

/// Everything that a message is made of. Hidden recipients are not among it.
#[derive(Clone, Copy, Debug)]
pub struct MimeParts<'a> {
    pub from: &'a Mailbox,
    pub to: &'a [Mailbox],
    pub cc: &'a [Mailbox],
    pub reply_to: Option<&'a Mailbox>,
    pub subject: &'a str,
    pub date: DateTime<Utc>,
    /// `uuid@domain`, without brackets. Boundaries derive from it.
    pub message_id: &'a str,
    pub text: Option<&'a str>,
    pub html: Option<&'a str>,
    pub amp: Option<&'a str>,
    /// Checked by `headers::parse`.
    pub headers: &'a [(String, String)],
    pub attachments: &'a [Attachment],
}

/// Builds the message, with CRLF line endings and without blank lines at its end.
#[must_use]
pub fn build(parts: &MimeParts<'_>) -> Vec<u8> {
    let mut builder = MessageBuilder::new().header("From", address(parts.from)).header("To", to(parts.to));
    if !parts.cc.is_empty() {
        builder = builder.header("Cc", addresses(parts.cc));
    }
    if let Some(reply_to) = parts.reply_to {
        builder = builder.header("Reply-To", address(reply_to));
    }
    builder = builder
        .header("Subject", Text::new(parts.subject))
        .header("Date", Date { date: parts.date.timestamp() })
        .header("Message-ID", MessageId::new(parts.message_id));
    for (name, value) in parts.headers {
        builder = builder.header(name.as_str(), custom(value));
    }
    let mut raw = Vec::with_capacity(1024);
    builder.body(Body::new(parts).root()).serialize(&mut raw);
    strip_blank_tail(&mut raw);
    raw
}

/// Drops lines of nothing but white space from the end of a message. mail-auth 0.13 hashes such lines in a way
/// that other verifiers do not, so that the DKIM signature would fail. Headers and their blank line stay.
pub fn strip_blank_tail(raw: &mut Vec<u8>) {
    let head = raw.windows(4).position(|window| window == b"\r\n\r\n").map_or(0, |at| at + 4);
    loop {
        let body = raw.get(head..).unwrap_or_default();
        let Some(line) = body.strip_suffix(b"\r\n") else { break };
        let start = line.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        if !line[start..].iter().all(|b| matches!(b, b' ' | b'\t')) {
            break;
        }
        raw.truncate(head + start);
    }
}

/// The HTML of no recipient at all shows who it is not for (RFC 5322 appendix A.1.3).
fn to(list: &[Mailbox]) -> Address<'_> {
    match list {
        [] => Address::new_group(Some("undisclosed-recipients"), Vec::new()),
        [one] => address(one),
        more => addresses(more),
    }
}

fn addresses(list: &[Mailbox]) -> Address<'_> {
    Address::new_list(list.iter().map(address).collect())
}

fn address(mailbox: &Mailbox) -> Address<'_> {
    Address::new_address(mailbox.name.as_deref(), mailbox.address.to_string())
}

/// ASCII goes out as it was given: many headers (List-Unsubscribe, Feedback-ID) may not be encoded.
fn custom(value: &str) -> HeaderType<'_> {
    if value.is_ascii() { Raw::new(value).into() } else { Text::new(value).into() }
}

/// The tree of parts and the boundaries in it.
struct Body<'a> {
    parts: &'a MimeParts<'a>,
    seed: String,
}

impl<'a> Body<'a> {
    fn new(parts: &'a MimeParts<'a>) -> Self {
        let seed = parts.message_id.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
        Self { parts, seed }
    }

    fn root(&self) -> MimePart<'a> {
        let content = self.alternatives();
        let has_html = self.parts.html.is_some();
        let files: Vec<&Attachment> =
            self.parts.attachments.iter().filter(|file| !is_related(file, has_html)).collect();
        if files.is_empty() {
            return content;
        }
        let mut all = vec![content];
        all.extend(files.into_iter().map(file));
        self.multipart("mixed", 1, all)
    }

    /// Plain text first and HTML last, since a reader takes the last form it can show; AMP before HTML because
    /// some readers take the last one whether they can or not.
    fn alternatives(&self) -> MimePart<'a> {
        let text = self.parts.text.map(|text| MimePart::new("text/plain", body_text(text)));
        let amp = self.parts.amp.map(|amp| MimePart::new("text/x-amp-html", body_text(amp)));
        let mut forms: Vec<MimePart<'a>> = text.into_iter().chain(amp).chain(self.html()).collect();
        match (forms.pop(), forms.is_empty()) {
            (Some(only), true) => only,
            (Some(last), false) => {
                forms.push(last);
                self.multipart("alternative", 2, forms)
            }
            (None, _) => MimePart::new("text/plain", ""),
        }
    }

    fn html(&self) -> Option<MimePart<'a>> {
        let html = MimePart::new("text/html", body_text(self.parts.html?));
        let images: Vec<&Attachment> = self.parts.attachments.iter().filter(|file| is_related(file, true)).collect();
        if images.is_empty() {
            return Some(html);
        }
        let mut all = vec![html];
        all.extend(images.into_iter().map(file));
        Some(self.multipart("related", 3, all))
    }

    /// Nobody who writes content can know the id of the message it will be in, so content cannot hold a boundary.
    fn multipart(&self, kind: &str, level: u8, parts: Vec<MimePart<'a>>) -> MimePart<'a> {
        let mut content_type = ContentType::new(format!("multipart/{kind}"));
        if kind == "related" {
            content_type = content_type.attribute("type", "text/html");
        }
        MimePart::new(content_type.attribute("boundary", format!("=_{level}_{}", self.seed)), parts)
    }
}

fn is_related(file: &Attachment, has_html: bool) -> bool {
    has_html && file.content_id.is_some()
}

/// Every kind of line ending becomes `\n` (which is written as CRLF; a lone CR would be left as it is, and is a way to
/// smuggle lines past a careless reader). Blank lines at the end go, and the last line is ended.
fn body_text(text: &str) -> BodyPart<'_> {
    let mut text = text.trim_end().replace("\r\n", "\n").replace('\r', "\n");
    text.push('\n');
    BodyPart::Text(text.into())
}

fn file(file: &Attachment) -> MimePart<'_> {
    let disposition = ContentType::new(if file.inline { "inline" } else { "attachment" });
    let part = MimePart::new(content_type(&file.content_type, &file.file_name), base64_lines(&file.data))
        .header("Content-Disposition", disposition.attribute("filename", file.file_name.as_str()))
        .transfer_encoding("base64");
    match &file.content_id {
        Some(id) => part.cid(id.as_str()),
        None => part,
    }
}

fn content_type<'a>(media_type: &'a MediaType, file_name: &'a str) -> ContentType<'a> {
    let typed = ContentType::new(media_type.essence.as_str());
    let typed =
        media_type.parameters.iter().fold(typed, |typed, (name, value)| typed.attribute(name.as_str(), value.as_str()));
    typed.attribute("name", file_name)
}

/// Base64 always, text files too: line endings and trailing spaces of a file are the sender's business.
fn base64_lines(data: &[u8]) -> Vec<u8> {
    // 57 bytes give a line of 76 characters (RFC 2045 section 6.8).
    let mut lines = Vec::with_capacity(data.len() / 57 * 78 + 80);
    let mut line = [0; 76];
    for chunk in data.chunks(57) {
        let len = STANDARD.encode_slice(chunk, &mut line).unwrap_or(0);
        lines.extend_from_slice(&line[..len]);
        lines.extend_from_slice(b"\r\n");
    }
    lines
}

#[cfg(test)]
mod tests;
