//! The test emulator's script, and its JSON: what is heard, what is answered, how fast, and what goes wrong.
//!
//! ```json
//! {
//!   "latency": { "stt_final_ms": 150, "llm_first_token_ms": 100, "tts_first_byte_ms": 100 },
//!   "utterances": [
//!     "what are your opening hours",
//!     { "text": "um", "speech_final": false },
//!     ""
//!   ],
//!   "replies": [
//!     { "when": "hours", "say": "We are open from nine to five. Come any day." },
//!     { "when": "book", "preface": "One moment.",
//!       "tool_call": { "name": "book_appointment", "arguments": { "time": "10:00" } },
//!       "say": "You are booked for ten." }
//!   ],
//!   "faults": [
//!     { "service": "chat", "nth": 2, "fault": "refuse", "status": 429, "headers": { "retry-after": "2" } },
//!     { "service": "listen", "nth": 1, "fault": "cut", "after_ms": 3000 }
//!   ],
//!   "settings": { "idle_close_ms": 12000 }
//! }
//! ```
//!
//! Every member is optional and an unknown one is an error. Latencies and the wire settings of a script also
//! hold in speech mode, except where they take the place of an engine (`utterances`, `replies`, and the
//! latencies of work that is really done).

mod scenario;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::log::Service;

/// The whole script.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    pub latency: Latency,
    /// The k-th stretch of sound on a listening socket is heard as the k-th of these.
    pub utterances: Vec<Utterance>,
    /// The first that fits the request answers it; [`Script::OTHERWISE`] when none does.
    pub replies: Vec<Reply>,
    pub faults: Vec<FaultRule>,
    pub settings: Settings,
}

impl Script {
    /// The reply to a request that no rule fits.
    pub const OTHERWISE: &'static str = "I see. Is there anything else I can help you with?";

    /// A short call about a dental practice, for an emulator that is started by hand and given no script.
    #[must_use]
    pub fn demonstration() -> Self {
        let reply = |when: &str, say: &str| Reply {
            when: Some(when.to_owned()),
            say: say.to_owned(),
            ..Reply::default()
        };
        Self {
            utterances: [
                "hello",
                "what are your opening hours",
                "how much is a cleaning",
                "thank you goodbye",
            ]
            .map(Utterance::from)
            .to_vec(),
            replies: vec![
                reply("hours", "We are open Monday to Friday, from nine to five."),
                reply(
                    "how much",
                    "A cleaning is ninety dollars and takes forty five minutes.",
                ),
                reply("goodbye", "Thank you for calling. Goodbye!"),
                reply("hello", "Hello! How can I help you?"),
            ],
            ..Self::default()
        }
    }

    /// Reads a script from JSON.
    ///
    /// # Errors
    /// When the text is not JSON or not a script; the message names the line and the member.
    pub fn from_json(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    /// The `index`-th utterance of a connection.
    pub(crate) fn utterance(&self, index: usize) -> Utterance {
        match (self.utterances.get(index), self.settings.after_last) {
            (Some(utterance), _) => utterance.clone(),
            (None, AfterLast::Repeat) => self.utterances.last().cloned().unwrap_or_default(),
            (None, AfterLast::Empty) => Utterance::default(),
        }
    }
}

/// How long each service takes. The defaults are the product's stage budget.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Latency {
    /// From the end of the last sound to the final result.
    pub stt_final_ms: u64,
    /// From `Finalize` (or Flux's `ForceEndTurn`) to its answer.
    pub stt_finalize_ms: u64,
    /// Flux: from the end of the last sound to `EagerEndOfTurn`, for a client that asks for it. A word spoken is known
    /// as much later.
    pub flux_eager_ms: u64,
    /// Flux: from the end of the last sound to `EndOfTurn`. Sound before that goes on with the turn; after
    /// `EagerEndOfTurn` it gives `TurnResumed`.
    pub flux_end_ms: u64,
    /// From the request to the first token.
    pub llm_first_token_ms: u64,
    /// From each token to the next.
    pub llm_token_ms: u64,
    /// From the flush (or the REST request) to the first audio.
    pub tts_first_byte_ms: u64,
    /// Time to make audio, divided by the audio's length: 0 sends it as fast as the socket takes it, 1 in real time.
    pub tts_realtime_factor: f64,
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            stt_final_ms: 150,
            stt_finalize_ms: 0,
            flux_eager_ms: 80,
            flux_end_ms: 250,
            llm_first_token_ms: 100,
            llm_token_ms: 5,
            tts_first_byte_ms: 100,
            tts_realtime_factor: 0.0,
        }
    }
}

