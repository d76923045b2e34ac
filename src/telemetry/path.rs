//! The path of a request: what everything that decides by it reads, and what of it may be written to the log.

use actix_web::HttpRequest;

/// Behind these a link carries a secret.
const SECRET_LINKS: [&str; 5] = ["/invite/", "/reset/", "/setup/", "/dns/", "/settings/profile/email/"];
/// A part of a path that is written like a token and has this many characters is taken for one, wherever it stands: ids
/// have 36, tokens 43.
const TOKEN: usize = 40;
/// How often over a path is decoded for the log.
const ROUNDS: usize = 4;

/// The path that routes are matched on: decoded, so that `/%73ub-accounts` and `/sub-accounts` are one. `request.path()`
/// is the text as it came, and no decision may hang on that.
#[must_use]
pub fn path_of(request: &HttpRequest) -> &str {
    request.match_info().as_str()
}

/// A path without the secrets that some links carry, however it is written, and without what would end its line.
#[must_use]
pub fn loggable(path: &str) -> String {
    let plain = plain(path);
    let lower = plain.to_ascii_lowercase();
    if let Some(link) = SECRET_LINKS.iter().find(|link| lower.starts_with(**link)) {
        return format!("{link}****");
    }
    let parts = plain.split('/').map(|part| if is_like_a_token(part) { "****" } else { part });
    parts.collect::<Vec<_>>().join("/").replace(char::is_control, "\u{fffd}")
}

/// Decoded to the end, without empty parts. Slashes and percent signs stay encoded where routes are matched; here they
/// would hide a secret.
fn plain(path: &str) -> String {
    let mut bytes = path.as_bytes().to_vec();
    for _ in 0..ROUNDS {
        if !bytes.contains(&b'%') {
            break;
        }
        bytes = decoded(&bytes);
    }
    let mut plain = String::from_utf8_lossy(&bytes).into_owned();
    while plain.contains("//") {
        plain = plain.replace("//", "/");
    }
    plain
}

fn decoded(bytes: &[u8]) -> Vec<u8> {
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut plain, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                plain.extend(u8::try_from(high * 16 + low));
                at += 3;
            }
            _ => {
                plain.push(*byte);
                at += 1;
            }
        }
    }
    plain
}

fn is_like_a_token(part: &str) -> bool {
    part.len() >= TOKEN && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_a_link_is_not_logged_however_the_link_is_written() {
        for path in [
            "/reset/abc",
            "/%72eset/abc",
            "/reset%2Fabc",
            "/reset%252fabc",
            "//reset//abc",
            "/Reset/abc",
            "/%2572%2565set/abc",
        ] {
            assert_eq!(loggable(path), "/reset/****", "{path}");
        }
        let token = "A-_z".repeat(11);
        assert_eq!(loggable(&format!("/reset;/{token}/x")), "/reset;/****/x");
        assert_eq!(loggable(&format!("/x%2f{token}")), "/x/****");
    }

    #[test]
    fn other_paths_are_logged_in_one_line() {
        let id = "/sub-accounts/0199ffff-ffff-7fff-bfff-ffffffffffff/domains/mail.example.com";
        assert_eq!(loggable(id), id);
        assert_eq!(loggable("/a\nrequest=forged"), "/a\u{fffd}request=forged");
        assert_eq!(loggable("/a%0Arequest=forged"), "/a\u{fffd}request=forged");
        assert_eq!(loggable("/%zz/%"), "/%zz/%");
    }
}
