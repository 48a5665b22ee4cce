//! When an utterance of real speech is over: by its silence and one judgement, or by thresholds of likelihood, with a
//! judgement again and again. Silence is counted in frames of the detector.

use super::{FRAME, RATE, Utterance};
use crate::backend::Endpointing;

impl Endpointing {
    /// Whether the words so far are read although nothing has to be answered.
    pub(super) fn wants_words(self, utterance: &Utterance, now: u64) -> bool {
        match utterance.silence {
            0 => now - utterance.read_at >= INTERIM,
            // Then the words are known when it is asked whether they were the last.
            silence => {
                matches!(self, Self::Turns(_))
                    && silence >= SILENCE_READ
                    && utterance.known().is_none()
            }
        }
    }

    /// The silence after which it is first asked whether the speaker has finished.
    pub(super) fn first_judgement(self) -> usize {
        match self {
            Self::Turns(thresholds) if thresholds.eager.is_some() => SILENCE_EAGER,
            Self::Silence | Self::Turns(_) => SILENCE_LEAST,
        }
    }

    /// When it is asked again: less and less often, until the sound that is judged does not change any more.
    pub(super) fn next_judgement(self, silence: usize) -> Option<usize> {
        match self {
            Self::Turns(_) if silence < GIVE_UP => Some((silence * 2).max(SILENCE_LEAST)),
            Self::Silence | Self::Turns(_) => None,
        }
    }

    /// A silence that ends anything.
    pub(super) fn silence_most(self) -> usize {
        match self {
            Self::Silence => GIVE_UP,
            Self::Turns(thresholds) => {
                (thresholds.timeout.as_secs_f64() * f64::from(RATE)) as usize / FRAME
            }
        }
    }

    /// A shorter silence at the end of a stretch that was cut for its length is not its end.
    pub(super) fn silence_least(self) -> usize {
        match self {
            Self::Silence => 1,
            Self::Turns(_) => SILENCE_LEAST,
        }
    }

    pub(super) fn is_likely(self, finished: f32) -> bool {
        match self {
            Self::Silence => false,
            Self::Turns(thresholds) => thresholds
                .eager
                .is_some_and(|least| f64::from(finished) >= least),
        }
    }

    /// Whether the likelihood ends the utterance.
    pub(super) fn ends(self, utterance: &Utterance) -> bool {
        let Some(finished) = utterance.finished else {
            return false;
        };
        utterance.silence >= SILENCE_LEAST
            && match self {
                Self::Silence => finished > FINISHED,
                Self::Turns(thresholds) => {
                    thresholds.end_turns() && f64::from(finished) >= thresholds.end
                }
            }
    }

    /// Whether an utterance that is over was found finished, and did not only end because nothing more came.
    pub(super) fn found_finished(self, utterance: &Utterance) -> bool {
        match self {
            Self::Silence => true,
            Self::Turns(_) => self.ends(utterance),
        }
    }
}

/// 48 ms: a word's own stops are about as long.
const SILENCE_READ: usize = 3;

/// 256 ms of silence before the speaker may have finished.
const SILENCE_LEAST: usize = 16;

/// 128 ms: the engine's answer comes when the silence is about as long as it has to be.
const SILENCE_EAGER: usize = 8;

/// 1.2 s of silence end anything but a turn.
pub(super) const GIVE_UP: usize = 75;

/// Between interim results: 300 ms, some five times what a reading costs.
const INTERIM: u64 = 4_800;

/// Cut sentences score 0.03 and finished ones 0.98, so the middle will do.
const FINISHED: f32 = 0.5;
