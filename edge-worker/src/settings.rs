//! The worker's environment, typed. Everything wrong with it is found at once and named; no value is ever repeated,
//! since a misplaced one may be a secret.

mod value;

use std::fmt;

pub use value::{
    AccountSid, BaseUrl, CallsAtOnce, ModelName, Origin, Secret, SttFamily, SttModel, TtsVoice,
};

/// What the worker runs with.
#[derive(Clone, Debug)]
pub struct Settings {
    pub deepgram_key: Secret,
    pub deepgram_url: BaseUrl,
    pub stt_model: SttModel,
    pub tts_voice: TtsVoice,
    pub groq_key: Secret,
    pub groq_url: BaseUrl,
    pub llm_model: ModelName,
    pub llm_fallback_model: ModelName,
    /// Absent: there is no telephone, only browsers.
    pub twilio: Option<TwilioSettings>,
    /// Where the world reaches this worker, when a proxy hides it from the requests.
    pub public_origin: Option<Origin>,
    /// Allows the first owner to be made.
    pub setup_code: Option<Secret>,
    /// Absent: people sign in with a password only.
    pub access: Option<AccessSettings>,
    /// Sites whose pages may open calls, besides the worker's own.
    pub allowed_origins: Vec<Origin>,
    /// How many calls of one business may be on at once.
    pub calls_at_once: CallsAtOnce,
}

/// The telephone company's account.
#[derive(Clone, Debug)]
pub struct TwilioSettings {
    pub account_sid: AccountSid,
    pub auth_token: Secret,
    pub base_url: BaseUrl,
}

/// Cloudflare Access in front of the worker.
#[derive(Clone, Debug)]
pub struct AccessSettings {
    /// Who signs people in, and where the keys are.
    pub team: Origin,
    /// The tag of the application that the worker is for them.
    pub audience: String,
}

impl Settings {
    /// Reads every setting through `lookup`. White space around a value is dropped and an empty value counts as none,
    /// as `.dev.vars` files and pasted secrets have both.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut reader = Reader {
            lookup,
            faults: Vec::new(),
        };
        let deepgram_key = reader.required("DEEPGRAM_API_KEY", KEY, Secret::parse);
        let deepgram_url = reader.or_default(
            "DEEPGRAM_BASE_URL",
            "https://api.deepgram.com",
            BASE_URL,
            BaseUrl::parse,
        );
        let stt_model = reader.or_default("STT_MODEL", "nova-2", STT_MODELS, SttModel::parse);
        let tts_voice = reader.or_default("TTS_VOICE", "aura-2-thalia-en", VOICES, TtsVoice::parse);
        let groq_key = reader.required("GROQ_API_KEY", KEY, Secret::parse);
        let groq_url = reader.or_default(
            "GROQ_BASE_URL",
            "https://api.groq.com",
            BASE_URL,
            BaseUrl::parse,
        );
        let llm_model =
            reader.or_default("LLM_MODEL", "openai/gpt-oss-20b", MODEL, ModelName::parse);
        let fallback = reader.or_default(
            "LLM_FALLBACK_MODEL",
            "openai/gpt-oss-120b",
            MODEL,
            ModelName::parse,
        );
        let twilio = reader.twilio();
        let public_origin = reader.optional("PUBLIC_ORIGIN", ORIGIN, Origin::parse);
        let setup_code = reader.optional("SETUP_CODE", KEY, Secret::parse);
        let access = reader.access();
        let allowed_origins = reader
            .optional("ALLOWED_ORIGINS", ORIGINS, parse_origins)
            .unwrap_or_default();
        let calls_at_once = reader
            .or_default("CALLS_AT_ONCE", "250", CALLS, CallsAtOnce::parse)
            .unwrap_or_default();

        match (
            deepgram_key,
            deepgram_url,
            stt_model,
            tts_voice,
            groq_key,
            groq_url,
            llm_model,
            fallback,
        ) {
            (
                Some(deepgram_key),
                Some(deepgram_url),
                Some(stt_model),
                Some(tts_voice),
                Some(groq_key),
                Some(groq_url),
                Some(llm_model),
                Some(llm_fallback_model),
            ) if reader.faults.is_empty() => Ok(Self {
                deepgram_key,
                deepgram_url,
                stt_model,
                tts_voice,
                groq_key,
                groq_url,
                llm_model,
                llm_fallback_model,
                twilio,
                public_origin,
                setup_code,
                access,
                allowed_origins,
                calls_at_once,
            }),
            _ => Err(SettingsError {
                faults: reader.faults,
            }),
        }
    }

    /// Two keys and one address for every vendor.
    #[cfg(test)]
    pub(crate) fn for_tests(base: &str) -> Self {
        Self::from_lookup(|name| match name {
            "DEEPGRAM_API_KEY" | "GROQ_API_KEY" => Some("vendor-key".to_owned()),
            "DEEPGRAM_BASE_URL" | "GROQ_BASE_URL" => Some(base.to_owned()),
            _ => None,
        })
        .unwrap()
    }

    /// Whether a page of `origin` may open a call: the worker's own pages and the sites it was told of.
    #[must_use]
    pub fn allows(&self, origin: &Origin, own: &Origin) -> bool {
        origin == own
            || self.public_origin.as_ref() == Some(origin)
            || self.allowed_origins.contains(origin)
    }
}

