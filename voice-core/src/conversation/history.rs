//! What was said, and how much of it was heard.

use crate::latency::TurnReport;
use crate::prompt::{Message, Prompt, Role};
use crate::tools::Tool;
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

    /// What the model is asked: who it is, what was said and heard, what the caller says now, and what it may do.
    pub(super) fn prompt(&self, instructions: &str, caller: &str, tools: Vec<Tool>) -> Prompt {
        let mut messages = vec![Message {
            role: Role::System,
            text: instructions.to_owned(),
        }];
        let mut say = |role, text: &str| {
            if !text.is_empty() {
                messages.push(Message {
                    role,
                    text: text.to_owned(),
                });
            }
        };
        for exchange in &self.exchanges {
            say(Role::Caller, &exchange.caller);
            say(Role::Agent, &exchange.heard);
        }
        say(Role::Caller, caller);
        Prompt { messages, tools }
    }
}
