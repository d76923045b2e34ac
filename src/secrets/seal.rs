//! Sealing of what must be readable again: DKIM keys, relay passwords, stored answers.
//! AES-256-GCM under `CANOPY_SECRET_KEY`. A sealed value says which key version sealed it, so that keys can be
//! rotated: put the new one first, keep the old ones behind it until everything was sealed again.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::{mac, random_bytes};

/// First byte of a sealed value: the layout `format, key version, nonce (12), ciphertext and tag`.
const FORMAT: u8 = 1;
const HEADER: usize = 2;

/// The keys of this installation: the first seals, all of them open.
pub struct SecretKeys {
    keys: Vec<(u8, LessSafeKey)>,
    /// For each of `keys` the one that authenticates, derived from the same secret.
    pub(super) macs: Vec<hmac::Key>,
}

/// Why `CANOPY_SECRET_KEY` could not be read. Never holds any part of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyTextError {
    Empty,
    NoVersion,
    BadVersion,
    NotBase64,
    WrongLength,
    VersionTwice,
}

/// Why a sealed value could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenError {
    /// Not something `seal` wrote.
    Malformed,
    /// Sealed under a key version that is not in `CANOPY_SECRET_KEY`.
    UnknownKey(u8),
    /// Changed since, sealed under another key of the same version, or for another context.
    Rejected,
}

impl SecretKeys {
    /// Reads `version:base64-of-32-bytes`, one or more separated by commas; the first is the current one.
    ///
    /// # Errors
    /// When an entry is not of that form, or a version (1 to 255) comes twice.
    pub fn parse(text: &str) -> Result<Self, KeyTextError> {
        let mut keys: Vec<(u8, LessSafeKey)> = Vec::new();
        let mut macs = Vec::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let (version, key) = entry.split_once(':').ok_or(KeyTextError::NoVersion)?;
            let version = version.trim().parse::<u8>().ok().filter(|v| *v > 0).ok_or(KeyTextError::BadVersion)?;
            let bytes = BASE64_STANDARD.decode(key.trim()).map_err(|_| KeyTextError::NotBase64)?;
            let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| KeyTextError::WrongLength)?;
            if keys.iter().any(|(known, _)| *known == version) {
                return Err(KeyTextError::VersionTwice);
            }
            keys.push((version, LessSafeKey::new(key)));
            macs.push(mac::derived(&bytes));
        }
        if keys.is_empty() { Err(KeyTextError::Empty) } else { Ok(Self { keys, macs }) }
    }

    /// Fresh keys, and the text to keep as `CANOPY_SECRET_KEY`.
    #[must_use]
    pub fn generate() -> (Self, String) {
        let text = format!("1:{}", BASE64_STANDARD.encode(random_bytes::<32>()));
        let keys = Self::parse(&text).expect("a key just written in the documented form is readable");
        (keys, text)
    }

    /// The version of the current key.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.keys[0].0
    }

    /// The versions that are here, as in `macs`.
    pub(super) fn versions(&self) -> impl Iterator<Item = u8> {
        self.keys.iter().map(|(version, _)| *version)
    }

    /// Seals `plain` under the current key. `context` says what the value is and whose ("dkim:<domain id>"): it is not
    /// stored, and opening needs the same one, so that a value copied to another row does not open there.
    #[must_use]
    pub fn seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
        let (version, key) = &self.keys[0];
        let nonce = random_bytes::<NONCE_LEN>();
        let mut body = plain.to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad(*version, context), &mut body)
            .expect("AES-GCM refuses only plaintexts beyond 64 GiB");
        [&[FORMAT, *version], &nonce[..], &body].concat()
    }

    /// Opens what `seal` wrote for the same `context`.
    ///
    /// # Errors
    /// See [`OpenError`]; nothing of the plaintext is returned unless all of it is authentic.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (Some(&FORMAT), Some(&version)) = (sealed.first(), sealed.get(1)) else {
            return Err(OpenError::Malformed);
        };
        let rest = &sealed[HEADER..];
        let (nonce, body) = rest.split_at_checked(NONCE_LEN).ok_or(OpenError::Malformed)?;
        let (_, key) = self.keys.iter().find(|(known, _)| *known == version).ok_or(OpenError::UnknownKey(version))?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| OpenError::Malformed)?;
        let mut body = body.to_vec();
        let plain = key.open_in_place(nonce, aad(version, context), &mut body).map_err(|_| OpenError::Rejected)?;
        Ok(plain.to_vec())
    }

    /// Whether `sealed` was sealed under an older key and should be sealed again.
    #[must_use]
    pub fn is_stale(&self, sealed: &[u8]) -> bool {
        sealed.get(1) != Some(&self.keys[0].0)
    }
}

