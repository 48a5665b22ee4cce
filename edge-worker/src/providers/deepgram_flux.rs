//! The recogniser Flux over its streaming socket, `/v2/listen`. It judges by itself when a turn begins and ends.
//!
//! Every message holds the whole turn so far, so what is told of an open turn is always interim, and its end is one final text. Two
//! kinds of message are kept back here. Words that stand before the vendor is sure that anybody speaks are repeated as
//! soon as it is; told early, they would let a cough interrupt her. And a text that was told already is no news: told again
//! four times a second, it would pass for a caller who goes on.

use std::time::Duration;

use serde::Deserialize;
use voice_core::audio::{SampleRate, mulaw};
use voice_core::transcript::Recognition;

use super::deepgram::{authorization, caller_sound, inputs, plain_code};
use super::workers_ai::Run;
use super::{
    AudioFormat, Frame, Handshake, Left, ProtocolError, RecogniserEvent, RecogniserProtocol,
};
use crate::settings::{Secret, Settings};

/// The vendor works in steps of this length, and advises frames of it.
const STEP: Duration = Duration::from_millis(80);

/// A frame of the caller's. The vendor's steps do not begin with ours: with whole steps its early word came 30 ms later in the median, and
/// who chooses this recogniser does so for that word.
const MESSAGE: Duration = Duration::from_millis(20);

/// Sockets without traffic were seen to be closed after 20 to 30 s. A sign of life is 80 ms of silence, which the vendor takes
/// as heard: many of them would end a turn that a bad network only holds up.
const KEEP_ALIVE: Duration = Duration::from_secs(4);

/// An update is due four times a second, and after three seconds of silence (`eot_timeout_ms`) the end of the turn is. A second
/// more, for the network, and the vendor has stopped, as it has been seen to in the middle of a turn.
const STALLED: Duration = Duration::from_secs(4);

/// What is asked of the recogniser besides the model and the format:
///
/// - `eot_threshold=0.7`: the default. Lower cuts callers off, higher adds to every wait.
/// - `eager_eot_threshold=0.4`: in the middle of the usual 0.3 to 0.5, which gain 150–250 ms and have half as many answers again begun
///   for nothing. Above, little is gained; below, most are begun for nothing.
/// - `eot_timeout_ms=3000`: how long silence lasts before it is an end whatever was said. The pauses of somebody who dictates a number
///   reach 1.5 s, so the default, 5000, is longer than anybody needs and as long as a caller waits for nothing.
const TURNS: &str = "eot_threshold=0.7&eager_eot_threshold=0.4&eot_timeout_ms=3000";

/// One recogniser socket. The open turn is that of one connection, so a new socket needs a new value.
pub struct Flux {
    url: String,
    key: Secret,
    silence: Vec<u8>,
    /// The words of the open turn as they were last told.
    told: Option<String>,
    /// Of which stretch of sound the last message was: all of the turn so far.
    window: (Duration, Duration),
}

impl Flux {
    /// A recogniser of `format`, on a socket that is still to be opened.
    #[must_use]
    pub fn new(settings: &Settings, format: AudioFormat) -> Self {
        let path = format!(
            "/v2/listen?model={}&{}&{TURNS}",
            settings.stt_model.as_str(),
            caller_sound(format)
        );
        let (samples, silence) = match format {
            AudioFormat::Browser => (SampleRate::MICROPHONE.samples_in(STEP).saturating_mul(2), 0),
            AudioFormat::Telephone => (SampleRate::TELEPHONE.samples_in(STEP), mulaw::SILENCE),
        };
        Self {
            url: settings.deepgram_url.join(&path),
            key: settings.deepgram_key.clone(),
            silence: vec![silence; usize::try_from(samples).unwrap_or(0)],
            told: None,
            window: (Duration::ZERO, Duration::ZERO),
        }
    }

    /// The same recogniser by the runtime's binding. It takes samples only, and a telephone has none.
    #[must_use]
    pub fn run(format: AudioFormat) -> Option<Run> {
        (format == AudioFormat::Browser).then(|| Run {
            model: "@cf/deepgram/flux",
            inputs: inputs(&[caller_sound(format), TURNS]),
        })
    }

