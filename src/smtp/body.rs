//! A message as it is transferred: the lone dot that ends it, the dots that were doubled (RFC 5321 section 4.5.2), and
//! how much of it is kept.

use super::limits::Limits;

/// What a line of the message was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    More,
    /// The dot alone on its line.
    End,
    /// More than was announced, octets or lines, and more than is read of what is not kept.
    TooLarge,
}

/// The message so far.
#[derive(Debug, Default)]
pub struct Body {
    kept: Vec<u8>,
    size: usize,
    lines: usize,
    too_large: bool,
}

impl Body {
    /// Takes a line without its CRLF.
    pub fn take(&mut self, line: &[u8], limits: &Limits) -> Taken {
        if line == b"." {
            return Taken::End;
        }
        let line = line.strip_prefix(b".").unwrap_or(line);
        self.size = self.size.saturating_add(line.len() + 2);
        self.lines += 1;
        let over = |by: usize| self.size > limits.size + by || self.lines > limits.lines + by;
        if over(0) {
            self.too_large = true;
            self.kept = Vec::new();
            return if over(limits.overrun) { Taken::TooLarge } else { Taken::More };
        }
        // Whole lines only: half a field would be read as another one.
        if self.size <= limits.kept {
            self.kept.extend_from_slice(line);
            self.kept.extend_from_slice(b"\r\n");
        }
        Taken::More
    }

    /// What was kept of it; `None` of one that was too large, though it was read to its end.
    #[must_use]
    pub fn into_kept(self) -> Option<Vec<u8>> {
        (!self.too_large).then_some(self.kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_ends_doubled_dots_are_halved_and_the_rest_is_passed_over() {
        let limits = Limits { kept: 12, size: 30, lines: 6, ..Limits::default() };
        let mut body = Body::default();
        for line in ["..", ".a", "", "x.", "0123456789"] {
            assert_eq!(body.take(line.as_bytes(), &limits), Taken::More, "{line}");
        }
        assert_eq!(body.take(b".", &limits), Taken::End);
        assert_eq!(body.into_kept().as_deref(), Some(&b".\r\na\r\n\r\nx.\r\n"[..]));
        let mut long = Body::default();
        assert_eq!(long.take(&[b'a'; 29], &limits), Taken::TooLarge);
        let mut many = Body::default();
        let taken: Vec<Taken> = (0..7).map(|_| many.take(b"", &limits)).collect();
        assert_eq!((taken[5], taken[6]), (Taken::More, Taken::TooLarge));
        let patient = Limits { overrun: 100, ..limits };
        let mut long = Body::default();
        assert_eq!(long.take(&[b'a'; 29], &patient), Taken::More, "it is read to its end");
        assert_eq!((long.take(b".", &patient), long.into_kept()), (Taken::End, None), "and not kept");
    }
}
