//! Cuts what arrives into lines. Only CRLF ends a line: a CR or LF alone is how one server is made to see an end where
//! another sees none, and a second message is smuggled inside the first (RFC 5321 section 2.3.8).

use std::ops::Range;

/// Why the conversation cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    BareCr,
    BareLf,
    TooLong,
}

/// What is there to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// A line without its CRLF.
    Line(Vec<u8>),
    /// The line has not ended yet.
    More,
    Broken(Broken),
}

/// The same, where the line stands in what is held: nothing is copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Line(Range<usize>),
    More,
    Broken(Broken),
}

/// What arrived and was not read yet. Holds at most one line and what was pushed with it.
#[derive(Debug, Default)]
pub struct Lines {
    held: Vec<u8>,
    /// Up to here it was read.
    start: usize,
    /// From there up to here there is neither CR nor LF.
    scanned: usize,
}

impl Lines {
    /// Adds what arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        self.held.extend_from_slice(bytes);
    }

    /// Whether something waits to be read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.start == self.held.len()
    }

    /// The next line, of at most `limit` octets with its CRLF.
    pub fn next(&mut self, limit: usize) -> Next {
        match self.find(limit) {
            Found::Line(line) => Next::Line(self.held[line].to_vec()),
            Found::More => Next::More,
            Found::Broken(broken) => Next::Broken(broken),
        }
    }

    /// The same; the line stays where it is until the next [`Lines::push`].
    pub fn find(&mut self, limit: usize) -> Found {
        let end = self.held[self.scanned..].iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        let Some(end) = end.map(|end| self.scanned + end) else {
            self.scanned = self.held.len();
            return if self.scanned - self.start > limit { Found::Broken(Broken::TooLong) } else { Found::More };
        };
        self.scanned = end;
        match (self.held[end], self.held.get(end + 1)) {
            _ if end + 2 - self.start > limit => Found::Broken(Broken::TooLong),
            (b'\n', _) => Found::Broken(Broken::BareLf),
            (_, None) => Found::More,
            (_, Some(b'\n')) => {
                let line = self.start..end;
                self.start = end + 2;
                self.scanned = self.start;
                Found::Line(line)
            }
            (_, Some(_)) => Found::Broken(Broken::BareCr),
        }
    }

    /// The line that [`Lines::find`] found.
    #[must_use]
    pub fn at(&self, line: Range<usize>) -> &[u8] {
        &self.held[line]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(chunks: &[&[u8]], limit: usize) -> Vec<Next> {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        for chunk in chunks {
            lines.push(chunk);
            loop {
                match lines.next(limit) {
                    Next::More => break,
                    Next::Line(line) => seen.push(Next::Line(line)),
                    broken => {
                        seen.push(broken);
                        return seen;
                    }
                }
            }
        }
        seen
    }

    #[test]
    fn only_crlf_ends_a_line_wherever_the_network_cuts() {
        let line = |text: &str| Next::Line(text.into());
        assert_eq!(read(&[b"a\r\n\r\nb\r\nc"], 80), [line("a"), line(""), line("b")]);
        assert_eq!(read(&[b"a\r", b"\nb\r\n"], 80), [line("a"), line("b")]);
        assert_eq!(read(&[b"a\nb\r\n"], 80), [Next::Broken(Broken::BareLf)]);
        assert_eq!(read(&[b"a\r", b"b\r\n"], 80), [Next::Broken(Broken::BareCr)]);
        assert_eq!(read(&[b"a\r\r\n"], 80), [Next::Broken(Broken::BareCr)]);
        assert_eq!(read(&[b"abcd\r\n"], 6), [line("abcd")]);
        assert_eq!(read(&[b"abcde\r\n"], 6), [Next::Broken(Broken::TooLong)]);
        assert_eq!(read(&[b"abc", b"defgh"], 6), [Next::Broken(Broken::TooLong)]);
    }

    proptest! {
        #[test]
        fn cuts_change_nothing_and_lines_hold_no_end(raw in "[a.\r\n]{0,60}", cuts in prop::collection::vec(0_usize..61, 0..6)) {
            let raw = raw.as_bytes();
            let mut at: Vec<usize> = cuts.into_iter().map(|cut| cut.min(raw.len())).chain([0, raw.len()]).collect();
            at.sort_unstable();
            let chunks: Vec<&[u8]> = at.windows(2).map(|pair| &raw[pair[0]..pair[1]]).collect();
            let whole = read(&[raw], 40);
            prop_assert_eq!(read(&chunks, 40), whole.clone());
            for next in whole {
                if let Next::Line(line) = next {
                    prop_assert!(!line.iter().any(|byte| matches!(byte, b'\r' | b'\n')));
                }
            }
        }
    }
}
