//! Secrets that are shown once and kept as a digest: one-time tokens, API keys, signing secrets.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::{digest, random_bytes};

const ALPHANUMERIC: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A one-time or session token: 32 random bytes, safe in a URL and in a cookie.
pub struct Token(String);

impl Token {
    #[must_use]
    pub fn generate() -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(random_bytes::<32>()))
    }

    /// What goes into the link or the cookie, and nowhere else.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is stored.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        digest(&self.0)
    }
}

/// Both halves of an API key.
pub struct ApiSecret {
    /// `aha-pk-` and 64 characters: names the key, may be shown any time.
    pub public: String,
    /// `aha-sk-` and 64 characters: shown once; store its [`digest`] only.
    pub secret: String,
}

impl ApiSecret {
    #[must_use]
    pub fn generate() -> Self {
        Self { public: format!("aha-pk-{}", alphanumeric(64)), secret: format!("aha-sk-{}", alphanumeric(64)) }
    }

    /// What is stored.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        digest(&self.secret)
    }
}

/// A name and a password for SMTP.
pub struct SmtpSecret {
    /// `smtp-` and 24 characters: may be shown any time.
    pub username: String,
    /// 40 characters: shown once; store its [`digest`] only.
    pub password: String,
}

impl SmtpSecret {
    #[must_use]
    pub fn generate() -> Self {
        Self { username: format!("smtp-{}", alphanumeric(24)), password: alphanumeric(40) }
    }

    /// What is stored.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        digest(&self.password)
    }
}

/// A signing secret for webhooks and routes: `aha-whsec-` and 64 characters.
#[must_use]
pub fn webhook_secret() -> String {
    format!("aha-whsec-{}", alphanumeric(64))
}

/// `length` letters and digits, each equally likely.
fn alphanumeric(length: usize) -> String {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        // 248 is the largest multiple of 62 below 256: a byte above it would favour the first letters.
        let fair = random_bytes::<64>().into_iter().filter(|byte| *byte < 248);
        let letters = fair.map(|byte| char::from(ALPHANUMERIC[usize::from(byte % 62)]));
        text.extend(letters.take(length - text.len()));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn an_api_key_has_the_documented_form() {
        let key = ApiSecret::generate();
        for (text, prefix) in [(&key.public, "aha-pk-"), (&key.secret, "aha-sk-")] {
            let random = text.strip_prefix(prefix).unwrap();
            assert_eq!(random.len(), 64);
            assert!(random.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
        assert_eq!(key.digest(), digest(&key.secret));
        assert_eq!(webhook_secret().len(), "aha-whsec-".len() + 64);
    }

    #[test]
    fn a_token_is_url_safe_and_never_comes_twice() {
        let tokens: HashSet<String> = (0..1000).map(|_| Token::generate().as_str().to_owned()).collect();
        assert_eq!(tokens.len(), 1000);
        assert!(tokens.iter().all(|token| token.len() == 43));
        assert!(tokens.iter().flat_map(|t| t.bytes()).all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
    }
}
