//! A caller whose line was lost and who may come back, to the same conversation or to what was kept of it.

use std::time::Duration;

use super::{Conversation, Exchange, History, Output, Timer};
use crate::latency::mark;
use crate::time::Timestamp;
use crate::tools::Run;
use crate::turn::{ForTurn, TurnId};
use crate::wire::{Outcome, Phase, RESUME_WITHIN, ServerMessage};

/// On a line that is there a sound is reported to be over sooner: a fifth of a second behind it.
const LONG_AGO: Duration = Duration::from_millis(500);

/// What a browser has kept is sent at once, and a recogniser takes it in faster than it was said; one that says nothing is replaced within
/// two seconds.
const HEARD_AGAIN_WITHIN: Duration = Duration::from_millis(2_500);

/// What was kept of a call whose conversation is gone.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Finished turns, oldest first.
    pub exchanges: Vec<Exchange>,
    /// The turn that had begun, what the caller had said, and what had been done for it.
    pub open: Option<(TurnId, String, Vec<Run>)>,
}

impl Kept {
    fn newest(&self) -> TurnId {
        let open = self.open.as_ref().map(|(turn, ..)| *turn);
        let turns = self.exchanges.iter().map(|exchange| exchange.turn);
        turns.chain(open).max().unwrap_or(TurnId::NONE)
    }
}

impl Conversation {
    /// A call that goes on from what was kept of it, as soon as its caller is back.
    #[must_use]
    pub fn restored(config: super::Config, kept: Kept) -> Self {
        let mut conversation = Self::new(config);
        conversation.outrun(kept.newest());
        conversation.kept = Some(kept);
        conversation
    }

    /// Nobody hears what is sent now. What was said before is answered all the same.
    pub(super) fn on_away(&mut self, now: Timestamp) {
        if !std::mem::replace(&mut self.away, true) {
            self.timers.set(Timer::Away, now, RESUME_WITHIN);
        }
    }

    /// The caller is back. What had not arrived of the reply is sent again.
    pub(super) fn on_back(&mut self, now: Timestamp, arrived: ForTurn<u64>) {
        self.away = false;
        self.is_back = true;
        self.timers.stop(Timer::Away);
        let (turn, samples) = arrived.into_parts();
        if turn < self.turn {
            self.transmit(ServerMessage::Flush { turn });
        }
        if let Some(reply) = self.reply.as_mut() {
            reply.rewind(if turn == self.turn { samples } else { 0 });
        }
        match self.phase {
            Phase::Listening => {
                self.timers.set(Timer::Silence, now, self.config.silence);
                self.follow_witnesses(now);
            }
            Phase::Speaking => {
                if !self.paused {
                    self.transmit(ServerMessage::Resume { turn: self.turn });
                    self.watch_playback(now);
                }
                self.advance(now);
            }
            Phase::Processing => self.begin_to_wait(now),
            Phase::Idle | Phase::Interrupted | Phase::Ended => {}
        }
        self.transmit(ServerMessage::State {
            state: self.phase,
            turn: self.turn,
            reason: "the caller is back".to_owned(),
        });
    }

    /// The caller of a call that was cut short is back: answers what was asked, or listens.
    pub(super) fn go_on(&mut self, now: Timestamp, arrived: ForTurn<u64>) {
        let Some(kept) = self.kept.take() else {
            return;
        };
        let (turn, _) = arrived.into_parts();
        self.outrun(turn);
        self.transmit(ServerMessage::Flush { turn });
        self.history = History::of(kept.exchanges);
        self.timers
            .set(Timer::CallLength, now, self.config.call_length);
        self.listen(now, "restored");
        self.is_back = true;
        match kept.open {
            Some((_, caller, runs)) if !caller.is_empty() => {
                self.caller = caller;
                mark(&mut self.marks.committed, now);
                self.answer_again(now, runs, "restored");
            }
            // Not even the greeting had been heard.
            _ if self.history.is_empty() => self.greet(now),
            _ => {}
        }
    }

    /// Who has just come back spoke, and stopped `silence` ago. A browser keeps some seconds of sound for a lost line; what was said before
    /// that went with the line.
    pub(super) fn await_kept_words(&mut self, now: Timestamp, silence: Duration) {
        if self.is_back && silence > LONG_AGO && self.utterance.has_no_words() {
            self.timers.set(Timer::Regain, now, HEARD_AGAIN_WITHIN);
        }
    }

    /// Words of a caller who has come back.
    pub(super) fn regain(&mut self) {
        self.is_back = false;
        self.timers.stop(Timer::Regain);
    }

    /// What was said into the lost line is lost.
    pub(super) fn ask_again(&mut self, now: Timestamp) {
        self.is_back = false;
        if self.phase == Phase::Listening && self.utterance.has_no_words() {
            self.say(now, self.config.apology.clone(), "words lost");
        }
    }

    /// Every turn from now on is newer than this one.
    fn outrun(&mut self, turn: TurnId) {
        self.newest = self.newest.max(turn).next();
        self.turn = self.newest;
        self.caption_turn = self.newest;
    }

    /// The recogniser is gone for good: she finishes what she is saying, and takes leave.
    pub(super) fn on_recogniser_lost(&mut self, now: Timestamp) {
        self.deaf = true;
        if self.phase == Phase::Idle {
            self.end(Outcome::Failed);
        } else if self.phase == Phase::Listening {
            self.take_leave_of_the_unheard(now);
        }
    }

    /// Whoever cannot be heard is put through, or told to call again.
    pub(super) fn take_leave_of_the_unheard(&mut self, now: Timestamp) {
        self.caller = self.utterance.text();
        self.utterance.clear();
        if self.config.can_transfer {
            self.put_through(now, "recogniser lost");
        } else {
            self.then_end = Some(Outcome::Failed);
            self.say(now, self.config.deaf.clone(), "recogniser lost");
        }
        self.protected = true;
    }

    /// Tells what the caller has said to open this turn, for the case that nobody lives to answer it.
    pub(super) fn keep_open(&mut self) {
        let open = ForTurn::new(self.turn, self.caller.clone());
        self.outputs.push_back(Output::Open(open));
    }
}
