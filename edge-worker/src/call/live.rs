//! What the pages that watch are told of a call: its state as it changes, beside the caller's path and never on it.

use voice_core::turn::TurnId;
use voice_core::wire::Phase;
use worker::Env;

use crate::live_board::{LiveState, Report, tell};

pub(super) struct Live {
    env: Env,
    report: Report,
}

impl Live {
    /// Nothing is told yet.
    pub(super) const fn new(env: Env, report: Report) -> Self {
        Self { env, report }
    }

    /// The telephone rings.
    pub(super) fn rings(&mut self) {
        self.tell(Some(LiveState::Ringing));
    }

    /// The call has changed its state.
    pub(super) fn changes(&mut self, phase: Phase, turn: TurnId) {
        self.report.turns = turn.number();
        self.tell(LiveState::of(phase));
    }

    fn tell(&mut self, state: Option<LiveState>) {
        self.report.state = state;
        self.report.n = self.report.n.saturating_add(1);
        let (env, report) = (self.env.clone(), self.report.clone());
        wasm_bindgen_futures::spawn_local(async move {
            tell(&env, &report).await;
        });
    }
}
