//! Her side of a conversation: a reply from the model's first word to its last sound.

use std::time::Duration;

use super::reply::Released;
use super::{Conversation, FAILURES_BEFORE_GIVING_UP, Input, Output, Piece, Reply, Sound, Timer};
use crate::latency::{TurnOutcome, mark};
use crate::time::Timestamp;
use crate::turn::ForTurn;
use crate::wire::{Outcome, Phase, ServerMessage, Speaker};

/// How long the model may take to its first word. Its usual answer comes within half a second; a caller gives up soon after this.
const FIRST_TOKEN: Duration = Duration::from_secs(6);

/// How long after the caller's turn she says that it takes a moment. Below a second a silence is a breath; above two it is a fault.
const FILLER: Duration = Duration::from_millis(1_200);

/// How long the voice may take to its first sound, its second attempt by REST included.
const FIRST_AUDIO: Duration = Duration::from_secs(5);

/// How long she may be "speaking" without any news from the model, the voice or the handset. Longer than the lead,
/// so that a handset playing out what it has is never taken for a dead one.
const PLAYBACK: Duration = Duration::from_secs(8);

/// The most that is kept of a greeting made before the caller is connected: half a minute in the pieces of 20 ms in which
/// a voice gives sound at the least.
const EARLY: usize = 1_500;

impl Conversation {
    /// The caller is about to be connected: has the greeting made.
    pub(super) fn ring(&mut self) {
        if self.early.is_none() && !self.config.greeting.is_empty() {
            self.early = Some(Vec::new());
            let text = self.config.greeting.clone();
            let piece = Piece::new(0, text);
            self.outputs
                .push_back(Output::Say(ForTurn::new(self.turn, piece)));
        }
    }

    /// Keeps what becomes of the greeting until there is somebody to hear it.
    pub(super) fn keep(&mut self, fact: Input) {
        let of_the_voice = matches!(
            fact,
            Input::Failed(_) | Input::PieceDone(_) | Input::Voiced(_)
        );
        if let Some(early) = &mut self.early
            && of_the_voice
            && early.len() < EARLY
        {
            early.push(fact);
        }
    }

    /// The caller is connected: greets, with what there already is of the greeting.
    pub(super) fn greet(&mut self, now: Timestamp) {
        if self.config.greeting.is_empty() {
            return;
        }
        self.protected = self.config.greeting_protected;
        let Some(early) = self.early.take() else {
            self.say(now, self.config.greeting.clone(), "greeting");
            return;
        };
        self.enter_processing("greeting");
        if let Some(reply) = self.reply.as_mut() {
            reply.add_text(self.config.greeting.clone());
            reply.finish_text();
            // It was given to the voice while the telephone rang.
            reply.next_piece();
        }
        self.expect_sound(now);
        for fact in early {
            self.handle_input(now, fact);
        }
    }

    /// Has the model answer what the caller said.
    pub(super) fn ask(&mut self, now: Timestamp, reason: &str) {
        self.enter_processing(reason);
        self.keep_open();
        self.await_answer(now);
        self.begin_to_wait(now);
        self.marks.requested = 1;
        let prompt =
            self.history
                .prompt(&self.config.instructions, &self.caller, &[], self.tools());
        self.outputs
            .push_back(Output::Ask(ForTurn::new(self.turn, prompt)));
    }

    /// Says words that are known: the greeting, a prompt, a goodbye.
    pub(super) fn say(&mut self, now: Timestamp, text: String, reason: &str) {
        self.enter_processing(reason);
        self.say_known(now, text);
    }

    /// Something is going to be said, under an id that nothing has ended yet.
    pub(super) fn enter_processing(&mut self, reason: &str) {
        self.outrun_guesses();
        self.timers.stop_all_of_the_state();
        self.go(Phase::Processing, reason);
        self.reply = Some(self.new_reply());
    }

    pub(super) fn await_answer(&mut self, now: Timestamp) {
        self.timers.set(Timer::FirstToken, now, FIRST_TOKEN);
        self.timers.set(Timer::Filler, now, FILLER);
    }

    /// The model was asked again, with what it wanted to know.
    pub(super) fn await_more(&mut self, now: Timestamp) {
        self.timers.set(Timer::FirstToken, now, FIRST_TOKEN);
        if self.phase == Phase::Speaking {
            self.watch_playback(now);
        }
    }

    pub(super) fn say_known(&mut self, now: Timestamp, text: String) {
        if let Some(reply) = self.reply.as_mut() {
            reply.add_text(text);
            reply.finish_text();
            self.say_more(now);
            self.advance(now);
        }
    }

