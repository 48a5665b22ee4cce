//! Changing the sample rate: a windowed sinc, tabulated by phase and interpolated between phases, so that
//! any pair of rates works and nothing is heard of it.

/// The filter for one pair of rates.
#[derive(Debug)]
pub(crate) struct Filter {
    taps: usize,
    /// `PHASES + 1` rows of `taps` weights; the last row is the first, one sample later.
    table: Box<[f32]>,
    step: f64,
}

impl Filter {
    pub(crate) fn new(from: f32, to: f32) -> Self {
        let ratio = (from / to).max(1.0);
        let taps = ((LOBES as f32 * ratio / 4.0).ceil() as usize).saturating_mul(4);
        let cutoff = CUTOFF / ratio;
        let half = taps as f32 / 2.0;
        let mut table = Vec::with_capacity(taps.saturating_mul(PHASES.saturating_add(1)));
        for phase in 0..=PHASES {
            let centre = half - 1.0 + phase as f32 / PHASES as f32;
            let weight = |tap: usize| {
                let x = tap as f32 - centre;
                sinc(2.0 * cutoff * x) * (0.54 + 0.46 * sin_pi(x / half + 0.5))
            };
            // Each row passes a constant unchanged; otherwise the phases would modulate it.
            let sum: f32 = (0..taps).map(weight).sum();
            table.extend((0..taps).map(|tap| weight(tap) / sum));
        }
        Self {
            taps,
            table: table.into_boxed_slice(),
            step: f64::from(from) / f64::from(to),
        }
    }

    pub(crate) const fn taps(&self) -> usize {
        self.taps
    }

    /// Input samples for each output sample.
    pub(crate) const fn step(&self) -> f64 {
        self.step
    }

    /// The value at `position` (0 to 1) between the two middle samples of the history.
    pub(crate) fn at(&self, history: &History, position: f64) -> f32 {
        let place = position as f32 * PHASES as f32;
        let row = (place as usize).min(PHASES.saturating_sub(1));
        let share = place - row as f32;
        let start = row.saturating_mul(self.taps);
        let mut rows = self
            .table
            .get(start..)
            .unwrap_or_default()
            .chunks_exact(self.taps);
        let (this, next) = (
            rows.next().unwrap_or_default(),
            rows.next().unwrap_or_default(),
        );
        let window = history.window();
        (1.0 - share) * dot(window, this) + share * dot(window, next)
    }
}

/// The last samples, kept twice so that they always lie in one piece.
#[derive(Debug)]
pub(crate) struct History {
    samples: Box<[f32]>,
    taps: usize,
    at: usize,
}

impl History {
    pub(crate) fn new(taps: usize) -> Self {
        Self {
            samples: vec![0.0; taps.saturating_mul(2)].into_boxed_slice(),
            taps,
            at: 0,
        }
    }

    pub(crate) fn push(&mut self, sample: f32) {
        for at in [self.at, self.at.wrapping_add(self.taps)] {
            if let Some(slot) = self.samples.get_mut(at) {
                *slot = sample;
            }
        }
        self.at = self.at.wrapping_add(1);
        if self.at == self.taps {
            self.at = 0;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.samples.fill(0.0);
    }

    /// Becomes a copy of a history of the same length.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.samples.copy_from_slice(&other.samples);
        self.at = other.at;
    }

    /// Oldest first.
    fn window(&self) -> &[f32] {
        self.samples
            .get(self.at..self.at.wrapping_add(self.taps))
            .unwrap_or_default()
    }
}

/// Four sums side by side, which is what the vector unit adds at once.
fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 4];
    for (left, right) in left.chunks_exact(4).zip(right.chunks_exact(4)) {
        for ((sum, left), right) in sums.iter_mut().zip(left).zip(right) {
            *sum += left * right;
        }
    }
    sums.iter().sum()
}

fn sinc(x: f32) -> f32 {
    if x.abs() < 1e-6 {
        1.0
    } else {
        sin_pi(x) / (core::f32::consts::PI * x)
    }
}

