//! Cuts the silence that voices put before their first sound: a hundred milliseconds or more that a caller would wait for nothing.

use super::{SampleRate, mulaw};
use std::time::Duration;

/// Below this a 16-bit sample is silence: −50 dBFS, under the softest consonant of a voice and over its dither.
const SILENT: u16 = 104;

/// What is kept before the first sound, so that its attack is whole.
const KEPT: Duration = Duration::from_millis(10);

/// The most that is cut. A voice that is silent for longer does so on purpose.
const MOST: Duration = Duration::from_millis(500);

/// Trims the beginning of one stretch of sound.
#[derive(Clone, Debug)]
pub struct LeadingSilence {
    left: usize,
    kept: usize,
}

impl LeadingSilence {
    #[must_use]
    pub fn new(rate: SampleRate) -> Self {
        let samples = |span| usize::try_from(rate.samples_in(span)).unwrap_or(usize::MAX);
        Self {
            left: samples(MOST),
            kept: samples(KEPT),
        }
    }

    /// What is left of the next bytes of 16-bit little-endian sound. They must be whole samples.
    pub fn trim<'a>(&mut self, pcm: &'a [u8]) -> &'a [u8] {
        let (samples, _) = pcm.as_chunks::<2>();
        let samples = samples.iter().map(|sample| i16::from_le_bytes(*sample));
        let silent = self.silent(samples);
        pcm.get(silent.saturating_mul(2)..).unwrap_or_default()
    }

    /// What is left of the next bytes of a telephone's sound.
    pub fn trim_mulaw<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let silent = self.silent(bytes.iter().copied().map(mulaw::decode));
        bytes.get(silent..).unwrap_or_default()
    }

    /// How many of the next samples go.
    fn silent(&mut self, mut samples: impl ExactSizeIterator<Item = i16>) -> usize {
        if self.left == 0 {
            return 0;
        }
        let length = samples.len();
        let first_sound = samples.position(|sample| sample.unsigned_abs() > SILENT);
        let silent = first_sound
            .map_or(length, |at| at.saturating_sub(self.kept))
            .min(self.left);
        self.left = if first_sound.is_some() {
            0
        } else {
            self.left.saturating_sub(silent)
        };
        silent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pcm(samples: &[i16]) -> Vec<u8> {
        samples
            .iter()
            .flat_map(|sample| sample.to_le_bytes())
            .collect()
    }

    #[test]
    fn only_the_silence_before_the_first_sound_goes() {
        let mut silence = LeadingSilence::new(SampleRate::VOICE);
        let quiet = pcm(&[3; 4_800]);
        assert!(silence.trim(&quiet).is_empty());
        let onset: Vec<i16> = [0; 1_000].into_iter().chain([9_000; 10]).collect();
        assert_eq!(
            silence.trim(&pcm(&onset)).len(),
            2 * (240 + 10),
            "10 ms stay before the attack"
        );
        assert_eq!(
            silence.trim(&quiet).len(),
            quiet.len(),
            "a pause inside speech stays"
        );
    }

    #[test]
    fn a_telephones_silence_goes_by_the_same_rule() {
        let mut silence = LeadingSilence::new(SampleRate::TELEPHONE);
        // Both zeros, and the faintest codes beside them, as lines carry them.
        let quiet: Vec<u8> = [mulaw::SILENCE, 0x7F, 0xFE, 0x7E].repeat(400);
        assert!(silence.trim_mulaw(&quiet).is_empty());
        let sound = mulaw::encode(9_000);
        let onset: Vec<u8> = [mulaw::SILENCE; 500]
            .into_iter()
            .chain([sound; 5])
            .collect();
        assert_eq!(
            silence.trim_mulaw(&onset),
            [[mulaw::SILENCE; 80].as_slice(), &[sound; 5]].concat(),
            "10 ms stay before the attack"
        );
        assert_eq!(silence.trim_mulaw(&quiet), quiet);
        let mut silence = LeadingSilence::new(SampleRate::TELEPHONE);
        assert_eq!(silence.trim_mulaw(&[0x7F; 8_000]).len(), 4_000);
    }

    #[test]
    fn a_long_silence_is_meant() {
        let mut silence = LeadingSilence::new(SampleRate::VOICE);
        let second = pcm(&[0; 24_000]);
        assert_eq!(
            silence.trim(&second).len(),
            24_000,
            "half a second goes, half stays"
        );
        assert_eq!(silence.trim(&second).len(), second.len());
    }
}
