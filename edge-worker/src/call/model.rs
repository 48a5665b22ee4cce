//! Asking the model: one streamed request for each turn, with a second model to fall back on.
//!
//! A request is replaced by the next one and withdrawn with its turn, in the middle of whatever it is at. What it has told
//! by then still carries its own turn, and so counts for no other.

use std::cell::Cell;
use std::rc::Rc;

use futures_util::StreamExt;
use futures_util::future::{AbortHandle, abortable};
use voice_core::conversation::{Fault, Input};
use voice_core::prompt::Prompt;
use voice_core::tools;
use voice_core::turn::{ForTurn, TurnId};
use worker::{
    AbortController, AbortSignal, Fetch, Headers, Method, Request, RequestInit, Response,
};

use super::Facts;
use crate::providers::groq_llm::{ChatStream, Groq, classify};
use crate::providers::{Handshake, HttpRequest, ModelEvent, ModelFailure, Usage};

/// The longest error body that is read to classify a refusal.
const ERROR_BODY: usize = 16 * 1024;

/// A request under way. Dropping it withdraws the request.
pub(super) struct Asked {
    turn: TurnId,
    task: AbortHandle,
    fetches: Option<AbortController>,
    meter: Meter,
}

/// What an answer has cost. The vendor tells it at the end; an answer that is withdrawn before is reckoned by its length.
#[derive(Clone, Debug, Default)]
struct Meter(Rc<Cell<Usage>>);

/// English on the usual tokenisers.
const BYTES_PER_TOKEN: usize = 4;

impl Meter {
    fn read(&self) -> Usage {
        self.0.get()
    }

    fn set(&self, usage: Usage) {
        self.0.set(usage);
    }

    /// A request of this length is made.
    fn ask(&self, bytes: usize) {
        let tokens = u32::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(u32::MAX);
        let Usage {
            tokens_in,
            tokens_out,
        } = self.read();
        self.set(Usage {
            tokens_in: tokens_in.saturating_add(tokens),
            tokens_out,
        });
    }

    /// Another word has come.
    fn hear(&self) {
        let usage = self.read();
        self.set(Usage {
            tokens_out: usage.tokens_out.saturating_add(1),
            ..usage
        });
    }

    /// The vendor has told, of what was asked since `before`.
    fn settle(&self, before: Usage, told: Usage) {
        if told != Usage::default() {
            self.set(Usage {
                tokens_in: before.tokens_in.saturating_add(told.tokens_in),
                tokens_out: before.tokens_out.saturating_add(told.tokens_out),
            });
        }
    }
}

impl Asked {
    /// Asks the first model, and the next one for as long as no word has come.
    pub(super) fn ask(
        groq: Groq,
        models: Vec<String>,
        prompt: ForTurn<Prompt>,
        facts: Facts,
    ) -> Self {
        let (turn, prompt) = prompt.into_parts();
        let fetches = AbortController::default();
        let signal = fetches.signal();
        let meter = Meter::default();
        let metered = meter.clone();
        let (work, task) = abortable(async move {
            for model in models {
                let request = groq.request(&prompt, &model);
                match answer(request, turn, &facts, &signal, &metered).await {
                    Ok(()) => {
                        facts.tell(Input::TextDone(ForTurn::new(turn, ())));
                        return;
                    }
                    Err(Broken { spoken, failure }) => {
                        worker::console_warn!(
                            "turn {}: model {model}: {}",
                            turn.number(),
                            describe(&failure)
                        );
                        let hopeless = matches!(
                            failure,
                            ModelFailure::Hopeless { .. } | ModelFailure::TooLong
                        );
                        if spoken || hopeless {
                            break;
                        }
                    }
                }
            }
            facts.tell(Input::Failed(ForTurn::new(turn, Fault::Model)));
        });
        wasm_bindgen_futures::spawn_local(async move {
            // Aborted when the turn is over: nobody waits for the answer.
            let _ = work.await;
        });
        Self {
            turn,
            task,
            fetches: Some(fetches),
            meter,
        }
    }

    pub(super) const fn turn(&self) -> TurnId {
        self.turn
    }

    /// What it has cost so far.
    pub(super) fn cost(&self) -> Usage {
        self.meter.read()
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.task.abort();
        if let Some(fetches) = self.fetches.take() {
            fetches.abort();
        }
    }
}

/// The connection to the model's host, opened before there is anything to ask: the first answer of a call then waits for
/// neither its address nor its handshakes. Dropping it gives up.
pub(super) struct Warming {
    task: AbortHandle,
    fetch: Option<AbortController>,
}