/// Everything that is wrong with the settings, in the order they are read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SettingsError {
    pub faults: Vec<Fault>,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

/// One setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub name: &'static str,
    pub is_missing: bool,
    pub expected: &'static str,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wrong = if self.is_missing {
            "is missing"
        } else {
            "cannot be used"
        };
        write!(f, "{} {wrong}: expected {}", self.name, self.expected)
    }
}

struct Reader<L> {
    lookup: L,
    faults: Vec<Fault>,
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    fn text(&self, name: &str) -> Option<String> {
        let text = (self.lookup)(name)?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn parsed<T>(
        &mut self,
        name: &'static str,
        text: &str,
        expected: &'static str,
        parse: fn(&str) -> Option<T>,
    ) -> Option<T> {
        let value = parse(text);
        if value.is_none() {
            self.faults.push(Fault {
                name,
                is_missing: false,
                expected,
            });
        }
        value
    }

    fn required<T>(
        &mut self,
        name: &'static str,
        expected: &'static str,
        parse: fn(&str) -> Option<T>,
    ) -> Option<T> {
        let Some(text) = self.text(name) else {
            self.faults.push(Fault {
                name,
                is_missing: true,
                expected,
            });
            return None;
        };
        self.parsed(name, &text, expected, parse)
    }

    fn or_default<T>(
        &mut self,
        name: &'static str,
        default: &str,
        expected: &'static str,
        parse: fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name);
        self.parsed(name, text.as_deref().unwrap_or(default), expected, parse)
    }

    fn optional<T>(
        &mut self,
        name: &'static str,
        expected: &'static str,
        parse: fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name)?;
        self.parsed(name, &text, expected, parse)
    }

    /// The account and its token make sense only together.
    fn twilio(&mut self) -> Option<TwilioSettings> {
        let base_url = self.or_default(
            "TWILIO_BASE_URL",
            "https://api.twilio.com",
            BASE_URL,
            BaseUrl::parse,
        );
        if self.text("TWILIO_ACCOUNT_SID").is_none() && self.text("TWILIO_AUTH_TOKEN").is_none() {
            return None;
        }
        let account_sid = self.required("TWILIO_ACCOUNT_SID", ACCOUNT, AccountSid::parse);
        let auth_token = self.required("TWILIO_AUTH_TOKEN", KEY, Secret::parse);
        Some(TwilioSettings {
            account_sid: account_sid?,
            auth_token: auth_token?,
            base_url: base_url?,
        })
    }

    /// The team and the application make sense only together.
    fn access(&mut self) -> Option<AccessSettings> {
        if self.text("ACCESS_TEAM_DOMAIN").is_none() && self.text("ACCESS_AUD").is_none() {
            return None;
        }
        let team = self.required("ACCESS_TEAM_DOMAIN", TEAM, parse_team);
        let audience = self.required("ACCESS_AUD", AUDIENCE, parse_audience);
        Some(AccessSettings {
            team: team?,
            audience: audience?,
        })
    }
}