/// What the recogniser makes of one stretch of sound: a string, or an object when more is to be said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "UtteranceJson")]
pub struct Utterance {
    /// Empty for a noise: speech is reported to start, and no word comes.
    pub text: String,
    /// False leaves `speech_final` out of its final result, so that only `UtteranceEnd` ends it. Flux never finds such
    /// an utterance finished: only `eot_timeout_ms` or `ForceEndTurn` ends its turn.
    pub speech_final: bool,
}

impl Default for Utterance {
    fn default() -> Self {
        Self {
            text: String::new(),
            speech_final: true,
        }
    }
}

impl From<&str> for Utterance {
    fn from(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            speech_final: true,
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum UtteranceJson {
    Text(String),
    Full(UtteranceObject),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UtteranceObject {
    text: String,
    #[serde(default = "yes")]
    speech_final: bool,
}

impl From<UtteranceJson> for Utterance {
    fn from(json: UtteranceJson) -> Self {
        match json {
            UtteranceJson::Text(text) => Self {
                text,
                speech_final: true,
            },
            UtteranceJson::Full(UtteranceObject { text, speech_final }) => {
                Self { text, speech_final }
            }
        }
    }
}

/// What the model answers to a request.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reply {
    /// Part of the last user message, in any case; absent fits every request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// The request it answers, counted from 1 since the script was given; absent fits every one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// The answer. With a `tool_call`: what is said once the tool's result is in the request.
    pub say: String,
    /// With a `tool_call`: what is said before the call.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub preface: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_call: Option<ToolCall>,
    /// With a `tool_call`: calls that are made in the same breath.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub more_calls: Vec<ToolCall>,
    /// With a `tool_call`: it is made again whatever its result is.
    pub insists: bool,
}

/// A call that the model makes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    pub name: String,
    /// Sent as JSON text; a string is sent as it is, so that broken JSON can be scripted too.
    #[serde(default)]
    pub arguments: Value,
    /// Sends the arguments in two deltas, as the protocol allows and the vendor has not been seen to do.
    #[serde(default)]
    pub split: bool,
}

/// When something goes wrong.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FaultRule {
    pub service: Service,
    /// The connection or request of that service, counted from 1; absent means every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// With `nth`: how many in a row.
    #[serde(default = "one")]
    pub times: u64,
    #[serde(flatten)]
    pub fault: Fault,
}

impl FaultRule {
    pub(crate) fn strikes(&self, service: Service, ordinal: u64) -> bool {
        let counted = self
            .nth
            .is_none_or(|nth| (nth..nth.saturating_add(self.times)).contains(&ordinal));
        self.service == service && counted
    }
}

/// What goes wrong. `after_ms` counts from the opening of the connection; `after_tokens` (chat only) counts
/// tokens of the answer and comes before `after_ms`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// The socket closes with this code. For a request it is a [`Fault::Cut`].
    Close {
        #[serde(default = "internal_error")]
        code: u16,
        #[serde(default)]
        reason: String,
        #[serde(default)]
        after_ms: u64,
    },
    /// The connection is lost, with no close frame and no end of the body.
    Cut {
        #[serde(default)]
        after_ms: u64,
        #[serde(default)]
        after_tokens: Option<usize>,
    },
    /// The answer is late: a request's answer, a socket's upgrade, and on a voice socket the first audio of every piece.
    Delay { ms: u64 },
    /// An error message on the open connection: inside a 200 stream of chat, without `[DONE]`; an `Error` on a socket,
    /// which then closes with 1011.
    Error {
        #[serde(default)]
        after_ms: u64,
        #[serde(default)]
        after_tokens: Option<usize>,
        /// The vendor's own error when absent.
        #[serde(default)]
        body: Value,
    },
    /// The request, or the upgrade, is answered with this status.
    Refuse {
        status: u16,
        /// A string is sent as text, anything else as JSON; the vendor's own body for the status when absent.
        #[serde(default)]
        body: Value,
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// The connection stays open and nothing more is said on it.
    Stall {
        #[serde(default)]
        after_ms: u64,
        #[serde(default)]
        after_tokens: Option<usize>,
    },
}

