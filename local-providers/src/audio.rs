//! Encodings of the vendors' wires: bytes to samples and back, and the WAV header.

use audio_codec_algorithms::{decode_alaw, decode_ulaw, encode_alaw, encode_ulaw};

/// How samples are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Alaw,
    Linear16,
    Mulaw,
}

impl Encoding {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "alaw" => Some(Self::Alaw),
            "linear16" => Some(Self::Linear16),
            "mulaw" => Some(Self::Mulaw),
            _ => None,
        }
    }

    pub(crate) fn encode(self, samples: &[i16]) -> Vec<u8> {
        match self {
            Self::Alaw => samples.iter().map(|&sample| encode_alaw(sample)).collect(),
            Self::Linear16 => samples
                .iter()
                .flat_map(|sample| sample.to_le_bytes())
                .collect(),
            Self::Mulaw => samples.iter().map(|&sample| encode_ulaw(sample)).collect(),
        }
    }

    /// The code of this encoding in a WAV header.
    const fn wav_format(self) -> u16 {
        match self {
            Self::Alaw => 6,
            Self::Linear16 => 1,
            Self::Mulaw => 7,
        }
    }

    const fn bytes_per_sample(self) -> u16 {
        match self {
            Self::Alaw | Self::Mulaw => 1,
            Self::Linear16 => 2,
        }
    }
}

/// Decodes a byte stream that may be cut anywhere, also within a sample.
pub(crate) struct Decoder {
    encoding: Encoding,
    half: Option<u8>,
}

impl Decoder {
    pub(crate) fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            half: None,
        }
    }

    pub(crate) fn decode(&mut self, bytes: &[u8]) -> Vec<i16> {
        match self.encoding {
            Encoding::Alaw => bytes.iter().map(|&byte| decode_alaw(byte)).collect(),
            Encoding::Mulaw => bytes.iter().map(|&byte| decode_ulaw(byte)).collect(),
            Encoding::Linear16 => {
                let mut samples = Vec::with_capacity(bytes.len() / 2 + 1);
                for &byte in bytes {
                    match self.half.take() {
                        Some(low) => samples.push(i16::from_le_bytes([low, byte])),
                        None => self.half = Some(byte),
                    }
                }
                samples
            }
        }
    }
}

/// Cuts an encoded stream so that every frame but the last has an odd number of bytes, as a reader must expect.
pub(crate) struct OddFrames {
    kept: Vec<u8>,
    /// Odd, or 0 for frames as they come.
    width: usize,
}

impl OddFrames {
    /// Frames of about `width` bytes; of as many as are given at a time for 0.
    pub(crate) fn new(width: usize) -> Self {
        Self {
            kept: Vec::new(),
            width: if width == 0 { 0 } else { width | 1 },
        }
    }

    /// The frames that these bytes complete.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.kept.extend_from_slice(bytes);
        let width = match self.width {
            0 => self.kept.len().saturating_sub(1) | 1,
            width => width,
        };
        let mut frames = Vec::new();
        while self.kept.len() >= width {
            let rest = self.kept.split_off(width);
            frames.push(std::mem::replace(&mut self.kept, rest));
        }
        frames
    }

    /// What is left, if anything is.
    pub(crate) fn finish(&mut self) -> Vec<Vec<u8>> {
        let rest = std::mem::take(&mut self.kept);
        if rest.is_empty() {
            Vec::new()
        } else {
            vec![rest]
        }
    }
}

/// The 44-byte header of a mono WAV file. A stream whose length is not known yet says it is as long as can be.
#[must_use]
pub(crate) fn wav_header(encoding: Encoding, rate: u32, data_bytes: Option<u32>) -> Vec<u8> {
    let data_bytes = data_bytes.unwrap_or(UNKNOWN_LENGTH);
    let frame_bytes = encoding.bytes_per_sample();
    let mut header = Vec::with_capacity(44);
    header.extend_from_slice(b"RIFF");
    header.extend_from_slice(&data_bytes.saturating_add(36).to_le_bytes());
    header.extend_from_slice(b"WAVEfmt ");
    header.extend_from_slice(&16_u32.to_le_bytes());
    header.extend_from_slice(&encoding.wav_format().to_le_bytes());
    header.extend_from_slice(&1_u16.to_le_bytes());
    header.extend_from_slice(&rate.to_le_bytes());
    header.extend_from_slice(&(rate * u32::from(frame_bytes)).to_le_bytes());
    header.extend_from_slice(&frame_bytes.to_le_bytes());
    header.extend_from_slice(&(frame_bytes * 8).to_le_bytes());
    header.extend_from_slice(b"data");
    header.extend_from_slice(&data_bytes.to_le_bytes());
    header
}

/// A mono 16-bit WAV file.
#[must_use]
pub fn wav(samples: &[i16], rate: u32) -> Vec<u8> {
    let data = Encoding::Linear16.encode(samples);
    let length = u32::try_from(data.len()).unwrap_or(UNKNOWN_LENGTH);
    let mut file = wav_header(Encoding::Linear16, rate, Some(length));
    file.extend_from_slice(&data);
    file
}

/// What streaming writers put for a length they cannot know; larger values overflow readers that add to it.
const UNKNOWN_LENGTH: u32 = 0x7FFF_0000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_cut_in_two_is_put_together() {
        let samples = [1, -2, 30_000, -30_000];
        let bytes = Encoding::Linear16.encode(&samples);
        for cut in 0..=bytes.len() {
            let mut decoder = Decoder::new(Encoding::Linear16);
            let mut decoded = decoder.decode(&bytes[..cut]);
            decoded.extend(decoder.decode(&bytes[cut..]));
            assert_eq!(decoded, samples, "cut at {cut}");
        }
    }

    #[test]
    fn frames_are_odd_and_lose_nothing() {
        let bytes: Vec<u8> = (0..=255).collect();
        for (width, most) in [(0, 49), (1, 1), (10, 11)] {
            let mut frames = OddFrames::new(width);
            let mut joined = Vec::new();
            for piece in bytes.chunks(48) {
                let pushed = frames.push(piece);
                assert!(width > 0 || pushed.len() == 1);
                for frame in pushed {
                    assert!(frame.len() % 2 == 1 && frame.len() <= most);
                    joined.extend(frame);
                }
            }
            joined.extend(frames.finish().concat());
            assert_eq!(joined, bytes);
        }
    }

    #[test]
    fn a_wav_header_is_44_bytes_and_names_its_format() {
        let header = wav_header(Encoding::Mulaw, 8_000, None);
        assert_eq!(header.len(), 44);
        assert_eq!(&header[20..22], &7_u16.to_le_bytes());
        assert_eq!(wav(&[1, 2, 3], 16_000).len(), 50);
    }
}
