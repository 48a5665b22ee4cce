//! Asking the model: one streamed request for each turn, with a second model to fall back on.
//!
//! A request is replaced by the next one and withdrawn with its turn, in the middle of whatever it is at. What it has told
//! by then still carries its own turn, and so counts for no other. Once a word was told, no other model begins anew: the conversation asks for
//! the rest.

mod meter;
mod rest;
mod warming;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{AbortHandle, Either, abortable, select};
use futures_util::{FutureExt, StreamExt};
use voice_core::conversation::{Fault, Input};
use voice_core::prompt::Prompt;
use voice_core::tools;
use voice_core::turn::{ForTurn, TurnId};
use worker::{
    AbortController, AbortSignal, Delay, Fetch, Headers, Method, Request, RequestInit, Response,
};

use self::meter::Meter;
pub(super) use self::rest::Resting;
pub(super) use self::warming::Warming;
use super::Facts;
use crate::clock::{unix_millis, within};
use crate::providers::groq_llm::{ChatStream, Groq, classify};
use crate::providers::{HttpRequest, ModelEvent, ModelFailure, Usage};

/// The longest error body that is read to classify a refusal.
const ERROR_BODY: usize = 16 * 1024;

/// How long a model may take to its first word, and from each to the next. Its usual answer begins within half a second; a second model has
/// as much before the caller has waited for too long.
const DEADLINE: Duration = Duration::from_secs(2);

/// The longest wait for the same model, if it names one. Whatever is longer, another model is faster.
const WORTH_WAITING: Duration = Duration::from_millis(400);

/// How often one model is asked for an answer: again after a call that did not fit its tool, and with ever less of what was said.
const ATTEMPTS: u32 = 4;

/// A request under way. Dropping it withdraws the request.
pub(super) struct Asked {
    turn: TurnId,
    task: AbortHandle,
    fetch: Fetching,
    meter: Meter,
}

/// The request that is open now, if any.
#[derive(Clone, Default)]
struct Fetching(Rc<RefCell<Option<AbortController>>>);

impl Fetching {
    /// Another request takes the place of the one before.
    fn begin(&self) -> AbortSignal {
        let controller = AbortController::default();
        let signal = controller.signal();
        self.end();
        self.0.replace(Some(controller));
        signal
    }

    fn end(&self) {
        if let Some(before) = self.0.take() {
            before.abort();
        }
    }
}

/// What is asked, of whom, and who hears of it.
pub(super) struct Question {
    pub(super) groq: Groq,
    /// The first is asked first.
    pub(super) models: Vec<String>,
    pub(super) prompt: ForTurn<Prompt>,
    pub(super) resting: Resting,
}

impl Asked {
    /// Asks the first model, and the next one for as long as no word has come.
    pub(super) fn ask(question: Question, facts: Facts) -> Self {
        let turn = question.prompt.turn();
        let meter = Meter::default();
        let fetch = Fetching::default();
        let asking = Asking {
            question,
            turn,
            facts,
            fetch: fetch.clone(),
            meter: meter.clone(),
        };
        let (work, task) = abortable(asking.run());
        wasm_bindgen_futures::spawn_local(async move {
            // Aborted when the turn is over: nobody waits for the answer.
            let _ = work.await;
        });
        Self {
            turn,
            task,
            fetch,
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
        self.fetch.end();
    }
}

struct Asking {
    question: Question,
    turn: TurnId,
    facts: Facts,
    fetch: Fetching,
    meter: Meter,
}

/// Why an answer is not whole.
struct Broken {
    /// Words have gone out, or a tool was called: another model would begin anew.
    spoken: bool,
    failure: ModelFailure,
}

impl Asking {
    async fn run(self) {
        let models = self
            .question
            .resting
            .in_order(&self.question.models, unix_millis());
        for model in &models {
            match self.ask(model).await {
                Ok(()) => {
                    self.tell(Input::TextDone(ForTurn::new(self.turn, ())));
                    return;
                }
                Err(Broken { spoken, failure }) => {
                    if spoken || matches!(failure, ModelFailure::Hopeless { .. }) {
                        break;
                    }
                }
            }
        }
        self.fetch.end();
        self.tell(Input::Failed(ForTurn::new(self.turn, Fault::Model)));
    }

