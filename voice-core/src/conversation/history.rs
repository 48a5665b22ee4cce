//! What was said, and how much of it was heard.

use super::errand::note_result;
use crate::latency::TurnReport;
use crate::prompt::{Message, Prompt, Role};
use crate::tools::{Answer, Offer, Run};
use crate::turn::TurnId;

/// One finished turn, as it goes into the call's record and into the model's next prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    pub turn: TurnId,
    /// What the caller said; empty for a turn of hers alone, such as the greeting.
    pub caller: String,
    /// What the caller heard of the reply.
    pub heard: String,
    /// What was made ready and never heard.
    pub unheard: String,
    /// What was done for it.
    pub runs: Vec<Run>,
    pub report: TurnReport,
}

/// The call so far.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    exchanges: Vec<Exchange>,
}

/// The newest exchanges the model is given. Forty turns are ten minutes of talk and some 3000 tokens, which
/// leaves room in the 8000 a minute of Groq's free tier.
const REMEMBERED: usize = 40;

impl History {
    /// Adds a finished turn and forgets what is too old to matter.
    pub(super) fn push(&mut self, exchange: Exchange) {
        self.exchanges.push(exchange);
        let excess = self.exchanges.len().saturating_sub(REMEMBERED);
        self.exchanges.drain(..excess);
    }

    /// The call so far, as it was kept.
    pub(super) fn of(exchanges: Vec<Exchange>) -> Self {
        let mut history = Self::default();
        for exchange in exchanges {
            history.push(exchange);
        }
        history
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.exchanges.is_empty()
    }

    /// What was begun for a turn that is over has been done.
    pub(super) fn note_result(&mut self, turn: TurnId, answer: &Answer) {
        let mut exchanges = self.exchanges.iter_mut().rev();
        if let Some(exchange) = exchanges.find(|exchange| exchange.turn == turn) {
            note_result(&mut exchange.runs, answer);
        }
    }

    /// What the model is asked: who it is, what was said, done and heard, what the caller says now and what was done for that, and
    /// what it may do.
    pub(super) fn prompt(
        &self,
        instructions: &str,
        caller: &str,
        runs: &[Run],
        tools: Vec<Offer>,
    ) -> Prompt {
        let mut messages = vec![Message::said(Role::System, instructions)];
        let mut tell = |caller: &str, runs: &[Run], heard: &str| {
            let said = |role, text: &str| (!text.is_empty()).then(|| Message::said(role, text));
            messages.extend(said(Role::Caller, caller));
            messages.extend(runs.iter().flat_map(Message::of_run));
            messages.extend(said(Role::Agent, heard));
        };
        for exchange in &self.exchanges {
            tell(&exchange.caller, &exchange.runs, &exchange.heard);
        }
        tell(caller, runs, "");
        Prompt { messages, tools }
    }
}
