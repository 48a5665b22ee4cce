//! The recogniser Nova (2 and 3) over its streaming socket, `/v1/listen`.
//!
//! Its flags and its two independent notions of an end are passed on as they are; what they mean for a turn is decided
//! by the conversation.

use std::time::Duration;

use serde::Deserialize;
use voice_core::transcript::Recognition;

use super::deepgram::{authorization, caller_sound, inputs, plain_code, refusal};
use super::workers_ai::Run;
use super::{
    AudioFormat, Frame, Handshake, Left, ProtocolError, RecogniserEvent, RecogniserProtocol,
    Refusal,
};
use crate::settings::{Secret, Settings};

/// The vendor closes a socket that has carried neither sound nor text for 10 s (12 s when measured) and advises 3 to 5 s
/// between signs of life. Four leave a late timer a whole second, and one that is lost another try.
const KEEP_ALIVE: Duration = Duration::from_secs(4);

/// Two frames. The vendor advises 20 to 250 ms, and a message costs the worker far more than the sound in it; with three the vendor's own
/// end of an utterance came 3 ms later in the median.
const MESSAGE: Duration = Duration::from_millis(40);

/// What is asked of the recogniser besides the model and the format. Both generations and their variants take all of it; what only one of
/// them takes (`keywords` of Nova-2, `keyterm` of Nova-3) is not asked for.
///
/// - `interim_results` and `vad_events`: a barge-in is confirmed by the first words, not by the final ones; `utterance_end_ms` needs interim
///   results too.
/// - `endpointing=300`: silence in ms. The default, 10, cuts at every breath; the local detector asks for a decision
///   before 300 has passed in any case, so this is only the net below it.
/// - `utterance_end_ms=1000`: the least there is. It ends an utterance in a noisy room, where silence never comes.
/// - `smart_format` writes numbers, dates and addresses as a booking needs them, and `no_delay` keeps it from holding a final back
///   until a long number is complete: whether the caller is still dictating is the conversation's decision.
const FEATURES: &str = "language=en&interim_results=true&endpointing=300&utterance_end_ms=1000&vad_events=true\
                        &smart_format=true";

/// The same, but for what the runtime's binding has no input for.
const ONLY_HERE: &str = "channels=1&no_delay=true";

/// A result is due about once a second, of silence too. Four seconds without one, and the vendor has stopped.
const STALLED: Duration = Duration::from_secs(4);

/// One recogniser socket.
#[derive(Clone, Debug)]
pub struct Nova {
    url: String,
    key: Secret,
    /// Where the last final result ended.
    settled: Duration,
    /// The words that may still change, and where they ended.
    guess: Option<(String, Duration)>,
}

impl Nova {
    /// A recogniser of `format`.
    #[must_use]
    pub fn new(settings: &Settings, format: AudioFormat) -> Self {
        let path = format!(
            "/v1/listen?model={}&{}&{FEATURES}&{ONLY_HERE}",
            settings.stt_model.as_str(),
            caller_sound(format)
        );
        Self {
            url: settings.deepgram_url.join(&path),
            key: settings.deepgram_key.clone(),
            settled: Duration::ZERO,
            guess: None,
        }
    }

    /// The same recogniser by the runtime's binding, which has the third generation.
    #[must_use]
    pub fn run(format: AudioFormat) -> Run {
        Run {
            model: "@cf/deepgram/nova-3",
            inputs: inputs(&[caller_sound(format), FEATURES]),
        }
    }

    fn note(&mut self, results: &Results) {
        let end = results.end();
        if results.is_fixed() {
            self.settled = self.settled.max(end);
            self.guess = None;
        } else {
            let text = results.text();
            self.guess = (!text.trim().is_empty()).then(|| (text.to_owned(), end));
        }
    }

    /// What the answer to a refused upgrade means.
    #[must_use]
    pub fn refusal(status: u16, body: &str) -> Refusal {
        refusal(status, body)
    }
}

impl RecogniserProtocol for Nova {
    fn handshake(&self) -> Handshake {
        Handshake {
            url: self.url.clone(),
            headers: vec![authorization(&self.key)],
        }
    }

    fn message_length(&self) -> Duration {
        MESSAGE
    }

    /// An empty binary frame is the vendor's old way to close, so one is never sent.
    fn audio(&mut self, pcm: &[u8]) -> Option<Frame> {
        (!pcm.is_empty()).then(|| Frame::Binary(pcm.to_vec()))
    }

