//! What the model wants done, and what is said with it.
//!
//! A call ends only after the words that go with it have been heard, and a caller who speaks over them is heard first.

use super::Conversation;
use crate::time::Timestamp;
use crate::tools::{self, Tool};
use crate::turn::ForTurn;
use crate::wire::Outcome;

/// What the model wants done with the reply under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    End,
    /// Something that cannot be done.
    Impossible,
    Transfer,
}

impl Conversation {
    /// What the model may do besides answering.
    pub(super) fn tools(&self) -> Vec<Tool> {
        let transfer = self.config.can_transfer.then_some(Tool::TransferCall);
        [Some(Tool::EndCall), transfer]
            .into_iter()
            .flatten()
            .collect()
    }

    pub(super) fn on_tool_call(&mut self, now: Timestamp, call: ForTurn<tools::Call>) {
        let Some(call) = call.if_current(self.turn) else {
            return;
        };
        // A reply whose words are complete has nothing to do with the model any more.
        if self
            .reply
            .as_ref()
            .is_none_or(super::Reply::text_is_complete)
        {
            return;
        }
        self.note_answer(now);
        let errand = match call.tool {
            // Who cannot have one wish is asked what else it could be.
            _ if self.errand == Some(Errand::Impossible) => Errand::Impossible,
            Some(Tool::EndCall) => Errand::End,
            Some(Tool::TransferCall) if self.config.can_transfer => Errand::Transfer,
            Some(Tool::TransferCall) | None => Errand::Impossible,
        };
        self.errand = Some(errand);
        match errand {
            Errand::End => self.then_end = Some(Outcome::Completed),
            Errand::Impossible => self.cancel_ending(),
            Errand::Transfer => self.then_end = Some(Outcome::Transferred),
        }
    }

    /// What must be said after the model's own words, if it had any.
    pub(super) fn line_for_errand(&self, has_words: bool) -> Option<String> {
        match self.errand? {
            Errand::Impossible => Some(self.config.unable.clone()),
            Errand::End | Errand::Transfer if has_words => None,
            Errand::End => Some(self.config.goodbye.clone()),
            Errand::Transfer => Some(self.config.transferring.clone()),
        }
    }

    /// Puts the caller through, who asked for it without the model.
    pub(super) fn put_through(&mut self, now: Timestamp, reason: &str) {
        self.then_end = Some(Outcome::Transferred);
        self.say(now, self.config.transferring.clone(), reason);
    }

    /// The caller has something to say first. Only the ceiling on the call's length stands.
    pub(super) fn cancel_ending(&mut self) {
        self.then_end = self.too_long.then_some(Outcome::TooLong);
    }
}
