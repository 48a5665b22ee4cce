//! What the model wants done, and what is said with it.
//!
//! What the business can do for a caller is carried out at once, and the model is asked again with the results, under the same turn. A call
//! ends only after the words that go with it have been heard, and a caller who speaks over them is heard first.

use std::time::Duration;

use super::{Conversation, Output, Timer};
use crate::time::Timestamp;
use crate::tools::{Answer, Call, Offer, Run, Tool};
use crate::turn::ForTurn;
use crate::wire::{Outcome, Phase};

/// What is run for one reply at the most: to look three times and book needs four.
const MOST_RUNS: usize = 8;

/// How often the model is asked again with results. One that wants more is going round in circles.
const MOST_ROUNDS: u8 = 4;

/// How long the business may take. A caller is told after a good second that it takes a moment, and waits no longer than this.
const RESULT: Duration = Duration::from_secs(6);

/// The most of a result that the model is told: a dozen free times are 300 characters.
const LONGEST_RESULT: usize = 4_000;

/// What becomes of the call after the reply under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    End,
    /// Something that cannot be done.
    Impossible,
    Transfer,
}

/// What the business does for the caller in one reply.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) runs: Vec<Run>,
    /// How many of them the model was told of.
    told: usize,
    rounds: u8,
    /// The model has said what it had to say before the results.
    awaited: bool,
    /// How much of the reply there was when the model was asked last.
    words: usize,
    /// Something could not be done.
    failed: bool,
}

impl Work {
    /// Whether the model is owed results.
    pub(super) const fn is_owed(&self) -> bool {
        self.runs.len() > self.told
    }

    fn is_done(&self) -> bool {
        self.runs.iter().all(|run| run.result.is_some())
    }

    /// Whether everything was done that was asked for.
    pub(super) fn has_succeeded(&self) -> bool {
        self.is_done() && !self.failed
    }

    /// Nothing is said before the results are there.
    pub(super) const fn await_results(&mut self) {
        self.awaited = true;
    }

    /// Whether nothing is missing but the results.
    pub(super) const fn is_awaited(&self) -> bool {
        self.awaited
    }

    /// Whoever wanted the results has them, or does without.
    pub(super) const fn tell(&mut self) {
        self.told = self.runs.len();
        self.awaited = false;
    }

    /// Takes a result. Tells whether anybody waited for it.
    fn take(&mut self, answer: &Answer) -> bool {
        let was_awaited = note_result(&mut self.runs, answer);
        self.failed |= was_awaited && !answer.done;
        was_awaited
    }
}

/// Puts a result where it belongs, and where the same was asked. Tells whether anybody waited for it.
pub(super) fn note_result(runs: &mut [Run], answer: &Answer) -> bool {
    let waits = |run: &&mut Run| run.result.is_none();
    let asked = runs
        .iter_mut()
        .find(|run| run.call.id == answer.call && run.result.is_none())
        .map(|run| run.call.clone());
    let Some(asked) = asked else {
        return false;
    };
    let end = answer.text.floor_char_boundary(LONGEST_RESULT);
    let text = answer.text.get(..end).unwrap_or_default();
    for run in runs.iter_mut().filter(waits) {
        if run.call.repeats(&asked) {
            run.result = Some(text.to_owned());
        }
    }
    true
}

impl Conversation {
    /// What the model may do besides answering.
    pub(super) fn tools(&self) -> Vec<Offer> {
        let transfer = self.config.can_transfer.then_some(Tool::TransferCall);
        let own = [Some(Tool::EndCall), transfer];
        let own = own.into_iter().flatten().map(Tool::offer);
        self.config.offers.iter().cloned().chain(own).collect()
    }