    fn finalize(&mut self) -> Option<Frame> {
        Some(Frame::Text(r#"{"type":"Finalize"}"#.to_owned()))
    }

    fn keep_alive_every(&self) -> Duration {
        KEEP_ALIVE
    }

    fn keep_alive(&mut self) -> Option<Frame> {
        Some(Frame::Text(r#"{"type":"KeepAlive"}"#.to_owned()))
    }

    fn owes_news_within(&self) -> Option<Duration> {
        Some(STALLED)
    }

    /// What is not settled is heard again by the next socket, unless it began too long ago: then the guess stands.
    fn give_up(&mut self, from: Duration) -> Left {
        match self.guess.take() {
            Some((words, end)) if self.settled < from => Left {
                words: Some(words),
                told: end,
            },
            _ => Left {
                words: None,
                told: self.settled,
            },
        }
    }

    fn close(&mut self) -> Option<Frame> {
        Some(Frame::Text(r#"{"type":"CloseStream"}"#.to_owned()))
    }

    fn decode(&mut self, frame: Frame) -> Result<Option<RecogniserEvent>, ProtocolError> {
        let Frame::Text(text) = frame else {
            return Err(error("a binary message"));
        };
        let message =
            serde_json::from_str(&text).map_err(|_| error("text that is not a message"))?;
        Ok(match message {
            Message::Results(results) => {
                self.note(&results);
                Some(RecogniserEvent::Heard(results.into()))
            }
            Message::UtteranceEnd => Some(RecogniserEvent::UtteranceEnd),
            Message::Error { variant } => {
                let code = variant.as_deref().and_then(plain_code);
                Some(RecogniserEvent::Failed(
                    code.unwrap_or_else(|| "error without a code".to_owned()),
                ))
            }
            Message::Other => None,
        })
    }
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Message {
    Results(Results),
    UtteranceEnd,
    Error {
        variant: Option<String>,
    },
    /// `SpeechStarted`, which the local detector knows earlier, `Metadata`, and whatever may be added.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Results {
    channel: Channel,
    #[serde(default)]
    is_final: bool,
    #[serde(default)]
    speech_final: bool,
    #[serde(default)]
    from_finalize: bool,
    /// In seconds of the sound that was sent.
    #[serde(default)]
    start: f64,
    #[serde(default)]
    duration: f64,
}

impl Results {
    /// The end of an utterance is always the end of its last stretch.
    const fn is_fixed(&self) -> bool {
        self.is_final || self.speech_final
    }

    fn end(&self) -> Duration {
        Duration::try_from_secs_f64(self.start + self.duration).unwrap_or_default()
    }

    fn text(&self) -> &str {
        let best = self.channel.alternatives.first();
        best.map_or("", |best| best.transcript.as_str())
    }
}

#[derive(Deserialize)]
struct Channel {
    #[serde(default)]
    alternatives: Vec<Alternative>,
}

#[derive(Deserialize)]
struct Alternative {
    #[serde(default)]
    transcript: String,
}

impl From<Results> for Recognition {
    fn from(results: Results) -> Self {
        Self {
            text: results.text().to_owned(),
            is_final: results.is_fixed(),
            ends_utterance: results.speech_final,
            answers_finalize: results.from_finalize,
            likely_ended: false,
        }
    }
}

fn error(what: &'static str) -> ProtocolError {
    ProtocolError {
        vendor: "Deepgram listen",
        what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nova(format: AudioFormat) -> Nova {
        Nova::new(&Settings::for_tests("http://127.0.0.1:9000"), format)
    }

    fn decode(text: &str) -> Result<Option<RecogniserEvent>, ProtocolError> {
        nova(AudioFormat::Browser).decode(Frame::Text(text.to_owned()))
    }

    fn heard(
        text: &str,
        is_final: bool,
        ends_utterance: bool,
        answers_finalize: bool,
    ) -> RecogniserEvent {
        RecogniserEvent::Heard(Recognition {
            text: text.to_owned(),
            is_final,
            ends_utterance,
            answers_finalize,
            likely_ended: false,
        })
    }

    #[test]
    fn the_handshake_names_the_format_and_keeps_the_scheme() {
        let Handshake { url, headers } = nova(AudioFormat::Browser).handshake();
        assert_eq!(
            url,
            "http://127.0.0.1:9000/v1/listen?model=nova-2&encoding=linear16&sample_rate=16000&language=en&interim_results=true\
             &endpointing=300&utterance_end_ms=1000&vad_events=true&smart_format=true&channels=1&no_delay=true"
        );
        assert_eq!(headers, [("Authorization", "Token vendor-key".to_owned())]);
        assert!(
            nova(AudioFormat::Telephone)
                .handshake()
                .url
                .contains("&encoding=mulaw&sample_rate=8000&")
        );
    }

    #[test]
    fn the_binding_is_asked_in_strings() {
        for (format, sound) in [
            (AudioFormat::Browser, r#""sample_rate":"16000""#),
            (AudioFormat::Telephone, r#""sample_rate":"8000""#),
        ] {
            let Run { model, inputs } = Nova::run(format);
            assert_eq!(model, "@cf/deepgram/nova-3");
            assert!(inputs.contains(sound), "{inputs}");
            let inputs: std::collections::BTreeMap<String, String> =
                serde_json::from_str(&inputs).unwrap();
            assert_eq!(
                inputs.keys().map(String::as_str).collect::<Vec<_>>(),
                [
                    "encoding",
                    "endpointing",
                    "interim_results",
                    "language",
                    "sample_rate",
                    "smart_format",
                    "utterance_end_ms",
                    "vad_events"
                ]
            );
        }
        assert!(
            Nova::run(AudioFormat::Telephone)
                .inputs
                .contains(r#""encoding":"mulaw""#)
        );
    }

    #[test]
    fn an_empty_frame_would_close_and_is_not_sent() {
        let mut nova = nova(AudioFormat::Browser);
        assert_eq!(nova.audio(&[]), None);
        assert_eq!(nova.audio(&[1, 2]), Some(Frame::Binary(vec![1, 2])));
    }

    #[test]
    fn control_is_text() {
        let mut nova = nova(AudioFormat::Browser);
        let text = |text: &str| Some(Frame::Text(text.to_owned()));
        assert_eq!(nova.keep_alive(), text(r#"{"type":"KeepAlive"}"#));
        assert_eq!(nova.finalize(), text(r#"{"type":"Finalize"}"#));
        assert_eq!(nova.close(), text(r#"{"type":"CloseStream"}"#));
        // What the vendor's guide advises; its limit is 10 s.
        assert!((3..=5).contains(&nova.keep_alive_every().as_secs()));
    }

    #[test]
    fn a_recorded_call_reads_as_told() {
        let events: Vec<_> = include_str!("../../fixtures/nova-2.jsonl")
            .lines()
            .map(decode)
            .collect();
        assert_eq!(
            events,
            [
                Ok(Some(heard("", false, false, false))),
                Ok(None),
                Ok(Some(heard("I'd like to", false, false, false))),
                Ok(Some(heard("I'd like to book a table", true, false, false))),
                Ok(Some(heard("for two at 7:00 PM.", true, true, false))),
                Ok(Some(RecogniserEvent::UtteranceEnd)),
                Ok(Some(heard("", true, true, false))),
                Ok(Some(heard("Thanks.", true, true, true))),
                Ok(Some(RecogniserEvent::UtteranceEnd)),
                Ok(None),
            ]
        );
    }

    #[test]
    fn absent_members_are_false_and_an_end_is_final() {
        let shortest = r#"{"type":"Results","channel":{"alternatives":[]}}"#;
        assert_eq!(decode(shortest), Ok(Some(heard("", false, false, false))));
        let end = r#"{"type":"Results","is_final":false,"speech_final":true,"channel":{"alternatives":[{"transcript":"yes"}]}}"#;
        assert_eq!(decode(end), Ok(Some(heard("yes", true, true, false))));
    }

    #[test]
    fn a_lost_socket_leaves_what_is_not_settled_to_the_next() {
        let results = |text: &str, start: f64, duration: f64, is_final: bool| {
            let text = serde_json::json!({ "type": "Results", "start": start, "duration": duration, "is_final": is_final,
                "channel": { "alternatives": [{ "transcript": text }] } });
            Frame::Text(text.to_string())
        };
        let secs = Duration::from_secs;
        let mut nova = nova(AudioFormat::Browser);
        assert_eq!(nova.give_up(secs(0)), Left::default());
        nova.decode(results("my name is", 0.0, 2.0, true)).unwrap();
        nova.decode(results("", 2.0, 1.0, false)).unwrap();
        nova.decode(results("David", 2.0, 2.0, false)).unwrap();
        let settled = Left {
            words: None,
            told: secs(2),
        };
        assert_eq!(nova.clone().give_up(secs(1)), settled);
        // The stretch began before what another socket can be given: its words stand.
        let guessed = Left {
            words: Some("David".to_owned()),
            told: secs(4),
        };
        assert_eq!(nova.give_up(secs(3)), guessed);
    }

    #[test]
    fn an_error_is_told_by_its_code_alone() {
        let with_code = r#"{"type":"Error","description":"heard: my number is","message":"m","variant":"DATA-0000"}"#;
        assert_eq!(
            decode(with_code),
            Ok(Some(RecogniserEvent::Failed("DATA-0000".to_owned())))
        );
        let without = r#"{"type":"Error","description":"d","variant":"heard: my number is"}"#;
        assert_eq!(
            decode(without),
            Ok(Some(RecogniserEvent::Failed(
                "error without a code".to_owned()
            )))
        );
    }

    #[test]
    fn the_unknown_is_ignored_and_the_unreadable_refused() {
        assert_eq!(decode(r#"{"type":"SomethingNew","channel":7}"#), Ok(None));
        for text in [
            "",
            "hello",
            "[]",
            "{}",
            r#"{"type":7}"#,
            r#"{"type":"Results","channel":[0,1]}"#,
        ] {
            let refused = decode(text).unwrap_err();
            assert_eq!(
                refused.to_string(),
                "Deepgram listen: text that is not a message",
                "{text}"
            );
        }
        let binary = nova(AudioFormat::Browser).decode(Frame::Binary(vec![0]));
        assert_eq!(binary.unwrap_err().what, "a binary message");
    }
}
