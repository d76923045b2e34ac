//! Bytes of a part to text: transfer encodings (RFC 2045 section 6) and HTML, as far as words are looked for in them.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Takes what mail programs write, with or without its padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The text of a body. What cannot be decoded stays as it is.
pub fn text(body: &[u8], encoding: &str) -> String {
    let decoded = match encoding.trim().to_ascii_lowercase().as_str() {
        "base64" => base64(body),
        "quoted-printable" => Some(quoted_printable(body)),
        _ => None,
    };
    String::from_utf8_lossy(decoded.as_deref().unwrap_or(body)).into_owned()
}

/// `None` when it is not base64. A piece at the end that is cut off is left out.
fn base64(body: &[u8]) -> Option<Vec<u8>> {
    let mut letters: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    if !letters.contains(&b'=') {
        letters.truncate(letters.len() / 4 * 4);
    }
    BASE64.decode(letters).ok()
}

fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut at = 0;
    while let Some(&byte) = body.get(at) {
        at += 1;
        if byte != b'=' {
            out.push(byte);
            continue;
        }
        let digit = |at: usize| body.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (digit(at), digit(at + 1)) {
            (Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                at += 2;
            }
            // A line that goes on.
            _ if body[at..].starts_with(b"\r\n") => at += 2,
            _ if body[at..].starts_with(b"\n") => at += 1,
            _ => out.push(byte),
        }
    }
    out
}

/// The words of HTML: tags gone, blocks on lines of their own, the common entities read.
pub fn html(html: &str) -> String {
    const BLOCKS: [&str; 9] = ["br", "p", "/p", "div", "/div", "tr", "li", "pre", "/h"];
    let mut out = String::with_capacity(html.len());
    for piece in html.split('<') {
        // The first piece is no tag, and one without an end is none either.
        let Some((tag, words)) = piece.split_once('>') else {
            out.push_str(piece);
            continue;
        };
        let name = tag.trim().get(..4).unwrap_or(tag).to_ascii_lowercase();
        if BLOCKS.iter().any(|block| name.starts_with(block)) {
            out.push('\n');
        }
        out.push_str(words);
    }
    let entities = [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    entities.into_iter().fold(out, |text, (entity, sign)| text.replace(entity, sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_undone_and_broken_ones_left_alone() {
        assert_eq!(text(b"YWJj\r\nZGU=\r\n", "BASE64"), "abcde");
        assert_eq!(text(b"YWJjZG", "base64"), "abc");
        assert_eq!(text(b"!?!?", "base64"), "!?!?");
        assert_eq!(text(b"a=3Db=\r\nc=", "quoted-printable"), "a=bc=");
        assert_eq!(text(b"a=3D", "7bit"), "a=3D");
        assert_eq!(text(&[0xff, b'a'], ""), "\u{fffd}a");
    }

    #[test]
    fn html_is_read_by_lines() {
        assert_eq!(html("<p>a<b>b</b><br/>c &lt;d&gt;</p>"), "\nab\nc <d>\n");
        assert_eq!(html("a < b"), "a  b");
    }
}
