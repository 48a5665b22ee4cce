//! The caller's side of a conversation: when they have finished, and when they resume.

use std::time::Duration;

use super::{Conversation, Output, Timer};
use crate::barge_in::normalise;
use crate::endpointing::Decision;
use crate::latency::{TurnOutcome, mark};
use crate::time::Timestamp;
use crate::transcript::Recognition;
use crate::wire::{Outcome, Phase, ServerMessage, Speaker};

/// The most text kept of one utterance: ten minutes of talk. Beyond it the oldest turn is taken as it stands.
const LONGEST_UTTERANCE: usize = 8_000;

/// A silence longer than this was no pause in a sentence, and says nothing about the caller's pace.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

impl Conversation {
    pub(super) fn on_speech_started(&mut self, now: Timestamp) {
        self.utterance.begin_sound(now);
        self.prompted = false;
        self.dismissed = false;
        if self.phase == Phase::Speaking && self.paused {
            self.await_more_noise(now);
        }
        let was_speaking = !self.utterance.has_no_words() || !self.caller.is_empty();
        self.pause = self
            .utterance
            .last_sound()
            .map(|last| now.since(last))
            .filter(|pause| was_speaking && *pause < LONGEST_PAUSE)
            .filter(|_| matches!(self.phase, Phase::Listening | Phase::Processing));
        self.dismissed_words = None;
        self.resounded = was_speaking;
        if self.phase == Phase::Listening {
            self.timers.set(Timer::Silence, now, self.config.silence);
            self.follow_witnesses(now);
        }
    }

    pub(super) fn on_speech_ended(&mut self, now: Timestamp, silence: Duration) {
        let last_sound = now - silence;
        self.utterance.end_sound(now, last_sound);
        match self.phase {
            Phase::Listening => {
                self.timers.set(Timer::Silence, now, self.config.silence);
                self.outputs.push_back(Output::Finalize);
                self.await_kept_words(now, silence);
                self.follow_witnesses(now);
            }
            Phase::Speaking => {
                self.date_last_sound(last_sound);
                self.on_sound_over_speech_ended(now);
            }
            Phase::Processing => {
                self.date_last_sound(last_sound);
                self.await_words_in_noise(now);
            }
            Phase::Idle | Phase::Interrupted | Phase::Ended => {}
        }
    }

    /// The recogniser was faster than the local detector, and her answer may have been, too: the sound that was heard when the turn was
    /// taken as finished ended before that.
    fn date_last_sound(&mut self, last_sound: Timestamp) {
        if let Some(committed) = self.marks.committed
            && !self.caller.is_empty()
            && self.utterance.began_at() <= committed
        {
            mark(&mut self.marks.last_sound, last_sound.min(committed));
        }
    }

    pub(super) fn on_heard(&mut self, now: Timestamp, heard: &Recognition) {
        if self.repeats_the_caller(heard) || self.repeats_what_was_dismissed(heard) {
            return;
        }
        self.utterance.hear(now, heard);
        let has_words = !heard.text.trim().is_empty();
        if has_words {
            self.regain();
        }
        if has_words && let Some(pause) = self.pause.take() {
            self.pace.paused(pause);
        }
        match self.phase {
            Phase::Listening => {
                if has_words {
                    self.prompted = false;
                    self.timers.set(Timer::Silence, now, self.config.silence);
                    self.caption_caller(false);
                }
                self.follow_witnesses(now);
            }
            Phase::Processing if has_words && !self.protected => self.resume_caller(now),
            Phase::Processing if heard.answers_finalize => self.on_no_words_before_speech(now),
            Phase::Speaking if has_words => self.judge_words_over_speech(now, heard.is_final),
            Phase::Speaking if heard.answers_finalize => self.on_no_words_over_speech(now),
            _ => {}
        }
    }

    pub(super) fn on_gap(&mut self, now: Timestamp) {
        self.utterance.notice_gap(now);
        if self.phase == Phase::Listening {
            self.follow_witnesses(now);
        }
    }

    /// The recogniser takes back that the caller was about to end.
    pub(super) fn on_resumed(&mut self, now: Timestamp) {
        self.utterance.go_on();
        if self.phase == Phase::Listening {
            self.drop_ahead();
            self.follow_witnesses(now);
        }
    }

