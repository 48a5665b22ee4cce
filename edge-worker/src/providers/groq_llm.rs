//! The language model behind Groq's chat completions, `/openai/v1/chat/completions`, streamed.
//!
//! Which model to ask, whether to ask again and whom is the caller's decision; [`classify`] and the stream say what kind of failure it was.

mod failure;
mod stream;

use serde::Serialize;
use serde_json::Value;
use voice_core::prompt::{self, Prompt, Role};
use voice_core::tools::{Call, Offer};

pub use failure::classify;
pub use stream::ChatStream;

use super::{Handshake, HttpRequest};
use crate::settings::{Secret, Settings};

/// The most tokens of an answer, thoughts and tool calls included: two spoken sentences are about 60, low reasoning
/// about 100. An answer that runs on is cut at some 400 words, before it outgrows what the voice takes in a minute.
const MAX_COMPLETION_TOKENS: u32 = 512;

/// Low, because she repeats facts and fills in forms; not zero, because the same sentence twice in a call sounds like a recording.
const TEMPERATURE: f32 = 0.4;

/// The vendor's front refuses the default agents of some HTTP libraries.
const USER_AGENT: &str = concat!("voxanne/", env!("CARGO_PKG_VERSION"));

/// Makes requests.
#[derive(Clone, Debug)]
pub struct Groq {
    url: String,
    models_url: String,
    key: Secret,
}

impl Groq {
    /// The vendor of these settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            url: settings.groq_url.join("/openai/v1/chat/completions"),
            models_url: settings.groq_url.join("/openai/v1/models"),
            key: settings.groq_key.clone(),
        }
    }

    /// The cheapest thing there is to ask, so that the connection is there when an answer is wanted: it uses no tokens.
    #[must_use]
    pub fn handshake(&self) -> Handshake {
        Handshake {
            url: self.models_url.clone(),
            headers: self.headers(),
        }
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        vec![
            ("Authorization", format!("Bearer {}", self.key.reveal())),
            ("User-Agent", USER_AGENT.to_owned()),
        ]
    }

    /// Asks `model` for the answer to a prompt.
    #[must_use]
    pub fn request(&self, prompt: &Prompt, model: &str) -> HttpRequest {
        // These models think before they speak. Thoughts cost time and are never spoken: as few as possible, and
        // not sent at all. Other models refuse the two members.
        let thinks = model.starts_with("openai/gpt-oss");
        let body = Body {
            model,
            messages: prompt.messages.iter().map(message).collect(),
            stream: true,
            max_completion_tokens: MAX_COMPLETION_TOKENS,
            temperature: TEMPERATURE,
            tools: prompt.tools.iter().map(offered).collect(),
            reasoning_effort: thinks.then_some("low"),
            include_reasoning: thinks.then_some(false),
        };
        HttpRequest {
            url: self.url.clone(),
            headers: self.headers(),
            // Writing strings and numbers to memory has no way to fail.
            body: serde_json::to_string(&body).unwrap_or_default(),
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    stream: bool,
    max_completion_tokens: u32,
    temperature: f32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Offered<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    include_reasoning: Option<bool>,
}

#[derive(Serialize)]
struct Offered<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    description: &'a str,
    parameters: Value,
}

fn offered(tool: &Offer) -> Offered<'_> {
    Offered {
        kind: "function",
        function: Function {
            name: &tool.name,
            description: &tool.description,
            // The schemas are made from types, and a test reads them.
            parameters: serde_json::from_str(&tool.parameters).unwrap_or_default(),
        },
    }
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Called<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Called<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: CalledFunction<'a>,
}

#[derive(Serialize)]
struct CalledFunction<'a> {
    name: &'a str,
    arguments: &'a str,
}

fn message(message: &prompt::Message) -> Message<'_> {
    Message {
        role: role(message.role),
        content: &message.text,
        tool_calls: message.calls.iter().map(called).collect(),
        tool_call_id: message.answers.as_deref(),
    }
}

