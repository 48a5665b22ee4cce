//! Who has the floor while she speaks, or is about to: a noise holds her up, words take the floor, and what was nothing lets her go on.

use std::time::Duration;

use super::{Conversation, Output, Timer};
use crate::barge_in::{self, Hers, Verdict, normalise};
use crate::latency::TurnOutcome;
use crate::time::Timestamp;
use crate::turn::ForTurn;
use crate::wire::{Phase, ServerMessage};

/// How long after a noise has ended she waits for words in it before she speaks on. The recogniser's answer to `Finalize`
/// takes 100–300 ms; a longer pause sounds like a fault.
const FALSE_INTERRUPTION: Duration = Duration::from_millis(600);

/// How long a noise without words may hold her up while it lasts: music, a vacuum cleaner, people in the room.
const LONGEST_NOISE: Duration = Duration::from_secs(3);

/// A sound no longer than this has room for an "mm-hm" and for no sentence.
const BRIEF: Duration = Duration::from_millis(650);

/// So long after the ear heard the caller, words are the caller's: the recogniser's way and the network's.
const HEARD_LATELY: Duration = Duration::from_millis(1_500);

/// So many words at once are no guess at a cough.
const WORDS_ENOUGH: usize = 4;

/// How long the handset may take to say what it flushed: a round trip and a little. Then its last report counts.
const DRAIN: Duration = Duration::from_millis(400);

impl Conversation {
    /// She has something to say and the caller is heard: waits until that was nothing.
    pub(super) fn await_silence(&mut self, now: Timestamp) {
        if !self.timers.runs(Timer::FalseInterruption) {
            self.timers
                .set(Timer::FalseInterruption, now, LONGEST_NOISE);
        }
    }

    /// The sound that paused her goes on.
    pub(super) fn await_more_noise(&mut self, now: Timestamp) {
        self.timers
            .set(Timer::FalseInterruption, now, LONGEST_NOISE);
    }

    /// The noise that holds her first sound up is over: words may still come of it.
    pub(super) fn await_words_in_noise(&mut self, now: Timestamp) {
        if self.timers.runs(Timer::FalseInterruption) {
            self.timers
                .set(Timer::FalseInterruption, now, FALSE_INTERRUPTION);
            self.outputs.push_back(Output::Finalize);
        }
    }

    /// The recogniser has looked and found nothing in it.
    pub(super) fn on_no_words_before_speech(&mut self, now: Timestamp) {
        if self.timers.runs(Timer::FalseInterruption) && !self.utterance.is_voiced() {
            self.begin_speaking(now);
        }
    }

    /// Nothing has come of a sound of the caller's.
    pub(super) fn on_false_interruption(&mut self, now: Timestamp) {
        match self.phase {
            Phase::Processing => self.begin_speaking(now),
            Phase::Speaking => {
                self.on_no_words_over_speech(now);
                self.resume_playback(now);
            }
            _ => {}
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

    /// The caller's sound over her speech is over.
    pub(super) fn on_sound_over_speech_ended(&mut self, now: Timestamp) {
        if !self.paused {
            if !self.utterance.has_no_words() {
                self.judge_words_over_speech(now, true);
            }
            return;
        }
        if self.dismissed {
            self.resume_playback(now);
        } else {
            self.timers
                .set(Timer::FalseInterruption, now, FALSE_INTERRUPTION);
            self.outputs.push_back(Output::Finalize);
        }
    }

    /// The recogniser has looked and found nothing more in it.
    pub(super) fn on_no_words_over_speech(&mut self, now: Timestamp) {
        if !self.paused || self.utterance.is_voiced() {
            return;
        }
        if self.utterance.has_no_words() {
            self.resume_playback(now);
        } else {
            self.judge_words_over_speech(now, true);
        }
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
            self.words_over = None;
        }
        self.transmit(ServerMessage::Resume { turn: self.turn });
    }

    /// Stage two of a barge-in: words. The handset has paused her by ear, or missed a soft voice.
    pub(super) fn judge_words_over_speech(&mut self, now: Timestamp, is_final: bool) {
        if self.protected {
            return;
        }
        let text = self.utterance.text();
        // Somebody whom the ear does not hear is not the caller, or nobody: another voice in the room.
        let heard_lately = self
            .utterance
            .last_sound()
            .is_some_and(|last| now.since(last) < HEARD_LATELY);
        let is_heard = self.paused || self.utterance.is_voiced() || heard_lately;
        if !is_heard && !barge_in::commands(&text) {
            return;
        }
        let hers = self
            .reply
            .as_ref()
            .map(|reply| reply.hers(self.config.echo));
        let hers = Hers {
            brief: self.utterance.is_brief(BRIEF),
            ..hers.unwrap_or_default()
        };
        // Words of a sound that goes on may go on too.
        let is_final = is_final && !self.utterance.is_voiced();
        match barge_in::judge(&text, &hers) {
            Verdict::Confirm if is_final || self.is_sure_of_words() => {
                self.interrupt(now, "barge-in");
            }
            Verdict::Confirm => self.words_over = Some(self.utterance.text()),
            Verdict::Unclear => {}
            Verdict::Backchannel | Verdict::Echo if is_final => {
                self.dismissed_words = Some(normalise(&text));
                self.utterance.clear();
                self.words_over = None;
                self.dismissed = true;
                if !self.utterance.is_voiced() {
                    self.resume_playback(now);
                }
            }
            Verdict::Backchannel | Verdict::Echo => {}
        }
    }

    /// Whether words that may still change are enough to stop for: a command, several of them, or a beginning heard twice. Recognisers
    /// make a word or two of the first tenths of a second of anything.
    fn is_sure_of_words(&self) -> bool {
        let text = self.utterance.text();
        let words = normalise(&text);
        let before = self.words_over.as_deref().map(normalise);
        let first = |words: &str| words.split(' ').next().map(str::to_owned);
        barge_in::commands(&text)
            || words.split(' ').count() >= WORDS_ENOUGH
            || before.is_some_and(|before| first(&before) == first(&words))
    }

    pub(super) fn interrupt(&mut self, now: Timestamp, reason: &str) {
        self.go(Phase::Interrupted, reason);
        let over = self.end_turn();
        self.cut = Some(self.take_turn(over));
        self.cancel_ending();
        self.timers.stop_all_of_the_state();
        self.timers.set(Timer::Drain, now, DRAIN);
        self.transmit(ServerMessage::Flush { turn: over });
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
            self.follow_witnesses(now);
        }
    }
}