    fn on_turn(&mut self, event: Event) -> Option<RecogniserEvent> {
        let is_open = self.told.is_some();
        match event {
            Event::Update { transcript } if is_open => self.tell(transcript, false),
            Event::StartOfTurn { transcript } => self.tell(transcript, false),
            Event::EagerEndOfTurn { transcript } => {
                // Told even if the words are not new: that they may be the last ones is.
                self.told = None;
                self.tell(transcript, true)
            }
            Event::TurnResumed => is_open.then_some(RecogniserEvent::Resumed),
            Event::EndOfTurn { transcript } => {
                self.told = None;
                Some(RecogniserEvent::Heard(Recognition {
                    text: transcript,
                    is_final: true,
                    ends_utterance: true,
                    ..Recognition::default()
                }))
            }
            Event::Update { .. } | Event::Other => None,
        }
    }

    fn tell(&mut self, words: String, likely_ended: bool) -> Option<RecogniserEvent> {
        if self.told.as_ref() == Some(&words) {
            return None;
        }
        self.told = Some(words.clone());
        Some(RecogniserEvent::Heard(Recognition {
            text: words,
            likely_ended,
            ..Recognition::default()
        }))
    }
}

impl RecogniserProtocol for Flux {
    fn handshake(&self) -> Handshake {
        Handshake {
            url: self.url.clone(),
            headers: vec![authorization(&self.key)],
        }
    }

    fn message_length(&self) -> Duration {
        MESSAGE
    }

    fn audio(&mut self, pcm: &[u8]) -> Option<Frame> {
        (!pcm.is_empty()).then(|| Frame::Binary(pcm.to_vec()))
    }

    /// The end of a turn is the vendor's to find; it hears the same silence.
    fn finalize(&mut self) -> Option<Frame> {
        None
    }

    fn keep_alive_every(&self) -> Duration {
        KEEP_ALIVE
    }

    /// There is no message for it, and one of the older protocol ends the session.
    fn keep_alive(&mut self) -> Option<Frame> {
        Some(Frame::Binary(self.silence.clone()))
    }

    fn owes_news_within(&self) -> Option<Duration> {
        self.told.is_some().then_some(STALLED)
    }