impl Warming {
    /// What the host answers is of no interest, and nothing depends on it.
    pub(super) fn start(groq: &Groq) -> Self {
        let fetch = AbortController::default();
        let signal = fetch.signal();
        let handshake = groq.handshake();
        let (work, task) = abortable(async move {
            if knock(handshake, &signal).await.is_err() {
                worker::console_warn!("the model's host was not reached early");
            }
        });
        wasm_bindgen_futures::spawn_local(async move {
            // Aborted when the call is over.
            let _ = work.await;
        });
        Self {
            task,
            fetch: Some(fetch),
        }
    }
}

impl Drop for Warming {
    fn drop(&mut self) {
        self.task.abort();
        if let Some(fetch) = self.fetch.take() {
            fetch.abort();
        }
    }
}

/// Sends a request and drops the answer, but not before its end: a connection with half an answer on it is closed, and a whole
/// one leaves it for the next request.
async fn knock(handshake: Handshake, signal: &AbortSignal) -> worker::Result<()> {
    let headers = Headers::new();
    for (name, value) in &handshake.headers {
        headers.set(name, value)?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::Get).with_headers(headers);
    let mut response = Fetch::Request(Request::new_with_init(&handshake.url, &init)?)
        .send_with_signal(signal)
        .await?;
    let mut body = response.stream()?;
    while let Some(chunk) = body.next().await {
        chunk?;
    }
    Ok(())
}

struct Broken {
    /// Words have gone out, or a tool was called: another model would begin anew.
    spoken: bool,
    failure: ModelFailure,
}

async fn answer(
    request: HttpRequest,
    turn: TurnId,
    facts: &Facts,
    signal: &AbortSignal,
    meter: &Meter,
) -> Result<(), Broken> {
    let before = meter.read();
    let unreachable = |_: worker::Error| {
        meter.set(before);
        Broken {
            spoken: false,
            failure: ModelFailure::TryAnother {
                reason: "not reachable".to_owned(),
            },
        }
    };
    meter.ask(request.body.len());
    let mut response = post(request, signal).await.map_err(unreachable)?;
    if response.status_code() != 200 {
        meter.set(before);
        return Err(Broken {
            spoken: false,
            failure: refusal(&mut response).await,
        });
    }
    let mut chunks = response.stream().map_err(unreachable)?;
    let mut decoder = ChatStream::default();
    let mut spoken = false;
    loop {
        let chunk = chunks.next().await;
        let (events, ended) = match chunk {
            Some(Ok(bytes)) => (decoder.push(&bytes), false),
            Some(Err(_)) | None => (decoder.finish(), true),
        };
        for event in events {
            match event {
                ModelEvent::Token(text) => {
                    spoken = true;
                    meter.hear();
                    facts.tell(Input::Token(ForTurn::new(turn, text)));
                }
                ModelEvent::ToolCall {
                    id,
                    name,
                    arguments,
                } => {
                    spoken = true;
                    let call = tools::Call {
                        id,
                        name,
                        arguments,
                    };
                    facts.tell(Input::ToolCall(ForTurn::new(turn, call)));
                }
                ModelEvent::Done => {
                    meter.settle(before, decoder.usage());
                    return Ok(());
                }
                ModelEvent::Failed(failure) => return Err(Broken { spoken, failure }),
            }
        }
        if ended {
            let failure = ModelFailure::TryAnother {
                reason: "stream ended early".to_owned(),
            };
            return Err(Broken { spoken, failure });
        }
    }
}

async fn refusal(response: &mut Response) -> ModelFailure {
    let status = response.status_code();
    let retry_after = response.headers().get("retry-after").ok().flatten();
    let mut body = response.text().await.unwrap_or_default();
    body.truncate(body.floor_char_boundary(ERROR_BODY));
    classify(status, retry_after.as_deref(), &body)
}

/// Sends a request with a JSON body.
pub(super) async fn post(request: HttpRequest, signal: &AbortSignal) -> worker::Result<Response> {
    let headers = Headers::new();
    headers.set("Content-Type", "application/json")?;
    for (name, value) in &request.headers {
        headers.set(name, value)?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_headers(headers)
        .with_body(Some(request.body.into()));
    Fetch::Request(Request::new_with_init(&request.url, &init)?)
        .send_with_signal(signal)
        .await
}

fn describe(failure: &ModelFailure) -> &str {
    match failure {
        ModelFailure::TryAnother { reason }
        | ModelFailure::RetryAfter { reason, .. }
        | ModelFailure::Hopeless { reason } => reason,
        ModelFailure::TooLong => "prompt too long",
    }
}
