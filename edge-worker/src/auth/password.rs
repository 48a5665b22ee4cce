//! Passwords: what is accepted, and Argon2id.
//!
//! 19 MiB, two passes, one lane: the least that OWASP's Password Storage Cheat Sheet recommends, taken because an isolate has
//! 128 MB for everybody it serves. Hashing takes the processor and never waits, so an isolate hashes one password at a time.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};

/// The fewest characters: ten that nobody has listed outlast the guesses that the throttle leaves, by centuries.
const MIN: usize = 10;

/// The most characters: above any passphrase, and little to send.
const MAX: usize = 128;

/// Memory in KiB, passes and lanes.
const MEMORY: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What is compared for an account that does not exist or has no password: nobody knows the password of this hash, and it costs the same.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$dm94YW5uZS1uby1ib2R5$DM85tmiRp6VIgLAU/lcys14M2hlnRJe1/F6i1r0R/O4";

/// The passwords with ten characters or more that lists of stolen ones show most, without upper case.
const WORST: [&str; 40] = [
    "0123456789",
    "0987654321",
    "1111111111",
    "1122334455",
    "11223344556",
    "12345678900",
    "1234567890",
    "12345678901",
    "123456789a",
    "123456789q",
    "1234567891",
    "12345678910",
    "1q2w3e4r5t",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "9876543210",
    "a123456789",
    "abcdefghij",
    "administrator",
    "asdfghjkl;",
    "basketball",
    "changeme123",
    "football123",
    "iloveyou123",
    "letmein123",
    "passw0rd123",
    "password01",
    "password11",
    "password12",
    "password123",
    "password1234",
    "password123!",
    "q1w2e3r4t5",
    "q1w2e3r4t5y6",
    "qwerty1234",
    "qwerty12345",
    "qwerty123456",
    "qwertyuiop",
    "qwertyuiop[]",
    "welcome123",
];

/// Reads a new password. Nothing is demanded of its characters: length is what makes it hard to guess.
pub(crate) fn parse(text: &str) -> Result<String, &'static str> {
    let length = text.chars().count();
    if length < MIN {
        return Err("must have at least 10 characters");
    }
    if length > MAX {
        return Err("must have at most 128 characters");
    }
    let lower = text.to_lowercase();
    let first = lower.chars().next();
    if WORST.contains(&lower.as_str()) || lower.chars().all(|c| Some(c) == first) {
        return Err("is one of the first that anybody would guess");
    }
    Ok(text.to_owned())
}

/// Reads a password that is to be checked. One that cannot be right is not looked at further.
pub(crate) fn given(text: &str) -> Result<String, &'static str> {
    if text.chars().count() > MAX {
        return Err("must have at most 128 characters");
    }
    Ok(text.to_owned())
}

/// The hash that is kept, with its parameters and its salt, which must be random, in PHC's notation.
pub(crate) fn hash(password: &str, salt: &[u8; 16]) -> Option<String> {
    let hash: PasswordHash = argon2()?
        .hash_password_with_salt(password.as_bytes(), salt)
        .ok()?;
    Some(hash.to_string())
}

/// Whether a password is the one that was hashed. Without a hash it is not, after the same work.
pub(crate) fn matches(password: &str, kept: Option<&str>) -> bool {
    let known = PasswordHash::new(kept.unwrap_or(NOBODY));
    let (Some(argon2), Ok(known)) = (argon2(), known) else {
        return false;
    };
    argon2.verify_password(password.as_bytes(), &known).is_ok() && kept.is_some()
}

/// Sixteen random bytes, as PHC recommends.
pub(crate) fn salt() -> worker::Result<[u8; 16]> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt)
        .map_err(|_| worker::Error::RustError("no random numbers".to_owned()))?;
    Ok(salt)
}

fn argon2() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY, PASSES, LANES, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_argon2id_with_our_parameters() {
        let kept = hash("correct horse battery", &[7; 16]).unwrap();
        assert!(
            kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$"),
            "{kept}"
        );
        assert!(matches("correct horse battery", Some(&kept)));
        assert!(!matches("correct horse batterx", Some(&kept)));
        assert_ne!(hash("correct horse battery", &[8; 16]).unwrap(), kept);
    }

    #[test]
    fn a_hash_of_the_reference_implementation_is_read() {
        assert!(matches("password of the reference", Some(REFERENCE)));
        assert!(!matches("Password of the reference", Some(REFERENCE)));
    }

    #[test]
    fn an_account_that_is_not_there_costs_the_same() {
        let known = PasswordHash::new(NOBODY).unwrap();
        let ours = hash("correct horse battery", &[7; 16]).unwrap();
        let ours = PasswordHash::new(&ours).unwrap();
        assert_eq!(
            (known.algorithm, known.version, &known.params),
            (ours.algorithm, ours.version, &ours.params)
        );
        assert!(known.hash.is_some());
        assert!(!matches("", None) && !matches("anything at all", None));
        assert!(!matches("anything at all", Some("not a hash")));
    }

    #[test]
    fn what_a_password_may_be() {
        for text in [
            "korrekt pferd",
            "0123456780",
            "päßwörtchen",
            " ten spaces",
            &"ab".repeat(64),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(text));
        }
        for text in [
            "",
            "ninechars",
            "äöüäöüäöü",
            "Password123",
            "QWERTYUIOP",
            "aaaaaaaaaaaa",
            &"ab".repeat(65),
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(
            WORST
                .iter()
                .all(|worst| worst.chars().count() >= MIN && worst.to_lowercase() == *worst)
        );
    }

    const REFERENCE: &str = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$cCXRqJDYLVBbGwiYbPNB0yMiCA/dK3JHyjHr0PiZNqc";
}
