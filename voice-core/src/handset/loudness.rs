//! Policy: whether a voice heard over hers is loud enough to be the caller's.
//!
//! Somebody else in the room and a television speak as well as the caller does, only from further away. So the caller's usual level is
//! learned while she is silent, and over her voice a much weaker one is not listened to.

/// The caller's usual level (root mean square of a frame, 0 to 1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Loudness {
    usual: f32,
    /// How loud a voice was in the last frames, fading.
    lately: f32,
}

impl Default for Loudness {
    fn default() -> Self {
        Self {
            usual: ORDINARY,
            lately: 0.0,
        }
    }
}

impl Loudness {
    /// Takes the level of one more frame of the caller's speech.
    pub(super) fn learn(&mut self, level: f32) {
        if is_known(level) {
            self.usual += WEIGHT * (level.clamp(LOWEST, HIGHEST) - self.usual);
        }
    }

    /// Whether a frame of this level that sounds like a `voice` may be the caller's. An unknown level may.
    pub(super) fn admits(&mut self, voice: bool, level: f32) -> bool {
        self.lately *= FADE;
        if voice && is_known(level) {
            self.lately = self.lately.max(level);
        }
        voice && (!is_known(level) || self.lately >= self.usual * FAR_BELOW)
    }
}

/// The root mean square (0 to 1) of a frame; zero, which is no level, of an empty one.
#[must_use]
pub fn level_of(frame: &[i16]) -> f32 {
    if frame.is_empty() {
        return 0.0;
    }
    let power: f32 = frame
        .iter()
        .map(|sample| {
            let value = f32::from(*sample) / FULL_SCALE;
            value * value
        })
        .sum();
    (power / frame.len() as f32).sqrt()
}

/// A driver that cannot tell says zero, or nothing that is a number: no frame with speech in it has such a level.
const fn is_known(level: f32) -> bool {
    level.is_finite() && level > 0.0
}

/// The value of a sample at full scale.
const FULL_SCALE: f32 = 32_768.0;

/// An ordinary voice at a microphone with gain control, until this caller's is known.
const ORDINARY: f32 = 0.05;

/// Bounds of what is learned, so that nobody can be locked out: above two fifths of the highest a voice is always heard. Nobody is
/// understood below the lowest, and a caller at full scale has about the highest.
const LOWEST: f32 = 0.01;
const HIGHEST: f32 = 0.19;

/// How much of the usual level each frame of speech replaces: a second of speech, one short answer, moves it two thirds of the way.
const WEIGHT: f32 = 1.0 / 64.0;

/// 8 dB. Vowels of one voice at one distance stay within that; a voice at three times the distance does not.
const FAR_BELOW: f32 = 0.4;

/// What is left of a frame's level after each one: the closure of a plosive, 64 ms, keeps half the level before it.
const FADE: f32 = 0.85;

#[cfg(test)]
mod tests {
    use super::*;

    /// What was heard before (a level, so many frames of it), and the lowest level in decibels of full scale that is then admitted.
    #[test]
    fn eight_decibels_below_the_usual_level() {
        for (name, before, lowest) in [
            ("nothing yet", &[][..], -34.0),
            ("an ordinary voice", &[(0.05, 300)], -34.0),
            ("a loud one", &[(0.2, 300)], -22.4),
            ("a quiet one", &[(0.0125, 300)], -45.8),
            (
                "one loud word does not count much",
                &[(0.05, 300), (0.2, 10)],
                -30.9,
            ),
            ("a short answer counts", &[(0.2, 64)], -25.0),
            (
                "the last who spoke for long",
                &[(0.2, 300), (0.0125, 300)],
                -44.9,
            ),
            ("at most so loud", &[(1.0, 900)], -22.4),
            ("at least so quiet", &[(1e-6, 900)], -48.0),
            ("absurdly loud", &[(f32::MAX, 900)], -22.4),
            (
                "unknown levels teach nothing",
                &[
                    (0.0, 300),
                    (-1.0, 300),
                    (f32::NAN, 300),
                    (f32::INFINITY, 300),
                ],
                -34.0,
            ),
        ] {
            let mut loudness = Loudness::default();
            for (level, frames) in before {
                for _ in 0..*frames {
                    loudness.learn(*level);
                }
            }
            let admitted = (-900..0).find(|tenths| {
                let mut then = loudness;
                then.admits(true, amplitude(*tenths))
            });
            let admitted = f64::from(admitted.unwrap_or(0)) / 10.0;
            assert!(
                (admitted - lowest).abs() < 0.15,
                "{name}: {admitted} instead of {lowest}"
            );
        }
    }

    #[test]
    fn an_unknown_level_is_admitted() {
        let mut loudness = Loudness::default();
        for _ in 0..300 {
            loudness.learn(1.0);
        }
        for level in [0.0, -0.1, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert!(loudness.admits(true, level), "{level}");
        }
        assert!(!loudness.admits(true, f32::MIN_POSITIVE));
    }

    #[test]
    fn the_closure_of_a_plosive_is_as_loud_as_what_it_closes() {
        let mut loudness = Loudness::default();
        assert!(loudness.admits(true, 0.04));
        assert!(loudness.admits(true, 0.001));
        for _ in 0..2 {
            assert!(!loudness.admits(false, 0.001));
        }
        assert!(loudness.admits(true, 0.001));
        assert!(!loudness.admits(true, 0.001), "64 ms later it is over");
        assert!(!loudness.admits(false, 0.04), "a knock is no voice");
        assert!(!loudness.admits(true, 0.001));
    }

    #[test]
    fn the_level_of_a_frame() {
        for (frame, level) in [
            (&[][..], 0.0),
            (&[0; 256], 0.0),
            (&[i16::MIN; 256], 1.0),
            (&[3_277, -3_277], 0.1),
            (&[16_384, 0, -16_384, 0], 0.353_553),
        ] {
            assert!((level_of(frame) - level).abs() < 1e-4, "{frame:?}");
        }
    }

    fn amplitude(tenths_of_decibels: i16) -> f32 {
        10_f32.powf(f32::from(tenths_of_decibels) / 200.0)
    }
}
