//! Policy: when the caller has begun to speak and when the caller has stopped, from one detector score a frame.
//!
//! A detector is sure of itself for single frames of a cough or a chair, so a beginning needs several frames; and
//! speech is full of short gaps, so an end needs a run of quiet ones.

/// What it takes to call it the beginning of speech: `needed` of the last `window` frames at or above `threshold`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Onset {
    pub needed: u32,
    /// At most 32 frames are remembered.
    pub window: u32,
    /// Between 0 and 1, as the detector scores.
    pub threshold: f32,
}

/// The last frames' votes, the newest in the lowest bit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Votes(u32);

impl Votes {
    pub(super) fn cast(&mut self, voice: bool) {
        self.0 = (self.0 << 1) | u32::from(voice);
    }

    pub(super) fn clear(&mut self) {
        self.0 = 0;
    }

    pub(super) fn carry(self, onset: Onset) -> bool {
        let remembered = u32::MAX
            .checked_shr(32_u32.saturating_sub(onset.window))
            .unwrap_or(0);
        onset.needed > 0 && (self.0 & remembered).count_ones() >= onset.needed
    }
}

/// How loud she has been lately, so that her own echo is expected for as long as a room holds it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reference(f32);

impl Reference {
    /// Takes the root mean square (0 to 1) of what was played during one more frame.
    pub(super) fn hear(&mut self, level: f32) {
        self.0 = level.clamp(0.0, 1.0).max(self.0 * HOLD);
    }

    /// The threshold under which a score may be her own echo.
    pub(super) fn raise(self, threshold: f32, gate: f32) -> f32 {
        (threshold + gate * self.0).min(CEILING.max(threshold))
    }
}

/// What is left of the reference after each frame: a tenth after 10 frames, about the 160 ms in which the loudspeaker's
/// delay and an ordinary room's echo are over.
const HOLD: f32 = 0.8;

/// A detector this sure is always heard, however loud she is: without a ceiling a loud voice could not be interrupted at all.
const CEILING: f32 = 0.9;

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_OF_THREE: Onset = Onset {
        needed: 2,
        window: 3,
        threshold: 0.5,
    };

    #[test]
    fn votes_outside_the_window_do_not_count() {
        let mut votes = Votes::default();
        for voice in [true, false, false, true] {
            votes.cast(voice);
            assert!(!votes.carry(TWO_OF_THREE));
        }
        votes.cast(true);
        assert!(votes.carry(TWO_OF_THREE));
    }

    #[test]
    fn the_widest_and_the_empty_window_are_sound() {
        let mut votes = Votes::default();
        votes.cast(true);
        assert!(votes.carry(Onset {
            needed: 1,
            window: 32,
            threshold: 0.5
        }));
        assert!(!votes.carry(Onset {
            needed: 1,
            window: 0,
            threshold: 0.5
        }));
        assert!(!votes.carry(Onset {
            needed: 0,
            window: 3,
            threshold: 0.5
        }));
    }

    #[test]
    fn a_loud_voice_raises_the_threshold_up_to_the_ceiling_and_fades() {
        let mut reference = Reference::default();
        assert_eq!(reference.raise(0.6, 1.0), 0.6);
        reference.hear(0.1);
        assert!(reference.raise(0.6, 1.0) > 0.69);
        reference.hear(f32::INFINITY);
        assert_eq!(reference.raise(0.6, 1.0), CEILING);
        for _ in 0..60 {
            reference.hear(0.0);
        }
        assert!(reference.raise(0.6, 1.0) < 0.601);
    }
}
