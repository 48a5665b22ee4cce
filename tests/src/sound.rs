//! Sounds to speak with and ears to check what was rendered.

use std::path::Path;

/// Noise with the loudness of speech: what an energy detector takes for a voice.
#[derive(Debug)]
pub struct Noise(u32);

impl Default for Noise {
    fn default() -> Self {
        Self(0x2545_F491)
    }
}

impl Noise {
    /// `samples` of little-endian sound, loud or silent.
    pub fn frame(&mut self, samples: usize, loud: bool) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(samples * 2);
        for _ in 0..samples {
            // Xorshift: the same noise in every run.
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 17;
            self.0 ^= self.0 << 5;
            let sample = if loud {
                (self.0 % 16_000) as i16 - 8_000
            } else {
                0
            };
            bytes.extend(sample.to_le_bytes());
        }
        bytes
    }
}

/// How strongly a tone sounds in a window, as its amplitude (Goertzel).
#[must_use]
pub fn amplitude_of(tone: f32, window: &[f32], rate: f32) -> f32 {
    let step = std::f32::consts::TAU * tone / rate;
    let coefficient = 2.0 * step.cos();
    let (mut before, mut last) = (0.0_f32, 0.0_f32);
    for (index, sample) in window.iter().enumerate() {
        // A Hann window, so that a neighbour on the grid does not leak in.
        let hann = 0.5 - 0.5 * (std::f32::consts::TAU * index as f32 / window.len() as f32).cos();
        (before, last) = (last, sample * hann + coefficient * last - before);
    }
    let power = before * before + last * last - coefficient * before * last;
    4.0 * power.max(0.0).sqrt() / window.len() as f32
}

/// The loudness of a window (root mean square).
#[must_use]
pub fn level(window: &[f32]) -> f32 {
    (window.iter().map(|sample| sample * sample).sum::<f32>() / window.len().max(1) as f32).sqrt()
}

/// Reads a mono WAV of 16-bit samples.
pub fn read_wav(path: &Path) -> anyhow::Result<(Vec<i16>, u32)> {
    let mut reader = hound::WavReader::open(path)?;
    let rate = reader.spec().sample_rate;
    Ok((reader.samples::<i16>().collect::<Result<_, _>>()?, rate))
}

/// Reads both channels of a stereo WAV of 16-bit samples.
pub fn read_stereo(file: &[u8]) -> anyhow::Result<(Vec<i16>, Vec<i16>)> {
    let mut reader = hound::WavReader::new(file)?;
    let channels = reader.spec().channels;
    anyhow::ensure!(channels == 2, "{channels} channels");
    let samples: Vec<i16> = reader.samples::<i16>().collect::<Result<_, _>>()?;
    Ok(samples
        .as_chunks()
        .0
        .iter()
        .map(|[left, right]| (*left, *right))
        .unzip())
}

/// Writes a mono WAV of 16-bit samples.
pub fn write_wav(path: &Path, samples: &[i16], rate: u32) -> anyhow::Result<()> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec)?;
    for sample in samples {
        writer.write_sample(*sample)?;
    }
    Ok(writer.finalize()?)
}

/// Linear interpolation to another rate: good enough for a microphone that a recogniser listens to.
#[must_use]
pub fn resample(samples: &[i16], from: u32, to: u32) -> Vec<i16> {
    let length = samples.len() as u64 * u64::from(to) / u64::from(from.max(1));
    (0..length)
        .map(|index| {
            let position = index as f64 * f64::from(from) / f64::from(to);
            let at = position as usize;
            let sample = |at: usize| f64::from(samples.get(at).copied().unwrap_or(0));
            let fraction = position - at as f64;
            (sample(at) * (1.0 - fraction) + sample(at + 1) * fraction) as i16
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ear_tells_neighbouring_tones_apart() {
        let tone: Vec<f32> = (0..2_400)
            .map(|n| 0.3 * (std::f32::consts::TAU * 800.0 * n as f32 / 48_000.0).sin())
            .collect();
        assert!((amplitude_of(800.0, &tone, 48_000.0) - 0.3).abs() < 0.01);
        assert!(amplitude_of(850.0, &tone, 48_000.0) < 0.03);
        assert!((level(&tone) - 0.212).abs() < 0.01);
    }
}
