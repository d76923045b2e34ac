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

use super::short_rsa::ShortRsa;

/// The shortest key a verifier must accept (RFC 8301, section 3.2).
const SHORTEST_BITS: usize = 1024;

/// An RSA private key that signs mail.
pub struct DkimKey(Pair);

enum Pair {
    /// 2048 bits and more.
    Usual(Box<RsaKeyPair>),
    /// 1024 bits and more, brought by a customer.
    Short(ShortRsa),
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
        Self(Pair::Usual(Box::new(pair)))
    }

    /// Reads a customer's own key: PEM, PKCS#1 or PKCS#8, unencrypted, at least 1024 bits.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn from_pem(pem: &str) -> Result<Self, DkimKeyError> {
        let der = PrivateKeyDer::from_pem_slice(pem.trim().as_bytes()).map_err(|_| DkimKeyError::NotPem)?;
        match &der {
            PrivateKeyDer::Pkcs1(der) => {
                let der = der.secret_pkcs1_der();
                Self::usual_or_short(RsaKeyPair::from_der(der).ok(), || ShortRsa::from_pkcs1(der))
            }
            PrivateKeyDer::Pkcs8(der) => Self::from_pkcs8_der(der.secret_pkcs8_der()),
            _ => Err(DkimKeyError::NotRsa),
        }
    }

    /// Reads what [`DkimKey::to_pkcs8_der`] wrote.
    ///
    /// # Errors
    /// When it is not an RSA key of at least 1024 bits.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, DkimKeyError> {
        Self::usual_or_short(RsaKeyPair::from_pkcs8(der).ok(), || ShortRsa::from_pkcs8(der))
    }

    fn usual_or_short(
        usual: Option<RsaKeyPair>,
        short: impl FnOnce() -> Option<ShortRsa>,
    ) -> Result<Self, DkimKeyError> {
        if let Some(pair) = usual {
            return Ok(Self(Pair::Usual(Box::new(pair))));
        }
        let short = short().ok_or(DkimKeyError::NotRsa)?;
        let bits = short.bits();
        if bits < SHORTEST_BITS { Err(DkimKeyError::TooShort(bits)) } else { Ok(Self(Pair::Short(short))) }
    }

    /// The private key, to be sealed before it is stored.
    #[must_use]
    pub fn to_pkcs8_der(&self) -> Vec<u8> {
        match &self.0 {
            Pair::Usual(pair) => {
                let der: Pkcs8V1Der<'static> = pair.as_der().expect("a key pair in memory can be written down");
                der.as_ref().to_vec()
            }
            Pair::Short(short) => short.to_pkcs8_der(),
        }
    }

    /// The `p=` tag of the DNS record: base64 of the public key (SubjectPublicKeyInfo).
    #[must_use]
    pub fn public_base64(&self) -> String {
        let der = match &self.0 {
            Pair::Usual(pair) => {
                let public: Result<PublicKeyX509Der<'static>, _> = pair.public_key().as_der();
                public.expect("a public key in memory can be written down").as_ref().to_vec()
            }
            Pair::Short(short) => short.public_der().expect("a private key that was parsed has its public numbers"),
        };
        BASE64_STANDARD.encode(der)
    }

    /// The rsa-sha256 signature of `text` (RSASSA-PKCS1-v1_5), or None when the key is damaged.
    #[must_use]
    pub fn sign(&self, text: &[u8]) -> Option<Vec<u8>> {
        match &self.0 {
            Pair::Usual(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature).ok()?;
                Some(signature)
            }
            Pair::Short(short) => short.sign(text),
        }
    }

    /// Length of the modulus, in bits.
    #[must_use]
    pub fn bits(&self) -> usize {
        match &self.0 {
            Pair::Usual(pair) => pair.public_modulus_len() * 8,
            Pair::Short(short) => short.bits(),
        }
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
            Self::NotRsa => f.write_str("This is not an RSA private key, or it is damaged."),
            Self::TooShort(bits) => write!(f, "This key has {bits} bits; DKIM needs at least 1024, better 2048."),
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
        for bits in ["1024", "1536", "2048"] {
            let pkcs8 = openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", &format!("rsa_keygen_bits:{bits}")]);
            let pkcs1 = openssl(&["genrsa", "-traditional", bits]);
            assert!(pkcs1.contains("BEGIN RSA PRIVATE KEY"));
            for pem in [pkcs8, pkcs1] {
                let key = DkimKey::from_pem(&pem).unwrap();
                assert_eq!(key.bits().to_string(), bits);
                let again = DkimKey::from_pkcs8_der(&key.to_pkcs8_der()).unwrap();
                assert_eq!(again.public_base64(), key.public_base64());
                assert!(verified_by_openssl(&key), "{bits}");
            }
        }
    }

    /// Whether openssl accepts a signature of `key` against the public half we publish.
    fn verified_by_openssl(key: &DkimKey) -> bool {
        let folder = std::env::temp_dir().join(format!("canopy-key-{}", super::super::Token::generate().as_str()));
        std::fs::create_dir(&folder).unwrap();
        let public = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", key.public_base64());
        std::fs::write(folder.join("public"), public).unwrap();
        std::fs::write(folder.join("text"), "signed").unwrap();
        std::fs::write(folder.join("signature"), key.sign(b"signed").unwrap()).unwrap();
        let arguments = ["dgst", "-sha256", "-verify", "public", "-signature", "signature", "text"];
        let output = Command::new("openssl").args(arguments).current_dir(&folder).output().unwrap();
        std::fs::remove_dir_all(folder).unwrap();
        output.status.success()
    }

    #[test]
    fn what_is_not_an_rsa_key_of_1024_bits_is_refused() {
        assert_eq!(DkimKey::from_pem("hello").unwrap_err(), DkimKeyError::NotPem);
        let short = openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:768"]);
        assert_eq!(DkimKey::from_pem(&short).unwrap_err(), DkimKeyError::TooShort(768));
        let curve = openssl(&["genpkey", "-algorithm", "ED25519"]);
        assert_eq!(DkimKey::from_pem(&curve).unwrap_err(), DkimKeyError::NotRsa);
        let public =
            openssl(&["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout", "/dev/null"]);
        assert_eq!(DkimKey::from_pem(&public).unwrap_err(), DkimKeyError::NotPem);
    }
}