    /// The answer takes its time: says so, but not in two turns in a row.
    pub(super) fn fill(&mut self, now: Timestamp) {
        if self.phase == Phase::Processing && !self.filled && !self.caller.is_empty() {
            self.say_filler(now);
        }
    }

    /// Says that it takes a moment.
    pub(super) fn say_filler(&mut self, now: Timestamp) {
        let line = self
            .fillers
            .checked_rem(self.config.fillers.len())
            .and_then(|next| self.config.fillers.get(next).cloned());
        let (Some(line), Some(reply)) = (line, self.reply.as_mut()) else {
            return;
        };
        if let Some(piece) = reply.fill(line) {
            if self.phase == Phase::Processing {
                self.timers.set(Timer::FirstAudio, now, FIRST_AUDIO);
            }
            self.filling = true;
            self.fillers = self.fillers.wrapping_add(1);
            self.outputs
                .push_back(Output::Say(ForTurn::new(self.turn, piece)));
        }
    }

    pub(super) fn on_token(&mut self, now: Timestamp, token: ForTurn<String>) {
        let Some(token) = token.if_current(self.turn) else {
            return;
        };
        let Some(reply) = self.reply.as_mut() else {
            return;
        };
        reply.take_token(&token);
        self.note_answer(now);
        self.say_more(now);
    }

    /// The model has begun to answer.
    pub(super) fn note_answer(&mut self, now: Timestamp) {
        self.timers.stop(Timer::FirstToken);
        mark(&mut self.marks.first_token, now);
        if self.phase == Phase::Processing && !self.timers.runs(Timer::FirstAudio) {
            // Words that never make a piece must not hold the state for ever.
            self.timers.set(
                Timer::FirstAudio,
                now,
                FIRST_TOKEN.saturating_add(FIRST_AUDIO),
            );
        }
    }

    pub(super) fn on_text_done(&mut self, now: Timestamp, done: ForTurn<()>) {
        if done.if_current(self.turn).is_some() {
            self.finish_text(now);
        }
    }

    /// The model's words are complete: the last of them go to the voice, and the line that a tool needs after them.
    pub(super) fn finish_text(&mut self, now: Timestamp) {
        self.timers.stop(Timer::FirstToken);
        if self.hold_for_results(now) {
            return;
        }
        let Some(reply) = self.reply.as_mut() else {
            return;
        };
        if !reply.text_is_complete() {
            reply.end_sentence();
        }
        if self.errand.is_none() && self.owes_words() {
            self.fail_model(now);
            return;
        }
        let Some(reply) = self.reply.as_mut() else {
            return;
        };
        let was_complete = reply.text_is_complete();
        reply.finish_text();
        let has_words = reply.has_words();
        if !was_complete && let Some(line) = self.line_for_errand(has_words) {
            self.add_line(line);
        }
        self.say_more(now);
        self.advance(now);
    }

    fn add_line(&mut self, line: String) {
        if let Some(reply) = self.reply.as_mut() {
            reply.add_text(line);
        }
    }

    /// Gives the voice what it should have by now.
    pub(super) fn say_more(&mut self, now: Timestamp) {
        while let Some(piece) = self.reply.as_mut().and_then(Reply::next_piece) {
            self.timers.stop(Timer::Filler);
            self.expect_sound(now);
            self.outputs
                .push_back(Output::Say(ForTurn::new(self.turn, piece)));
        }
    }

    /// The voice has work.
    pub(super) fn expect_sound(&mut self, now: Timestamp) {
        if self.phase == Phase::Processing && !self.timers.runs(Timer::FirstAudio) {
            self.timers.set(Timer::FirstAudio, now, FIRST_AUDIO);
        }
        mark(&mut self.marks.first_piece, now);
    }

    pub(super) fn on_voiced(&mut self, now: Timestamp, sound: ForTurn<Sound>) {
        let Some(sound) = sound.if_current(self.turn) else {
            return;
        };
        let Some(reply) = self.reply.as_mut() else {
            return;
        };
        let caption = reply.take_sound(sound);
        if !reply.has_sound() {
            return;
        }
        mark(&mut self.marks.first_audio, now);
        self.captions.extend(caption);
        if self.phase == Phase::Processing {
            if !self.protected && self.resounded && self.utterance.is_voiced() {
                // The caller is heard again: what was taken for the end may not have been it.
                self.timers.stop(Timer::FirstAudio);
                self.await_silence(now);
                return;
            }
            if self.timers.runs(Timer::FalseInterruption) {
                return;
            }
        }
        self.begin_speaking(now);
    }

