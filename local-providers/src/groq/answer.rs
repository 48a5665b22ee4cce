//! One answer as Groq frames it: the chunks of a stream, the completion of a request that wants no stream, and what
//! a fault makes of either.

use std::sync::Arc;

use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::ChatRequest;
use crate::backend::Delta;
use crate::body::{self, Feed, Gone};
use crate::log::Exchange;
use crate::script::{Fault, Script, Shape};
use crate::server::Trouble;

/// The making of one answer. It ends when the body is dropped, and its log entry says so.
pub(crate) struct Answer {
    exchange: Exchange,
    trouble: Trouble,
    script: Arc<Script>,
    request: ChatRequest,
    deltas: mpsc::Receiver<Delta>,
    id: String,
    began: Instant,
    tokens: usize,
    reasoning_tokens: usize,
    calls: usize,
    /// The script's own word for why it ends.
    finish: Option<String>,
}

impl Answer {
    pub(crate) fn new(
        exchange: Exchange,
        trouble: Trouble,
        script: Arc<Script>,
        request: ChatRequest,
        deltas: mpsc::Receiver<Delta>,
    ) -> Self {
        let id = format!("7eb08824-fb8d-47af-a1f0-{:012x}", exchange.conn());
        let began = Instant::now();
        Self {
            exchange,
            trouble,
            script,
            request,
            deltas,
            id,
            began,
            tokens: 0,
            reasoning_tokens: 0,
            calls: 0,
            finish: None,
        }
    }

    pub(crate) async fn respond(self) -> Response {
        if self.request.stream {
            self.stream()
        } else {
            self.whole().await
        }
    }

