//! Safe Mode: nothing is improvised. She asks for a message, takes it, and says goodbye; nothing is booked.

use super::{Conversation, Input, Script};
use crate::barge_in::normalise;
use crate::time::Timestamp;
use crate::tools::Call;
use crate::turn::ForTurn;
use crate::wire::Outcome;

/// Where she is in her part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Step {
    /// The caller has not been asked for a message.
    #[default]
    Opening,
    /// What the caller says next is the message.
    Asked,
    /// A message is kept.
    Noted,
}

/// Whether Safe Mode holds, and where she is in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SafeMode {
    is_on: bool,
    step: Step,
}

/// Who says one of these wants somebody else.
const PERSON: [&str; 8] = [
    "person",
    "human",
    "somebody",
    "someone",
    "operator",
    "transfer",
    "put me through",
    "real",
];

/// Who says one of these after a message wants nothing more.
const ENOUGH: [&str; 9] = [
    "no",
    "nope",
    "nothing",
    "that is all",
    "that's all",
    "thats all",
    "bye",
    "goodbye",
    "that is it",
];

impl Conversation {
    pub(super) fn on_safe_mode(&mut self, on: bool) {
        if self.safe_mode.is_on != on {
            self.safe_mode = SafeMode {
                is_on: on,
                step: Step::Opening,
            };
            if on {
                self.drop_ahead();
            }
        }
    }

    pub(super) const fn is_safe_mode(&self) -> bool {
        self.safe_mode.is_on
    }

    /// Whether nothing but this may be done now.
    pub(super) fn is_scripted(&self, name: &str) -> bool {
        !self.safe_mode.is_on || name == self.config.script.tool
    }

    /// Her answer to what the caller has said, by the script.
    pub(super) fn follow_script(&mut self, now: Timestamp, reason: &str) {
        let words = normalise(&self.caller);
        let says = |phrases: &[&str]| {
            let words = format!(" {words} ");
            phrases
                .iter()
                .any(|phrase| words.contains(&format!(" {phrase} ")))
        };
        if self.config.can_transfer && says(&PERSON) {
            self.put_through(now, reason);
            return;
        }
        match self.safe_mode.step {
            Step::Noted if says(&ENOUGH) => {
                self.then_end = Some(Outcome::Completed);
                self.say(now, self.config.goodbye.clone(), reason);
            }
            Step::Opening => {
                self.safe_mode.step = Step::Asked;
                self.say(now, self.config.script.offer.clone(), reason);
            }
            Step::Asked | Step::Noted => self.take_message(now, reason),
        }
    }

    fn take_message(&mut self, now: Timestamp, reason: &str) {
        self.enter_processing(reason);
        self.keep_open();
        self.begin_to_wait(now);
        let arguments = serde_json::json!({ "text": self.caller });
        let call = Call {
            id: "message".to_owned(),
            name: self.config.script.tool.clone(),
            arguments: arguments.to_string(),
        };
        let turn = self.turn;
        self.handle_input(now, Input::ToolCall(ForTurn::new(turn, call)));
        if self.work.is_owed() {
            self.work.await_results();
        } else {
            self.say_after_message(now, false);
        }
    }

    /// What the business says to the message, if that is what is waited for. Tells whether it was.
    pub(super) fn note_message(&mut self, now: Timestamp) -> bool {
        let Script { tool, .. } = &self.config.script;
        let is_message = self
            .work
            .runs
            .last()
            .is_some_and(|run| run.call.name == *tool);
        if !self.safe_mode.is_on || !is_message {
            return false;
        }
        self.say_after_message(now, self.work.has_succeeded());
        true
    }

    fn say_after_message(&mut self, now: Timestamp, kept: bool) {
        let Script { noted, lost, .. } = &self.config.script;
        let line = if kept { noted } else { lost }.clone();
        if kept {
            self.safe_mode.step = Step::Noted;
        }
        self.work.tell();
        self.say_known(now, line);
    }
}