    /// Her first sound may go out, or more of it.
    pub(super) fn begin_speaking(&mut self, now: Timestamp) {
        let has_sound = self.reply.as_ref().is_some_and(Reply::has_sound);
        if self.phase == Phase::Processing && has_sound {
            for timer in [
                Timer::FalseInterruption,
                Timer::Filler,
                Timer::FirstAudio,
                Timer::Patience,
                Timer::Silence,
            ] {
                self.timers.stop(timer);
            }
            self.go(Phase::Speaking, "first sound");
        }
        if self.phase == Phase::Speaking {
            for (text, from) in std::mem::take(&mut self.captions) {
                let turn = self.turn;
                let from_sample = Some(from);
                self.transmit(ServerMessage::Caption {
                    speaker: Speaker::Agent,
                    turn,
                    text,
                    is_final: true,
                    from_sample,
                });
            }
        }
        self.advance(now);
    }

    pub(super) fn on_piece_done(&mut self, now: Timestamp, done: ForTurn<()>) {
        if done.if_current(self.turn).is_none() {
            return;
        }
        if let Some(reply) = self.reply.as_mut() {
            reply.piece_done();
        }
        self.advance(now);
    }

    pub(super) fn on_played(&mut self, now: Timestamp, samples: ForTurn<u64>) {
        let Some(samples) = samples.if_current(self.turn) else {
            return;
        };
        let Some(reply) = self.reply.as_mut() else {
            return;
        };
        let grew = reply.set_played(samples);
        if samples > 0 {
            mark(&mut self.marks.first_played, now);
        }
        if grew && self.paused {
            // The handset has played on by itself.
            self.paused = false;
            self.timers.stop(Timer::FalseInterruption);
        }
        self.advance(now);
    }

    /// After any news: sends what may be sent, and ends the turn when all has been heard.
    pub(super) fn advance(&mut self, now: Timestamp) {
        self.say_more(now);
        if self.phase == Phase::Processing && self.reply.as_ref().is_some_and(Reply::has_sound) {
            // It is held until the caller is silent.
            return;
        }
        let Some(reply) = self.reply.as_mut() else {
            return;
        };
        while let Some(released) = reply.release(self.config.lead) {
            self.outputs.push_back(match released {
                Released::PieceEnd(index) => Output::Mark(ForTurn::new(self.turn, index)),
                Released::Sound(sound) => Output::Play(ForTurn::new(self.turn, sound)),
            });
        }
        if self.phase == Phase::Speaking {
            if !self.paused {
                self.timers.set(Timer::Playback, now, PLAYBACK);
            }
            if reply.is_over() {
                self.finish(now, TurnOutcome::Completed, "heard");
            } else {
                self.watch_silence(now);
            }
        } else if self.phase == Phase::Processing && (reply.is_empty() || reply.is_over()) {
            self.finish(now, TurnOutcome::NoOutput, "empty answer");
        }
    }

    pub(super) fn watch_playback(&mut self, now: Timestamp) {
        self.timers.set(Timer::Playback, now, PLAYBACK);
    }

    /// A reply is over without having been cut.
    fn finish(&mut self, now: Timestamp, outcome: TurnOutcome, reason: &str) {
        let outcome = self.flaw.unwrap_or(outcome);
        let failed = matches!(outcome, TurnOutcome::LlmFailed | TurnOutcome::TtsFailed);
        self.failures = if failed {
            self.failures.saturating_add(1)
        } else {
            0
        };
        let over = self.end_turn();
        let was_protected = self.protected;
        let has_doubt = self.words_over.is_some();
        let finished = self.take_turn(over);
        let is_mute = outcome == TurnOutcome::TtsFailed && finished.reply.has_unheard();
        self.record(finished, outcome);
        let was_mute = std::mem::replace(&mut self.is_mute, is_mute);
        if let Some(outcome) = self.then_end {
            self.end(outcome);
        } else if self.failures >= FAILURES_BEFORE_GIVING_UP || (was_mute && is_mute) {
            self.end(Outcome::Failed);
        } else if is_mute {
            // Silence would be taken for a broken line, and this can be said from memory.
            self.listen(now, reason);
            self.say(now, self.config.apology.clone(), "voice failed");
        } else {
            if !was_protected && !has_doubt && !self.utterance.is_voiced() {
                // Too little to have been an interruption, and it is over.
                self.utterance.clear();
            }
            self.listen(now, reason);
            self.follow_witnesses(now);
        }
    }

    /// Nothing has happened for too long while she was speaking.
    pub(super) fn on_playback_stalled(&mut self, now: Timestamp) {
        let Some(reply) = self.reply.as_ref() else {
            return;
        };
        if reply.awaits_voice() {
            self.fail_voice(now);
        }
        if self.phase == Phase::Speaking {
            let turn = self.turn;
            self.finish(now, TurnOutcome::Completed, "playback stalled");
            self.transmit(ServerMessage::Flush { turn });
        }
    }
}