    /// Asks one model, again where that helps.
    async fn ask(&self, model: &str) -> Result<(), Broken> {
        let (_, prompt) = self.question.prompt.as_ref().into_parts();
        let mut prompt = prompt.clone();
        for attempt in 1.. {
            let request = self.question.groq.request(&prompt, model);
            let Err(broken) = self.answer(request).await else {
                return Ok(());
            };
            let failure = &broken.failure;
            worker::console_warn!(
                "turn {}: model {model}: {}",
                self.turn.number(),
                describe(failure)
            );
            self.question.resting.note(model, failure, unix_millis());
            if broken.spoken || attempt >= ATTEMPTS {
                return Err(broken);
            }
            match failure {
                ModelFailure::TooLong => match prompt.shorter() {
                    Some(shorter) => prompt = shorter,
                    None => return Err(broken),
                },
                ModelFailure::RetryAfter { millis, .. }
                    if attempt == 1 && u128::from(*millis) <= WORTH_WAITING.as_millis() =>
                {
                    Delay::from(Duration::from_millis((*millis).into())).await;
                }
                _ => return Err(broken),
            }
        }
        Ok(())
    }

    async fn answer(&self, request: HttpRequest) -> Result<(), Broken> {
        let before = self.meter.read();
        let nothing = |failure| {
            self.meter.set(before);
            Broken {
                spoken: false,
                failure,
            }
        };
        let unreachable = |_: worker::Error| nothing(another("not reachable"));
        self.meter.ask(request.body.len());
        let signal = self.fetch.begin();
        let head = within(DEADLINE, post(request, &signal)).await;
        let mut response = match head {
            Some(head) => head.map_err(unreachable)?,
            None => {
                self.fetch.end();
                return Err(nothing(another("no answer in time")));
            }
        };
        if response.status_code() != 200 {
            let failure = within(DEADLINE, refusal(&mut response)).await;
            return Err(nothing(
                failure.unwrap_or_else(|| another("no body in time")),
            ));
        }
        let mut chunks = response.stream().map_err(unreachable)?;
        let mut decoder = ChatStream::default();
        let mut spoken = false;
        // The first word is due so long after the question, each other so long after the one before, however the bytes are cut.
        let mut deadline = Delay::from(DEADLINE).fuse();
        loop {
            let chunk = match select(chunks.next(), &mut deadline).await {
                Either::Left((chunk, _)) => chunk,
                Either::Right(_) => {
                    self.fetch.end();
                    let failure = another("no word in time");
                    return Err(Broken { spoken, failure });
                }
            };
            let (events, ended) = match chunk {
                Some(Ok(bytes)) => (decoder.push(&bytes), false),
                Some(Err(_)) | None => (decoder.finish(), true),
            };
            for event in events {
                match event {
                    ModelEvent::Token(text) => {
                        spoken = true;
                        deadline = Delay::from(DEADLINE).fuse();
                        self.meter.hear();
                        self.tell(Input::Token(ForTurn::new(self.turn, text)));
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
                        self.tell(Input::ToolCall(ForTurn::new(self.turn, call)));
                    }
                    ModelEvent::Done => {
                        self.meter.settle(before, decoder.usage());
                        if !spoken {
                            // Thoughts alone are no answer.
                            let failure = another("an empty answer");
                            return Err(Broken { spoken, failure });
                        }
                        return Ok(());
                    }
                    ModelEvent::Failed(failure) => return Err(Broken { spoken, failure }),
                }
            }
            if ended {
                let failure = another("stream ended early");
                return Err(Broken { spoken, failure });
            }
        }
    }

    fn tell(&self, input: Input) {
        self.facts.tell(input);
    }
}

fn another(reason: &str) -> ModelFailure {
    ModelFailure::TryAnother {
        reason: reason.to_owned(),
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
