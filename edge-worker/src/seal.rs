//! Sealed texts: short-lived, and only this worker can have written them.
//!
//! The key is derived from the vendors' keys, so that there is no further secret to set, to keep or to forget. That is sound:
//! HMAC is a pseudo-random function, so tags tell nothing about the vendors' keys, and a label keeps each use apart from
//! every other; whoever has those keys can do worse than forge. Seals are only as hard to forge as the keys are to
//! guess: vendors issue random ones, and made-up ones for local stand-ins protect nothing but these. A changed key
//! voids what was sealed in the last minute.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::settings::{Secret, Settings};

/// How long a seal is good: it is used at once, and a phone on a bad network needs some seconds.
pub(crate) const LIFETIME_SECONDS: u64 = 60;

/// The longest text that is looked at. A ticket with the longest site and origin, the longest there is, has about 530 characters.
pub(crate) const TEXT_MAX: usize = 768;

/// Seals and opens texts of one kind.
#[derive(Clone)]
pub(crate) struct SealKey(Hmac<Sha256>);

/// Why a sealed text is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SealError {
    Expired,
    Forged,
    Malformed,
}

impl SealKey {
    /// The key of a worker with these settings for the kind of text that `label` names. The label is changed whenever
    /// the text's parts are, so that an old text is forged rather than misread.
    pub(crate) fn new(label: &[u8], settings: &Settings) -> Self {
        Self::derive(label, &[&settings.deepgram_key, &settings.groq_key])
    }

    /// HKDF (RFC 5869) with the label as salt and nothing to tell several keys apart, since there is one.
    pub(crate) fn derive(label: &[u8], secrets: &[&Secret]) -> Self {
        let mut extract = keyed(label);
        for secret in secrets {
            // The length keeps ("ab", "c") apart from ("a", "bc").
            extract.update(&(secret.reveal().len() as u64).to_be_bytes());
            extract.update(secret.reveal().as_bytes());
        }
        let mut expand = keyed(&extract.finalize().into_bytes());
        expand.update(&[1]);
        Self(keyed(&expand.finalize().into_bytes()))
    }

    /// Seals a text. `now` is in seconds since 1970.
    pub(crate) fn seal(&self, text: &str, now: u64) -> String {
        self.seal_for(text, now, LIFETIME_SECONDS)
    }

    /// Seals a text that is good for so many seconds.
    pub(crate) fn seal_for(&self, text: &str, now: u64, seconds: u64) -> String {
        let expires = now.saturating_add(seconds);
        // Digits, then a line break: the rest is the text, whatever it holds.
        let payload = format!("{expires}\n{text}");
        let tag = self.sign(&payload).finalize().into_bytes();
        format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(&payload),
            URL_SAFE_NO_PAD.encode(tag)
        )
    }

    /// The text under a seal that is still good. `now` is in seconds since 1970.
    pub(crate) fn open(&self, sealed: &str, now: u64) -> Result<String, SealError> {
        if sealed.len() > TEXT_MAX {
            return Err(SealError::Malformed);
        }
        let (payload, tag) = sealed.split_once('.').ok_or(SealError::Malformed)?;
        let payload = URL_SAFE_NO_PAD
            .decode(payload)
            .ok()
            .and_then(|payload| String::from_utf8(payload).ok())
            .ok_or(SealError::Malformed)?;
        let tag = URL_SAFE_NO_PAD
            .decode(tag)
            .map_err(|_| SealError::Malformed)?;
        // In constant time, and before a single part is believed.
        self.sign(&payload)
            .verify_slice(&tag)
            .map_err(|_| SealError::Forged)?;
        let (expires, text) = payload.split_once('\n').ok_or(SealError::Malformed)?;
        let expires: u64 = expires.parse().map_err(|_| SealError::Malformed)?;
        if now >= expires {
            return Err(SealError::Expired);
        }
        Ok(text.to_owned())
    }

    fn sign(&self, payload: &str) -> Hmac<Sha256> {
        self.0.clone().chain_update(payload)
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(…)")
    }
}

/// HMAC under a key no longer than a block, which cannot fail: the algorithm itself pads such a key with zeros.
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    Hmac::new(&block.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABEL: &[u8] = b"a label 1";
    const NOW: u64 = 1_795_000_000;

    fn key(label: &[u8], secrets: &[&str]) -> SealKey {
        let secrets: Vec<_> = secrets
            .iter()
            .map(|secret| Secret::parse(secret).unwrap())
            .collect();
        SealKey::derive(label, &secrets.iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_seal_is_good_for_a_minute() {
        let key = key(LABEL, &["a", "b"]);
        let sealed = key.seal("two\nlines", NOW);
        assert_eq!(key.open(&sealed, NOW).as_deref(), Ok("two\nlines"));
        assert_eq!(key.open(&sealed, NOW + 59).as_deref(), Ok("two\nlines"));
        assert_eq!(key.open(&sealed, NOW + 60), Err(SealError::Expired));
    }

    #[test]
    fn a_seal_of_another_kind_is_forged() {
        let sealed = key(LABEL, &["a", "b"]).seal("text", NOW);
        for other in [
            key(b"a label 2", &["a", "b"]),
            key(LABEL, &["b", "a"]),
            key(LABEL, &["ab", "b"]),
        ] {
            assert_eq!(other.open(&sealed, NOW), Err(SealError::Forged));
        }
    }

    #[test]
    fn the_key_is_hkdf_of_its_secrets() {
        // RFC 5869 by its definition, with the library's own key handling.
        let mac = |key: &[u8], data: &[u8]| {
            Hmac::<Sha256>::new_from_slice(key)
                .unwrap()
                .chain_update(data)
                .finalize()
                .into_bytes()
        };
        let input = [&1_u64.to_be_bytes()[..], b"a", &1_u64.to_be_bytes(), b"b"].concat();
        let derived = mac(&mac(LABEL, &input), &[1]);
        assert_eq!(
            key(LABEL, &["a", "b"]).sign("x").finalize().into_bytes(),
            mac(&derived, b"x")
        );
    }
}
