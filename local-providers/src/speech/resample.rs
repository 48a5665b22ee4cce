//! From one sample rate to another by a windowed sinc, whole ratios or not (22.05 kHz is none).

/// Converts a stream, keeping its state over chunks.
pub(crate) struct Resampler {
    /// Output samples for every `down` input samples.
    up: u64,
    down: u64,
    /// Taps for each of the `up` positions that an output may have between two inputs.
    phases: Vec<Vec<f32>>,
    input: Vec<f32>,
    /// Input samples dropped from the front of `input`.
    dropped: u64,
    /// Output samples made.
    made: u64,
}

impl Resampler {
    pub(crate) fn new(from: u32, to: u32) -> Self {
        let divisor = greatest_common_divisor(from, to);
        let (up, down) = (to / divisor, from / divisor);
        // Below the lower rate's half: the filter needs room to fall.
        let cutoff = (f64::from(to) / f64::from(from)).min(1.0) * PASS_BAND;
        let half = (f64::from(ZERO_CROSSINGS) / cutoff).ceil() as usize;
        let phases = (0..up)
            .map(|phase| taps(f64::from(phase) / f64::from(up), cutoff, half))
            .collect();
        // The first output's window reaches before the first input.
        Self {
            up: up.into(),
            down: down.into(),
            phases,
            input: vec![0.0; half - 1],
            dropped: 0,
            made: 0,
        }
    }

    pub(crate) fn push(&mut self, samples: &[i16]) -> Vec<i16> {
        self.input
            .extend(samples.iter().map(|&sample| f32::from(sample)));
        let mut output =
            Vec::with_capacity((samples.len() as u64 * self.up / self.down) as usize + 1);
        loop {
            let position = self.made * self.down;
            let first = (position / self.up - self.dropped) as usize;
            let taps = &self.phases[(position % self.up) as usize];
            let Some(window) = self.input.get(first..first + taps.len()) else {
                let done = first.min(self.input.len());
                self.input.drain(..done);
                self.dropped += done as u64;
                return output;
            };
            let sum: f32 = window
                .iter()
                .zip(taps)
                .map(|(sample, tap)| sample * tap)
                .sum();
            output.push(sum.round().clamp(f32::from(i16::MIN), f32::from(i16::MAX)) as i16);
            self.made += 1;
        }
    }

    /// What is still in the filter.
    pub(crate) fn finish(&mut self) -> Vec<i16> {
        let half = self.phases[0].len() / 2;
        self.push(&vec![0; half])
    }
}

/// A whole sound at once.
pub fn resample(samples: &[i16], from: u32, to: u32) -> Vec<i16> {
    if from == to {
        return samples.to_vec();
    }
    let mut resampler = Resampler::new(from, to);
    let mut output = resampler.push(samples);
    output.extend(resampler.finish());
    output.truncate((samples.len() as u64 * u64::from(to) / u64::from(from)) as usize);
    output
}

/// A low-pass of `2 * half` taps around a point that lies `fraction` after the middle left tap.
fn taps(fraction: f64, cutoff: f64, half: usize) -> Vec<f32> {
    let weights: Vec<f64> = (0..2 * half)
        .map(|index| {
            let distance = index as f64 - (half as f64 - 1.0) - fraction;
            let x = std::f64::consts::PI * distance * cutoff;
            let sinc = if x.abs() < 1e-9 { 1.0 } else { x.sin() / x };
            let window = (std::f64::consts::FRAC_PI_2 * distance / half as f64)
                .cos()
                .powi(2);
            sinc * window
        })
        .collect();
    let sum: f64 = weights.iter().sum();
    weights
        .into_iter()
        .map(|weight| (weight / sum) as f32)
        .collect()
}

const fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

/// Speech needs no steeper filter; each crossing more costs time for every sample.
const ZERO_CROSSINGS: u32 = 12;

/// Of the lower rate's half.
const PASS_BAND: f64 = 0.92;

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(frequency: f64, rate: u32, samples: u32) -> Vec<i16> {
        let step = std::f64::consts::TAU * frequency / f64::from(rate);
        (0..samples)
            .map(|index| (8_000.0 * (step * f64::from(index)).sin()) as i16)
            .collect()
    }

    fn level(samples: &[i16]) -> f64 {
        let middle = &samples[samples.len() / 4..samples.len() * 3 / 4];
        (middle
            .iter()
            .map(|&sample| f64::from(sample).powi(2))
            .sum::<f64>()
            / middle.len() as f64)
            .sqrt()
    }

    #[test]
    fn keeps_speech_and_its_length() {
        for (from, to) in [
            (22_050, 24_000),
            (22_050, 16_000),
            (22_050, 8_000),
            (8_000, 16_000),
            (16_000, 48_000),
        ] {
            let sound = resample(&tone(1_000.0, from, from), from, to);
            assert_eq!(sound.len(), to as usize);
            let expected = tone(1_000.0, to, to);
            assert!(
                (level(&sound) / level(&expected) - 1.0).abs() < 0.02,
                "{from} to {to}: {}",
                level(&sound)
            );
            let difference: Vec<i16> = sound
                .iter()
                .zip(&expected)
                .map(|(a, b)| a.saturating_sub(*b))
                .collect();
            assert!(
                level(&difference) < 150.0,
                "{from} to {to} differs by {}",
                level(&difference)
            );
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_gone() {
        let sound = resample(&tone(6_000.0, 22_050, 22_050), 22_050, 8_000);
        assert!(level(&sound) < 80.0, "{}", level(&sound));
    }

    #[test]
    fn chunks_make_no_difference() {
        let sound = tone(700.0, 8_000, 4_000);
        let whole = Resampler::new(8_000, 16_000).push(&sound);
        let mut resampler = Resampler::new(8_000, 16_000);
        let pieces: Vec<i16> = sound
            .chunks(37)
            .flat_map(|piece| resampler.push(piece))
            .collect();
        assert_eq!(pieces, whole);
    }
}
