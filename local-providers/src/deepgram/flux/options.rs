//! What a Flux socket's query asks for and what of it is refused, and how `Configure` changes it.

use std::time::Duration;

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::backend::Thresholds;
use crate::deepgram::ear::Format;
use crate::deepgram::{BadRequest, Query};

/// What holds on a socket.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) format: Format,
    pub(crate) thresholds: Thresholds,
    /// Whether it is the model of many languages.
    pub(crate) multi: bool,
    pub(crate) language_hints: Vec<String>,
    keyterms: Vec<String>,
    profanity_filter: bool,
}

/// A message of the client. What it does not name stays as it is.
#[derive(Deserialize)]
struct Configure {
    #[serde(default)]
    thresholds: Change,
    keyterms: Option<Vec<String>>,
    language_hints: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
struct Change {
    eot_threshold: Option<f64>,
    eager_eot_threshold: Option<f64>,
    eot_timeout_ms: Option<u64>,
}

impl Options {
    pub(crate) fn parse(query: &Query) -> Result<Self, BadRequest> {
        let multi = match query.first("model") {
            Some("flux-general-en") => false,
            Some("flux-general-multi") => true,
            Some(_) => {
                return Err(BadRequest::with(
                    StatusCode::BAD_REQUEST,
                    "Bad Request",
                    "No such model/language/tier combination found.",
                ));
            }
            None => return Err(BadRequest::new("model is required.")),
        };
        // Nova's habits have no meaning here, and are refused rather than ignored.
        if let Some(name) = query.names().find(|name| !PARAMETERS.contains(name)) {
            return Err(BadRequest::new(format!("{name} is not a parameter of v2.")));
        }
        let allowed = |rate| RATES.contains(&rate);
        let format = Format::parse(query, allowed, "as 8000, 16000, 24000, 44100 or 48000")?;
        let language_hints = query.all("language_hint");
        for name in ["mip_opt_out", "numerals"] {
            query.flag(name)?;
        }
        if query
            .all("redact")
            .iter()
            .any(|what| !["numbers", "aggressive_numbers"].contains(&what.as_str()))
        {
            return Err(BadRequest::new(
                "redact must be numbers or aggressive_numbers.",
            ));
        }
        let options = Self {
            format,
            thresholds: Thresholds {
                eager: query.number("eager_eot_threshold")?,
                end: query.number("eot_threshold")?.unwrap_or(END),
                timeout: query
                    .number("eot_timeout_ms")?
                    .map_or(TIMEOUT, Duration::from_millis),
            },
            multi,
            language_hints,
            keyterms: query.all("keyterm"),
            profanity_filter: query.flag("profanity_filter")?,
        };
        options.checked().map_err(BadRequest::new)
    }

    /// These options after a `Configure`; none when it is not valid, and then they stay as they are.
    pub(crate) fn configured(&self, message: &Value) -> Option<Self> {
        let Configure {
            thresholds,
            keyterms,
            language_hints,
        } = Configure::deserialize(message).ok()?;
        let mut options = self.clone();
        let now = &mut options.thresholds;
        now.eager = thresholds.eager_eot_threshold.or(now.eager);
        now.end = thresholds.eot_threshold.unwrap_or(now.end);
        now.timeout = thresholds
            .eot_timeout_ms
            .map_or(now.timeout, Duration::from_millis);
        options.keyterms = keyterms.unwrap_or(options.keyterms);
        options.language_hints = language_hints.unwrap_or(options.language_hints);
        options.checked().ok()
    }

    fn checked(self) -> Result<Self, String> {
        let Thresholds {
            eager,
            end,
            timeout,
        } = self.thresholds;
        if !(0.5..=1.0).contains(&end) {
            return Err("eot_threshold must be from 0.5 to 1.0.".to_owned());
        }
        if eager.is_some_and(|eager| !(0.3..=0.9).contains(&eager) || eager > end) {
            return Err(
                "eager_eot_threshold must be from 0.3 to 0.9, and not above eot_threshold."
                    .to_owned(),
            );
        }
        if !(TIMEOUT_LEAST..=TIMEOUT_MOST).contains(&timeout) {
            return Err("eot_timeout_ms must be from 500 to 60000.".to_owned());
        }
        if !self.multi && !self.language_hints.is_empty() {
            return Err("language_hint is supported by flux-general-multi only.".to_owned());
        }
        Ok(self)
    }