    pub(super) fn on_tool_call(&mut self, now: Timestamp, call: ForTurn<Call>) {
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
        if self.is_offered(&call.name)
            && self.is_scripted(&call.name)
            && self.work.runs.len() < MOST_RUNS
        {
            self.run(now, call);
            return;
        }
        let errand = match Tool::named(&call.name) {
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

    fn is_offered(&self, name: &str) -> bool {
        self.config.offers.iter().any(|offer| offer.name == name)
    }

    /// Has the business do something, unless it has done just that for this reply.
    fn run(&mut self, now: Timestamp, mut call: Call) {
        let runs = &self.work.runs;
        if call.id.is_empty() || runs.iter().any(|run| run.call.id == call.id) {
            // Results are told apart by it.
            call.id = format!("{}-{}", call.name, runs.len());
        }
        let same = self.work.runs.iter().find(|run| run.call.repeats(&call));
        let (is_new, result) = (same.is_none(), same.and_then(|run| run.result.clone()));
        self.work.runs.push(Run {
            call: call.clone(),
            result,
        });
        self.await_result(now);
        if is_new {
            self.outputs
                .push_back(Output::Run(ForTurn::new(self.turn, call)));
        }
    }

    fn await_result(&mut self, now: Timestamp) {
        self.timers.set(Timer::FirstToken, now, RESULT);
        if self.phase == Phase::Processing && self.reply.as_ref().is_some_and(|r| !r.has_words()) {
            // Nothing is with the voice, so nothing can be late there.
            self.timers.stop(Timer::FirstAudio);
        }
    }

    /// The business has done something, or could not.
    pub(super) fn on_answer(&mut self, now: Timestamp, answer: ForTurn<Answer>) {
        let (turn, answer) = answer.into_parts();
        if let Some(cut) = self.cut.as_mut().filter(|cut| cut.turn == turn) {
            note_result(&mut cut.runs, &answer);
        } else if turn != self.turn {
            self.history.note_result(turn, &answer);
            // An answer in the making was made without knowing.
            self.drop_ahead();
            if self.phase == Phase::Listening {
                self.follow_witnesses(now);
            }
        } else if self.work.take(&answer) {
            self.ask_with_results(now);
        }
    }

    /// The model has said what it had to say before it knows the results. Tells whether it waits for any.
    pub(super) fn hold_for_results(&mut self, now: Timestamp) -> bool {
        if !self.work.is_owed() {
            return false;
        }
        if let Some(reply) = self.reply.as_mut() {
            reply.end_sentence();
        }
        self.work.awaited = true;
        self.await_result(now);
        self.say_more(now);
        self.ask_with_results(now);
        true
    }

    /// Asks the model again, when all is there that it waits for.
    fn ask_with_results(&mut self, now: Timestamp) {
        let is_open = self
            .reply
            .as_ref()
            .is_some_and(|reply| !reply.text_is_complete());
        if !is_open || !self.work.awaited || !self.work.is_done() {
            return;
        }
        if self.work.rounds >= MOST_ROUNDS {
            self.errand = Some(Errand::Impossible);
            self.work.tell();
            self.finish_text(now);
            return;
        }
        if self.note_message(now) {
            return;
        }
        self.work.rounds = self.work.rounds.saturating_add(1);
        self.work.tell();
        self.work.words = self
            .reply
            .as_ref()
            .map_or(0, super::Reply::length_in_pieces);
        let prompt = self.history.prompt(
            &self.config.instructions,
            &self.caller,
            &self.work.runs,
            self.tools(),
        );
        self.timers.stop(Timer::FirstToken);
        self.await_more(now);
        self.outputs
            .push_back(Output::Ask(ForTurn::new(self.turn, prompt)));
    }

    /// Answers what was asked before, with what had been done for it.
    pub(super) fn answer_again(&mut self, now: Timestamp, runs: Vec<Run>, reason: &str) {
        if runs.is_empty() {
            self.answer_caller(now, reason);
            return;
        }
        self.enter_processing(reason);
        self.work.runs = runs;
        self.work.await_results();
        self.ask_with_results(now);
        self.await_answer(now);
        self.begin_to_wait(now);
    }

    /// Whether the model was asked with results and has said nothing to them.
    pub(super) fn owes_words(&self) -> bool {
        let words = self
            .reply
            .as_ref()
            .map_or(0, super::Reply::length_in_pieces);
        !self.work.runs.is_empty() && words <= self.work.words
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
