//! One side of a recorded telephone call, and what an ear can tell of it.
//!
//! The scripted voice sings each text as a tone of its own, so a recording says which text was heard, when and for how long.
//! Where nothing is said, the line is silent to the bit.

use local_providers::tone_of;

use crate::sound::amplitude_of;

/// Samples a millisecond: the telephone's 8 kHz.
pub const PER_MS: f64 = 8.0;

const RATE: f32 = 8_000.0;

/// Long enough to tell tones apart that lie 50 Hz from each other.
const WINDOW: usize = 400;

/// Ten milliseconds.
const STEP: usize = 80;

/// Half of the scripted voice's amplitude: a window that is half filled with the tone reaches it.
const HALF: f32 = 0.15;

/// One channel of a recording, from the call's beginning.
#[derive(Clone, Debug)]
pub struct Track {
    scaled: Vec<f32>,
    pcm: Vec<i16>,
}

impl Track {
    /// Takes a channel's samples.
    #[must_use]
    pub fn new(samples: &[i16]) -> Self {
        let scaled = samples.iter().map(|sample| f32::from(*sample) / 32_768.0);
        Self {
            scaled: scaled.collect(),
            pcm: samples.to_vec(),
        }
    }

    /// The samples of a stretch.
    #[must_use]
    pub fn pcm(&self, from_ms: f64, to_ms: f64) -> &[i16] {
        let to = at(to_ms).min(self.pcm.len());
        self.pcm.get(at(from_ms).min(to)..to).unwrap_or_default()
    }

    /// When the recording ends.
    #[must_use]
    pub fn end_ms(&self) -> f64 {
        self.scaled.len() as f64 / PER_MS
    }

    /// When the first sound at or after this moment is heard.
    #[must_use]
    pub fn first_sound(&self, from_ms: f64) -> Option<f64> {
        let from = at(from_ms);
        let found = self.between(from_ms, self.end_ms()).iter();
        let found = found.copied().position(is_sound)?;
        Some((from + found) as f64 / PER_MS)
    }

    /// When the last sound of a stretch has been heard.
    #[must_use]
    pub fn last_sound(&self, from_ms: f64, to_ms: f64) -> Option<f64> {
        let found = self.between(from_ms, to_ms).iter();
        let found = found.copied().rposition(is_sound)?;
        Some((at(from_ms) + found + 1) as f64 / PER_MS)
    }

    /// The silences between the first and the last sound of a stretch that last longer than this.
    #[must_use]
    pub fn silences(&self, from_ms: f64, to_ms: f64, longer_than_ms: f64) -> Vec<(f64, f64)> {
        let mut found = Vec::new();
        let mut last: Option<usize> = None;
        for (index, sample) in self.between(from_ms, to_ms).iter().enumerate() {
            if !is_sound(*sample) {
                continue;
            }
            if let Some(last) = last
                && (index - last) as f64 / PER_MS > longer_than_ms
            {
                let moment = |index: usize| (at(from_ms) + index) as f64 / PER_MS;
                found.push((moment(last), moment(index)));
            }
            last = Some(index);
        }
        found
    }

    /// For how long the tone of a text sounds in a stretch, in milliseconds.
    #[must_use]
    pub fn tone_ms(&self, text: &str, from_ms: f64, to_ms: f64) -> f64 {
        let tone = tone_of(text);
        let windows = self.between(from_ms, to_ms).windows(WINDOW).step_by(STEP);
        let sounding = windows.filter(|window| amplitude_of(tone, window, RATE) > HALF);
        sounding.count() as f64 * STEP as f64 / PER_MS
    }

    /// How many samples of a stretch lie where the tone of a text is louder than this amplitude.
    #[must_use]
    pub fn samples_louder(&self, text: &str, than: f32, from_ms: f64, to_ms: f64) -> u64 {
        let tone = tone_of(text);
        let windows = self.between(from_ms, to_ms).windows(WINDOW).step_by(STEP);
        let louder = windows.filter(|window| amplitude_of(tone, window, RATE) > than);
        louder.count() as u64 * STEP as u64
    }

    /// The greatest amplitude that the tone of a text has anywhere in a stretch.
    #[must_use]
    pub fn loudest(&self, text: &str, from_ms: f64, to_ms: f64) -> f32 {
        let tone = tone_of(text);
        let windows = self.between(from_ms, to_ms).windows(WINDOW).step_by(STEP);
        windows
            .map(|window| amplitude_of(tone, window, RATE))
            .fold(0.0, f32::max)
    }

    /// How long anything sounds in a stretch, in milliseconds. A tone's own zero crossings do not count as silence.
    #[must_use]
    pub fn sounding_ms(&self, from_ms: f64, to_ms: f64) -> f64 {
        let Some(first) = self.first_sound(from_ms).filter(|first| *first < to_ms) else {
            return 0.0;
        };
        let last = self.last_sound(from_ms, to_ms).unwrap_or(first);
        let silent: f64 = self
            .silences(from_ms, to_ms, CROSSING_MS)
            .iter()
            .map(|(from, to)| to - from)
            .sum();
        last - first - silent
    }

    fn between(&self, from_ms: f64, to_ms: f64) -> &[f32] {
        let to = at(to_ms).min(self.scaled.len());
        let from = at(from_ms).min(to);
        self.scaled.get(from..to).unwrap_or_default()
    }
}

/// The lowest tone crosses zero each 1.25 ms, and near its faded ends is below the codec's smallest step for some of that.
const CROSSING_MS: f64 = 3.0;

fn is_sound(sample: f32) -> bool {
    // µ-law has two zeros and a smallest step of 8.
    sample.abs() > 2.0 / 32_768.0
}

fn at(ms: f64) -> usize {
    (ms.max(0.0) * PER_MS).round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn singing(text: &str, ms: usize) -> Vec<i16> {
        let tone = tone_of(text);
        let sample = |n: usize| (std::f32::consts::TAU * tone * n as f32 / RATE).sin();
        (0..ms * 8).map(|n| (9_830.0 * sample(n)) as i16).collect()
    }

    #[test]
    fn a_track_tells_what_sounds_when_and_for_how_long() {
        let silence = vec![0; 8 * 200];
        let samples = [
            &silence[..],
            &singing("one", 500),
            &silence,
            &singing("two", 300),
            &silence,
        ]
        .concat();
        let track = Track::new(&samples);
        let near = |found: f64, wanted: f64| assert!((found - wanted).abs() < 11.0, "{found}");
        near(track.first_sound(0.0).expect("a sound"), 200.0);
        near(track.last_sound(0.0, 1_400.0).expect("a sound"), 1_200.0);
        near(track.tone_ms("one", 0.0, 1_400.0), 500.0);
        near(track.tone_ms("two", 0.0, 1_400.0), 300.0);
        near(track.sounding_ms(0.0, 1_400.0), 800.0);
        assert!(track.loudest("three", 0.0, 1_400.0) < 0.05);
        let silences = track.silences(0.0, 1_400.0, 20.0);
        assert_eq!(silences.len(), 1, "{silences:?}");
        assert_eq!(track.first_sound(1_300.0), None);
    }
}