/// The team's origin. Its name is enough: `example.cloudflareaccess.com`. Without encryption only this machine is trusted.
fn parse_team(text: &str) -> Option<Origin> {
    if !text.contains("://") {
        return Origin::parse(&format!("https://{text}"));
    }
    let origin = Origin::parse(text)?;
    let is_trusted = origin.as_str().starts_with("https://")
        || ["http://127.0.0.1", "http://localhost"]
            .iter()
            .any(|local| {
                let rest = origin.as_str().strip_prefix(local);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
            });
    is_trusted.then_some(origin)
}

/// Longer than any tag, which has 64 hexadecimal digits.
const MAX_AUDIENCE: usize = 128;

fn parse_audience(text: &str) -> Option<String> {
    let fits = text.len() <= MAX_AUDIENCE && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    fits.then(|| text.to_owned())
}

/// Exact origins between commas or white space.
fn parse_origins(text: &str) -> Option<Vec<Origin>> {
    text.split(|c: char| c == ',' || c.is_whitespace())
        .filter(|part| !part.is_empty())
        .map(Origin::parse)
        .collect()
}

const ACCOUNT: &str =
    "an account SID, AC and letters or digits, given together with its auth token";
const AUDIENCE: &str = "the application audience tag of Cloudflare Access, letters and digits, given together with its team";
const CALLS: &str = "a number of calls from 1 to 250";
const BASE_URL: &str = "an http or https address without a path, such as https://api.example.com";
const KEY: &str = "a secret of visible ASCII characters without spaces";
const MODEL: &str = "the name of a model, such as openai/gpt-oss-20b";
const ORIGIN: &str =
    "an origin without a path or a slash at the end, such as https://www.example.com";
