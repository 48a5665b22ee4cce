//! The caller's side of a conversation: when they have finished, when they resume, when they interrupt.

use std::time::Duration;

use super::{Conversation, Output, Timer};
use crate::barge_in::{self, Verdict, normalise};
use crate::endpointing::{Decision, FINALIZE_WAIT};
use crate::latency::{TurnOutcome, mark};
use crate::time::Timestamp;
use crate::transcript::Recognition;
use crate::turn::ForTurn;
use crate::wire::{Outcome, Phase, ServerMessage, Speaker};

/// How long after a noise has ended she waits for words in it before she speaks on. The recogniser's answer to `Finalize`
/// takes 100–300 ms; a longer pause sounds like a fault.
const FALSE_INTERRUPTION: Duration = Duration::from_millis(600);

/// How long a noise without words may hold her up while it lasts: music, a vacuum cleaner, people in the room.
const LONGEST_NOISE: Duration = Duration::from_secs(3);

/// How long the handset may take to say what it flushed: a round trip and a little. Then its last report counts.
const DRAIN: Duration = Duration::from_millis(400);

/// The most text kept of one utterance: ten minutes of talk. Beyond it the oldest turn is taken as it stands.
const LONGEST_UTTERANCE: usize = 8_000;

impl Conversation {
    pub(super) fn on_speech_started(&mut self, now: Timestamp) {
        self.utterance.set_voiced(true);
        self.prompted = false;
        self.dismissed = false;
        if self.phase == Phase::Listening {
            self.marks.last_sound = None;
            self.timers.stop(Timer::Endpoint);
            self.timers.set(Timer::Silence, now, self.config.silence);
        }
    }

    pub(super) fn on_speech_ended(&mut self, now: Timestamp, silence: Duration) {
        self.utterance.set_voiced(false);
        match self.phase {
            Phase::Listening => {
                self.marks.last_sound = Some(now - silence);
                self.timers.set(Timer::Silence, now, self.config.silence);
                self.timers.set(Timer::Endpoint, now, FINALIZE_WAIT);
                self.outputs.push_back(Output::Finalize);
            }
            Phase::Speaking if self.paused && self.dismissed => self.resume_playback(now),
            Phase::Speaking if self.paused => {
                self.timers
                    .set(Timer::FalseInterruption, now, FALSE_INTERRUPTION);
                self.outputs.push_back(Output::Finalize);
            }
            // The recogniser was faster than the local detector: the last sound was before the commit.
            Phase::Processing if self.marks.last_sound.is_none() => {
                let committed = self.marks.committed.unwrap_or(now);
                self.marks.last_sound = Some((now - silence).min(committed));
            }
            _ => {}
        }
    }

    pub(super) fn on_heard(&mut self, now: Timestamp, heard: &Recognition) {
        if self.repeats_the_caller(heard) {
            return;
        }
        self.utterance.hear(heard);
        self.decision = self.utterance.after_recogniser(heard);
        let has_words = !heard.text.trim().is_empty();
        match self.phase {
            Phase::Listening => {
                if has_words {
                    self.prompted = false;
                    self.timers.set(Timer::Silence, now, self.config.silence);
                    self.caption_caller(false);
                }
                self.follow_decision(now);
            }
            Phase::Processing if has_words && !self.protected => self.resume_caller(now),
            Phase::Speaking if has_words => self.judge_words_over_speech(now, heard.is_final),
            _ => {}
        }
    }

    pub(super) fn on_gap(&mut self, now: Timestamp) {
        if self.phase == Phase::Listening {
            self.decision = self.utterance.after_gap();
            self.follow_decision(now);
        }
    }

    /// The caller's time is up: take what there is.
    pub(super) fn on_endpoint(&mut self, now: Timestamp) {
        let may_end = self.phase == Phase::Listening && !self.utterance.has_keys();
        if may_end && !self.utterance.is_empty() {
            self.commit(now, "endpoint time-out");
            self.caller_uncertain = true;
        }
    }

    pub(super) fn on_silence(&mut self, now: Timestamp) {
        if self.utterance.has_keys() {
            // Their own timer runs.
        } else if !self.utterance.is_empty() {
            self.commit(now, "silence");
        } else if self.prompted {
            self.then_end = Some(Outcome::Silent);
            self.say(now, self.config.goodbye.clone(), "nobody there");
        } else {
            self.say(now, self.config.prompt.clone(), "silence");
            self.prompted = true;
        }
    }

    pub(super) fn on_paused(&mut self, now: Timestamp, samples: ForTurn<u64>) {
        let Some(samples) = samples.if_current(self.turn) else {
            return;
        };
        let Some(reply) = self.reply.as_mut() else {
            return;
        };
        reply.set_played(samples);
        if self.phase != Phase::Speaking {
            return;
        }
        self.paused = true;
        if self.protected {
            self.resume_playback(now);
            return;
        }
        self.timers.stop(Timer::Playback);
        let wait = if self.utterance.is_voiced() {
            LONGEST_NOISE
        } else {
            FALSE_INTERRUPTION
        };
        self.timers.set(Timer::FalseInterruption, now, wait);
    }