/// The sine of `x` half turns. The standard library's brings 8 KB of code for arguments that do not occur here.
fn sin_pi(x: f32) -> f32 {
    let whole = x.round_ties_even();
    let angle = core::f32::consts::PI * (x - whole);
    let square = angle * angle;
    // Taylor's series on a quarter turn to either side: the first term left out is below 6e-8 there.
    let series = [
        -1.0 / 39_916_800.0,
        1.0 / 362_880.0,
        -1.0 / 5_040.0,
        1.0 / 120.0,
        -1.0 / 6.0,
        1.0,
    ];
    let sine = angle * series.iter().fold(0.0, |sum, term| sum * square + term);
    if (whole as i32) & 1 == 0 { sine } else { -sine }
}

/// Taps at the lower of the two rates: 24 under a Hamming window fall by 50 dB within 0.14 of that rate.
const LOBES: usize = 24;

/// Where the response has fallen by half, as a part of the lower rate: half the fall lies above it.
const CUTOFF: f32 = 0.45;

/// Rows of the table. Interpolating between 64 leaves an error of about -80 dB, below that of 16-bit sound in a room.
const PHASES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    /// Resamples a tone, and returns the share of the output's power that is not the tone at its new rate.
    fn distortion(from: f32, to: f32, hertz: f32) -> f64 {
        let filter = Filter::new(from, to);
        let mut history = History::new(filter.taps());
        let mut position = 0.0;
        let mut heard = Vec::new();
        for n in 0..(from as usize * 11 / 10) {
            history.push((core::f32::consts::TAU * hertz * n as f32 / from).sin());
            while position < 1.0 {
                heard.push(f64::from(filter.at(&history, position)));
                position += filter.step();
            }
            position -= 1.0;
        }
        // A second holds whole periods of every tone.
        let heard = &heard[200..200 + to as usize];
        let (mut sine, mut cosine, mut power) = (0.0, 0.0, 0.0);
        for (n, value) in heard.iter().enumerate() {
            let angle = core::f64::consts::TAU * f64::from(hertz) * n as f64 / f64::from(to);
            sine += value * angle.sin();
            cosine += value * angle.cos();
            power += value * value;
        }
        let tone = 2.0 * (sine * sine + cosine * cosine) / heard.len() as f64;
        assert!(
            (tone / heard.len() as f64 - 0.5).abs() < 0.01,
            "the tone is not passed at its level"
        );
        (power - tone).abs() / power
    }

    #[test]
    fn the_sine_is_the_sine() {
        for step in -4_000..4_000_i16 {
            let x = f32::from(step) / 117.0;
            let exact = (core::f64::consts::PI * f64::from(x)).sin();
            assert!((f64::from(sin_pi(x)) - exact).abs() < 1e-5, "{x}");
        }
    }

    #[test]
    fn a_tone_stays_a_tone_at_every_rate() {
        for rate in [16_000.0, 22_050.0, 44_100.0, 48_000.0, 96_000.0] {
            for hertz in [200.0, 1_000.0, 4_000.0] {
                assert!(
                    distortion(rate, 16_000.0, hertz) < 1e-4,
                    "capture at {rate}, {hertz} Hz"
                );
                assert!(
                    distortion(24_000.0, rate, hertz) < 1e-4,
                    "playback at {rate}, {hertz} Hz"
                );
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_gone() {
        let filter = Filter::new(48_000.0, 16_000.0);
        let mut history = History::new(filter.taps());
        let mut loudest = 0.0_f32;
        for n in 0..4_800 {
            history.push((core::f32::consts::TAU * 10_000.0 * n as f32 / 48_000.0).sin());
            if n > 200 {
                loudest = loudest.max(filter.at(&history, 0.0).abs());
            }
        }
        assert!(loudest < 0.005, "10 kHz leaks through at {loudest}");
    }
}
