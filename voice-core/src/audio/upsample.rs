//! From the telephone's 8 kHz to the 16 kHz that detectors of speech want.
//!
//! A half-band filter: every other sample of the result is one of the caller's, and only the ones between are computed, from the
//! eight neighbours on each side. What a telephone carries (up to 3.4 kHz) comes through level; its mirror image above 4.6 kHz, which a
//! detector would take for hiss, is 45 dB down.

/// The filter's outer half, nearest neighbour first: the equiripple half-band of 31 taps for a pass band to 3.4 kHz. Two
/// pairs fewer would let the image through at −36 dB; more would cost time and delay that no detector notices.
const TAPS: [f32; 8] = [
    0.632_911, -0.201_276, 0.109_746, -0.067_614, 0.042_788, -0.026_590, 0.015_666, -0.010_957,
];

/// Both halves.
const WINDOW: usize = 16;

/// Doubles the rate of one stream. What comes out is a millisecond (eight samples) behind.
#[derive(Clone, Debug)]
pub struct Upsampler {
    /// The last samples of what came before, and while it works the new ones.
    line: Vec<f32>,
}

impl Default for Upsampler {
    fn default() -> Self {
        Self {
            line: vec![0.0; WINDOW.saturating_sub(1)],
        }
    }
}

impl Upsampler {
    /// Appends two samples to `out` for each one of `samples`.
    pub fn push(&mut self, samples: impl IntoIterator<Item = i16>, out: &mut Vec<i16>) {
        self.line.extend(samples.into_iter().map(f32::from));
        let done = self.line.len().saturating_sub(WINDOW.saturating_sub(1));
        let begin = out.len();
        out.resize(begin.saturating_add(done.saturating_mul(2)), 0);
        let (pairs, _) = out.get_mut(begin..).unwrap_or_default().as_chunks_mut();
        for (window, pair) in self.line.array_windows::<WINDOW>().zip(pairs) {
            let [
                w0,
                w1,
                w2,
                w3,
                w4,
                w5,
                w6,
                w7,
                w8,
                w9,
                wa,
                wb,
                wc,
                wd,
                we,
                wf,
            ] = *window;
            let [t0, t1, t2, t3, t4, t5, t6, t7] = TAPS;
            // Two sums, so that no addition waits for all before it.
            let near = t0 * (w7 + w8) + t1 * (w6 + w9) + t2 * (w5 + wa) + t3 * (w4 + wb);
            let far = t4 * (w3 + wc) + t5 * (w2 + wd) + t6 * (w1 + we) + t7 * (w0 + wf);
            // The conversion saturates: an overshoot is clipped, never wrapped. What it cuts off is an eighth of µ-law's finest step.
            *pair = [w7 as i16, (near + far) as i16];
        }
        self.line.drain(..done);
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    const SECOND: usize = 8_000;

    fn tone(hertz: f64) -> Vec<i16> {
        (0..SECOND)
            .map(|n| (10_000.0 * (TAU * hertz * n as f64 / 8_000.0).sin()).round() as i16)
            .collect()
    }

    fn upsampled(samples: &[i16]) -> Vec<i16> {
        let mut out = Vec::new();
        Upsampler::default().push(samples.iter().copied(), &mut out);
        out
    }

    /// How loud `hertz` is in 16 kHz sound, in decibels over the tone that went in. The edges are left out.
    fn level(sound: &[i16], hertz: f64) -> f64 {
        let middle = &sound[1_600..14_400];
        let (mut re, mut im) = (0.0, 0.0);
        for (n, sample) in middle.iter().enumerate() {
            let phase = TAU * hertz * n as f64 / 16_000.0;
            re += f64::from(*sample) * phase.cos();
            im += f64::from(*sample) * phase.sin();
        }
        20.0 * (2.0 * re.hypot(im) / middle.len() as f64 / 10_000.0).log10()
    }

    #[test]
    fn what_a_telephone_carries_comes_through_level_and_its_image_does_not() {
        // Tones that fit the measured stretch a whole number of times.
        for hertz in (100..=3_400).step_by(100) {
            let hertz = f64::from(hertz);
            let sound = upsampled(&tone(hertz));
            let through = level(&sound, hertz);
            let image = level(&sound, 8_000.0 - hertz);
            assert!(through.abs() < 0.5, "{hertz} Hz: {through:.2} dB");
            assert!(image < -40.0, "{hertz} Hz: its image at {image:.1} dB");
        }
    }

    #[test]
    fn the_callers_own_samples_stand_unchanged_and_late_by_eight() {
        let samples = tone(440.0);
        let sound = upsampled(&samples);
        assert_eq!(sound.len(), 2 * samples.len());
        let own: Vec<i16> = sound.iter().copied().step_by(2).skip(8).collect();
        assert_eq!(own, samples[..samples.len() - 8]);
    }

    #[test]
    fn however_the_stream_is_cut_the_sound_is_the_same() {
        let samples = tone(1_234.0);
        let mut upsampler = Upsampler::default();
        let mut out = Vec::new();
        for (length, chunk) in
            [1_usize, 160, 0, 7, 160, 161]
                .into_iter()
                .cycle()
                .scan(0, |from, length| {
                    let chunk = samples.get(*from..(*from + length).min(samples.len()))?;
                    *from += length;
                    Some((length, chunk))
                })
        {
            upsampler.push(chunk.iter().copied(), &mut out);
            if chunk.len() < length {
                break;
            }
        }
        assert_eq!(out, upsampled(&samples));
    }

    #[test]
    fn a_full_scale_edge_is_clipped_and_not_wrapped() {
        let square: Vec<i16> = (0..800)
            .map(|n| if n / 8 % 2 == 0 { i16::MAX } else { i16::MIN })
            .collect();
        let sound = upsampled(&square);
        for pair in sound[64..].windows(2) {
            let same_side = pair.iter().all(|s| *s > 20_000) || pair.iter().all(|s| *s < -20_000);
            let edge = pair.iter().any(|s| s.unsigned_abs() < 20_000)
                || pair[0].signum() != pair[1].signum();
            assert!(same_side || edge, "{pair:?}");
        }
        assert!(sound.contains(&i16::MAX) && sound.contains(&i16::MIN));
    }
}
