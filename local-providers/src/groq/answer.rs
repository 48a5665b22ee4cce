//! One answer as Groq frames it: the chunks of a stream, the completion of a request that wants no stream, and what
//! a fault makes of either.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::ChatRequest;
use crate::backend::Delta;
use crate::deepgram::speak_rest::{BODY_CHUNKS_WAITING, body_of, cut};
use crate::log::Exchange;
use crate::script::{Fault, Script};
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
        let (sender, receiver) = mpsc::channel(BODY_CHUNKS_WAITING);
        let chunker = Chunker {
            sender,
            split: self.script.settings.split_bytes,
            width: 0,
        };
        tokio::spawn(self.run(chunker));
        let mut response = Response::new(body_of(receiver));
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/event-stream"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }

    async fn run(mut self, mut body: Chunker) {
        let mut opened = false;
        loop {
            if let Some(fault) = self.trouble.after_tokens(self.tokens) {
                return self.suffer(fault, body).await;
            }
            let delta = tokio::select! {
                delta = self.deltas.recv() => delta,
                () = body.sender.closed() => return,
                fault = self.trouble.next() => return self.suffer(fault, body).await,
            };
            let mut events = String::new();
            if !opened {
                opened = true;
                events.push_str(&event(&self.first_chunk(delta.as_ref())));
            }
            let finished = delta.is_none();
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
            if body.send(events.into_bytes()).await.is_err() {
                return;
            }
            if finished {
                let fields =
                    json!({ "finish_reason": self.finish_reason(), "tokens": self.tokens });
                self.exchange.sent("done", fields);
                return self
                    .exchange
                    .ending(json!({ "by": "server", "status": 200 }));
            }
        }
    }

    /// What a fault does to an open stream.
    async fn suffer(mut self, fault: Fault, mut body: Chunker) {
        match fault {
            Fault::Error { body: error, .. } => {
                let error = if error.is_null() {
                    tool_use_failed()
                } else {
                    error
                };
                self.exchange
                    .sent("error", json!({ "tokens": self.tokens }));
                self.exchange
                    .ending(json!({ "by": "fault", "fault": "error" }));
                let _ = body
                    .send(format!("event: error\ndata: {error}\n\n").into_bytes())
                    .await;
            }
            Fault::Stall { .. } | Fault::Delay { .. } | Fault::Refuse { .. } => {
                self.exchange
                    .ending(json!({ "by": "client", "fault": "stall" }));
                body.sender.closed().await;
            }
            Fault::Close { .. } | Fault::Cut { .. } => {
                self.exchange
                    .ending(json!({ "by": "fault", "fault": "cut" }));
                let _ = body.sender.send(Err(cut())).await;
            }
        }
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

    fn finish_reason(&self) -> &'static str {
        if self.calls > 0 { "tool_calls" } else { "stop" }
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
        self.exchange
            .ending(json!({ "by": "server", "status": 200 }));
        let mut response = Response::new(Body::from(body.to_string()));
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

/// Sends bytes whole, or cut wherever a width that keeps changing falls.
struct Chunker {
    sender: mpsc::Sender<io::Result<Bytes>>,
    split: usize,
    width: usize,
}

impl Chunker {
    async fn send(
        &mut self,
        bytes: Vec<u8>,
    ) -> Result<(), mpsc::error::SendError<io::Result<Bytes>>> {
        let mut rest = Bytes::from(bytes);
        if self.split == 0 {
            return self.sender.send(Ok(rest)).await;
        }
        while !rest.is_empty() {
            // Widths of split, split + 1, split + 2 and again: no border stays in one place of an event.
            self.width = (self.width + 1) % 3;
            let piece = rest.split_to(rest.len().min(self.split + self.width));
            self.sender.send(Ok(piece)).await?;
            // Otherwise the pieces would leave in one packet and be read as one.
            sleep(BETWEEN_PIECES).await;
        }
        Ok(())
    }
}

/// Stands for the time of the request, which nobody reads.
const CREATED: u64 = 1_770_770_839;

/// English text on a usual tokeniser.
const CHARACTERS_PER_TOKEN: usize = 4;

/// Long enough for the client to be woken for the piece before, too short to be felt.
const BETWEEN_PIECES: Duration = Duration::from_micros(200);
