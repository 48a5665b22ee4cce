//! The end of a turn, judged by its sound: Smart Turn over Whisper's log-mel features of the last eight seconds.

use std::f64::consts::TAU;
use std::path::Path;
use std::sync::Arc;

use ort::environment::Environment;
use ort::session::Session;
use ort::value::Tensor;
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

pub(crate) struct SmartTurn {
    session: Session,
    features: Features,
}

impl SmartTurn {
    pub(crate) fn load(environment: &Environment, folder: &Path) -> anyhow::Result<Self> {
        let session = super::session(environment, &folder.join("smart-turn-v3.2-cpu.onnx"))?;
        Ok(Self {
            session,
            features: Features::new(),
        })
    }

    /// How likely the speaker has finished. Near-empty audio scores high: ask only when there was speech.
    pub(crate) fn probability(&mut self, samples: &[i16]) -> anyhow::Result<f32> {
        let features = self.features.of(samples);
        let input = Tensor::from_array(([1, MELS, FRAMES], features))?;
        let outputs = self.session.run(ort::inputs!["input_features" => input])?;
        let (_, probability) = outputs[0].try_extract_tensor::<f32>()?;
        Ok(probability.first().copied().unwrap_or_default())
    }
}

/// Whisper's front end.
struct Features {
    fft: Arc<dyn Fft<f64>>,
    window: Vec<f64>,
    /// For each mel band its first bin and its weights from there.
    bands: Vec<(usize, Vec<f64>)>,
}

impl Features {
    fn new() -> Self {
        let window = (0..WINDOW)
            .map(|index| 0.5 - 0.5 * (TAU * index as f64 / WINDOW as f64).cos())
            .collect();
        let top = mel(RATE / 2.0);
        let edges: Vec<f64> = (0..MELS + 2)
            .map(|index| hertz(top * index as f64 / (MELS + 1) as f64))
            .collect();
        let bands = edges
            .windows(3)
            .map(|edges| band(edges[0], edges[1], edges[2]))
            .collect();
        Self {
            fft: FftPlanner::new().plan_fft_forward(WINDOW),
            window,
            bands,
        }
    }

    /// `MELS` rows of `FRAMES` values.
    fn of(&self, samples: &[i16]) -> Vec<f32> {
        let audio = normalised(samples);
        let mut features = vec![0.0_f64; MELS * FRAMES];
        let mut spectrum = vec![Complex::default(); WINDOW];
        for frame in 0..FRAMES {
            let first = (frame * HOP) as isize - (WINDOW / 2) as isize;
            for (index, (bin, weight)) in spectrum.iter_mut().zip(&self.window).enumerate() {
                *bin = Complex::new(audio[reflected(first + index as isize)] * weight, 0.0);
            }
            self.fft.process(&mut spectrum);
            for (row, (bin, weights)) in self.bands.iter().enumerate() {
                let power: f64 = weights
                    .iter()
                    .zip(&spectrum[*bin..])
                    .map(|(weight, value)| weight * value.norm_sqr())
                    .sum();
                features[row * FRAMES + frame] = power.max(1e-10).log10();
            }
        }
        let loudest = features.iter().copied().fold(f64::MIN, f64::max);
        features
            .into_iter()
            .map(|value| ((value.max(loudest - 8.0) + 4.0) / 4.0) as f32)
            .collect()
    }
}

/// The last eight seconds, padded on the left, with mean 0 and variance 1.
fn normalised(samples: &[i16]) -> Vec<f64> {
    let kept = &samples[samples.len().saturating_sub(SAMPLES)..];
    let mut audio = vec![0.0; SAMPLES - kept.len()];
    audio.extend(kept.iter().map(|&sample| f64::from(sample) / 32_768.0));
    let mean = audio.iter().sum::<f64>() / SAMPLES as f64;
    let variance = audio
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / SAMPLES as f64;
    let deviation = (variance + 1e-7).sqrt();
    audio
        .into_iter()
        .map(|value| (value - mean) / deviation)
        .collect()
}

/// An index before the start or after the end, mirrored there.
const fn reflected(index: isize) -> usize {
    let last = SAMPLES as isize - 1;
    let index = index.abs();
    (if index > last {
        2 * last - index
    } else {
        index
    }) as usize
}

/// A triangle over the bins, of area one (Slaney).
fn band(low: f64, middle: f64, high: f64) -> (usize, Vec<f64>) {
    let weight = |bin: usize| {
        let frequency = bin as f64 * RATE / WINDOW as f64;
        let (rise, fall) = (
            (frequency - low) / (middle - low),
            (high - frequency) / (high - middle),
        );
        rise.min(fall).max(0.0) * 2.0 / (high - low)
    };
    let weights: Vec<f64> = (0..=WINDOW / 2).map(weight).collect();
    let first = weights
        .iter()
        .position(|&weight| weight > 0.0)
        .unwrap_or_default();
    let last = weights
        .iter()
        .rposition(|&weight| weight > 0.0)
        .map_or(first, |last| last + 1);
    (first, weights[first..last].to_vec())
}

/// Slaney's mel scale: linear below 1 kHz, logarithmic above.
fn mel(hertz: f64) -> f64 {
    if hertz >= 1_000.0 {
        15.0 + (hertz / 1_000.0).ln() * 27.0 / 6.4_f64.ln()
    } else {
        3.0 * hertz / 200.0
    }
}

fn hertz(mel: f64) -> f64 {
    if mel >= 15.0 {
        1_000.0 * ((mel - 15.0) * 6.4_f64.ln() / 27.0).exp()
    } else {
        200.0 * mel / 3.0
    }
}

const RATE: f64 = 16_000.0;

// The model's input: eight seconds in steps of 10 ms, windows of 25 ms, 80 bands.
const SAMPLES: usize = 128_000;
const HOP: usize = 160;
const WINDOW: usize = 400;
const FRAMES: usize = 800;
const MELS: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_lights_its_own_band() {
        let samples: Vec<i16> = (0..SAMPLES)
            .map(|index| (8_000.0 * (TAU * 1_000.0 * index as f64 / RATE).sin()) as i16)
            .collect();
        let features = Features::new().of(&samples);
        let column: Vec<f32> = (0..MELS)
            .map(|row| features[row * FRAMES + FRAMES / 2])
            .collect();
        let brightest = column
            .iter()
            .enumerate()
            .max_by(|(_, a), (_, b)| a.total_cmp(b))
            .map(|(row, _)| row);
        // 1 kHz is mel 15 of 45.2, in steps of 0.558: the 26th centre from 0.
        assert_eq!(brightest, Some(26));
    }

    #[test]
    fn reflection_stays_inside() {
        assert_eq!(
            (reflected(-3), reflected(SAMPLES as isize)),
            (3, SAMPLES - 2)
        );
    }
}
