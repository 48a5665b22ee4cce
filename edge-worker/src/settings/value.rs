//! What a single setting may be. Each type is parsed once and holds only what it has checked.

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use url::Url;

/// The longest origin: `https://`, a host name of 253 characters, a colon and a port.
const MAX_ORIGIN: usize = 8 + 253 + 6;

/// Above any vendor's key and below what a header may hold.
const MAX_SECRET: usize = 512;

/// Above any model's name; one that is longer was pasted by mistake.
const MAX_NAME: usize = 128;

/// A key or password. Its `Debug` says nothing, so that a struct holding one can be printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes visible ASCII only: anything else could not stand in a header, and a line break in a pasted key is
    /// the commonest way to get one wrong.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=MAX_SECRET).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
    }

    /// The secret itself, for the header it belongs in.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether somebody knows it, in a time that tells nothing, not even a length.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        Sha256::digest(text).ct_eq(&Sha256::digest(&self.0)).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A web origin in its one canonical spelling: lower case, default port left out, no slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Reads `scheme://host[:port]`, exactly what a browser's `Origin` header holds. `null`, wildcards, paths and
    /// user names are no origins.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_ORIGIN
            || text.contains(['*', '@', '?', '#', '\\'])
            || text.ends_with('/')
        {
            return None;
        }
        let url = Url::parse(text).ok()?;
        let is_web =
            matches!(url.scheme(), "http" | "https") && url.has_host() && url.path() == "/";
        let canonical = url.origin().ascii_serialization();
        // International names grow when they are written in ASCII.
        (is_web && canonical.len() <= MAX_ORIGIN).then_some(Self(canonical))
    }

    /// The origin as a header spells it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a vendor's API is: an origin, since the vendor's own paths follow. The scheme stays `http(s)` for
/// sockets too, because a worker opens them by a fetch that upgrades.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(Origin);

impl BaseUrl {
    /// Reads an origin; one slash at the end is forgiven.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Origin::parse(text.strip_suffix('/').unwrap_or(text)).map(Self)
    }

    /// The address of a path, which begins with a slash.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

/// A recogniser's model this worker can speak to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SttModel {
    name: String,
    family: SttFamily,
}

/// Recognisers that share a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SttFamily {
    /// Judges by itself when a turn ends.
    Flux,
    /// Reports words and silences.
    Nova,
}

impl SttModel {
    /// Nova-2, Nova-3 and their variants, and the two of Flux. Other families have other protocols.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let family = if matches!(text, "flux-general-en" | "flux-general-multi") {
            SttFamily::Flux
        } else if is_member(text, &["nova-2", "nova-3"]) {
            SttFamily::Nova
        } else {
            return None;
        };
        Some(Self {
            name: text.to_owned(),
            family,
        })
    }

    /// Which protocol it speaks.
    #[must_use]
    pub const fn family(&self) -> SttFamily {
        self.family
    }

    /// The name as the vendor spells it; safe in a query.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }
}

/// A voice this worker can speak with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TtsVoice(String);

impl TtsVoice {
    /// An Aura-2 voice: older ones have other limits, newer ones another protocol.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text != "aura-2" && is_member(text, &["aura-2"])).then(|| Self(text.to_owned()))
    }

    /// The name as the vendor spells it; safe in a query.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A language model's name. Any will do: models come and go faster than this worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelName(String);

impl ModelName {
    /// Visible ASCII, at most 128 characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=MAX_NAME).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
    }

    /// The name as the vendor spells it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The telephone company's name for the account. It stands in the path of its API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSid(String);

impl AccountSid {
    /// `AC` and letters or digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("AC")?;
        let fits = (1..=MAX_NAME).contains(&rest.len())
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
        fits.then(|| Self(text.to_owned()))
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether `name` is one of `families` or a variant of one (`nova-2`, `nova-2-phonecall`; not `nova-20`).
fn is_member(name: &str, families: &[&str]) -> bool {
    let is_plain = name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let belongs = families.iter().any(|family| {
        name.strip_prefix(family)
            .is_some_and(|rest| rest.is_empty() || (rest.starts_with('-') && rest.len() > 1))
    });
    name.len() <= MAX_NAME && is_plain && belongs
}

/// How many calls of one business may be on at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallsAtOnce(usize);

impl CallsAtOnce {
    /// The product is measured with two hundred calls that ten dashboards watch; these are a quarter more. With fewer a busy hour turns callers away
    /// for nothing; above it nobody knows how long an answer takes, and a flood of calls would use up the providers for the calls that are on.
    pub const MOST: Self = Self(250);

