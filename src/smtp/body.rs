//! A message as it is transferred: the lone dot that ends it, the dots that were doubled (RFC 5321 section 4.5.2), and
//! how much of it is kept.

use super::limits::Limits;
use crate::load::Share;

/// What a line of the message was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    More,
    /// The dot alone on its line.
    End,
    /// More than was announced, octets or lines, and more than is read of what is not kept.
    TooLarge,
}

/// What there is of a message that was read to its end.
#[derive(Debug)]
pub enum Kept {
    Whole(Vec<u8>, Share),
    TooLarge,
    /// This node had no memory for it.
    NoRoom,
}

/// The message so far.
#[derive(Debug)]
pub struct Body {
    kept: Vec<u8>,
    size: usize,
    lines: usize,
    too_large: bool,
    no_room: bool,
    share: Share,
}

impl Body {
    /// Nothing yet; what is kept is counted in `share`.
    pub fn new(share: Share) -> Self {
        Self { kept: Vec::new(), size: 0, lines: 0, too_large: false, no_room: false, share }
    }

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
            let ends = over(limits.overrun);
            self.too_large = true;
            self.forget();
            return if ends { Taken::TooLarge } else { Taken::More };
        }
        // Whole lines only: half a field would be read as another one.
        if self.size <= limits.kept && !self.no_room {
            if self.share.reserve(&mut self.kept, line.len() + 2, limits.kept).is_err() {
                self.no_room = true;
                self.forget();
                return Taken::More;
            }
            self.kept.extend_from_slice(line);
            self.kept.extend_from_slice(b"\r\n");
        }
        Taken::More
    }

    fn forget(&mut self) {
        self.kept = Vec::new();
        self.share.clear();
    }

    /// What was kept of it.
    #[must_use]
    pub fn into_kept(self) -> Kept {
        match (self.too_large, self.no_room) {
            (true, _) => Kept::TooLarge,
            (false, true) => Kept::NoRoom,
            (false, false) => Kept::Whole(self.kept, self.share),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Memory, Owner};

    #[test]
    fn a_dot_ends_doubled_dots_are_halved_and_the_rest_is_passed_over() {
        let limits = Limits { kept: 12, size: 30, lines: 6, ..Limits::default() };
        let memory = Memory::new(1);
        let new = || Body::new(memory.share(Owner::stranger([192, 0, 2, 1].into())));
        let mut body = new();
        for line in ["..", ".a", "", "x.", "0123456789"] {
            assert_eq!(body.take(line.as_bytes(), &limits), Taken::More, "{line}");
        }
        assert_eq!(body.take(b".", &limits), Taken::End);
        let Kept::Whole(kept, _share) = body.into_kept() else { panic!("all of it is kept") };
        assert_eq!(kept, b".\r\na\r\n\r\nx.\r\n");
        let mut long = new();
        assert_eq!(long.take(&[b'a'; 29], &limits), Taken::TooLarge);
        let mut many = new();
        let taken: Vec<Taken> = (0..7).map(|_| many.take(b"", &limits)).collect();
        assert_eq!((taken[5], taken[6]), (Taken::More, Taken::TooLarge));
        let patient = Limits { overrun: 100, ..limits };
        let mut long = new();
        assert_eq!(long.take(&[b'a'; 29], &patient), Taken::More, "it is read to its end");
        assert_eq!(long.take(b".", &patient), Taken::End);
        assert!(matches!(long.into_kept(), Kept::TooLarge), "and not kept");
    }

    #[test]
    fn what_there_is_no_memory_for_is_read_to_its_end_and_holds_none() {
        let (memory, limits) = (Memory::new(1), Limits::of_submission());
        let mut body = Body::new(memory.share(Owner::stranger([192, 0, 2, 1].into())));
        for _ in 0..2000 {
            assert_eq!(body.take(&[b'a'; 998], &limits), Taken::More);
        }
        assert_eq!(memory.left(), 1024 * 1024);
        assert_eq!(body.take(b".", &limits), Taken::End);
        assert!(matches!(body.into_kept(), Kept::NoRoom));
    }
}
