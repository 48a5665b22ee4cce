//! What the pages that watch are told of a call: its state as it changes, beside the caller's path and never on it.
//!
//! The board that is told counts the calls. Its first answer to a browser's call says whether there is room for it: so the call begins without waiting, and
//! one that is too many ends some milliseconds later. For a telephone that is asked before it is connected.

use std::cell::Cell;
use std::rc::Rc;

use voice_core::turn::TurnId;
use voice_core::wire::Phase;
use worker::Env;

use super::{Fact, Facts};
use crate::live_board::{LiveState, Report, Room, tell};
use crate::settings::CallsAtOnce;

pub(super) struct Live {
    env: Env,
    report: Report,
    most: CallsAtOnce,
    facts: Facts,
    /// Nobody knows yet whether there is room for the call.
    asks: Rc<Cell<bool>>,
}

impl Live {
    /// Nothing is told yet. `asks` is that of a call for which nobody has asked whether there is room.
    pub(super) fn new(
        env: Env,
        report: Report,
        most: CallsAtOnce,
        asks: bool,
        facts: Facts,
    ) -> Self {
        Self {
            env,
            report,
            most,
            facts,
            asks: Rc::new(Cell::new(asks)),
        }
    }

    /// The call has changed its state.
    pub(super) fn changes(&mut self, phase: Phase, turn: TurnId) {
        self.report.turns = turn.number();
        self.tell(LiveState::of(phase));
    }

    fn tell(&mut self, state: Option<LiveState>) {
        self.report.state = state;
        self.report.n = self.report.n.saturating_add(1);
        let (env, report, most) = (self.env.clone(), self.report.clone(), self.most);
        let (asks, facts) = (Rc::clone(&self.asks), self.facts.clone());
        wasm_bindgen_futures::spawn_local(async move {
            let Some(room) = tell(&env, &report, most).await else {
                return;
            };
            if asks.replace(false) && room == Room::Full {
                facts.send(Fact::Full);
            }
        });
    }
}