    pub fn parse(text: &str) -> Option<Self> {
        let number: usize = text.parse().ok()?;
        (1..=Self::MOST.0).contains(&number).then_some(Self(number))
    }

    #[must_use]
    pub const fn number(self) -> usize {
        self.0
    }
}

impl Default for CallsAtOnce {
    fn default() -> Self {
        Self::MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_the_whole_secret() {
        let code = Secret::parse("open-sesame").expect("a code");
        assert!(code.is("open-sesame"));
        for other in ["", "open-sesam", "open-sesamE", "open-sesame "] {
            assert!(!code.is(other), "{other:?}");
        }
    }

    #[test]
    fn an_origin_has_one_spelling() {
        for (given, canonical) in [
            ("https://Example.COM", "https://example.com"),
            ("https://example.com:443", "https://example.com"),
            ("http://localhost:8787", "http://localhost:8787"),
            ("http://[::1]:9000", "http://[::1]:9000"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
        ] {
            assert_eq!(
                Origin::parse(given).as_ref().map(Origin::as_str),
                Some(canonical),
                "{given}"
            );
        }
    }

    #[test]
    fn what_is_no_origin() {
        let long = format!("https://{}.example", "a".repeat(300));
        for given in [
            "",
            "null",
            "*",
            "https://*.example.com",
            "example.com",
            "ftp://example.com",
            "https://",
            "https://example.com/",
            "https://example.com/path",
            "https://example.com?x=1",
            "https://example.com#x",
            "https://user@example.com",
            "https:\\\\example.com",
            "file:///etc",
            "data:text/plain,x",
            &long,
        ] {
            assert_eq!(Origin::parse(given), None, "{given}");
        }
    }

    #[test]
    fn a_base_url_forgives_one_slash() {
        let base = BaseUrl::parse("http://127.0.0.1:9000/").map(|base| base.join("/v1/listen"));
        assert_eq!(base.as_deref(), Some("http://127.0.0.1:9000/v1/listen"));
        assert_eq!(BaseUrl::parse("http://127.0.0.1:9000//"), None);
        assert_eq!(BaseUrl::parse("http://127.0.0.1:9000/v1"), None);
        assert_eq!(BaseUrl::parse("wss://api.example.com"), None);
    }

    #[test]
    fn a_model_belongs_to_a_family() {
        let family = |name| SttModel::parse(name).map(|model| model.family());
        for name in ["nova-2", "nova-2-phonecall", "nova-3", "nova-3-medical"] {
            assert_eq!(family(name), Some(SttFamily::Nova), "{name}");
        }
        for name in ["flux-general-en", "flux-general-multi"] {
            assert_eq!(family(name), Some(SttFamily::Flux), "{name}");
        }
        for name in [
            "nova",
            "nova-20",
            "nova-2-",
            "nova-2&x=1",
            "flux",
            "flux-general",
            "flux-general-en-2",
            "flux-general-en&x=1",
            "whisper",
            "Nova-2",
            "",
        ] {
            assert!(SttModel::parse(name).is_none(), "{name}");
        }
        assert!(TtsVoice::parse("aura-2-thalia-en").is_some());
        for name in ["aura-2", "aura-asteria-en", "flux-tts", "aura-2-a b"] {
            assert!(TtsVoice::parse(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_bound_for_calls_lets_some_through_and_not_more_than_were_measured() {
        let number = |text| CallsAtOnce::parse(text).map(CallsAtOnce::number);
        assert_eq!((number("1"), number("250")), (Some(1), Some(250)));
        for text in ["0", "251", "-1", "many", "99999999999999999999"] {
            assert_eq!(number(text), None, "{text}");
        }
        assert_eq!(CallsAtOnce::default().number(), 250);
    }

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::parse("sk-very-secret").unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        for text in ["", "two words", "line\nbreak", "ключ"] {
            assert!(Secret::parse(text).is_none());
        }
    }

    #[test]
    fn an_account_is_safe_in_a_path() {
        assert!(AccountSid::parse("AC0123456789abcdef0123456789abcdef").is_some());
        for text in ["AC", "SK01", "AC../x", "AC 1"] {
            assert!(AccountSid::parse(text).is_none(), "{text}");
        }
    }
}