/// Limits and habits of the vendors that a test may want otherwise.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// A shorter silence does not end an utterance; `stt_final_ms` (Flux: `flux_end_ms`) when absent.
    pub end_silence_ms: Option<u64>,
    /// How fast interim results reveal an utterance's words. The last word is never revealed before the final.
    pub words_per_second: f64,
    /// How often interim results come while there is speech. The vendor: about a second; faster shows more.
    pub interim_every_ms: u64,
    /// Speech longer than this is fixed piece by piece, in finals without `speech_final`. Seen on the wire: 4.76 s.
    pub segment_ms: u64,
    /// Whether `Finalize` is answered, with an empty result, when nothing waits to be finalised. The vendor promises neither.
    pub answer_empty_finalize: bool,
    /// A listening socket without audio or text is closed after this. The documentation says 10 s, captures 12.
    pub idle_close_ms: u64,
    /// Flux: the same, where a ping counts too. The vendor's staff says 60 s, users saw 20 to 30.
    pub flux_idle_close_ms: u64,
    /// What is heard once the utterances are used up.
    pub after_last: AfterLast,
    /// Length of the scripted voice's tone for each character.
    pub ms_per_char: u64,
    /// Flushes that a voice socket accepts in `flush_window_ms`.
    pub flush_limit: usize,
    /// The vendor says 60 s; recovery was seen after about 64.
    pub flush_window_ms: u64,
    /// Characters that a voice socket accepts in 60 s; 0 for any number.
    pub chars_per_minute: usize,
    /// Cuts the model's stream into pieces of about this many bytes, wherever they fall, a millisecond apart; 0 leaves each
    /// event whole.
    pub split_bytes: usize,
    /// Has gpt-oss models reason before they answer.
    pub reasoning: bool,
    /// Models that answer 404.
    pub withdrawn_models: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            end_silence_ms: None,
            words_per_second: 3.0,
            interim_every_ms: 200,
            segment_ms: 4_760,
            answer_empty_finalize: true,
            idle_close_ms: 12_000,
            flux_idle_close_ms: 20_000,
            after_last: AfterLast::Repeat,
            ms_per_char: 60,
            flush_limit: 20,
            flush_window_ms: 64_000,
            chars_per_minute: 2_400,
            split_bytes: 0,
            reasoning: false,
            withdrawn_models: WITHDRAWN_MODELS.map(str::to_owned).to_vec(),
        }
    }
}

/// What a connection hears after the last scripted utterance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterLast {
    /// Sound without words.
    Empty,
    /// The last one again.
    #[default]
    Repeat,
}

const fn yes() -> bool {
    true
}

const fn one() -> u64 {
    1
}

const fn internal_error() -> u16 {
    1011
}

/// Withdrawn by Groq up to 2026-09-14, for the tiers a business has.
const WITHDRAWN_MODELS: [&str; 6] = [
    "llama-3.1-8b-instant",
    "llama-3.3-70b-versatile",
    "meta-llama/llama-4-maverick-17b-128e-instruct",
    "meta-llama/llama-4-scout-17b-16e-instruct",
    "qwen/qwen3-32b",
    "qwen/qwen3.6-27b",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_kind_of_member() {
        let script = Script::from_json(
            r#"{
                "latency": { "stt_final_ms": 90 },
                "utterances": ["hello there", { "text": "um", "speech_final": false }],
                "replies": [{ "when": "hours", "say": "Nine to five." },
                            { "tool_call": { "name": "end_call", "arguments": {} }, "say": "Bye." }],
                "faults": [{ "service": "chat", "nth": 2, "fault": "refuse", "status": 429 },
                           { "service": "speak_rest", "fault": "stall" }],
                "settings": { "after_last": "empty" }
            }"#,
        )
        .expect("a script");
        assert_eq!(script.latency.stt_final_ms, 90);
        assert_eq!(script.latency.llm_first_token_ms, 100);
        assert_eq!(script.utterance(0).text, "hello there");
        assert!(!script.utterance(1).speech_final);
        assert_eq!(script.utterance(2), Utterance::default());
        assert_eq!(
            script.replies[1]
                .tool_call
                .as_ref()
                .map(|call| call.name.as_str()),
            Some("end_call")
        );
        let refusal = &script.faults[0];
        assert!(refusal.strikes(Service::Chat, 2));
        assert!(!refusal.strikes(Service::Chat, 3));
        assert!(!refusal.strikes(Service::Listen, 2));
        assert!(script.faults[1].strikes(Service::SpeakRest, 7));
    }

    #[test]
    fn a_misspelt_member_is_an_error() {
        let error = Script::from_json(r#"{ "latency": { "stt_finl_ms": 90 } }"#)
            .expect_err("must not pass");
        assert!(error.to_string().contains("stt_finl_ms"), "{error}");
        assert!(
            Script::from_json(r#"{ "faults": [{ "service": "chat", "fault": "explode" }] }"#)
                .is_err()
        );
    }

    #[test]
    fn the_last_utterance_repeats() {
        let script = Script {
            utterances: vec!["one".into(), "two".into()],
            ..Script::default()
        };
        assert_eq!(script.utterance(9).text, "two");
        assert_eq!(Script::default().utterance(0).text, "");
    }
}
