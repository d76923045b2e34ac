//! Everything secret: sealing at rest, digests, passwords, one-time tokens and DKIM keys.
//! Randomness, hashing, AES and RSA come from aws-lc-rs; passwords from argon2. Nothing here knows the database.

mod dkim_key;
mod mac;
mod password;
mod seal;
mod short_rsa;
mod token;

pub use dkim_key::{DkimKey, DkimKeyError};
pub use password::{burn, hash_password, verify_password};
pub use seal::{KeyTextError, OpenError, SecretKeys};
pub use token::{ApiSecret, SmtpSecret, Token, webhook_secret};

use std::fmt::Write as _;

use aws_lc_rs::{constant_time, digest as hash, rand};

/// SHA-256 of `text`: what is stored in place of a token or an API secret.
/// A plain digest is enough, because these carry 256 bits or more of randomness.
#[must_use]
pub fn digest(text: &str) -> [u8; 32] {
    sha256(text.as_bytes())
}

/// SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(hash::digest(&hash::SHA256, bytes).as_ref());
    out
}

/// `bytes` in lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes that [`hex`] wrote; `None` for any other text.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect()
}

/// Whether two secrets are equal, in a time that depends on their lengths only.
#[must_use]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// `N` bytes nobody can guess.
fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the operating system gives randomness; without it nothing here is safe");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_sha_256() {
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex(&digest("abc")), known);
    }

    #[test]
    fn hexadecimal_reads_back() {
        assert_eq!(unhex(&hex(&[0, 127, 255])), Some(vec![0, 127, 255]));
        assert_eq!((unhex("abc"), unhex("zz")), (None, None));
    }

    #[test]
    fn secrets_are_the_same_only_when_every_byte_and_the_length_are() {
        assert!(same(b"abc", b"abc"));
        assert!(!same(b"abc", b"abd"));
        assert!(!same(b"abc", b"abcd"));
    }
}