    /// The moment has come at which the caller is taken to have finished, unless the witnesses now say otherwise.
    pub(super) fn on_endpoint(&mut self, now: Timestamp) {
        if self.phase == Phase::Listening && !self.utterance.has_keys() {
            self.follow_witnesses(now);
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

    /// Acts on what the witnesses say, in the caller's turn.
    pub(super) fn follow_witnesses(&mut self, now: Timestamp) {
        if self.utterance.text().len() > LONGEST_UTTERANCE {
            self.commit(now, "long enough");
        } else if self.utterance.keys_are_complete() {
            self.commit_keys(now);
        } else if self.utterance.has_keys() {
            self.drop_ahead();
            self.await_keys();
        } else {
            self.follow_words(now);
        }
    }

    fn follow_words(&mut self, now: Timestamp) {
        let completeness = self.utterance.completeness(self.wanted);
        let decision = self
            .utterance
            .decide(&self.config.endpointing, &self.pace, completeness);
        match decision {
            Decision::At(due) if due <= now => {
                let certain = self.utterance.is_settled();
                self.commit(now, "end of turn");
                self.caller_uncertain = !certain;
            }
            Decision::At(due) => {
                self.timers.set(Timer::Endpoint, now, due.since(now));
                self.look_ahead(completeness);
            }
            Decision::Wait => {
                self.timers.stop(Timer::Endpoint);
                self.look_ahead(completeness);
            }
        }
    }

    /// The caller has finished: the model's turn.
    pub(super) fn commit(&mut self, now: Timestamp, reason: &str) {
        let wants_a_person = self.name_the_operator_key();
        self.caption_caller(true);
        self.caller = self.utterance.text();
        self.utterance.keys().clone_into(&mut self.caller_keys);
        let ended_by_ear = !self.utterance.is_voiced() && !self.utterance.has_keys();
        if ended_by_ear && !self.utterance.has_no_words() {
            self.marks.last_sound = self.utterance.last_sound();
        }
        self.utterance.clear();
        self.resounded = false;
        mark(&mut self.marks.committed, now);
        if wants_a_person && self.config.can_transfer {
            self.put_through(now, reason);
        } else {
            self.answer_caller(now, reason);
        }
    }

    /// It is the model's turn, or in Safe Mode the script's.
    pub(super) fn answer_caller(&mut self, now: Timestamp, reason: &str) {
        if self.is_safe_mode() {
            self.follow_script(now, reason);
        } else if !self.adopt_ahead(now, reason) {
            self.ask(now, reason);
        }
    }

    /// The caller spoke on before she did: the sentence is longer than it seemed.
    fn resume_caller(&mut self, now: Timestamp) {
        let earlier = std::mem::take(&mut self.caller);
        if !self.work.runs.is_empty() {
            // Something was done for those words: they stay a turn.
            self.caller = earlier;
            self.withdraw(now);
            return;
        }
        let (words, before) = (normalise(&self.utterance.text()), normalise(&earlier));
        let corrected = format!("{words} ").starts_with(&format!("{before} "));
        if !corrected {
            self.utterance.prepend(&earlier);
        }
        self.withdraw(now);
    }

    /// Takes the turn back that was to answer the caller.
    pub(super) fn withdraw(&mut self, now: Timestamp) {
        let over = self.end_turn();
        let withdrawn = self.take_turn(over);
        if withdrawn.runs.is_empty() {
            // Nothing of it was heard, so there is nothing to record but what it cost.
            self.marks.take_waste_of(&withdrawn.marks);
        } else {
            self.record(withdrawn, TurnOutcome::Interrupted);
        }
        self.cancel_ending();
        self.keep_open();
        self.listen(now, "caller resumed");
        self.caption_caller(false);
        self.follow_witnesses(now);
    }

    /// Whether this only reports again, for certain, the words that were taken before they were certain.
    fn repeats_the_caller(&self, heard: &Recognition) -> bool {
        let is_new = self.phase == Phase::Speaking && self.resounded;
        if !self.caller_uncertain || is_new || heard.text.trim().is_empty() {
            return false;
        }
        let (committed, again) = (normalise(self.caller_words()), normalise(&heard.text));
        format!(" {committed}").ends_with(&format!(" {again}"))
    }

    /// Whether this only reports, for certain, words that were found to be no interruption.
    fn repeats_what_was_dismissed(&mut self, heard: &Recognition) -> bool {
        let again = heard.is_final.then(|| normalise(&heard.text));
        again.is_some()
            && self
                .dismissed_words
                .take_if(|words| Some(&*words) == again.as_ref())
                .is_some()
    }

    /// The caller's words of this turn, whole each time.
    pub(super) fn caption_caller(&mut self, is_final: bool) {
        let text = self.utterance.text();
        if !text.is_empty() {
            let turn = self.caption_turn;
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
