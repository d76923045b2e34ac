//! The token for the forms of a page. Whoever is signed in has a secret of their session's; whoever is not has a random
//! word in their cookie, and the secret is its HMAC under `secret_key`: of the two only the word leaves this server whole.

use actix_session::Session;
use actix_web::HttpRequest;
use actix_web::web::Data;

use super::put;
use crate::app::App;
use crate::secrets::{SecretKeys, Token, hex, same, unhex};

/// The secret of whoever is signed in.
const CSRF: &str = "csrf";
/// The word of whoever is not.
const GUEST: &str = "guest";
/// What the HMAC is for.
const CONTEXT: &str = "form token";

/// A secret for a session that begins.
pub fn begin(session: &Session) {
    put(session, CSRF, hex(&Token::generate().digest()));
}

/// The token for the forms of a page that answers `request`.
#[must_use]
pub fn csrf_of(request: &HttpRequest, session: &Session) -> String {
    let app = request.app_data::<Data<App>>();
    app.map(|app| csrf(&app.services.secrets, session)).unwrap_or_default()
}

/// The token for the forms of a page: the session's secret, masked afresh each time, so that compression tells nothing
/// of it (BREACH).
#[must_use]
pub fn csrf(secrets: &SecretKeys, session: &Session) -> String {
    let secret = stored(session, CSRF).unwrap_or_else(|| {
        let word = stored(session, GUEST).unwrap_or_else(|| {
            let fresh = Token::generate().as_str().to_owned();
            put(session, GUEST, &fresh);
            fresh
        });
        hex(&secrets.tag::<32>(CONTEXT, word.as_bytes()))
    });
    let pad = hex(&Token::generate().digest());
    let masked = xor(&secret, &pad).unwrap_or_default();
    format!("{pad}{masked}")
}

/// Whether `token` was made by [`csrf`] for this session, by any key that is still here.
#[must_use]
pub fn csrf_matches(secrets: &SecretKeys, session: &Session, token: &str) -> bool {
    let unmasked = token.split_at_checked(token.len() / 2).and_then(|(pad, masked)| xor(masked, pad));
    let Some(given) = unmasked else { return false };
    match (stored(session, CSRF), stored(session, GUEST)) {
        (Some(secret), _) => same(given.as_bytes(), secret.as_bytes()),
        (None, Some(word)) => {
            let tag = unhex(&given).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            tag.is_some_and(|tag| secrets.is_tag(CONTEXT, word.as_bytes(), &tag))
        }
        (None, None) => false,
    }
}

fn stored(session: &Session, key: &str) -> Option<String> {
    session.get(key).ok().flatten()
}

/// Two hexadecimal texts of one length, combined.
fn xor(a: &str, b: &str) -> Option<String> {
    let digits = |text: &str| text.chars().map(|digit| digit.to_digit(16)).collect::<Option<Vec<_>>>();
    let (a, b) = (digits(a)?, digits(b)?);
    (a.len() == b.len()).then_some(())?;
    a.iter().zip(&b).map(|(a, b)| char::from_digit(a ^ b, 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masking_twice_with_one_pad_gives_the_token_back() {
        let (secret, pad) = (hex(&[7; 32]), hex(&[201; 32]));
        let masked = xor(&secret, &pad).expect("hexadecimal");
        assert_ne!(masked, secret);
        assert_eq!(xor(&masked, &pad), Some(secret));
        assert_eq!(xor("zz", "00"), None);
        assert_eq!(xor("0", "00"), None);
    }
}
