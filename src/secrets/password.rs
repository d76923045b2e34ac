//! Passwords: Argon2id with the parameters OWASP gives (19 MiB, 2 passes, 1 lane).
//! Each call costs some 20 ms of processor and 19 MiB: run it off the async threads.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// A PHC string (`$argon2id$v=19$...`) of `password` under a fresh salt.
#[must_use]
pub fn hash_password(password: &str) -> String {
    let hash = hasher().hash_password(password.as_bytes());
    hash.expect("Argon2 fails only for lack of memory, or for passwords beyond 4 GiB").to_string()
}

/// Whether `password` is the one behind `stored`. False too when `stored` is not a PHC string.
#[must_use]
pub fn verify_password(password: &str, stored: &str) -> bool {
    PasswordHash::new(stored).is_ok_and(|hash| hasher().verify_password(password.as_bytes(), &hash).is_ok())
}

/// Spends what [`verify_password`] spends, so that an unknown address answers no faster than a known one.
pub fn burn(password: &str) {
    std::hint::black_box(hash_password(password));
}

fn hasher() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("these constants are valid Argon2 parameters");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_verifies_against_its_own_hash_only() {
        let stored = hash_password("correct horse");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(verify_password("correct horse", &stored));
        assert!(!verify_password("correct horsf", &stored));
        assert!(!verify_password("correct horse", "not a hash"));
        assert_ne!(stored, hash_password("correct horse"), "a fresh salt each time");
    }
}
