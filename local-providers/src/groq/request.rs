//! What is asked of the model, and what the vendor would not accept of it.

use serde::Deserialize;
use serde_json::Value;

/// A request that was accepted.
#[derive(Clone, Debug)]
pub(crate) struct ChatRequest {
    pub(crate) model: String,
    pub(crate) messages: Vec<Message>,
    pub(crate) tools: Vec<Tool>,
    pub(crate) stream: bool,
    pub(crate) include_usage: bool,
    pub(crate) prompt_characters: usize,
}

/// One message of the conversation.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Message {
    pub(crate) role: String,
    #[serde(default)]
    content: Value,
    #[serde(default)]
    pub(crate) tool_calls: Vec<Call>,
    #[serde(default)]
    pub(crate) tool_call_id: Option<String>,
}

impl Message {
    /// The text, also when it comes in parts.
    pub(crate) fn text(&self) -> String {
        match &self.content {
            Value::String(text) => text.clone(),
            Value::Array(parts) => parts
                .iter()
                .filter_map(|part| part["text"].as_str())
                .collect::<Vec<_>>()
                .join(" "),
            _ => String::new(),
        }
    }
}

/// A call the model made earlier.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) function: CalledFunction,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CalledFunction {
    pub(crate) name: String,
    #[expect(
        dead_code,
        reason = "must be there and be text; what it says is in the tool's result too"
    )]
    arguments: String,
}

/// A tool the model may call.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Tool {
    #[serde(rename = "type")]
    kind: String,
    pub(crate) function: Function,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Function {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) parameters: Value,
}

#[derive(Deserialize)]
struct Body {
    model: String,
    messages: Vec<Message>,
    #[serde(default)]
    tools: Vec<Tool>,
    #[serde(default)]
    stream: bool,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    #[serde(default)]
    n: Option<u64>,
    #[serde(default)]
    logprobs: Option<bool>,
    #[serde(default)]
    reasoning_effort: Option<String>,
    #[serde(default)]
    reasoning_format: Option<String>,
    #[serde(default)]
    include_reasoning: Option<bool>,
    #[serde(default)]
    service_tier: Option<String>,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

impl ChatRequest {
    /// Reads a request's body; the error is the vendor's message.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let body: Body =
            serde_json::from_slice(bytes).map_err(|error| format!("invalid request: {error}"))?;
        body.check()?;
        let prompt_characters = body
            .messages
            .iter()
            .map(|message| message.text().chars().count())
            .sum();
        Ok(Self {
            model: body.model,
            messages: body.messages,
            tools: body.tools,
            stream: body.stream,
            include_usage: body
                .stream_options
                .is_some_and(|options| options.include_usage),
            prompt_characters,
        })
    }

    /// What the caller said last.
    pub(crate) fn last_user(&self) -> String {
        self.messages
            .iter()
            .rfind(|message| message.role == "user")
            .map(Message::text)
            .unwrap_or_default()
    }

    /// Whether the model is to answer to what a tool returned.
    pub(crate) fn ends_with_tool_result(&self) -> bool {
        self.messages
            .last()
            .is_some_and(|message| message.role == "tool")
    }

    /// The words that the model is to go on from, and the request without them: those of a last message that is the
    /// assistant's own.
    pub(crate) fn begun(&self) -> Option<(String, Self)> {
        let last = self.messages.last()?;
        let text = last.text();
        let is_begun =
            last.role == "assistant" && last.tool_calls.is_empty() && !text.trim().is_empty();
        is_begun.then(|| {
            let mut before = self.clone();
            before.messages.pop();
            (text, before)
        })
    }

    pub(crate) fn tool(&self, name: &str) -> Option<&Function> {
        self.tools
            .iter()
            .map(|tool| &tool.function)
            .find(|function| function.name == name)
    }
}

