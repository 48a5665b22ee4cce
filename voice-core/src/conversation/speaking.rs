//! Her side of a conversation: a reply from the model's first word to its last sound.

use std::time::Duration;

use super::{Conversation, FAILURES_BEFORE_GIVING_UP, Fault, Output, Piece, Reply, Sound, Timer};
use crate::latency::{TurnOutcome, mark};
use crate::time::Timestamp;
use crate::turn::ForTurn;
use crate::wire::{Outcome, Phase, ServerMessage, Speaker};

/// How long the model may take to its first word. Its usual answer comes within half a second; a caller gives up soon after this.
const FIRST_TOKEN: Duration = Duration::from_secs(6);

/// How long the voice may take to its first sound, its second attempt by REST included.
const FIRST_AUDIO: Duration = Duration::from_secs(5);

/// How long she may be "speaking" without any news from the model, the voice or the handset. Longer than the lead,
/// so that a handset playing out what it has is never taken for a dead one.
const PLAYBACK: Duration = Duration::from_secs(8);

impl Conversation {
    /// Has the model answer what the caller said.
    pub(super) fn ask(&mut self, now: Timestamp, reason: &str) {
        self.prepare(Phase::Processing, reason);
        self.timers.set(Timer::FirstToken, now, FIRST_TOKEN);
        let prompt = self.history.prompt(&self.config.instructions, &self.caller);
        self.outputs
            .push_back(Output::Ask(ForTurn::new(self.turn, prompt)));
    }

    /// Says words that are known: the greeting, a prompt, a goodbye.
    pub(super) fn say(&mut self, now: Timestamp, text: String, reason: &str) {
        self.prepare(Phase::Processing, reason);
        self.say_known(now, text);
    }

    fn prepare(&mut self, phase: Phase, reason: &str) {
        self.timers.stop_all_but_the_ceiling();
        self.go(phase, reason);
        self.reply = Some(Reply::new(self.config.rate));
    }

    fn say_known(&mut self, now: Timestamp, text: String) {
        let Some(reply) = self.reply.as_mut() else {
            return;
        };
        let piece = reply.add_piece(text);
        reply.finish_text();
        self.voice(now, piece);
        self.advance(now);
    }

    pub(super) fn on_token(&mut self, now: Timestamp, token: ForTurn<String>) {
        let Some(token) = token.if_current(self.turn) else {
            return;
        };
        let Some(reply) = self.reply.as_mut() else {
            return;
        };
        let pieces = reply.take_token(&token);
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
        self.voice(now, pieces);
    }

    pub(super) fn on_text_done(&mut self, now: Timestamp, done: ForTurn<()>) {
        if done.if_current(self.turn).is_none() {
            return;
        }
        self.timers.stop(Timer::FirstToken);
        let last = self.reply.as_mut().and_then(Reply::finish_text);
        self.voice(now, last);
        self.advance(now);
    }

    /// Gives pieces to the voice.
    fn voice(&mut self, now: Timestamp, pieces: impl IntoIterator<Item = Piece>) {
        for piece in pieces {
            if self.phase == Phase::Processing && self.marks.first_piece.is_none() {
                self.timers.set(Timer::FirstAudio, now, FIRST_AUDIO);
            }
            mark(&mut self.marks.first_piece, now);
            self.outputs
                .push_back(Output::Say(ForTurn::new(self.turn, piece)));
        }
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
        if self.phase == Phase::Processing {
            self.timers.stop_all_but_the_ceiling();
            mark(&mut self.marks.first_audio, now);
            self.go(Phase::Speaking, "first sound");
        }
        if let Some((text, from)) = caption {
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
    fn advance(&mut self, now: Timestamp) {
        let Some(reply) = self.reply.as_mut() else {
            return;
        };
        while let Some(sound) = reply.release(self.config.lead) {
            self.outputs
                .push_back(Output::Play(ForTurn::new(self.turn, sound)));
        }
        if self.phase == Phase::Speaking {
            if !self.paused {
                self.timers.set(Timer::Playback, now, PLAYBACK);
            }
            if reply.is_over() {
                self.finish(now, TurnOutcome::Completed, "heard");
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
        let finished = self.take_turn(over);
        self.record(finished, outcome);
        if let Some(outcome) = self.then_end {
            self.end(outcome);
        } else if self.failures >= FAILURES_BEFORE_GIVING_UP {
            self.end(Outcome::Failed);
        } else {
            if !was_protected && !self.utterance.is_voiced() {
                // Too little to have been an interruption, and it is over.
                self.utterance.clear();
                self.decision = crate::endpointing::Decision::Wait;
            }
            self.listen(now, reason);
            self.follow_decision(now);
        }
    }

    pub(super) fn on_failed(&mut self, now: Timestamp, fault: ForTurn<Fault>) {
        match fault.if_current(self.turn) {
            Some(Fault::Model) => self.fail_model(now),
            Some(Fault::Voice) => self.fail_voice(now),
            None => {}
        }
    }

    /// The model gave nothing, or broke off: what there is is spoken, or an apology.
    pub(super) fn fail_model(&mut self, now: Timestamp) {
        let Some(reply) = self.reply.as_mut() else {
            return;
        };
        self.timers.stop(Timer::FirstToken);
        self.flaw = Some(TurnOutcome::LlmFailed);
        let last = reply.finish_text();
        if reply.has_pieces() {
            self.voice(now, last);
            self.advance(now);
        } else {
            self.say_known(now, self.config.apology.clone());
        }
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
