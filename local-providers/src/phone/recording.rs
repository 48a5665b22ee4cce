//! What was said on a call, both sides on one timeline.

use std::io::Cursor;

use hound::{SampleFormat, WavSpec, WavWriter};

/// A recording: the caller as sent, the agent as played out, both from the beginning of the timeline and equally long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stereo {
    /// The caller.
    pub left: Vec<i16>,
    /// The agent.
    pub right: Vec<i16>,
}

impl Stereo {
    /// Samples a second.
    pub const RATE: u32 = 8_000;

    /// A WAV file of two channels.
    ///
    /// # Panics
    /// Never: a call is bounded, and memory takes what it is given.
    #[must_use]
    pub fn to_wav(&self) -> Vec<u8> {
        let spec = WavSpec {
            channels: 2,
            sample_rate: Self::RATE,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let mut file = Cursor::new(Vec::new());
        let written = WavWriter::new(&mut file, spec).and_then(|mut writer| {
            for (left, right) in self.left.iter().zip(&self.right) {
                writer.write_sample(*left)?;
                writer.write_sample(*right)?;
            }
            writer.finalize()
        });
        written.expect("memory takes what it is given");
        file.into_inner()
    }
}

/// The samples of a WAV file and their rate; of several channels the first.
pub(crate) fn read_wav(file: &[u8]) -> anyhow::Result<(Vec<i16>, u32)> {
    let mut reader = hound::WavReader::new(Cursor::new(file))?;
    let spec = reader.spec();
    let channels = usize::from(spec.channels.max(1));
    let samples: Vec<i16> = match spec.sample_format {
        SampleFormat::Float => {
            let samples = reader.samples::<f32>().step_by(channels);
            let scaled = samples.map(|sample| sample.map(|value| (value * 32_767.0) as i16));
            scaled.collect::<Result<_, _>>()?
        }
        SampleFormat::Int => {
            // Wider samples lose their lower bits, narrower ones gain empty ones.
            let bits = i32::from(spec.bits_per_sample);
            let samples = reader.samples::<i32>().step_by(channels);
            let scaled = samples.map(|sample| sample.map(|value| scale(value, bits)));
            scaled.collect::<Result<_, _>>()?
        }
    };
    anyhow::ensure!(
        spec.sample_rate >= 4_000,
        "its rate is {} Hz",
        spec.sample_rate
    );
    Ok((samples, spec.sample_rate))
}

fn scale(value: i32, bits: i32) -> i16 {
    let scaled = match bits {
        17.. => value >> (bits - 16),
        _ => value << (16 - bits),
    };
    scaled.clamp(i16::MIN.into(), i16::MAX.into()) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_channel_is_the_first_one() {
        let stereo = Stereo {
            left: vec![1, 2, -3],
            right: vec![100, 200, 300],
        };
        let file = stereo.to_wav();
        assert_eq!(file.len(), 44 + 3 * 4);
        assert_eq!(read_wav(&file).expect("a WAV file"), (stereo.left, 8_000));
        let mono = crate::wav(&[5, 6, 7], 22_050);
        assert_eq!(
            read_wav(&mono).expect("a WAV file"),
            (vec![5, 6, 7], 22_050)
        );
    }

    #[test]
    fn other_widths_are_brought_to_sixteen_bits() {
        assert_eq!(scale(0x7F_FFFF, 24), 0x7FFF);
        assert_eq!(scale(-0x80, 8), -0x8000);
        assert_eq!(scale(i32::MIN, 32), i16::MIN);
        assert!(read_wav(b"RIFF no wave").is_err());
    }
}