impl Body {
    fn check(&self) -> Result<(), String> {
        if self.messages.is_empty() {
            return Err("'messages' : minimum number of items is 1".to_owned());
        }
        for (index, message) in self.messages.iter().enumerate() {
            check_message(index, message)?;
        }
        if self.tools.len() > TOOLS_MOST {
            return Err(format!("'tools' : maximum number of items is {TOOLS_MOST}"));
        }
        if self.tools.iter().any(|tool| tool.kind != "function") {
            return Err(
                "'tools.0.type' : value must be one of the allowed values: function".to_owned(),
            );
        }
        if self.n.is_some_and(|n| n != 1) {
            return Err("'n' : number must be at most 1".to_owned());
        }
        if self.logprobs == Some(true) {
            return Err("logprobs is not supported with this model".to_owned());
        }
        if self.include_reasoning.is_some() && self.reasoning_format.is_some() {
            return Err(
                "cannot specify both `include_reasoning` and `reasoning_format`".to_owned(),
            );
        }
        let efforts: &[&str] = match self.model.as_str() {
            model if model.contains("gpt-oss") => &["low", "medium", "high"],
            model if model.contains("qwen") => &["none", "default"],
            _ => &[],
        };
        if let Some(effort) = &self.reasoning_effort
            && !efforts.contains(&effort.as_str())
        {
            return Err(match efforts {
                [] => "`reasoning_effort` is not supported with this model".to_owned(),
                _ => format!("`reasoning_effort` must be one of {}", efforts.join(", ")),
            });
        }
        let tiers = ["auto", "flex", "on_demand", "performance"];
        if self
            .service_tier
            .as_ref()
            .is_some_and(|tier| !tiers.contains(&tier.as_str()))
        {
            return Err(format!(
                "'service_tier' : value must be one of {}",
                tiers.join(", ")
            ));
        }
        Ok(())
    }
}

fn check_message(index: usize, message: &Message) -> Result<(), String> {
    let at = |member: &str| format!("'messages.{index}' : for 'role:{}' {member}", message.role);
    let has_text = matches!(message.content, Value::String(_) | Value::Array(_));
    match message.role.as_str() {
        "system" | "developer" | "user" if !has_text => Err(at("'content' is required")),
        "assistant" if !has_text && message.tool_calls.is_empty() => {
            Err(at("'content' or 'tool_calls' is required"))
        }
        "tool" if message.tool_call_id.is_none() => Err(at("'tool_call_id' is required")),
        "tool" if !has_text => Err(at("'content' is required")),
        "assistant" | "developer" | "system" | "tool" | "user" => Ok(()),
        _ => Err(format!(
            "'messages.{index}' : discriminator property 'role' has invalid value"
        )),
    }
}

/// The vendor's limit.
const TOOLS_MOST: usize = 128;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(body: Value) -> Result<ChatRequest, String> {
        ChatRequest::parse(body.to_string().as_bytes())
    }

    #[test]
    fn reads_a_conversation_with_a_tool() {
        let request = parse(json!({
            "model": "openai/gpt-oss-20b", "stream": true, "reasoning_effort": "low",
            "messages": [
                { "role": "system", "content": "You are a receptionist." },
                { "role": "user", "content": "Book me in." },
                { "role": "assistant", "content": null, "tool_calls": [{ "id": "fc_1", "type": "function",
                    "function": { "name": "book_appointment", "arguments": "{}" } }] },
                { "role": "tool", "tool_call_id": "fc_1", "content": "{}" },
            ],
            "tools": [{ "type": "function", "function": { "name": "book_appointment" } }],
        }))
        .expect("valid");
        assert_eq!(request.last_user(), "Book me in.");
        assert!(request.ends_with_tool_result());
        assert!(request.tool("book_appointment").is_some());
    }

    #[test]
    fn refuses_what_the_vendor_refuses() {
        let hello = json!([{ "role": "user", "content": "Hello" }]);
        let refused = |body: Value| parse(body).expect_err("must be refused");
        assert!(refused(json!({ "model": "m", "messages": [] })).contains("messages"));
        assert!(refused(json!({ "messages": hello })).contains("model"));
        assert!(
            refused(json!({ "model": "m", "messages": [{ "role": "agent", "content": "x" }] }))
                .contains("role")
        );
        assert!(
            refused(json!({ "model": "m", "messages": [{ "role": "tool", "content": "x" }] }))
                .contains("tool_call_id")
        );
        assert!(
            refused(json!({ "model": "m", "messages": [{ "role": "assistant" }] }))
                .contains("content")
        );
        assert!(refused(json!({ "model": "m", "messages": hello, "n": 2 })).contains("'n'"));
        let effort =
            json!({ "model": "openai/gpt-oss-20b", "messages": hello, "reasoning_effort": "none" });
        assert!(refused(effort).contains("reasoning_effort"));
        let both = json!({ "model": "m", "messages": hello, "include_reasoning": false, "reasoning_format": "hidden" });
        assert!(refused(both).contains("reasoning_format"));
    }
}
