//! One clock for her silences: how long a caller who waits for her hears nothing.
//!
//! The model, the voice and the business each have a deadline of their own, and these add up. This clock runs from the caller's last sound, or from
//! the last of hers, whoever is late: then she says that it takes a moment, or gives up on whoever it is.

use std::time::Duration;

use super::{Conversation, Reply, Timer};
use crate::time::Timestamp;
use crate::wire::Phase;

/// How long a caller who waits hears nothing. After four seconds people ask whether anybody is there; this leaves a line from memory its way to
/// them.
const PATIENCE: Duration = Duration::from_millis(3_200);

/// What is left to an answer that begins late, since the caller seemed to go on.
const AT_LEAST: Duration = Duration::from_millis(1_600);

impl Conversation {
    /// The caller has finished and waits for an answer.
    pub(super) fn begin_to_wait(&mut self, now: Timestamp) {
        let quiet = self
            .marks
            .last_sound
            .map_or(Duration::ZERO, |last| now.since(last));
        let left = PATIENCE.saturating_sub(quiet).max(AT_LEAST);
        self.timers.set(Timer::Patience, now, left);
    }

    /// She is speaking: the caller waits once all there is has been played, and not before.
    pub(super) fn watch_silence(&mut self, now: Timestamp) {
        let is_dry = self.reply.as_ref().is_some_and(Reply::is_dry);
        if !is_dry || self.paused {
            self.timers.stop(Timer::Patience);
        } else if !self.timers.runs(Timer::Patience) {
            self.timers.set(Timer::Patience, now, PATIENCE);
        }
    }

    /// How often she says in this turn that it takes a moment: once, and again for a business that looks something up.
    fn most_fillers(&self) -> usize {
        let wanted = match (self.caller.is_empty(), self.work.is_owed()) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => 2,
        };
        self.config.fillers.len().min(wanted)
    }

    /// The caller has heard nothing for too long.
    pub(super) fn on_patience(&mut self, now: Timestamp) {
        let Some(reply) = self.reply.as_ref() else {
            return;
        };
        // What is done now may be late as well.
        self.timers.set(Timer::Patience, now, AT_LEAST);
        let is_held = self.phase == Phase::Processing && reply.has_sound();
        if is_held || !matches!(self.phase, Phase::Processing | Phase::Speaking) {
            // The caller is heard again, and decides how it goes on.
        } else if reply.awaits_voice() {
            self.fail_voice(now);
        } else if reply.fillers() < self.most_fillers() && !reply.has_words() {
            self.say_filler(now);
        } else {
            self.fail_model(now);
        }
    }
}
