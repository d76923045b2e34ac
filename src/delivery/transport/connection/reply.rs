//! One reply, put together from whatever bytes a server sends (RFC 5321, section 4.2): judged by its code, whatever its
//! words are and however long they get. `smtp-proto` has a reader too; it keeps the parts of an enhanced code in a byte
//! each, which makes 5.7.255 of 5.7.708, and goes by the first line of several where the last one is the verdict.

use crate::domain::foreign;

/// Bytes kept of a reply; the rest is read and forgotten.
const KEPT: usize = 4096;
/// Bytes read of one reply. A server that has not come to its end by then is judged by what it said so far.
const MOST: usize = 64 * 1024;

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::delivery::transport) struct Reply {
    /// Any three digits: of a reply of several lines, those of the last.
    pub(in crate::delivery::transport) code: u16,
    /// Without codes, each fit to be stored and shown.
    pub(in crate::delivery::transport) lines: Vec<String>,
    /// It came to its end: what comes next on the connection is the next reply.
    pub(in crate::delivery::transport) whole: bool,
}

impl Reply {
    /// Its first digit, which says what it means: 2 yes, 3 go on, 4 not now, 5 no.
    pub(in crate::delivery::transport) const fn class(&self) -> u16 {
        self.code / 100
    }

    pub(in crate::delivery::transport) const fn is_no(&self) -> bool {
        matches!(self.class(), 4 | 5)
    }

    /// All its words on one line. An enhanced code that begins every line is said once.
    pub(in crate::delivery::transport) fn text(&self) -> String {
        let Some((first, rest)) = self.lines.split_first() else { return String::new() };
        let mut text = first.trim_end().to_owned();
        let enhanced = enhanced_code(first, self.code);
        for line in rest {
            let again = enhanced.and_then(|code| line.strip_prefix(code)).filter(|line| line.starts_with(' '));
            let line = again.unwrap_or(line).trim();
            if !line.is_empty() {
                text.push(' ');
                text.push_str(line);
            }
        }
        text
    }
}

/// The enhanced status code a reply begins with, where it agrees with the reply's class (RFC 2034, section 4).
pub(in crate::delivery::transport) fn enhanced_code(text: &str, code: u16) -> Option<&str> {
    let word = text.split_ascii_whitespace().next()?;
    let parts: Vec<&str> = word.split('.').collect();
    let numbers = parts.iter().all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()));
    (parts.len() == 3 && numbers && parts[0].parse() == Ok(code / 100)).then_some(word)
}

/// A reply on its way in.
#[derive(Default)]
pub(super) struct Reader {
    code: Option<u16>,
    lines: Vec<String>,
    /// The line that has not ended yet, as far as it is kept.
    line: Vec<u8>,
    /// Bytes kept of `lines`.
    kept: usize,
    /// Bytes read, kept or not.
    read: usize,
}

impl Reader {
    /// Reads on in `bytes`; answers how many of them belong to this reply, and the reply once it is there.
    pub(super) fn read(&mut self, bytes: &[u8]) -> (usize, Option<Reply>) {
        let mut used = 0;
        while used < bytes.len() {
            let rest = &bytes[used..];
            let end = rest.iter().position(|byte| *byte == b'\n');
            let part = &rest[..end.unwrap_or(rest.len())];
            let room = KEPT.saturating_sub(self.line.len());
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            let count = part.len() + usize::from(end.is_some());
            used += count;
            self.read += count;
            if end.is_some() && self.end_line() {
                return (used, self.finish(true));
            }
            if self.read >= MOST {
                return (used, self.so_far());
            }
        }
        (used, None)
    }

    /// What an answer says that never came to its end: by its code, where it has one.
    pub(super) fn so_far(&mut self) -> Option<Reply> {
        self.end_line();
        self.finish(false)
    }

    /// Whether it has read more than any reply may have.
    pub(super) const fn is_too_much(&self) -> bool {
        self.read >= MOST
    }

    /// Takes in the line that has ended; answers whether it is the last one. A line without a code is part of the text
    /// where one went before, and nothing where none did.
    fn end_line(&mut self) -> bool {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        let code = code_of(line);
        if code.is_none() && self.code.is_none() {
            return false;
        }
        let separator = code.and_then(|_| line.get(3));
        let text = match (code, separator) {
            (None, _) => line,
            (Some(_), Some(b' ' | b'-' | b'\t')) => &line[4..],
            (Some(_), _) => &line[3..],
        };
        let room = KEPT.saturating_sub(self.kept).min(text.len());
        if self.kept < KEPT {
            self.lines.push(foreign::line(&text[..room], KEPT));
            self.kept += room + 1;
        }
        self.code = code.or(self.code);
        code.is_some() && separator != Some(&b'-')
    }

    fn finish(&mut self, whole: bool) -> Option<Reply> {
        let code = self.code?;
        let Self { lines, .. } = std::mem::take(self);
        Some(Reply { code, lines, whole })
    }
}

fn code_of(line: &[u8]) -> Option<u16> {
    let digits = line.get(..3).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    Some(digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0')))
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