/// What is authenticated beside the ciphertext: the layout, the key version and the caller's context.
fn aad(version: u8, context: &str) -> Aad<Vec<u8>> {
    Aad::from([&[FORMAT, version], context.as_bytes()].concat())
}

impl fmt::Debug for SecretKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|(version, _)| version)).finish()
    }
}

impl fmt::Display for KeyTextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "CANOPY_SECRET_KEY is empty",
            Self::NoVersion => "CANOPY_SECRET_KEY needs the form version:key, for example 1:<base64 of 32 bytes>",
            Self::BadVersion => "a key version in CANOPY_SECRET_KEY must be a number from 1 to 255",
            Self::NotBase64 => "a key in CANOPY_SECRET_KEY is not base64",
            Self::WrongLength => "a key in CANOPY_SECRET_KEY must be 32 bytes long",
            Self::VersionTwice => "CANOPY_SECRET_KEY gives one key version twice",
        })
    }
}

impl std::error::Error for KeyTextError {}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("this is not a sealed value"),
            Self::UnknownKey(version) => {
                write!(f, "sealed under key version {version}, which CANOPY_SECRET_KEY does not give")
            }
            Self::Rejected => f.write_str("the sealed value was changed, or belongs to another key or place"),
        }
    }
}

impl std::error::Error for OpenError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_value_opens_only_in_its_own_context() {
        let (keys, _) = SecretKeys::generate();
        let sealed = keys.seal("dkim:1", b"private");
        assert_eq!(keys.open("dkim:1", &sealed), Ok(b"private".to_vec()));
        assert_eq!(keys.open("dkim:2", &sealed), Err(OpenError::Rejected));
    }

    #[test]
    fn an_old_key_still_opens_after_a_new_one_was_put_first() {
        let (old, old_text) = SecretKeys::generate();
        let sealed = old.seal("x", b"kept");
        let new_text = format!("2:{}", BASE64_STANDARD.encode([7; 32]));
        let both = SecretKeys::parse(&format!("{new_text}, {old_text}")).unwrap();
        assert_eq!(both.open("x", &sealed), Ok(b"kept".to_vec()));
        assert!(both.is_stale(&sealed));
        assert!(!both.is_stale(&both.seal("x", b"kept")));
        let new = SecretKeys::parse(&new_text).unwrap();
        assert_eq!(new.open("x", &sealed), Err(OpenError::UnknownKey(1)));
    }

    #[test]
    fn a_key_text_that_is_not_as_documented_is_refused_by_name() {
        let key = BASE64_STANDARD.encode([1; 32]);
        let cases = [
            (String::new(), KeyTextError::Empty),
            (key.clone(), KeyTextError::NoVersion),
            (format!("0:{key}"), KeyTextError::BadVersion),
            (format!("256:{key}"), KeyTextError::BadVersion),
            ("1:???".into(), KeyTextError::NotBase64),
            (format!("1:{}", BASE64_STANDARD.encode([1; 16])), KeyTextError::WrongLength),
            (format!("1:{key},1:{key}"), KeyTextError::VersionTwice),
        ];
        for (text, expected) in cases {
            assert_eq!(SecretKeys::parse(&text).unwrap_err(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_sealed_opens_again_and_any_changed_byte_is_noticed(
            plain in proptest::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>(), flip in 1u8..,
        ) {
            let (keys, _) = SecretKeys::generate();
            let mut sealed = keys.seal("c", &plain);
            prop_assert_eq!(keys.open("c", &sealed), Ok(plain));
            let at = at.index(sealed.len());
            sealed[at] ^= flip;
            prop_assert!(keys.open("c", &sealed).is_err());
        }
    }
}
