//! A session's token: 256 random bits, which only the visitor's browser keeps. The worker keeps a hash, so that whoever reads the
//! database cannot take over a session.
//!
//! The cookie's name begins with `__Host-`: a browser then takes it only with `Secure`, for the whole host, and from the host
//! itself, so that a sibling domain cannot plant one. Browsers count loopback addresses as secure without encryption.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// The cookie's name.
const COOKIE: &str = "__Host-voxanne";

/// How long a browser keeps the cookie: as long as a session can last.
const MAX_AGE_SECONDS: i64 = super::session::LIFETIME_MS / 1_000;

/// A token. Its `Debug` says nothing.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token([u8; 32]);

impl Token {
    /// A new one, which nobody can know.
    pub(crate) fn random() -> worker::Result<Self> {
        let mut bits = [0; 32];
        getrandom::fill(&mut bits)
            .map_err(|_| worker::Error::RustError("no random numbers".to_owned()))?;
        Ok(Self(bits))
    }

    /// What the worker keeps: 64 hexadecimal digits. No salt and no slow hash: there is nothing to guess in 256 random bits.
    pub(crate) fn hash(&self) -> String {
        super::hex(&Sha256::digest(self.0))
    }

    /// The `Set-Cookie` header that gives it to a browser. `Lax`, so that a link in an e-mail leads into the dashboard; whatever changes
    /// something asks for the page's origin too.
    pub(crate) fn cookie(&self) -> String {
        let token = URL_SAFE_NO_PAD.encode(self.0);
        format!("{COOKIE}={token}; {ATTRIBUTES}; Max-Age={MAX_AGE_SECONDS}")
    }

    fn parse(text: &str) -> Option<Self> {
        let bits = URL_SAFE_NO_PAD.decode(text).ok()?;
        bits.try_into().ok().map(Self)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The token in a `Cookie` header.
pub(crate) fn from_cookies(header: &str) -> Option<Token> {
    header
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .and_then(|(_, value)| Token::parse(value))
}

/// The `Set-Cookie` header that takes it back.
pub(crate) fn no_cookie() -> String {
    format!("{COOKIE}=; {ATTRIBUTES}; Max-Age=0")
}

const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_for_this_host_and_no_script() {
        let cookie = Token([7; 32]).cookie();
        let mut parts = cookie.split("; ");
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        assert_eq!((name, value.len()), ("__Host-voxanne", 43));
        let attributes: Vec<_> = parts.collect();
        assert_eq!(
            attributes,
            [
                "Path=/",
                "Secure",
                "HttpOnly",
                "SameSite=Lax",
                "Max-Age=2592000"
            ]
        );
        assert!(no_cookie().starts_with("__Host-voxanne=; Path=/; Secure; HttpOnly; "));
        assert!(no_cookie().ends_with("; Max-Age=0"));
    }

    #[test]
    fn a_cookie_comes_back_as_its_token() {
        let token = Token([9; 32]);
        let cookie = token.cookie();
        let pair = cookie.split(';').next().unwrap();
        for header in [
            pair.to_owned(),
            format!("a=b; {pair}; c=d"),
            format!("voxanne=x;{pair}"),
        ] {
            assert_eq!(from_cookies(&header), Some(token.clone()), "{header}");
        }
        for header in [
            "",
            "__Host-voxanne",
            "__Host-voxanne=",
            "__Host-voxanne=short",
            "voxanne=BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc",
            &format!("{pair}A"),
        ] {
            assert_eq!(from_cookies(header), None, "{header}");
        }
    }

    #[test]
    fn what_is_kept_does_not_show_the_token() {
        let token = Token([7; 32]);
        // SHA-256 of 32 bytes of 7, by another implementation.
        assert_eq!(
            token.hash(),
            "4bb06f8e4e3a7715d201d573d0aa423762e55dabd61a2c02278fa56cc6d294e0"
        );
        assert_eq!(format!("{token:?}"), "Token(…)");
    }
}
