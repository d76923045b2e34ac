//! RSA key pairs for DKIM (RFC 6376, RFC 8301): made by us with 2048 bits, or brought by the customer.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

/// The shortest key that signs safely (RFC 8301, section 3.2).
const SHORTEST_BITS: usize = 2048;

/// An RSA private key that signs mail.
pub struct DkimKey {
    pair: RsaKeyPair,
}

/// Why a key was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DkimKeyError {
    /// No private key in PEM form (PKCS#1 or PKCS#8).
    NotPem,
    /// Some other kind of key, or a damaged one.
    NotRsa,
    /// The length found, in bits.
    TooShort(usize),
}

impl DkimKey {
    /// A fresh 2048-bit key. Takes some 100 ms: run it off the async threads.
    #[must_use]
    pub fn generate() -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("RSA key generation needs only memory and randomness");
        Self { pair }
    }

    /// Reads a customer's own key: PEM, PKCS#1 or PKCS#8, unencrypted, at least 2048 bits.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn from_pem(pem: &str) -> Result<Self, DkimKeyError> {
        let der = PrivateKeyDer::from_pem_slice(pem.trim().as_bytes()).map_err(|_| DkimKeyError::NotPem)?;
        let pair = match &der {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            _ => return Err(DkimKeyError::NotRsa),
        };
        Self::long_enough(pair.map_err(|_| DkimKeyError::NotRsa)?)
    }

    /// Reads what [`DkimKey::to_pkcs8_der`] wrote.
    ///
    /// # Errors
    /// When it is not an RSA key of at least 2048 bits.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, DkimKeyError> {
        Self::long_enough(RsaKeyPair::from_pkcs8(der).map_err(|_| DkimKeyError::NotRsa)?)
    }

    /// The private key, to be sealed before it is stored.
    #[must_use]
    pub fn to_pkcs8_der(&self) -> Vec<u8> {
        let der: Pkcs8V1Der<'static> = self.pair.as_der().expect("a key pair in memory can be written down");
        der.as_ref().to_vec()
    }

    /// The `p=` tag of the DNS record: base64 of the public key (SubjectPublicKeyInfo).
    #[must_use]
    pub fn public_base64(&self) -> String {
        let public = self.pair.public_key();
        let der: PublicKeyX509Der<'static> = public.as_der().expect("a public key in memory can be written down");
        BASE64_STANDARD.encode(der.as_ref())
    }

    /// The rsa-sha256 signature of `text` (RSASSA-PKCS1-v1_5), or None when the key is damaged.
    #[must_use]
    pub fn sign(&self, text: &[u8]) -> Option<Vec<u8>> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature).ok()?;
        Some(signature)
    }

    /// Length of the modulus, in bits.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.pair.public_modulus_len() * 8
    }

    fn long_enough(pair: RsaKeyPair) -> Result<Self, DkimKeyError> {
        let key = Self { pair };
        if key.bits() < SHORTEST_BITS { Err(DkimKeyError::TooShort(key.bits())) } else { Ok(key) }
    }
}

impl fmt::Debug for DkimKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DkimKey({} bits)", self.bits())
    }
}

impl fmt::Display for DkimKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPem => f.write_str("Paste a private key in PEM form, from BEGIN to END, without a passphrase."),
            Self::NotRsa => f.write_str("This is not an RSA private key of at least 2048 bits."),
            Self::TooShort(bits) => write!(f, "This key has {bits} bits; at least 2048 are needed."),
        }
    }
}

impl std::error::Error for DkimKeyError {}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn openssl(args: &[&str]) -> String {
        let output = Command::new("openssl").args(args).output().expect("openssl runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn a_fresh_key_survives_being_stored() {
        let key = DkimKey::generate();
        assert_eq!(key.bits(), 2048);
        let again = DkimKey::from_pkcs8_der(&key.to_pkcs8_der()).unwrap();
        assert_eq!(key.public_base64(), again.public_base64());
        assert!(key.public_base64().starts_with("MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"));
    }

    #[test]
    fn keys_of_a_customer_are_read_in_both_pem_forms() {
        let pkcs8 = openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]);
        assert_eq!(DkimKey::from_pem(&pkcs8).unwrap().bits(), 2048);
        let pkcs1 = openssl(&["genrsa", "-traditional", "2048"]);
        assert!(pkcs1.contains("BEGIN RSA PRIVATE KEY"));
        assert_eq!(DkimKey::from_pem(&pkcs1).unwrap().bits(), 2048);
    }

    #[test]
    fn what_is_not_an_rsa_key_of_2048_bits_is_refused() {
        assert_eq!(DkimKey::from_pem("hello").unwrap_err(), DkimKeyError::NotPem);
        let short = openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:512"]);
        assert!(DkimKey::from_pem(&short).is_err());
        let curve = openssl(&["genpkey", "-algorithm", "ED25519"]);
        assert_eq!(DkimKey::from_pem(&curve).unwrap_err(), DkimKeyError::NotRsa);
    }
}
