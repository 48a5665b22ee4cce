//! Cloudflare Access: a proxy before the worker that signs people in elsewhere and says so in a signed header. The header counts only
//! if it was signed for this application by this team's keys; whoever reaches the worker past the proxy could write any other.
//!
//! <https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/>

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::email::Email;
use super::keys;
use crate::settings::AccessSettings;

/// The longest assertion that is looked at: they have one or two thousand characters, and headers at most 16 KB.
const ASSERTION_MAX: usize = 8_192;

/// How far the team's clock and ours may be apart.
const LEEWAY_SECONDS: i64 = 30;

/// Why an assertion does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("it has expired")]
    Expired,
    #[error("it is not signed with the team's key")]
    Forged,
    #[error("it cannot be read")]
    Malformed,
    #[error("it names no person")]
    Nameless,
    #[error("it is not valid yet")]
    NotYet,
    #[error("the team's keys cannot be had")]
    NoKeys,
    #[error("it was made for another application")]
    WrongAudience,
    #[error("another team made it")]
    WrongIssuer,
}

/// An assertion taken apart, its signature not yet looked at.
pub(super) struct Assertion<'a> {
    /// Which of the team's keys signed it.
    pub(super) key: String,
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
    claims: Claims,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
}

#[derive(Deserialize)]
struct Claims {
    aud: Audience,
    email: Option<String>,
    exp: i64,
    iss: String,
    nbf: Option<i64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    Many(Vec<String>),
    One(String),
}

/// Whom a signed assertion speaks for. `now` is in milliseconds since 1970.
pub(super) async fn verify(
    access: &AccessSettings,
    text: &str,
    now: i64,
) -> Result<Email, Refused> {
    let assertion = Assertion::parse(text)?;
    // What cannot count needs no key; who is named is believed only behind the signature.
    let email = assertion.check(access, now.div_euclid(1_000))?;
    if keys::verify(&access.team, &assertion, now).await? {
        Ok(email)
    } else {
        Err(Refused::Forged)
    }
}

impl<'a> Assertion<'a> {
    fn parse(text: &'a str) -> Result<Self, Refused> {
        if text.len() > ASSERTION_MAX {
            return Err(Refused::Malformed);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(Refused::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Refused::Malformed)?;
        let header: Header = part(header)?;
        // Whoever forges one would like to choose how it is checked.
        if header.alg != "RS256" {
            return Err(Refused::Malformed);
        }
        Ok(Self {
            key: header.kid,
            signed,
            signature: URL_SAFE_NO_PAD
                .decode(signature)
                .map_err(|_| Refused::Malformed)?,
            claims: part(claims)?,
        })
    }

    /// Whom it names, if it is for this application and for now.
    fn check(&self, access: &AccessSettings, now: i64) -> Result<Email, Refused> {
        let claims = &self.claims;
        if claims.iss != access.team.as_str() {
            return Err(Refused::WrongIssuer);
        }
        let is_ours = match &claims.aud {
            Audience::Many(all) => all.contains(&access.audience),
            Audience::One(one) => *one == access.audience,
        };
        if !is_ours {
            return Err(Refused::WrongAudience);
        }
        if now >= claims.exp.saturating_add(LEEWAY_SECONDS) {
            return Err(Refused::Expired);
        }
        if claims
            .nbf
            .is_some_and(|from| now < from.saturating_sub(LEEWAY_SECONDS))
        {
            return Err(Refused::NotYet);
        }
        // A program's assertion names no e-mail address: programs have no account here.
        let email = claims.email.as_deref().unwrap_or_default();
        Email::parse(email).map_err(|_| Refused::Nameless)
    }
}

fn part<T: DeserializeOwned>(text: &str) -> Result<T, Refused> {
    let json = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| Refused::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| Refused::Malformed)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::settings::Origin;

    const NOW: i64 = 1_795_000_000;

    fn access() -> AccessSettings {
        AccessSettings {
            team: Origin::parse("https://willow.cloudflareaccess.com").unwrap(),
            audience: "a1b2".to_owned(),
        }
    }

    fn claims() -> Value {
        json!({
            "aud": ["a1b2"],
            "email": "Ann@example.com",
            "exp": NOW + 60,
            "iat": NOW - 60,
            "nbf": NOW - 60,
            "iss": "https://willow.cloudflareaccess.com",
            "type": "app",
            "sub": "7335d417-61da-459d-899c-0a01c76a2f94",
        })
    }

    fn text(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.c2lnbmF0dXJl", part(header), part(claims))
    }

    fn check(claims: &Value) -> Result<Email, Refused> {
        let text = text(&json!({ "alg": "RS256", "kid": "k1" }), claims);
        Assertion::parse(&text)?.check(&access(), NOW)
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = claims();
        claims[name] = value;
        claims
    }

    #[test]
    fn an_assertion_for_us_and_for_now_names_somebody() {
        assert_eq!(check(&claims()).unwrap().as_str(), "ann@example.com");
        assert!(check(&with("aud", json!("a1b2"))).is_ok());
        assert!(check(&with("aud", json!(["other", "a1b2"]))).is_ok());
        assert!(check(&with("nbf", Value::Null)).is_ok());
    }

    #[test]
    fn what_an_assertion_is_refused_for() {
        for (name, value, refused) in [
            ("aud", json!(["other"]), Refused::WrongAudience),
            ("aud", json!([]), Refused::WrongAudience),
            (
                "iss",
                json!("https://evil.cloudflareaccess.com"),
                Refused::WrongIssuer,
            ),
            (
                "iss",
                json!("https://willow.cloudflareaccess.com/"),
                Refused::WrongIssuer,
            ),
            ("exp", json!(NOW - 30), Refused::Expired),
            ("nbf", json!(NOW + 31), Refused::NotYet),
            ("email", Value::Null, Refused::Nameless),
            ("email", json!("nobody"), Refused::Nameless),
            ("exp", json!("soon"), Refused::Malformed),
        ] {
            assert_eq!(
                check(&with(name, value.clone())),
                Err(refused),
                "{name}: {value}"
            );
        }
    }

    #[test]
    fn only_one_way_of_signing_is_known() {
        for alg in ["none", "HS256", "RS512", "rs256", ""] {
            let text = text(&json!({ "alg": alg, "kid": "k1" }), &claims());
            assert!(
                matches!(Assertion::parse(&text), Err(Refused::Malformed)),
                "{alg}"
            );
        }
        let long = "A".repeat(ASSERTION_MAX + 1);
        for text in ["", "..", "a.b.c", "e30.e30.e30", "no dots", &long] {
            assert!(
                matches!(Assertion::parse(text), Err(Refused::Malformed)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_was_signed_is_everything_before_the_signature() {
        let text = text(&json!({ "alg": "RS256", "kid": "k1" }), &claims());
        let assertion = Assertion::parse(&text).unwrap();
        assert_eq!(format!("{}.c2lnbmF0dXJl", assertion.signed), text);
        assert_eq!(assertion.signature, b"signature");
        assert_eq!(assertion.key, "k1");
    }
}
