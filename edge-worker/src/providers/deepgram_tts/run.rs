//! The same voice by the runtime's binding, which needs no key: one request for each piece.

use serde_json::json;

use crate::providers::AudioFormat;
use crate::providers::workers_ai::Run;
use crate::settings::Settings;

/// The voice by the binding.
#[derive(Clone, Debug)]
pub struct AuraRun {
    model: &'static str,
    speaker: String,
    encoding: &'static str,
    sample_rate: u32,
}

impl AuraRun {
    /// A voice in `format`. None: the binding has no model for the language of the voice that was chosen.
    #[must_use]
    pub fn new(settings: &Settings, format: AudioFormat) -> Option<Self> {
        let voice = settings.tts_voice.as_str().strip_prefix("aura-2-")?;
        let (speaker, language) = voice.rsplit_once('-')?;
        let model = match language {
            "en" => "@cf/deepgram/aura-2-en",
            "es" => "@cf/deepgram/aura-2-es",
            _ => return None,
        };
        let (encoding, sample_rate) = match format {
            AudioFormat::Browser => ("linear16", 24_000),
            AudioFormat::Telephone => ("mulaw", 8_000),
        };
        Some(Self {
            model,
            speaker: speaker.to_owned(),
            encoding,
            sample_rate,
        })
    }

    /// Asks for `text`. The answer's body is sound from its first byte.
    #[must_use]
    pub fn request(&self, text: &str) -> Run {
        let inputs = json!({
            "text": text.trim(),
            "speaker": self.speaker,
            "encoding": self.encoding,
            "container": "none",
            "sample_rate": self.sample_rate,
        });
        Run {
            model: self.model,
            inputs: inputs.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(name: &str, format: AudioFormat) -> Option<AuraRun> {
        let settings = Settings::from_lookup(|setting| match setting {
            "DEEPGRAM_API_KEY" | "GROQ_API_KEY" => Some("vendor-key".to_owned()),
            "TTS_VOICE" => Some(name.to_owned()),
            _ => None,
        });
        AuraRun::new(&settings.unwrap(), format)
    }

    #[test]
    fn a_request_asks_for_bare_sound_of_the_same_speaker() {
        for (name, format, model, inputs) in [
            (
                "aura-2-thalia-en",
                AudioFormat::Telephone,
                "@cf/deepgram/aura-2-en",
                r#"{"container":"none","encoding":"mulaw","sample_rate":8000,"speaker":"thalia","text":"Say \"hi\"."}"#,
            ),
            (
                "aura-2-celeste-es",
                AudioFormat::Browser,
                "@cf/deepgram/aura-2-es",
                r#"{"container":"none","encoding":"linear16","sample_rate":24000,"speaker":"celeste","text":"Say \"hi\"."}"#,
            ),
        ] {
            let run = voice(name, format).unwrap().request(" Say \"hi\".\n");
            assert_eq!((run.model, run.inputs.as_str()), (model, inputs));
        }
    }

    #[test]
    fn another_language_has_no_model_there() {
        for name in ["aura-2-agathe-fr", "aura-2-thalia"] {
            assert!(voice(name, AudioFormat::Browser).is_none(), "{name}");
        }
    }
}
