//! What the business does during a call: one thing after the other, and nothing given up half way.
//!
//! A caller may speak on or hang up while an appointment is being made. It is made all the same, and the record says so.

use std::rc::Rc;
use std::time::Duration;

use front_desk::business::Business;
use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_channel::oneshot;
use futures_util::StreamExt;
use voice_core::conversation::Input;
use voice_core::tools::{Answer, Call};
use voice_core::turn::ForTurn;
use worker::Env;

use super::Facts;
use super::record::{Record, Run};
use crate::clock::{unix_millis, within};
use crate::desk::{Errand, carry_out, failed};
use crate::ticket::CallId;

/// How long one thing may take. The conversation has apologised by then; this keeps the next from waiting for ever.
const LONGEST: Duration = Duration::from_secs(10);

/// For whom something is done.
pub(super) struct Client {
    pub(super) env: Env,
    pub(super) business: Rc<Business>,
    pub(super) call: String,
    /// The number of a caller by telephone.
    pub(super) number: Option<String>,
    pub(super) record: Record,
    /// How many things were done for the caller before.
    pub(super) done: u32,
}

pub(super) struct Desk {
    queue: UnboundedSender<ForTurn<Call>>,
    over: oneshot::Receiver<()>,
}

impl Desk {
    pub(super) fn open(client: Client, facts: Facts) -> Self {
        let (queue, waiting) = unbounded();
        let (end, over) = oneshot::channel();
        wasm_bindgen_futures::spawn_local(async move {
            work(&client, &facts, waiting).await;
            // Nobody may be waiting for the end.
            let _ = end.send(());
        });
        Self { queue, over }
    }

    /// Has this done after what was asked for before. The conversation bounds how much that is.
    pub(super) fn run(&self, call: ForTurn<Call>) {
        let _ = self.queue.unbounded_send(call);
    }

    /// Waits until all that was asked for is done.
    pub(super) async fn close(self) {
        drop(self.queue);
        let _ = self.over.await;
    }
}

/// A name for what is made, which nobody can guess.
fn random_id() -> String {
    let mut random = [0; 16];
    // Without randomness there is a fresh moment: a name need only be unlike the others.
    if getrandom::fill(&mut random).is_err() {
        random = u128::from(unix_millis()).to_be_bytes();
    }
    CallId::from_random(random).to_string()
}

/// Whether an outcome tells of success.
fn is_done(outcome: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Outcome {
        ok: bool,
    }
    serde_json::from_str(outcome).is_ok_and(|outcome: Outcome| outcome.ok)
}

async fn work(client: &Client, facts: &Facts, mut waiting: UnboundedReceiver<ForTurn<Call>>) {
    let mut number = client.done;
    while let Some(call) = waiting.next().await {
        number = number.saturating_add(1);
        let (turn, call) = call.into_parts();
        let started_at = unix_millis();
        let errand = Errand {
            business: &client.business,
            call: &client.call,
            turn: turn.number(),
            caller: client.number.as_deref(),
            id: &random_id(),
            now: i64::try_from(started_at).unwrap_or(i64::MAX),
        };
        let done = carry_out(&client.env, &errand, &call);
        let text = within(LONGEST, done).await.unwrap_or_else(|| {
            worker::console_error!("turn {}: {} took too long", turn.number(), call.name);
            failed()
        });
        client.record.keep_run(&Run {
            turn: turn.number(),
            number,
            name: &call.name,
            arguments: &call.arguments,
            result: &text,
            started_at,
            took_ms: unix_millis().saturating_sub(started_at),
        });
        let answer = Answer {
            call: call.id,
            done: is_done(&text),
            text,
        };
        facts.tell(Input::Answered(ForTurn::new(turn, answer)));
    }
}
