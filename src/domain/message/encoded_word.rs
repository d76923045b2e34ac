//! Encoded words of a header (RFC 2047) before the parser sees them. It looks for the end of one as far as there is
//! something, and from the next beginning again: of a header full of beginnings that is the square of its length.

use std::borrow::Cow;

/// How far the end of a word is looked for, in bytes. A word has 75 at most; some programs write all of a subject as one.
const FAR: usize = 2000;

/// The header without beginnings of words that do not end: a blank stands for their question mark.
pub fn disarmed(head: &[u8]) -> Cow<'_, [u8]> {
    let mut head = Cow::Borrowed(head);
    let mut at = 0;
    while let Some(found) = head[at..].windows(2).position(|two| two == b"=?") {
        at += found + 2;
        if is_endless(&head[at..]) {
            head.to_mut()[at - 1] = b' ';
        }
    }
    head
}

/// Whether `word`, behind its `=?`, is `charset?Q?` and then something without `?=`.
fn is_endless(word: &[u8]) -> bool {
    let near = word.get(..FAR).unwrap_or(word);
    let mut pieces = near.splitn(3, |byte| *byte == b'?');
    let (Some(_), Some(encoding), Some(text)) = (pieces.next(), pieces.next(), pieces.next()) else { return false };
    matches!(encoding, b"q" | b"Q" | b"b" | b"B") && !text.windows(2).any(|two| two == b"?=")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_and_what_only_looks_like_one_stay() {
        let long = format!("=?utf-8?Q?{}?=", "x".repeat(1900));
        for text in ["", "x=?", "a=?b&c=?d?e", "=?utf-8?Q?a_b?= =?utf-8?b?YQ==?=", "=?a?b?c?d?=", &long] {
            assert!(matches!(disarmed(text.as_bytes()), Cow::Borrowed(same) if same == text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn beginnings_without_an_end_are_none() {
        for (text, is) in [
            ("=?aa?q?x", "= aa?q?x"),
            ("=?aa?q?=", "= aa?q?="),
            ("=?aa?B?=?aa?q?x?=", "=?aa?B?=?aa?q?x?="),
            ("=?aa?q?x?\r\n =?aa?q?y?=", "=?aa?q?x?\r\n =?aa?q?y?="),
        ] {
            assert_eq!(String::from_utf8_lossy(&disarmed(text.as_bytes())), is);
        }
        let far = format!("=?aa?q?{}?=", "x".repeat(FAR));
        assert!(disarmed(far.as_bytes()).starts_with(b"= aa"));
    }
}