    /// All that `Configure` may change, as `ConfigureSuccess` tells it.
    pub(crate) fn state(&self) -> Value {
        let mut state = json!({
            "thresholds": {
                "eot_threshold": self.thresholds.end,
                "eot_timeout_ms": self.thresholds.timeout.as_millis() as u64,
            },
            "keyterms": self.keyterms,
            "profanity_filter": self.profanity_filter,
        });
        if let Some(eager) = self.thresholds.eager {
            state["thresholds"]["eager_eot_threshold"] = Value::from(eager);
        }
        if self.multi {
            state["language_hints"] = json!(self.language_hints);
        }
        state
    }
}

/// All that there are.
const PARAMETERS: [&str; 13] = [
    "eager_eot_threshold",
    "encoding",
    "eot_threshold",
    "eot_timeout_ms",
    "keyterm",
    "language_hint",
    "mip_opt_out",
    "model",
    "numerals",
    "profanity_filter",
    "redact",
    "sample_rate",
    "tag",
];

const RATES: [u32; 5] = [8_000, 16_000, 24_000, 44_100, 48_000];

// The vendor's own values for what is not given.
const END: f64 = 0.7;
const TIMEOUT: Duration = Duration::from_secs(5);

// The limits of the newest documentation; older pages end at 10 s.
const TIMEOUT_LEAST: Duration = Duration::from_millis(500);
const TIMEOUT_MOST: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::Encoding;

    const RAW: &str = "model=flux-general-en&encoding=linear16&sample_rate=16000";

    fn parsed(query: &str) -> Result<Options, String> {
        Options::parse(&Query::parse(Some(query))).map_err(|error| error.to_string())
    }

    fn refused(more: &str) -> String {
        parsed(&format!("{RAW}&{more}")).err().unwrap_or_default()
    }

    #[test]
    fn accepts_a_telephone_leg() {
        let query = "model=flux-general-en&encoding=mulaw&sample_rate=8000&eot_threshold=0.7\
                     &eager_eot_threshold=0.4&eot_timeout_ms=3000&keyterm=Aldine&keyterm=veneer&mip_opt_out=true";
        let options = parsed(query).expect("valid");
        assert_eq!(
            (options.format.encoding, options.format.rate),
            (Some(Encoding::Mulaw), 8_000)
        );
        let expected = Thresholds {
            eager: Some(0.4),
            end: 0.7,
            timeout: Duration::from_secs(3),
        };
        assert_eq!(options.thresholds, expected);
        assert_eq!(options.keyterms, ["Aldine", "veneer"]);
    }

    #[test]
    fn what_is_not_given_is_the_vendors_and_eager_is_off() {
        let thresholds = parsed(RAW).expect("valid").thresholds;
        assert_eq!((thresholds.eager, thresholds.end), (None, 0.7));
        assert_eq!(thresholds.timeout, Duration::from_secs(5));
        assert!(thresholds.end_turns());
    }

    #[test]
    fn refuses_novas_parameters() {
        for name in [
            "language",
            "smart_format",
            "punctuate",
            "interim_results",
            "endpointing",
            "utterance_end_ms",
            "vad_events",
            "channels",
        ] {
            let error = refused(&format!("{name}=1"));
            assert!(error.starts_with(name), "{name}: {error}");
        }
    }

    #[test]
    fn refuses_what_is_out_of_range() {
        assert!(refused("eot_threshold=0.4").contains("eot_threshold"));
        assert!(refused("eot_threshold=high").contains("number"));
        assert!(refused("eot_threshold=NaN").contains("eot_threshold"));
        assert!(refused("eager_eot_threshold=0.2").contains("eager"));
        assert!(refused("eager_eot_threshold=0.8").contains("not above"));
        assert!(refused("eot_timeout_ms=499").contains("500"));
        assert!(refused("eot_timeout_ms=60001").contains("60000"));
        assert!(refused("language_hint=es").contains("multi"));
        assert!(refused("redact=pci").contains("redact"));
        assert!(refused("numerals=maybe").contains("true or false"));
        let other_rate = "model=flux-general-en&encoding=linear16&sample_rate=11025";
        assert!(parsed(other_rate).expect_err("refused").contains("44100"));
        let nova = "model=nova-3&encoding=linear16&sample_rate=16000";
        assert!(parsed(nova).expect_err("refused").contains("No such model"));
        assert!(parsed("").expect_err("refused").contains("model"));
    }

    #[test]
    fn a_configure_changes_what_it_names_or_nothing() {
        let options = parsed(&format!("{RAW}&eager_eot_threshold=0.5&keyterm=one")).expect("valid");
        let message =
            json!({ "type": "Configure", "thresholds": { "eot_threshold": 0.8 }, "keyterms": [] });
        let changed = options.configured(&message).expect("valid");
        assert_eq!(
            changed.state(),
            json!({
                "thresholds": { "eot_threshold": 0.8, "eager_eot_threshold": 0.5, "eot_timeout_ms": 5_000 },
                "keyterms": [],
                "profanity_filter": false,
            })
        );
        for thresholds in [
            json!({ "eot_threshold": 1.1 }),
            json!({ "eager_eot_threshold": 0.75 }),
            json!({ "eot_timeout_ms": 1 }),
            json!({ "eot_timeout_ms": "3000" }),
        ] {
            let message = json!({ "type": "Configure", "thresholds": thresholds });
            assert!(options.configured(&message).is_none(), "{message}");
        }
        let hints = json!({ "type": "Configure", "language_hints": ["es"] });
        assert!(options.configured(&hints).is_none());
    }
}
