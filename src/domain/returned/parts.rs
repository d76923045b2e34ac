//! The parts of a returned message that say something: headers, words, delivery status, feedback, returned headers.
//!
//! A walk of our own over MIME (RFC 2045, 2046): it knows what reports are made of and no more. The parser that reads
//! our own messages back panics on broken nesting, which strangers may send.

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
            for part in inside(body, &boundary) {
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

/// Header section and body. A part may begin with its empty line; what has none is all header.
fn split(raw: &[u8]) -> (&[u8], &[u8]) {
    let mut start = 0;
    while start < raw.len() {
        let end = raw[start..].iter().position(|byte| *byte == b'\n').map_or(raw.len(), |at| start + at + 1);
        if raw[start..end].trim_ascii().is_empty() {
            return (&raw[..start], &raw[end..]);
        }
        start = end;
    }
    (raw, &[])
}

/// The boundary of a multipart type, quoted or not (RFC 2046 section 5.1.1).
fn boundary(content_type: &str) -> Option<String> {
    let at = content_type.to_ascii_lowercase().find("boundary")?;
    let value = content_type.get(at + "boundary".len()..)?.trim_start().strip_prefix('=')?.trim_start();
    let value = match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => value.split([';', ' ', '\t']).next()?,
    };
    let right = !value.is_empty() && value.len() <= 200;
    right.then(|| value.to_owned())
}

/// What lies between the boundaries; the last part may have no end.
fn inside<'b>(body: &'b [u8], boundary: &str) -> Vec<&'b [u8]> {
    let mut parts = Vec::new();
    let (mut at, mut begun) = (0, None);
    while at < body.len() && parts.len() < MAX_PARTS {
        let end = body[at..].iter().position(|byte| *byte == b'\n').map_or(body.len(), |found| at + found + 1);
        let line = body[at..end].trim_ascii_end();
        let rest = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary.as_bytes()));
        if let Some(rest) = rest.filter(|rest| rest.is_empty() || *rest == b"--") {
            parts.extend(begun.map(|begun| &body[begun..at]));
            begun = rest.is_empty().then_some(end);
            if begun.is_none() {
                return parts;
            }
        }
        at = end;
    }
    parts.extend(begun.filter(|_| parts.len() < MAX_PARTS).map(|begun| &body[begun..]));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_lie_between_boundaries_and_the_last_may_be_cut_off() {
        let text = |body: &str| -> Vec<String> {
            inside(body.as_bytes(), "b").iter().map(|part| String::from_utf8_lossy(part).into_owned()).collect()
        };
        assert_eq!(text("x\r\n--b\r\n1\r\n--b \r\n2\r\n--b--\r\n--b\r\n3"), ["1\r\n", "2\r\n"]);
        assert_eq!(text("--b\n1\n--bb\n2"), ["1\n--bb\n2"]);
        assert_eq!(text("--c\n1\n"), Vec::<String>::new());
        assert_eq!(boundary("multipart/report; Boundary = \"a b\"; x=y").as_deref(), Some("a b"));
        assert_eq!(boundary("multipart/report; boundary=ab;x").as_deref(), Some("ab"));
        assert_eq!(boundary("multipart/report"), None);
    }
}