fn called(call: &Call) -> Called<'_> {
    // A model that is shown arguments that are no JSON is refused by the vendor, not by us.
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&call.arguments).is_ok();
    Called {
        id: &call.id,
        kind: "function",
        function: CalledFunction {
            name: &call.name,
            arguments: if is_json { &call.arguments } else { "{}" },
        },
    }
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Agent => "assistant",
        Role::Caller => "user",
        Role::System => "system",
        Role::Tool => "tool",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use voice_core::tools::Tool;

    use super::*;

    fn body(model: &str, tools: Vec<Offer>) -> Value {
        let said = prompt::Message::said;
        let prompt = Prompt {
            messages: vec![
                said(Role::System, "Be brief."),
                said(Role::Caller, "Hi, \"Voxanne\"."),
                said(Role::Agent, "Hello!"),
            ],
            tools,
        };
        let request =
            Groq::new(&Settings::for_tests("http://127.0.0.1:9000")).request(&prompt, model);
        assert_eq!(
            request.url,
            "http://127.0.0.1:9000/openai/v1/chat/completions"
        );
        assert_eq!(
            request.headers[0],
            ("Authorization", "Bearer vendor-key".to_owned())
        );
        assert!(
            request.headers[1].0 == "User-Agent" && request.headers[1].1.starts_with("voxanne/")
        );
        serde_json::from_str(&request.body).unwrap()
    }

    #[test]
    fn a_request_streams_a_short_answer() {
        let body = body("openai/gpt-oss-20b", Vec::new());
        assert_eq!(
            body["messages"],
            json!([
                { "role": "system", "content": "Be brief." },
                { "role": "user", "content": "Hi, \"Voxanne\"." },
                { "role": "assistant", "content": "Hello!" },
            ])
        );
        assert_eq!(body["model"], "openai/gpt-oss-20b");
        assert_eq!(body["stream"], true);
        assert_eq!(body["max_completion_tokens"], 512);
        assert_eq!(body["reasoning_effort"], "low");
        assert_eq!(body["include_reasoning"], false);
        assert!(body.get("tools").is_none(), "an empty list is refused");
    }

    #[test]
    fn the_first_request_asks_for_nothing_that_costs() {
        let groq = Groq::new(&Settings::for_tests("http://127.0.0.1:9000"));
        let Handshake { url, headers } = groq.handshake();
        assert_eq!(url, "http://127.0.0.1:9000/openai/v1/models");
        assert_eq!(
            headers[0],
            ("Authorization", "Bearer vendor-key".to_owned())
        );
        assert_eq!(headers[1].0, "User-Agent");
    }

    #[test]
    fn a_tool_is_offered_with_its_schema() {
        let body = body("openai/gpt-oss-20b", vec![Tool::EndCall.offer()]);
        let function = &body["tools"][0]["function"];
        assert_eq!(body["tools"][0]["type"], "function");
        assert_eq!(function["name"], "end_call");
        assert_eq!(function["parameters"]["type"], "object");
    }

    #[test]
    fn a_call_and_its_result_are_told_as_the_vendor_wants_them() {
        let call = |arguments: &str| Call {
            id: "c1".to_owned(),
            name: "check_availability".to_owned(),
            arguments: arguments.to_owned(),
        };
        let called = |arguments: &str| {
            let mut said = prompt::Message::said(Role::Agent, "");
            said.calls = vec![call(arguments)];
            serde_json::to_value(message(&said)).unwrap()
        };
        assert_eq!(
            called(r#"{"date":"friday"}"#),
            json!({ "role": "assistant", "content": "", "tool_calls": [{ "id": "c1", "type": "function",
                "function": { "name": "check_availability", "arguments": r#"{"date":"friday"}"# } }] })
        );
        assert_eq!(
            called("{\"date\":")["tool_calls"][0]["function"]["arguments"],
            "{}"
        );
        let mut result = prompt::Message::said(Role::Tool, r#"{"slots":[]}"#);
        result.answers = Some("c1".to_owned());
        assert_eq!(
            serde_json::to_value(message(&result)).unwrap(),
            json!({ "role": "tool", "content": r#"{"slots":[]}"#, "tool_call_id": "c1" })
        );
    }

    #[test]
    fn only_models_that_think_are_told_how() {
        let body = body("llama-3.3-70b-versatile", Vec::new());
        assert!(body.get("reasoning_effort").is_none() && body.get("include_reasoning").is_none());
    }
}
