//! The parts of a returned message that say something: headers, words, delivery status, feedback, returned headers.
//!
//! It knows what reports are made of and no more, and goes no deeper than they are.

use super::super::entity::{boundary, inside, split};
use super::decode;
use super::fields::{self, Fields};

/// How deep parts may lie inside parts.
const MAX_DEPTH: usize = 6;
/// Parts looked at.
const MAX_PARTS: usize = 60;
/// Bytes of words that are looked through.
const MAX_TEXT: usize = 128 * 1024;
/// Returned messages whose headers are looked at.
const MAX_RETURNED: usize = 4;

/// What was found.
#[derive(Debug, Default)]
pub struct Parts {
    pub headers: Fields,
    /// Everything for people to read, HTML as text.
    pub text: String,
    /// `message/delivery-status`.
    pub status: Option<String>,
    /// `message/feedback-report`.
    pub feedback: Option<String>,
    /// The headers of the messages that came back.
    pub returned: Vec<Fields>,
    seen: usize,
}

impl Parts {
    /// Takes a message apart.
    pub fn of(raw: &[u8]) -> Self {
        let mut parts = Self::default();
        let (head, _) = split(raw);
        parts.headers = fields::section(&String::from_utf8_lossy(head));
        parts.visit(raw, 0);
        parts
    }

    fn visit(&mut self, raw: &[u8], depth: usize) {
        if depth > MAX_DEPTH || self.seen >= MAX_PARTS {
            return;
        }
        self.seen += 1;
        let (head, body) = split(raw);
        let headers = fields::section(&String::from_utf8_lossy(head));
        let content_type = headers.get("content-type").unwrap_or_default();
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if kind.starts_with("multipart/")
            && let Some(boundary) = boundary(content_type)
        {
            for part in inside(body, &boundary, MAX_PARTS) {
                self.visit(part, depth + 1);
            }
            return;
        }
        let encoding = headers.get("content-transfer-encoding").unwrap_or_default();
        self.take(&kind, &decode::text(body.get(..2 * MAX_TEXT).unwrap_or(body), encoding));
    }

    fn take(&mut self, kind: &str, text: &str) {
        match kind {
            "message/delivery-status" | "message/global-delivery-status" if self.status.is_none() => {
                self.status = Some(cut(text, MAX_TEXT).to_owned());
            }
            "message/feedback-report" if self.feedback.is_none() => {
                self.feedback = Some(cut(text, MAX_TEXT).to_owned())
            }
            "message/rfc822" | "message/global" | "text/rfc822-headers" | "message/global-headers"
                if self.returned.len() < MAX_RETURNED =>
            {
                self.returned.push(fields::section(text));
            }
            "text/html" => self.add(&decode::html(cut(text, MAX_TEXT))),
            "" => self.add(text),
            other if other.starts_with("text/") => self.add(text),
            _ => {}
        }
    }

    fn add(&mut self, text: &str) {
        self.text.push_str(cut(text, MAX_TEXT.saturating_sub(self.text.len())));
        self.text.push('\n');
    }
}

/// At most `length` bytes of `text`.
fn cut(text: &str, length: usize) -> &str {
    let mut end = length.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
