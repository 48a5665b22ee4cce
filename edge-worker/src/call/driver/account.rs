//! What a call costs, and what the warden is told of it.

use voice_core::conversation::{Fault, Input};
use voice_core::time::Timestamp;
use voice_core::turn::ForTurn;

use super::Driver;
use crate::call::model::Asked;
use crate::call::record::Cost;
use crate::call::watch::Tallies;
use crate::providers::Usage;
use crate::warden::Spent;

/// Tokens of the model in this call.
#[derive(Clone, Copy, Default)]
pub(super) struct Used {
    pub(super) tokens_in: u64,
    pub(super) tokens_out: u64,
}

impl Used {
    pub(super) fn add(&mut self, usage: Usage) {
        self.tokens_in = self.tokens_in.saturating_add(usage.tokens_in.into());
        self.tokens_out = self.tokens_out.saturating_add(usage.tokens_out.into());
    }
}

impl Driver {
    /// The model's answer is no longer of interest; what it has cost is.
    pub(super) fn put_away_answer(&mut self) {
        if let Some(asked) = self.asked.take() {
            self.used.add(asked.cost());
        }
    }

    /// What the call has cost so far.
    pub(super) fn cost(&self) -> Cost {
        let mut used = self.used;
        used.add(self.asked.as_ref().map(Asked::cost).unwrap_or_default());
        let before = self.before;
        Cost {
            listened: before.listened.saturating_add(self.recogniser.listened()),
            tokens_in: before.tokens_in.saturating_add(used.tokens_in),
            tokens_out: before.tokens_out.saturating_add(used.tokens_out),
            characters: before.characters.saturating_add(self.voice.characters()),
        }
    }

    /// What the warden counts.
    pub(super) fn spent(&self, now: Timestamp) -> Spent {
        let Cost {
            tokens_in,
            tokens_out,
            ..
        } = self.cost();
        let before = self.before.tokens_in.saturating_add(self.before.tokens_out);
        let tokens = tokens_in.saturating_add(tokens_out);
        Spent {
            call_ms: now.as_millis(),
            tokens: tokens.saturating_sub(before),
        }
    }

    /// Whether the model has answered is known at the end; one that was asked early, and in vain, is asked again.
    pub(super) fn count_answer(&mut self, input: &Input) {
        let turn = self.conversation.turn();
        match input {
            Input::TextDone(done) if done.turn() == turn => self.asked_tally.succeeded(),
            Input::Failed(fault) if *fault == ForTurn::new(turn, Fault::Model) => {
                self.asked_tally.failed();
            }
            _ => {}
        }
    }

    pub(super) fn tell_warden(&mut self, now: Timestamp) {
        let tallies = Tallies {
            recogniser: self.recogniser.take_tally(),
            model: std::mem::take(&mut self.asked_tally),
            voice: self.voice.take_tally(),
        };
        let spent = self.spent(now);
        self.watch.look(now, spent, &tallies);
    }
}
