//! Eager generation: the model is asked as soon as the caller's words look finished, and its answer is held until they are.
//!
//! Such a request has a turn of its own. If the caller goes on, that turn is over before anything of it was heard; if not, it becomes
//! the turn. Only its first piece goes to the voice before that, since pieces cost money and the voice's socket takes few of them,
//! and nothing that the model wants done is looked at.

use super::{Conversation, Input, Output, Reply, Timer};
use crate::barge_in::normalise;
use crate::endpointing::Completeness;
use crate::latency::mark;
use crate::time::Timestamp;
use crate::turn::{ForTurn, TurnId};
use crate::wire::Phase;

/// Requests made early for one turn of the caller's. Who goes on three times is thinking aloud.
const MOST_GUESSES: u32 = 3;

/// The most that is kept of an answer: a piece of half a minute, in the 20 ms in which a voice gives sound at the least.
const HELD: usize = 1_500;

/// An answer in the making, to words that may not be all.
#[derive(Debug)]
pub(super) struct Ahead {
    turn: TurnId,
    /// What it answers, normalised.
    words: String,
    reply: Reply,
    has_token: bool,
    /// What became of it besides words, for the moment it counts.
    held: Vec<Input>,
}

impl Ahead {
    fn wants_something(&self) -> bool {
        let mut held = self.held.iter();
        held.any(|fact| matches!(fact, Input::ToolCall(_)))
    }
}

impl Conversation {
    /// The witnesses have said something: asks early, asks again, or thinks better of it.
    pub(super) fn look_ahead(&mut self, completeness: Completeness) {
        if self.phase != Phase::Listening
            || !self.config.eager
            || self.is_safe_mode()
            || self.utterance.has_keys()
        {
            self.drop_ahead();
            return;
        }
        let words = normalise(&self.utterance.text());
        if self
            .ahead
            .as_ref()
            .is_some_and(|ahead| ahead.words != words)
        {
            self.drop_ahead();
        }
        if self.ahead.is_none()
            && !words.is_empty()
            && self.marks.speculative_requests < MOST_GUESSES
            && self.utterance.is_worth_a_guess(completeness)
        {
            self.ask_ahead(words);
        }
    }

    /// Whether this is a fact of the answer in the making.
    pub(super) fn is_ahead(&self, fact: &Input) -> bool {
        let ahead = self.ahead.as_ref().map(|ahead| ahead.turn);
        ahead.is_some() && ahead == fact.work()
    }

    fn ask_ahead(&mut self, words: String) {
        let turn = self.mint();
        let prompt = self.history.prompt(
            &self.config.instructions,
            &self.utterance.text(),
            &[],
            self.tools(),
        );
        self.marks.speculative_requests = self.marks.speculative_requests.saturating_add(1);
        self.ahead = Some(Ahead {
            turn,
            words,
            reply: self.new_reply(),
            has_token: false,
            held: Vec::new(),
        });
        self.outputs
            .push_back(Output::Ask(ForTurn::new(turn, prompt)));
    }

    /// The caller went on, or something else happens: nothing of it is wanted any more.
    pub(super) fn drop_ahead(&mut self) {
        if let Some(ahead) = self.ahead.take() {
            self.marks.speculative_wasted = self.marks.speculative_wasted.saturating_add(1);
            self.marks.forget_answer();
            self.withdraw_turn(ahead.turn);
        }
    }

    /// Takes a fact of the answer in the making.
    pub(super) fn on_ahead(&mut self, now: Timestamp, fact: Input) {
        let Some(ahead) = self.ahead.as_mut() else {
            return;
        };
        match fact {
            Input::Token(token) => {
                let turn = ahead.turn;
                ahead.has_token = true;
                mark(&mut self.marks.first_token, now);
                if let Some(token) = token.if_current(turn) {
                    ahead.reply.take_token(&token);
                }
                self.say_first_ahead(now);
            }
            // A line may have to follow what the model wants done: then its end waits like the rest.
            Input::TextDone(_) if !ahead.wants_something() => {
                ahead.reply.finish_text();
                ahead.held.push(fact);
                self.say_first_ahead(now);
            }
            // It is asked again when it counts.
            Input::Failed(_) => self.drop_ahead(),
            fact if ahead.held.len() < HELD => {
                if matches!(fact, Input::Voiced(_)) {
                    mark(&mut self.marks.first_audio, now);
                }
                ahead.held.push(fact);
            }
            _ => self.drop_ahead(),
        }
    }

    /// The first piece of the answer in the making goes to the voice, and no other.
    fn say_first_ahead(&mut self, now: Timestamp) {
        let Some(ahead) = self.ahead.as_mut() else {
            return;
        };
        if !ahead.reply.has_pieces()
            && let Some(piece) = ahead.reply.next_piece()
        {
            mark(&mut self.marks.first_piece, now);
            let piece = ForTurn::new(ahead.turn, piece);
            self.outputs.push_back(Output::Say(piece));
        }
    }

    /// The caller has finished with just these words: the answer in the making is the answer. Tells whether there was one.
    pub(super) fn adopt_ahead(&mut self, now: Timestamp, reason: &str) -> bool {
        let words = normalise(&self.caller);
        let Some(ahead) = self.ahead.take_if(|ahead| ahead.words == words) else {
            self.drop_ahead();
            return false;
        };
        self.turn = ahead.turn;
        self.enter_processing(reason);
        self.marks.adopted = 1;
        self.keep_open();
        self.await_answer(now);
        self.begin_to_wait(now);
        if ahead.reply.has_pieces() {
            self.timers.stop(Timer::Filler);
            self.expect_sound(now);
        }
        self.reply = Some(ahead.reply);
        if ahead.has_token {
            self.note_answer(now);
        }
        for fact in ahead.held {
            self.handle_input(now, fact);
        }
        self.say_more(now);
        true
    }
}
