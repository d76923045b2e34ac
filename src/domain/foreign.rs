//! Text that strangers wrote: what another server said, what a record in DNS or a report holds. It is read whatever its
//! bytes are, and kept only as far as both databases can keep it: PostgreSQL has no place for NUL in a text.

use std::borrow::Cow;

/// The text of `bytes` on one line, of at most `most` characters: what is no UTF-8 becomes U+FFFD, what controls a line
/// or a terminal becomes a blank.
#[must_use]
pub fn line(bytes: &[u8], most: usize) -> String {
    let read = String::from_utf8_lossy(bytes);
    read.chars().take(most).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// `text` with U+FFFD for what cannot be stored: something stood there, so that it is not mistaken for what it would be
/// without. Its line breaks stay.
#[must_use]
pub fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_are_a_line_that_both_databases_keep() {
        assert_eq!(line(b"2.0.0 queued\0as x", 100), "2.0.0 queued as x");
        assert_eq!(line(b"Empf\xe4nger unbekannt\r\n\x1b[2J", 100), "Empf\u{fffd}nger unbekannt   [2J");
        assert_eq!(line("käse".as_bytes(), 2), "kä");
        let all: Vec<u8> = (0..=255).collect();
        assert!(!line(&all, 1000).chars().any(char::is_control));
    }

    #[test]
    fn what_can_be_stored_is_not_copied_and_nul_is_seen_to_have_been_there() {
        assert!(matches!(storable("two\nlines"), Cow::Borrowed("two\nlines")));
        assert_eq!(storable("a\0b\0\n"), "a\u{fffd}b\u{fffd}\n");
    }
}
