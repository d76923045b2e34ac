//! The one form a message has on the wire: every line ended by CRLF, no bare CR or LF.
//! Signing, storing and sending all work on this form. A bare CR or LF that one server takes for a line end and the
//! next does not is how a second message is smuggled inside the first (RFC 5321, section 2.3.8).

use std::borrow::Cow;

/// `raw` with every bare CR and every bare LF made a CRLF. Borrowed when there is none.
#[must_use]
pub fn to_crlf(raw: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = first_bare(raw) else {
        return Cow::Borrowed(raw);
    };
    let mut out = Vec::with_capacity(raw.len() + raw.len() / 32 + 2);
    out.extend_from_slice(&raw[..first]);
    let mut rest = raw[first..].iter().copied().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            b'\r' => {
                rest.next_if_eq(&b'\n');
                out.extend_from_slice(b"\r\n");
            }
            b'\n' => out.extend_from_slice(b"\r\n"),
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}

/// Where the first bare CR or LF stands.
fn first_bare(raw: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(step) = raw[at..].iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
        at += step;
        if raw[at..].starts_with(b"\r\n") { at += 2 } else { return Some(at) }
    }
    None
}

/// Header section (its last CRLF included) and body of a message in wire form. Without an empty line, all is header.
#[must_use]
pub fn split(message: &[u8]) -> (&[u8], &[u8]) {
    if let Some(body) = message.strip_prefix(b"\r\n") {
        return (&[], body);
    }
    match message.windows(4).position(|four| four == b"\r\n\r\n") {
        Some(at) => (&message[..at + 2], &message[at + 4..]),
        None => (message, &[]),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bare_line_ends_become_crlf_and_whole_ones_stay() {
        assert_eq!(&*to_crlf(b"a\r\nb\nc\rd\r\r\n"), b"a\r\nb\r\nc\r\nd\r\n\r\n");
        assert!(matches!(to_crlf(b"a\r\nb\r\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn the_body_starts_after_the_first_empty_line() {
        assert_eq!(split(b"A: b\r\n\r\nc\r\n\r\nd"), (&b"A: b\r\n"[..], &b"c\r\n\r\nd"[..]));
        assert_eq!(split(b"A: b\r\n"), (&b"A: b\r\n"[..], &b""[..]));
        assert_eq!(split(b"\r\nc"), (&b""[..], &b"c"[..]));
    }

    proptest! {
        #[test]
        fn no_bare_line_end_is_left_and_doing_it_twice_changes_nothing(raw in "[a.\r\n]{0,40}") {
            let once = to_crlf(raw.as_bytes()).into_owned();
            prop_assert_eq!(first_bare(&once), None);
            prop_assert_eq!(&*to_crlf(&once), &once[..]);
            let text = |bytes: &[u8]| bytes.iter().copied().filter(|b| !b"\r\n".contains(b)).collect::<Vec<_>>();
            prop_assert_eq!(text(&once), text(raw.as_bytes()));
        }
    }
}
