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
//!     { "service": "listen", "nth": 1, "fault": "cut", "after_ms": 3000 },
//!     { "service": "listen", "fault": "close", "code": 1011, "after_kind": "Finalize" },
//!     { "service": "speak", "fault": "drip", "every_ms": 500, "after_sounds": 3 },
//!     { "service": "chat", "fault": "hang", "from_ms": 20000, "until_ms": 30000 }
//!   ],
//!   "settings": { "idle_close_ms": 12000 }
//! }
//! ```
//!
//! Every member is optional and an unknown one is an error. Latencies and the wire settings of a script also
//! hold in speech mode, except where they take the place of an engine (`utterances`, `replies`, and the
//! latencies of work that is really done). Faults come in both modes: they befall the wire ([`Fault`]).

mod fault;
mod lines;
mod scenario;
mod settings;

use serde::{Deserialize, Serialize};

pub use fault::{Fault, FaultRule, Shape, When};
pub use lines::{Reply, ToolCall, Utterance};
pub use settings::{AfterLast, Latency, Settings};

pub(crate) use fault::Cue;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Service;

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