    /// The interruption was false: she plays on from where she paused.
    pub(super) fn resume_playback(&mut self, now: Timestamp) {
        if self.phase != Phase::Speaking || !self.paused {
            return;
        }
        self.paused = false;
        self.timers.stop(Timer::FalseInterruption);
        self.watch_playback(now);
        if !self.protected {
            self.utterance.clear();
        }
        self.transmit(ServerMessage::Resume { turn: self.turn });
    }

    pub(super) fn on_flushed(&mut self, now: Timestamp, samples: ForTurn<u64>) {
        let (turn, samples) = samples.into_parts();
        if self.cut.as_ref().is_some_and(|cut| cut.turn == turn) {
            self.on_drained(now, Some(samples));
        }
    }

    /// Everything of the cut reply is gone; the caller has the floor.
    pub(super) fn on_drained(&mut self, now: Timestamp, heard: Option<u64>) {
        let Some(mut cut) = self.cut.take() else {
            return;
        };
        if let Some(samples) = heard {
            cut.reply.set_played(samples);
        }
        self.record(cut, TurnOutcome::Interrupted);
        if self.phase == Phase::Interrupted {
            self.listen(now, "flushed");
            self.caption_caller(false);
            self.follow_decision(now);
        }
    }

    /// Acts on what the witnesses say, in the caller's turn.
    pub(super) fn follow_decision(&mut self, now: Timestamp) {
        match self.decision {
            _ if self.utterance.text().len() > LONGEST_UTTERANCE => self.commit(now, "long enough"),
            _ if self.utterance.keys_are_complete() => self.commit_keys(now),
            _ if self.utterance.has_keys() => self.await_keys(),
            Decision::Commit => self.commit(now, "end of turn"),
            Decision::CommitAfter(wait) => self.timers.set(Timer::Endpoint, now, wait),
            Decision::Wait if self.utterance.is_voiced() => self.timers.stop(Timer::Endpoint),
            Decision::Wait if !self.utterance.is_empty() => {
                self.timers.set(Timer::Endpoint, now, FINALIZE_WAIT)
            }
            Decision::Wait => {}
        }
    }

    /// The caller has finished: the model's turn.
    pub(super) fn commit(&mut self, now: Timestamp, reason: &str) {
        let wants_a_person = self.name_the_operator_key();
        self.caption_caller(true);
        self.caller = self.utterance.text();
        self.utterance.keys().clone_into(&mut self.caller_keys);
        self.utterance.clear();
        self.decision = Decision::Wait;
        mark(&mut self.marks.committed, now);
        if wants_a_person && self.config.can_transfer {
            self.put_through(now, reason);
        } else {
            self.ask(now, reason);
        }
    }

    /// The caller spoke on before she did: the sentence is longer than it seemed.
    fn resume_caller(&mut self, now: Timestamp) {
        let earlier = std::mem::take(&mut self.caller);
        let corrected = normalise(&self.utterance.text()).starts_with(&normalise(&earlier));
        if !corrected {
            self.utterance.prepend(&earlier);
        }
        self.withdraw(now);
    }

    /// Takes the turn back that was to answer the caller.
    pub(super) fn withdraw(&mut self, now: Timestamp) {
        let over = self.end_turn();
        // Nothing of it was heard, so there is nothing to record.
        self.take_turn(over);
        self.cancel_ending();
        self.listen(now, "caller resumed");
        self.caption_caller(false);
        self.follow_decision(now);
    }

    /// Stage two of a barge-in: words. The handset has paused her by ear, or missed a soft voice.
    fn judge_words_over_speech(&mut self, now: Timestamp, is_final: bool) {
        if self.protected {
            return;
        }
        let hers = self
            .reply
            .as_ref()
            .map(super::Reply::text)
            .unwrap_or_default();
        match barge_in::judge(&self.utterance.text(), &hers) {
            Verdict::Confirm => self.interrupt(now, "barge-in"),
            Verdict::Unclear => {}
            Verdict::Backchannel | Verdict::Echo if is_final => {
                self.utterance.clear();
                self.dismissed = true;
                if !self.utterance.is_voiced() {
                    self.resume_playback(now);
                }
            }
            Verdict::Backchannel | Verdict::Echo => {}
        }
    }

    pub(super) fn interrupt(&mut self, now: Timestamp, reason: &str) {
        self.go(Phase::Interrupted, reason);
        let over = self.end_turn();
        self.cut = Some(self.take_turn(over));
        self.cancel_ending();
        self.timers.stop_all_but_the_ceiling();
        self.timers.set(Timer::Drain, now, DRAIN);
        self.transmit(ServerMessage::Flush { turn: over });
    }

    /// Whether this only reports again, for certain, the words that were taken before they were certain.
    fn repeats_the_caller(&self, heard: &Recognition) -> bool {
        if !self.caller_uncertain || heard.text.trim().is_empty() {
            return false;
        }
        let (committed, again) = (normalise(self.caller_words()), normalise(&heard.text));
        committed.ends_with(&again)
    }

    pub(super) fn caption_caller(&mut self, is_final: bool) {
        let text = self.utterance.text();
        if !text.is_empty() {
            let turn = self.turn;
            self.transmit(ServerMessage::Caption {
                speaker: Speaker::Caller,
                turn,
                text,
                is_final,
                from_sample: None,
            });
        }
    }
}
