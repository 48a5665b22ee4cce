//! What is heard, and what is answered.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
///
/// A request whose last message is the assistant's own words has the model go on from there: what it answers is left
/// without those words, if it begins with them in any spacing, and whole otherwise.
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
    /// All that would be said is reasoning, and there is no content: what a reasoning model does that thinks until its
    /// tokens are used up.
    pub only_reasoning: bool,
    /// Why the answer ends, in the vendor's word, `length` for one; `stop` or `tool_calls` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
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

const fn yes() -> bool {
    true
}
