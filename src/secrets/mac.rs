//! Short signatures on what leaves the house and comes back: return paths, marks in headers.
//! HMAC-SHA256 (RFC 2104) under a key derived from `CANOPY_SECRET_KEY`, so that the sealing key itself never meets it.

use aws_lc_rs::hmac::{self, HMAC_SHA256};

use super::SecretKeys;

/// What is derived from the secret, so that no other use of it gives the same key.
const DERIVATION: &[u8] = b"canopy authentication key 1";

/// The authenticating key of a sealing key's `secret`.
pub(super) fn derived(secret: &[u8]) -> hmac::Key {
    let root = hmac::Key::new(HMAC_SHA256, secret);
    hmac::Key::new(HMAC_SHA256, hmac::sign(&root, DERIVATION).as_ref())
}

impl SecretKeys {
    /// The first `N` bytes (at most 32) of the signature on `message`, by the current key. `context` says what is
    /// signed: a signature of one context is worth nothing in another.
    #[must_use]
    pub fn tag<const N: usize>(&self, context: &str, message: &[u8]) -> [u8; N] {
        const { assert!(N >= 8 && N <= 32, "shorter ones can be guessed, longer ones there are not") };
        first(&signature(&self.macs[0], context, message))
    }

    /// The whole signature on `message`, and the version of the key that made it: for what is kept for ever, whose key may
    /// be rotated away.
    #[must_use]
    pub fn signed(&self, context: &str, message: &[u8]) -> (u8, [u8; 32]) {
        (self.version(), first(&signature(&self.macs[0], context, message)))
    }

    /// Whether the key of this version made `mac`; `None` where it is not here.
    #[must_use]
    pub fn is_signed_by(&self, version: u8, context: &str, message: &[u8], mac: &[u8]) -> Option<bool> {
        let key = self.versions().position(|known| known == version)?;
        Some(super::same(&first::<32>(&signature(&self.macs[key], context, message)), mac))
    }

    /// Whether [`SecretKeys::tag`] made `tag`, by any key that is still here. Takes the same time for every tag.
    #[must_use]
    pub fn is_tag<const N: usize>(&self, context: &str, message: &[u8], tag: &[u8; N]) -> bool {
        let right = |key: &hmac::Key| super::same(&first::<N>(&signature(key, context, message)), tag);
        // No short cut: every key is tried.
        self.macs.iter().fold(false, |found, key| right(key) | found)
    }
}

/// The length of the context stands before it, so that no context and message run into each other.
fn signature(key: &hmac::Key, context: &str, message: &[u8]) -> hmac::Tag {
    let mut signing = hmac::Context::with_key(key);
    signing.update(&u64::try_from(context.len()).unwrap_or(u64::MAX).to_be_bytes());
    signing.update(context.as_bytes());
    signing.update(message);
    signing.sign()
}

fn first<const N: usize>(tag: &hmac::Tag) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&tag.as_ref()[..N]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_holds_for_its_context_message_and_key_only() {
        let (keys, _) = SecretKeys::generate();
        let tag: [u8; 10] = keys.tag("a", b"bc");
        assert!(keys.is_tag("a", b"bc", &tag));
        for (context, message) in [("a", &b"bd"[..]), ("ab", b"c"), ("", b"abc")] {
            assert!(!keys.is_tag(context, message, &tag), "{context} {message:?}");
        }
        assert!(!SecretKeys::generate().0.is_tag("a", b"bc", &tag));
        for bit in 0..80 {
            let mut changed = tag;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!keys.is_tag("a", b"bc", &changed), "bit {bit}");
        }
    }

    #[test]
    fn what_is_signed_names_its_key_and_holds_by_that_one_alone() {
        let (old, text) = SecretKeys::generate();
        let (version, mac) = old.signed("a", b"b");
        assert_eq!((version, old.is_signed_by(1, "a", b"b", &mac)), (1, Some(true)));
        for (context, message) in [("a", &b"c"[..]), ("b", b"b")] {
            assert_eq!(old.is_signed_by(1, context, message, &mac), Some(false), "{context} {message:?}");
        }
        assert_eq!(old.is_signed_by(1, "a", b"b", &mac[..31]), Some(false));
        let other = SecretKeys::generate().1.replacen("1:", "2:", 1);
        let both = SecretKeys::parse(&format!("{other},{text}")).unwrap();
        assert_eq!((both.signed("a", b"b").0, both.is_signed_by(1, "a", b"b", &mac)), (2, Some(true)));
        assert_eq!(both.is_signed_by(2, "a", b"b", &mac), Some(false));
        assert_eq!(SecretKeys::parse(&other).unwrap().is_signed_by(1, "a", b"b", &mac), None);
    }

    #[test]
    fn what_an_old_key_signed_holds_until_the_key_is_taken_away() {
        let (old, text) = SecretKeys::generate();
        let tag: [u8; 10] = old.tag("a", b"b");
        let (_, other) = SecretKeys::generate();
        let other = other.replacen("1:", "2:", 1);
        let both = SecretKeys::parse(&format!("{other},{text}")).unwrap();
        assert!(both.is_tag("a", b"b", &tag));
        assert_ne!(both.tag::<10>("a", b"b"), tag, "the first key signs");
        assert!(!SecretKeys::parse(&other).unwrap().is_tag("a", b"b", &tag));
    }
}
