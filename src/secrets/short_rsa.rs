//! RSA keys of 1024 to 2047 bits, which customers bring from elsewhere (RFC 8301 still allows them for DKIM).
//! aws-lc-rs refuses to sign with them, so this asks AWS-LC itself: the only unsafe code of the project.
//! Keys we make, and longer ones, never come here.

use std::ptr::NonNull;

use aws_lc_sys::{NID_sha256, RSA, RSA_bits, RSA_free, RSA_private_key_from_bytes, RSA_sign};

use super::sha256;

/// PKCS#8's and SubjectPublicKeyInfo's name for RSA: `rsaEncryption` with NULL parameters (RFC 8017, appendix A.1).
const RSA_ALGORITHM: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// A parsed key, and the PKCS#1 form it was parsed from.
pub(super) struct ShortRsa {
    rsa: NonNull<RSA>,
    pkcs1: Vec<u8>,
}

// SAFETY: the RSA object is never changed after parsing, and AWS-LC allows private-key operations on one object from
// several threads at once (openssl/rsa.h: blinding has its own lock).
unsafe impl Send for ShortRsa {}
// SAFETY: as above.
unsafe impl Sync for ShortRsa {}

impl Drop for ShortRsa {
    fn drop(&mut self) {
        // SAFETY: `rsa` came from RSA_private_key_from_bytes, is ours alone and is not used afterwards.
        unsafe { RSA_free(self.rsa.as_ptr()) }
    }
}

impl ShortRsa {
    /// Parses and checks an `RSAPrivateKey` (PKCS#1).
    pub(super) fn from_pkcs1(der: &[u8]) -> Option<Self> {
        // SAFETY: pointer and length describe `der`, which the call reads only; it answers null when it refuses.
        let rsa = NonNull::new(unsafe { RSA_private_key_from_bytes(der.as_ptr(), der.len()) })?;
        Some(Self { rsa, pkcs1: der.to_vec() })
    }

    /// Parses a PKCS#8 `PrivateKeyInfo`.
    pub(super) fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let (content, _) = read(SEQUENCE, der)?;
        let (_version, rest) = read(INTEGER, content)?;
        let (pkcs1, _) = read(OCTET_STRING, rest.strip_prefix(&RSA_ALGORITHM)?)?;
        Self::from_pkcs1(pkcs1)
    }

    pub(super) fn to_pkcs8_der(&self) -> Vec<u8> {
        let version = [INTEGER, 1, 0];
        write(SEQUENCE, &[&version[..], &RSA_ALGORITHM, &write(OCTET_STRING, &self.pkcs1)].concat())
    }

    /// The public half as SubjectPublicKeyInfo: modulus and exponent are the second and third number of PKCS#1.
    pub(super) fn public_der(&self) -> Option<Vec<u8>> {
        let (content, _) = read(SEQUENCE, &self.pkcs1)?;
        let (_version, rest) = read(INTEGER, content)?;
        let (modulus, rest) = read(INTEGER, rest)?;
        let (exponent, _) = read(INTEGER, rest)?;
        let numbers = [write(INTEGER, modulus), write(INTEGER, exponent)].concat();
        let unused_bits = [0];
        let key = [&unused_bits[..], &write(SEQUENCE, &numbers)].concat();
        Some(write(SEQUENCE, &[&RSA_ALGORITHM[..], &write(BIT_STRING, &key)].concat()))
    }

    pub(super) fn bits(&self) -> usize {
        // SAFETY: `rsa` is a live object.
        let bits = unsafe { RSA_bits(self.rsa.as_ptr()) };
        bits as usize
    }

    /// The RSASSA-PKCS1-v1_5 signature over the SHA-256 of `text`.
    pub(super) fn sign(&self, text: &[u8]) -> Option<Vec<u8>> {
        let digest = sha256(text);
        let mut signature = vec![0; self.bits().div_ceil(8)];
        let mut length = 0;
        // SAFETY: `digest` holds the bytes its length says; `signature` has room for a whole modulus (RSA_size), which
        // is what RSA_sign may write; `length` takes what it wrote.
        let signed = unsafe {
            let (digest, room) = ((digest.as_ptr(), digest.len()), signature.as_mut_ptr());
            RSA_sign(NID_sha256, digest.0, digest.1, room, &raw mut length, self.rsa.as_ptr())
        };
        (signed == 1 && length as usize == signature.len()).then_some(signature)
    }
}

/// The content of the DER element at the start of `input`, which must have `tag`, and what follows it.
fn read(tag: u8, input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = input.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    if first < 0x80 {
        return rest.split_at_checked(usize::from(first));
    }
    // Two length bytes reach 64 KiB, far beyond any key.
    let count = usize::from(first & 0x7f);
    if !(1..=2).contains(&count) {
        return None;
    }
    let (length, rest) = rest.split_at_checked(count)?;
    rest.split_at_checked(length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
}

/// A DER element. `content` is below 64 KiB.
fn write(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u64).to_be_bytes();
    let bytes = &length[length.iter().position(|byte| *byte != 0).unwrap_or(7)..];
    let mut out = vec![tag];
    if content.len() >= 0x80 {
        out.push(0x80 | bytes.len() as u8);
    }
    out.extend_from_slice(bytes);
    out.extend_from_slice(content);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn der_elements_of_every_length_read_back() {
        for length in [0, 1, 127, 128, 255, 256, 700, 65_535] {
            let content = vec![7; length];
            let element = [write(OCTET_STRING, &content), vec![9]].concat();
            assert_eq!(read(OCTET_STRING, &element), Some((&content[..], &[9][..])), "{length}");
            assert_eq!(read(SEQUENCE, &element), None);
            assert_eq!(read(OCTET_STRING, &element[..element.len() - 2]), None, "cut short");
        }
    }

    #[test]
    fn what_is_not_a_key_is_refused() {
        for der in [&b""[..], b"\x30", b"\x30\x03\x02\x01\x00", &[0x30; 300]] {
            assert!(ShortRsa::from_pkcs1(der).is_none());
            assert!(ShortRsa::from_pkcs8(der).is_none());
        }
    }
}
