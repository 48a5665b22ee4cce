//! `POST /phone/calls`: a call held from beginning to end by the running providers. The route is ours, no vendor has it: it is
//! how `cargo xtask phone` calls the worker that `cargo xtask dev` runs.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use voice_core::simulation::scenario::{Action, KEY_MILLIS, Scenario};

use super::order::{Failure, Order, Outcome};
use super::recording::{Stereo, read_wav};
use super::{EventKind, PhoneCall, SpanOnTimeline, voice};
use crate::backend::Backend;
use crate::script::Script;
use crate::server::Shared;
use crate::speech::resample::resample;

pub(crate) const PATH: &str = "/phone/calls";

/// A WAV file of several minutes, in base64.
pub(crate) const BODY_MOST: usize = 32 * 1024 * 1024;

/// The longest call, in any of the ways there are to hold one.
pub(crate) const LONGEST: Duration = Duration::from_secs(600);

pub(crate) async fn place(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    // Not a form and not plain text: no page of another origin can order calls without being asked first.
    let kind = headers.get(header::CONTENT_TYPE);
    if kind.is_none_or(|kind| kind != "application/json") {
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body is no JSON");
    }
    let order: Order = match serde_json::from_slice(&body) {
        Ok(order) => order,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let plan = match Plan::of(&order, &shared).await {
        Ok(plan) => plan,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &format!("{error:#}")),
    };
    let call = match super::place(shared, order.dial()).await {
        Ok(call) => call,
        Err(error) => return refuse(StatusCode::BAD_GATEWAY, &format!("{error:#}")),
    };
    // A call that takes too long is hung up, and what there is of it is given.
    let held = timeout(LONGEST, plan.hold(&call)).await.unwrap_or(Ok(()));
    call.hang_up();
    let ended = timeout(ENDING, over(&call)).await;
    if let Err(error) = held.and_then(|()| ended.context("the call does not end")) {
        return refuse(StatusCode::BAD_GATEWAY, &format!("{error:#}"));
    }
    let outcome = Outcome::new(&call.recording().to_wav(), call.timeline());
    match serde_json::to_string(&outcome) {
        Ok(json) => respond(StatusCode::OK, json),
        Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

/// Returns when the call is over.
async fn over(call: &PhoneCall) {
    let ended = |kind: &EventKind| matches!(kind, EventKind::Ended { .. }).then_some(());
    call.line.find(|event| ended(&event.kind)).await;
}

/// What the caller does.
enum Plan {
    /// Asks this, and says it once more over the answer.
    Ask(Vec<i16>),
    /// At each moment, in order.
    Act(Vec<(Duration, Act)>),
}

enum Act {
    HangUp,
    Press(String),
    Say(Vec<i16>),
}

impl Plan {
    async fn of(order: &Order, shared: &Arc<Shared>) -> anyhow::Result<Self> {
        match (&order.say, &order.scenario) {
            (Some(wav), None) => {
                let file = STANDARD.decode(wav).context("`say` is no base64")?;
                let (samples, rate) = read_wav(&file).context("`say` is no WAV file")?;
                Ok(Self::Ask(resample(&samples, rate, Stereo::RATE)))
            }
            (None, Some(text)) => {
                let scenario = Scenario::parse(text).context("`scenario` is no scenario")?;
                Self::of_scenario(scenario, shared).await
            }
            _ => anyhow::bail!("either `say` or `scenario`"),
        }
    }

    /// In scripted mode the providers hear and answer from now on what the scenario says; real engines hear for themselves.
    async fn of_scenario(scenario: Scenario, shared: &Arc<Shared>) -> anyhow::Result<Self> {
        let script = Script::of_scenario(&scenario);
        let begins = scenario
            .actions
            .iter()
            .find(|(_, action)| *action == Action::Call);
        let begins = begins.map_or(0, |(at, _)| *at);
        let mut acts = Vec::new();
        for (at, action) in scenario.actions {
            let act = match action {
                Action::Call => continue,
                Action::HangUp => Act::HangUp,
                Action::Noise { millis } => Act::Say(voice::noise(millis)),
                Action::Press { digits } => Act::Press(digits),
                Action::Say { millis, words } => match &shared.backend {
                    Backend::Scripted => Act::Say(voice::speech(millis)),
                    Backend::Speech(engines) => {
                        let engines = Arc::clone(engines);
                        let spoken = spawn_blocking(move || engines.say_at(&words, Stereo::RATE));
                        Act::Say(spoken.await??)
                    }
                },
            };
            acts.push((Duration::from_millis(at.saturating_sub(begins)), act));
        }
        if matches!(shared.backend, Backend::Scripted) {
            shared.set_script(script);
        }
        Ok(Self::Act(acts))
    }

    async fn hold(self, call: &PhoneCall) -> anyhow::Result<()> {
        tokio::select! {
            // She may end the call herself.
            () = over(call) => Ok(()),
            done = async {
                match self {
                    Self::Ask(question) => ask(call, question).await,
                    Self::Act(acts) => {
                        act(call, acts).await;
                        Ok(())
                    }
                }
            } => done,
        }
    }
}

/// A question after the greeting, and the same one over its answer.
async fn ask(call: &PhoneCall, question: Vec<i16>) -> anyhow::Result<()> {
    call.quiet_for(PAUSE).await;
    let said = call.say(question.clone());
    wait_for(call, said.to_ms).await;
    let answer = call.sound_after(said.to_ms).await?;
    wait_for(call, answer + INTO_THE_ANSWER_MS).await;
    let again: SpanOnTimeline = call.say(question);
    wait_for(call, again.to_ms).await;
    call.sound_after(again.to_ms).await?;
    call.quiet_for(PAUSE).await;
    Ok(())
}

async fn act(call: &PhoneCall, acts: Vec<(Duration, Act)>) {
    for (at, act) in acts {
        wait_for(call, at.as_secs_f64() * 1e3).await;
        match act {
            Act::HangUp => return,
            Act::Press(digits) => {
                for digit in digits.chars() {
                    call.press(digit);
                    sleep(Duration::from_millis(KEY_MILLIS)).await;
                }
            }
            Act::Say(samples) => {
                call.say(samples);
            }
        }
    }
    call.quiet_for(PAUSE).await;
}

/// Until a moment of the call's timeline.
async fn wait_for(call: &PhoneCall, ms: f64) {
    let left = (ms - call.elapsed_ms()).max(0.0);
    sleep_until(Instant::now() + Duration::from_secs_f64(left / 1e3)).await;
}

fn refuse(status: StatusCode, error: &str) -> Response {
    let error = error.to_owned();
    let json = serde_json::to_string(&Failure { error }).unwrap_or_default();
    respond(status, json)
}

fn respond(status: StatusCode, json: String) -> Response {
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Longer than she pauses between two sentences, with real engines too.
const PAUSE: Duration = Duration::from_millis(1_500);

/// Far enough into an answer that it is one, and early enough that it is not over.
const INTO_THE_ANSWER_MS: f64 = 1_500.0;

/// A close, a status callback and the answer to it.
const ENDING: Duration = Duration::from_secs(20);