const ORIGINS: &str = "exact origins between commas or spaces, such as https://www.example.com, without wildcards, paths or slashes at the end";
const STT_MODELS: &str = "nova-2, nova-3 or a variant of one, such as nova-2-phonecall; flux-general-en or flux-general-multi";
const TEAM: &str = "the team's domain, such as example.cloudflareaccess.com, given together with the application's audience tag";
const VOICES: &str = "an Aura-2 voice, such as aura-2-thalia-en";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::from_lookup(|name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    const KEYS: [(&str, &str); 2] = [("DEEPGRAM_API_KEY", "dg-key"), ("GROQ_API_KEY", "gsk-key")];

    fn with_keys(pairs: &[(&'static str, &'static str)]) -> Result<Settings, SettingsError> {
        read(&[&KEYS, pairs].concat())
    }

    fn names(error: &SettingsError) -> Vec<&str> {
        error.faults.iter().map(|fault| fault.name).collect()
    }

    #[test]
    fn two_keys_are_enough() {
        let settings = with_keys(&[]).unwrap();
        assert_eq!(settings.deepgram_key.reveal(), "dg-key");
        assert_eq!(settings.deepgram_url.join(""), "https://api.deepgram.com");
        assert_eq!(settings.stt_model.as_str(), "nova-2");
        assert_eq!(settings.tts_voice.as_str(), "aura-2-thalia-en");
        assert_eq!(settings.groq_url.join(""), "https://api.groq.com");
        assert_eq!(settings.llm_model.as_str(), "openai/gpt-oss-20b");
        assert_eq!(settings.llm_fallback_model.as_str(), "openai/gpt-oss-120b");
        assert!(
            settings.twilio.is_none()
                && settings.public_origin.is_none()
                && settings.setup_code.is_none()
        );
        assert!(settings.allowed_origins.is_empty());
    }

    #[test]
    fn every_fault_is_reported_and_no_value_is() {
        let error = read(&[
            ("DEEPGRAM_API_KEY", "  "),
            ("DEEPGRAM_BASE_URL", "secret-1"),
            ("STT_MODEL", "secret-2"),
            ("TTS_VOICE", "secret-3"),
            ("GROQ_API_KEY", "secret 4"),
            ("GROQ_BASE_URL", "https://secret.example/5"),
            ("LLM_MODEL", "secret 6"),
            ("LLM_FALLBACK_MODEL", "secret 7"),
            ("TWILIO_BASE_URL", "secret-8"),
            ("TWILIO_AUTH_TOKEN", "secret-9"),
            ("PUBLIC_ORIGIN", "https://secret.example/"),
            ("SETUP_CODE", "secret 10"),
            ("ACCESS_TEAM_DOMAIN", "secret_12/"),
            ("ALLOWED_ORIGINS", "https://fine.example, secret-11"),
        ])
        .unwrap_err();
        assert_eq!(
            names(&error),
            [
                "DEEPGRAM_API_KEY",
                "DEEPGRAM_BASE_URL",
                "STT_MODEL",
                "TTS_VOICE",
                "GROQ_API_KEY",
                "GROQ_BASE_URL",
                "LLM_MODEL",
                "LLM_FALLBACK_MODEL",
                "TWILIO_BASE_URL",
                "TWILIO_ACCOUNT_SID",
                "PUBLIC_ORIGIN",
                "SETUP_CODE",
                "ACCESS_TEAM_DOMAIN",
                "ACCESS_AUD",
                "ALLOWED_ORIGINS",
            ]
        );
        let words = error.to_string();
        assert!(
            !words.contains("secret-") && !words.contains("secret_") && !words.contains("secret."),
            "{words}"
        );
        assert!(
            words.starts_with("DEEPGRAM_API_KEY is missing: expected a secret"),
            "{words}"
        );
        assert!(
            words.contains("STT_MODEL cannot be used: expected nova-2, nova-3 or"),
            "{words}"
        );
    }

    #[test]
    fn a_telephone_needs_both_halves() {
        let settings = with_keys(&[
            ("TWILIO_ACCOUNT_SID", "AC01"),
            ("TWILIO_AUTH_TOKEN", "token"),
        ])
        .unwrap();
        assert_eq!(
            settings.twilio.unwrap().base_url.join(""),
            "https://api.twilio.com"
        );
        let error = with_keys(&[("TWILIO_ACCOUNT_SID", "AC01")]).unwrap_err();
        assert_eq!(names(&error), ["TWILIO_AUTH_TOKEN"]);
    }

    #[test]
    fn access_needs_a_team_and_an_application() {
        let team = |text: &str| parse_team(text).map(|team| team.to_string());
        assert_eq!(
            team("willow.cloudflareaccess.com").as_deref(),
            Some("https://willow.cloudflareaccess.com")
        );
        assert!(
            team("https://willow.example").is_some() && team("http://127.0.0.1:9000").is_some()
        );
        for text in [
            "http://willow.example",
            "http://127.0.0.1.evil.example",
            "willow.example/path",
        ] {
            assert_eq!(team(text), None, "{text}");
        }
        let access = with_keys(&[("ACCESS_TEAM_DOMAIN", "a.example"), ("ACCESS_AUD", "a1b2")])
            .unwrap()
            .access
            .unwrap();
        assert_eq!(
            (access.team.as_str(), access.audience.as_str()),
            ("https://a.example", "a1b2")
        );
        let error = with_keys(&[("ACCESS_AUD", "a1b2")]).unwrap_err();
        assert_eq!(names(&error), ["ACCESS_TEAM_DOMAIN"]);
    }

    #[test]
    fn origins_are_exact() {
        let settings = with_keys(&[
            (
                "ALLOWED_ORIGINS",
                "https://a.example,https://b.example:8443  http://localhost:3000,",
            ),
            ("PUBLIC_ORIGIN", "https://voice.example"),
        ])
        .unwrap();
        let own = Origin::parse("http://127.0.0.1:8787").unwrap();
        let allows = |text: &str| settings.allows(&Origin::parse(text).unwrap(), &own);
        assert!(allows("https://a.example") && allows("https://A.example:443"));
        assert!(allows("https://b.example:8443") && allows("http://localhost:3000"));
        assert!(allows("https://voice.example") && allows("http://127.0.0.1:8787"));
        assert!(!allows("http://a.example") && !allows("https://b.example"));
        assert!(!allows("https://evil-a.example") && !allows("https://a.example.evil.example"));
    }

    #[test]
    fn printing_settings_shows_no_secret() {
        let settings = with_keys(&[("SETUP_CODE", "open-sesame")]).unwrap();
        let printed = format!("{settings:?}");
        assert!(
            !printed.contains("dg-key")
                && !printed.contains("gsk-key")
                && !printed.contains("sesame")
        );
    }
}