    fn stream(self) -> Response {
        let (feed, body) = Feed::new(self.script.settings.split_bytes);
        tokio::spawn(self.run(feed));
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/event-stream"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }

    async fn run(mut self, mut feed: Feed) {
        let (mut opened, mut finished) = (false, false);
        loop {
            let idle = feed.is_empty();
            let delta = tokio::select! {
                biased;
                // What a fault waits for is out once it is poured.
                poured = feed.pour() => match poured {
                    Ok(()) if finished => return self.finish(),
                    Ok(()) => {
                        self.trouble.on_token();
                        continue;
                    }
                    Err(Gone) => return,
                },
                fault = self.trouble.next() => match fault {
                    Fault::Drip { every_ms, .. } => {
                        feed.drip(every_ms, &mut self.exchange);
                        continue;
                    }
                    fault => return self.suffer(fault, feed).await,
                },
                delta = self.deltas.recv(), if idle => delta,
            };
            if let Some(Delta::Finish(reason)) = delta {
                self.finish = Some(reason);
                continue;
            }
            let mut events = String::new();
            if !opened {
                opened = true;
                events.push_str(&event(&self.first_chunk(delta.as_ref())));
            }
            finished = delta.is_none();
            match delta {
                Some(delta) => events.push_str(&event(&self.delta_chunk(delta))),
                None => {
                    events.push_str(&event(&self.last_chunk()));
                    if self.request.include_usage {
                        events.push_str(&event(&self.usage_chunk()));
                    }
                    events.push_str("data: [DONE]\n\n");
                }
            }
            feed.give(events.into_bytes());
        }
    }

    fn finish(mut self) {
        let fields = json!({ "finish_reason": self.finish_reason(), "tokens": self.tokens });
        self.exchange.sent("done", fields);
        self.exchange
            .ending(json!({ "by": "server", "status": 200 }));
    }

    /// What a fault does to an open stream.
    async fn suffer(mut self, fault: Fault, mut feed: Feed) {
        match fault {
            Fault::Error { body, shape, .. } => {
                let error = match body {
                    Value::Null => tool_use_failed(),
                    body => body,
                };
                let last = match shape {
                    Shape::Wire => format!("event: error\ndata: {error}\n\n"),
                    Shape::Specification => event(&error),
                    Shape::XGroq => event(&self.early_end(&error)),
                };
                self.exchange
                    .sent("error", json!({ "tokens": self.tokens }));
                self.exchange
                    .ending(json!({ "by": "fault", "fault": "error" }));
                feed.give(last.into_bytes());
                let _ = feed.pour().await;
            }
            Fault::Tear { .. } => {
                let chunk = event(&self.chunk(json!({ "content": TORN }), Value::Null));
                let within = chunk.find(TORN).map_or(0, |at| at + 1);
                feed.give(chunk.into_bytes()[..within].to_vec());
                let _ = feed.pour().await;
                feed.cut(&mut self.exchange, "tear").await;
            }
            fault => {
                if matches!(fault, Fault::Garbage { .. }) {
                    feed.give(BROKEN_EVENT.to_vec());
                }
                feed.suffer(fault, &mut self.exchange, &mut self.trouble, NOISE)
                    .await;
            }
        }
    }

    /// A chunk that says only why there is no more.
    fn early_end(&self, error: &Value) -> Value {
        let why = match &error["error"]["message"] {
            Value::String(message) => message,
            _ => "over capacity",
        };
        let mut chunk = self.chunk(json!({}), Value::Null);
        chunk["x_groq"] = json!({ "id": self.request_id(), "error": why });
        chunk
    }

    /// Says who speaks. In a turn that only calls a tool, llama's first content is null and gpt-oss's empty.
    fn first_chunk(&self, delta: Option<&Delta>) -> Value {
        let silent = matches!(delta, Some(Delta::ToolCall { .. }))
            && !self.request.model.contains("gpt-oss");
        let content = if silent { Value::Null } else { Value::from("") };
        let mut chunk = self.chunk(
            json!({ "role": "assistant", "content": content }),
            Value::Null,
        );
        chunk["x_groq"] = json!({ "id": self.request_id(), "seed": 1_535_227_698 });
        chunk
    }

    fn delta_chunk(&mut self, delta: Delta) -> Value {
        self.tokens += 1;
        let delta = match delta {
            Delta::Content(text) => {
                self.exchange.sent("token", json!({ "text": text }));
                json!({ "content": text })
            }
            Delta::Finish(_) => Value::Null,
            Delta::Reasoning(text) => {
                self.reasoning_tokens += 1;
                self.exchange.sent("reasoning", Value::Null);
                json!({ "reasoning": text, "channel": "analysis" })
            }
            Delta::ToolCall {
                name: Some(name),
                arguments,
            } => {
                let index = self.calls;
                self.calls += 1;
                self.exchange
                    .sent("tool_call", json!({ "name": name, "arguments": arguments }));
                json!({ "tool_calls": [self.call(index, &name, &arguments)] })
            }
            Delta::ToolCall {
                name: None,
                arguments,
            } => {
                self.exchange
                    .sent("tool_call", json!({ "arguments": arguments }));
                json!({ "tool_calls": [{ "index": self.calls.saturating_sub(1), "function": { "arguments": arguments } }] })
            }
        };
        self.chunk(delta, Value::Null)
    }

    /// Ids are of two kinds, and opaque.
    fn call(&self, index: usize, name: &str, arguments: &str) -> Value {
        let id = if self.request.model.contains("gpt-oss") {
            format!(
                "fc_bfb39741-3748-4def-{index:04x}-{:012x}",
                self.exchange.conn()
            )
        } else {
            format!("tk{index}n{:05x}", self.exchange.conn())
        };
        json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments }, "index": index })
    }

    /// Usage stands here twice, without being asked for.
    fn last_chunk(&self) -> Value {
        let mut chunk = self.chunk(json!({}), Value::from(self.finish_reason()));
        let usage = self.usage();
        chunk["x_groq"] = json!({ "id": self.request_id(), "usage": usage });
        chunk["usage"] = usage;
        chunk
    }

    /// The one more chunk of `include_usage`, which has no choice at all.
    fn usage_chunk(&self) -> Value {
        let mut chunk = self.chunk(Value::Null, Value::Null);
        chunk["choices"] = json!([]);
        chunk["usage"] = self.usage();
        chunk
    }

    fn finish_reason(&self) -> &str {
        let usual = if self.calls > 0 { "tool_calls" } else { "stop" };
        self.finish.as_deref().unwrap_or(usual)
    }

    fn chunk(&self, delta: Value, finish_reason: Value) -> Value {
        json!({
            "id": format!("chatcmpl-{}", self.id),
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": self.request.model,
            "system_fingerprint": "fp_f8b414701e",
            "choices": [{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason }],
        })
    }

    fn request_id(&self) -> String {
        format!("req_01kh52ndshfr2a{:012x}", self.exchange.conn())
    }

    fn usage(&self) -> Value {
        let prompt = self.request.prompt_characters / CHARACTERS_PER_TOKEN;
        let time = self.began.elapsed().as_secs_f64();
        let mut usage = json!({
            "queue_time": 0.0419, "prompt_tokens": prompt, "prompt_time": 0.0039,
            "completion_tokens": self.tokens, "completion_time": time,
            "total_tokens": prompt + self.tokens, "total_time": time + 0.0039,
        });
        if self.reasoning_tokens > 0 {
            usage["completion_tokens_details"] =
                json!({ "reasoning_tokens": self.reasoning_tokens });
        }
        usage
    }

    /// The answer to `"stream": false`.
    async fn whole(mut self) -> Response {
        let (mut content, mut reasoning, mut calls) =
            (String::new(), String::new(), Vec::<Value>::new());
        while let Some(delta) = self.deltas.recv().await {
            self.tokens += 1;
            match delta {
                Delta::Finish(reason) => {
                    self.tokens -= 1;
                    self.finish = Some(reason);
                }
                Delta::Content(text) => content.push_str(&text),
                Delta::Reasoning(text) => reasoning.push_str(&text),
                Delta::ToolCall {
                    name: Some(name),
                    arguments,
                } => {
                    let mut call = self.call(calls.len(), &name, &arguments);
                    if let Some(members) = call.as_object_mut() {
                        members.remove("index");
                    }
                    calls.push(call);
                    self.calls += 1;
                }
                Delta::ToolCall {
                    name: None,
                    arguments,
                } => {
                    if let Some(Value::String(whole)) = calls
                        .last_mut()
                        .map(|call| &mut call["function"]["arguments"])
                    {
                        whole.push_str(&arguments);
                    }
                }
            }
        }
        let mut message = json!({ "role": "assistant", "content": content });
        if !calls.is_empty() {
            message["tool_calls"] = Value::from(calls);
        }
        if !reasoning.is_empty() {
            message["reasoning"] = Value::from(reasoning);
        }
        let body = json!({
            "id": format!("chatcmpl-{}", self.id),
            "object": "chat.completion",
            "created": CREATED,
            "model": self.request.model,
            "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": self.finish_reason() }],
            "usage": self.usage(),
            "system_fingerprint": "fp_f8b414701e",
            "x_groq": { "id": self.request_id() },
        });
        self.exchange.sent(
            "completion",
            json!({ "content": content, "finish_reason": self.finish_reason() }),
        );
        if let Some(page) = body::page(&mut self.exchange, &mut self.trouble) {
            return page;
        }
        let bytes = body.to_string().into_bytes();
        let mut response = Response::new(body::whole(self.exchange, self.trouble, bytes));
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        response
    }
}

fn event(chunk: &Value) -> String {
    format!("data: {chunk}\n\n")
}

fn tool_use_failed() -> Value {
    json!({ "error": {
        "message": "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.",
        "type": "invalid_request_error",
        "code": "tool_use_failed",
        "failed_generation": "",
        "status_code": 400,
    } })
}

/// Stands for the time of the request, which nobody reads.
const CREATED: u64 = 1_770_770_839;

/// English text on a usual tokeniser.
const CHARACTERS_PER_TOKEN: usize = 4;

/// A character of two bytes.
const TORN: &str = "\u{e9}";

/// An event that breaks off within a word.
const BROKEN_EVENT: &[u8] = b"data: {\"choices\":[{\"del";

/// What follows it: no event, no JSON and no text.
const NOISE: &[u8] = b"\xff\xfe\x00}]\n\ndata: \xc3\x28 <html>\n\n";
