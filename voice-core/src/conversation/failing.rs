//! The model or the voice gives up in the middle of a reply.

use super::{Conversation, Fault, Output, Timer};
use crate::latency::TurnOutcome;
use crate::prompt::{Message, Role};
use crate::time::Timestamp;
use crate::turn::ForTurn;

impl Conversation {
    pub(super) fn on_failed(&mut self, now: Timestamp, fault: ForTurn<Fault>) {
        match fault.if_current(self.turn) {
            Some(Fault::Model) => self.fail_model(now),
            Some(Fault::Voice) => self.fail_voice(now),
            None => {}
        }
    }

    /// The model gave nothing, or broke off: it goes on from there, or what there is is spoken, or an apology.
    pub(super) fn fail_model(&mut self, now: Timestamp) {
        let owes_words = self.owes_words();
        let Some(reply) = self.reply.as_mut() else {
            return;
        };
        if self.errand.is_some() && !reply.text_is_complete() {
            // It had got as far as saying what it wants. A business that has not answered by now is not waited for any more.
            if self.work.is_awaited() {
                self.work.tell();
            }
            self.finish_text(now);
            return;
        }
        self.timers.stop(Timer::FirstToken);
        let has_words = (reply.has_words() || !reply.text_so_far().is_empty()) && !owes_words;
        if has_words && !reply.text_is_complete() && !self.continued {
            self.ask_to_go_on(now);
            return;
        }
        self.flaw = Some(TurnOutcome::LlmFailed);
        reply.finish_text();
        if has_words {
            if !reply.ends_a_sentence() {
                // Half a sentence leaves the caller waiting for the rest.
                reply.add_text(self.config.apology.clone());
            }
            self.say_more(now);
            self.advance(now);
        } else {
            self.say_known(now, self.config.apology.clone());
        }
    }

    /// A word that was spoken cannot be taken back: the model is asked for the rest of what it had begun to say.
    fn ask_to_go_on(&mut self, now: Timestamp) {
        self.continued = true;
        let mut prompt = self.history.prompt(
            &self.config.instructions,
            &self.caller,
            &self.work.runs,
            Vec::new(),
        );
        let begun = self.reply.as_ref().map(super::Reply::text_so_far);
        let begun = Message::said(Role::Agent, &begun.unwrap_or_default());
        prompt.messages.push(begun);
        self.await_more(now);
        self.outputs
            .push_back(Output::Ask(ForTurn::new(self.turn, prompt)));
    }

    /// The voice gave up: what has sounded stands, the rest is dropped.
    pub(super) fn fail_voice(&mut self, now: Timestamp) {
        let Some(reply) = self.reply.as_mut() else {
            return;
        };
        self.flaw = Some(TurnOutcome::TtsFailed);
        reply.abandon_rest();
        self.advance(now);
    }
}