    /// An open turn cannot be opened again, so its words stand; what was no turn yet is the next socket's to hear.
    fn give_up(&mut self, _from: Duration) -> Left {
        let words = self.told.take().filter(|words| !words.trim().is_empty());
        let (from, to) = self.window;
        let told = if words.is_some() { to } else { from };
        Left { words, told }
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
            Message::TurnInfo(info) => {
                self.window = info.window();
                self.on_turn(info.event)
            }
            Message::Error { code } => {
                let code = code.as_deref().and_then(plain_code);
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
    TurnInfo(TurnInfo),
    Error {
        code: Option<String>,
    },
    /// `Connected`, `Warning`, answers to what is never asked, and whatever may be added.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct TurnInfo {
    #[serde(flatten)]
    event: Event,
    /// In seconds of the sound that was sent.
    #[serde(default)]
    audio_window_start: f64,
    #[serde(default)]
    audio_window_end: f64,
}

impl TurnInfo {
    /// Once a turn has ended, the next begins where it ended.
    fn window(&self) -> (Duration, Duration) {
        let seconds = |at| Duration::try_from_secs_f64(at).unwrap_or_default();
        let end = seconds(self.audio_window_end);
        match self.event {
            Event::EndOfTurn { .. } => (end, end),
            _ => (seconds(self.audio_window_start), end),
        }
    }
}

/// The vendor's own turn, which begins with `StartOfTurn` and ends with `EndOfTurn`. `TurnResumed` takes an `EagerEndOfTurn` back; its
/// words come again with the next `Update`.
#[derive(Deserialize)]
#[serde(tag = "event")]
enum Event {
    EagerEndOfTurn {
        transcript: String,
    },
    EndOfTurn {
        transcript: String,
    },
    StartOfTurn {
        transcript: String,
    },
    TurnResumed,
    Update {
        #[serde(default)]
        transcript: String,
    },
    #[serde(other)]
    Other,
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

    const WHOLE: &str = "We the people of the United States, in order to form a more perfect union, establish justice, \
                         ensure domestic tranquility, provide for the common defense, promote the general welfare, and secure the \
                         blessings of liberty to ourselves and our posterity, to ordain and establish this constitution for the United \
                         States of America.";

    fn flux(format: AudioFormat) -> Flux {
        let settings = Settings::from_lookup(|name| match name {
            "DEEPGRAM_API_KEY" | "GROQ_API_KEY" => Some("vendor-key".to_owned()),
            "DEEPGRAM_BASE_URL" => Some("http://127.0.0.1:9000".to_owned()),
            "STT_MODEL" => Some("flux-general-en".to_owned()),
            _ => None,
        });
        Flux::new(&settings.unwrap(), format)
    }

    fn event(kind: &str, transcript: &str) -> String {
        serde_json::json!({ "type": "TurnInfo", "event": kind, "turn_index": 0, "transcript": transcript, "words": [] }).to_string()
    }

    /// What a fresh socket's messages are told as.
    fn told(messages: &[String]) -> Vec<Option<RecogniserEvent>> {
        let mut flux = flux(AudioFormat::Browser);
        messages
            .iter()
            .map(|text| flux.decode(Frame::Text(text.clone())).unwrap())
            .collect()
    }

    fn heard(text: &str, flags: &str) -> Option<RecogniserEvent> {
        Some(RecogniserEvent::Heard(Recognition {
            text: text.to_owned(),
            is_final: flags.contains('f'),
            ends_utterance: flags.contains('e'),
            likely_ended: flags.contains('l'),
            answers_finalize: false,
        }))
    }

    #[test]
    fn the_binding_takes_samples_only() {
        let run = Flux::run(AudioFormat::Browser).unwrap();
        assert_eq!(
            (run.model, run.inputs.as_str()),
            (
                "@cf/deepgram/flux",
                r#"{"eager_eot_threshold":"0.4","encoding":"linear16","eot_threshold":"0.7","eot_timeout_ms":"3000","sample_rate":"16000"}"#
            )
        );
        assert_eq!(Flux::run(AudioFormat::Telephone), None);
    }

    #[test]
    fn the_handshake_asks_for_eager_ends() {
        let Handshake { url, headers } = flux(AudioFormat::Browser).handshake();
        assert_eq!(
            url,
            "http://127.0.0.1:9000/v2/listen?model=flux-general-en&encoding=linear16&sample_rate=16000\
             &eot_threshold=0.7&eager_eot_threshold=0.4&eot_timeout_ms=3000"
        );
        assert_eq!(headers, [("Authorization", "Token vendor-key".to_owned())]);
        let telephone = flux(AudioFormat::Telephone).handshake().url;
        assert!(
            telephone.contains("&encoding=mulaw&sample_rate=8000&"),
            "{telephone}"
        );
        // The older protocol's parameters are refused with 400.
        for foreign in ["language=", "channels", "interim", "endpointing", "format="] {
            assert!(!url.contains(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_recorded_turn_reads_as_told() {
        let messages: Vec<String> = include_str!("../../fixtures/flux.jsonl")
            .lines()
            .map(str::to_owned)
            .collect();
        assert_eq!(
            told(&messages),
            [
                // Connected, an empty update, and words before the start of a turn.
                None,
                None,
                None,
                heard("We, the", ""),
                heard("We, the people,", ""),
                // The same words again, and an answer to another's request.
                None,
                None,
                heard(WHOLE, "l"),
                // An update between the two ends takes nothing back.
                None,
                heard(WHOLE, "fe"),
                None,
            ]
        );
    }

    #[test]
    fn an_end_that_was_taken_back_comes_again() {
        assert_eq!(
            told(&[
                event("StartOfTurn", "My number is"),
                event("EagerEndOfTurn", "My number is"),
                event("TurnResumed", "My number is five"),
                event("Update", "My number is five"),
                event("EagerEndOfTurn", "My number is five"),
                event("Update", "My number is five."),
                event("EndOfTurn", "My number is five."),
            ]),
            [
                heard("My number is", ""),
                heard("My number is", "l"),
                Some(RecogniserEvent::Resumed),
                heard("My number is five", ""),
                heard("My number is five", "l"),
                heard("My number is five.", ""),
                heard("My number is five.", "fe"),
            ]
        );
    }

    #[test]
    fn words_outside_a_turn_are_not_told() {
        assert_eq!(
            told(&[
                event("Update", "Uh"),
                event("Update", ""),
                event("TurnResumed", "Uh"),
                event("StartOfTurn", "Stop"),
                event("EndOfTurn", "Stop."),
                event("Update", "Stop"),
                event("StartOfTurn", "Stop"),
            ]),
            [
                None,
                None,
                None,
                heard("Stop", ""),
                heard("Stop.", "fe"),
                None,
                heard("Stop", "")
            ]
        );
    }

    #[test]
    fn only_an_open_turn_leaves_something_to_hear_of() {
        let mut flux = flux(AudioFormat::Browser);
        let tell = |flux: &mut Flux, kind: &str, words: &str| {
            flux.decode(Frame::Text(event(kind, words))).unwrap();
        };
        tell(&mut flux, "Update", "One");
        let left = |flux: &mut Flux| flux.give_up(Duration::ZERO).words;
        assert_eq!((flux.owes_news_within(), left(&mut flux)), (None, None));
        tell(&mut flux, "StartOfTurn", "One");
        tell(&mut flux, "Update", "One two");
        assert!(flux.owes_news_within() > Some(Duration::from_secs(3)));
        assert_eq!(left(&mut flux).as_deref(), Some("One two"));
        assert_eq!((flux.owes_news_within(), left(&mut flux)), (None, None));
        tell(&mut flux, "StartOfTurn", "Three");
        tell(&mut flux, "EndOfTurn", "Three.");
        assert_eq!((flux.owes_news_within(), left(&mut flux)), (None, None));
    }

    #[test]
    fn a_lost_socket_leaves_what_was_no_turn_to_the_next() {
        let mut flux = flux(AudioFormat::Browser);
        let mut at = |event: &str, transcript: &str, from: f64, to: f64| {
            let text = serde_json::json!({ "type": "TurnInfo", "event": event, "transcript": transcript,
                "audio_window_start": from, "audio_window_end": to });
            flux.decode(Frame::Text(text.to_string())).unwrap();
            flux.give_up(Duration::ZERO).told
        };
        assert_eq!(at("Update", "We", 1.0, 1.5), Duration::from_secs(1));
        assert_eq!(
            at("StartOfTurn", "We the", 1.0, 2.0),
            Duration::from_secs(2)
        );
        assert_eq!(
            at("EndOfTurn", "We the people", 1.0, 3.0),
            Duration::from_secs(3)
        );
    }

    #[test]
    fn a_sign_of_life_is_silence_and_there_is_no_other_control() {
        let mut browser = flux(AudioFormat::Browser);
        assert_eq!(
            browser.keep_alive(),
            Some(Frame::Binary(vec![0; 2 * 1_280]))
        );
        let silence = flux(AudioFormat::Telephone).keep_alive();
        assert_eq!(silence, Some(Frame::Binary(vec![0xFF; 640])));
        assert_eq!(browser.finalize(), None);
        assert_eq!(browser.audio(&[]), None);
        assert_eq!(browser.audio(&[1, 2]), Some(Frame::Binary(vec![1, 2])));
    }

    #[test]
    fn an_error_is_told_by_its_code_and_the_rest_is_ignored() {
        let failed = |code: &str| Some(RecogniserEvent::Failed(code.to_owned()));
        let messages = [
            r#"{"type":"Error","sequence_id":1,"code":"INTERNAL_SERVER_ERROR","description":"heard: my number is"}"#,
            r#"{"type":"Error","code":"heard: my number is"}"#,
            r#"{"type":"Warning","code":"FORCE_END_TURN_NO_ACTIVE_TURN","description":"d","sequence_id":2}"#,
            r#"{"type":"TurnInfo","event":"SomethingNew","transcript":7}"#,
            r#"{"type":"SomethingNew"}"#,
        ];
        assert_eq!(
            told(&messages.map(str::to_owned)),
            [
                failed("INTERNAL_SERVER_ERROR"),
                failed("error without a code"),
                None,
                None,
                None
            ]
        );
    }

    #[test]
    fn the_unreadable_is_refused() {
        for text in [
            "",
            "hello",
            "[]",
            "{}",
            r#"{"type":"TurnInfo"}"#,
            r#"{"type":"TurnInfo","event":"EndOfTurn","transcript":7}"#,
        ] {
            let refused = flux(AudioFormat::Browser)
                .decode(Frame::Text(text.to_owned()))
                .unwrap_err();
            assert_eq!(
                refused.to_string(),
                "Deepgram listen: text that is not a message",
                "{text}"
            );
        }
        let binary = flux(AudioFormat::Browser).decode(Frame::Binary(vec![0]));
        assert_eq!(binary.unwrap_err().what, "a binary message");
    }
}
