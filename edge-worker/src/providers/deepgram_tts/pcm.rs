//! Bytes as they arrive → whole samples.

use crate::providers::AudioFormat;

/// Bytes of a WAV file that may stand before its sound. The vendor's header has 44; more than this is no header of speech.
const HEADER_MAX: usize = 4 * 1024;

/// Holds back half a sample until its other half arrives.
#[derive(Debug)]
pub(super) struct SampleCarry {
    is_wide: bool,
    half: Option<u8>,
}

impl SampleCarry {
    pub(super) const fn new(format: AudioFormat) -> Self {
        Self {
            is_wide: matches!(format, AudioFormat::Browser),
            half: None,
        }
    }

    /// All whole samples there are now.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut whole = Vec::with_capacity(bytes.len().saturating_add(1));
        whole.extend(self.half.take());
        whole.extend_from_slice(bytes);
        if self.is_wide && !whole.len().is_multiple_of(2) {
            self.half = whole.pop();
        }
        whole
    }

    /// A new stretch of sound begins.
    pub(super) const fn reset(&mut self) {
        self.half = None;
    }
}

/// One answer of the REST interface: bytes cut anywhere → whole samples. A WAV header, which comes if a proxy or a local voice
/// ignores `container=none`, is dropped: played, it is a click.
#[derive(Debug)]
pub struct PcmDecoder {
    carry: SampleCarry,
    /// The first bytes, until it is known whether they are a header.
    head: Option<Vec<u8>>,
}

impl Default for PcmDecoder {
    /// Of the browser's format.
    fn default() -> Self {
        Self::new(AudioFormat::Browser)
    }
}

impl PcmDecoder {
    /// At the beginning of an answer.
    #[must_use]
    pub const fn new(format: AudioFormat) -> Self {
        Self {
            carry: SampleCarry::new(format),
            head: Some(Vec::new()),
        }
    }

    /// All whole samples there are now.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let Some(mut head) = self.head.take() else {
            return self.carry.push(bytes);
        };
        head.extend_from_slice(bytes);
        match sound_in(&head) {
            Some(sound) => self.carry.push(sound),
            // Not a header of speech after all: what follows is taken as sound.
            None if head.len() > HEADER_MAX => Vec::new(),
            None => {
                self.head = Some(head);
                Vec::new()
            }
        }
    }
}

/// The sound behind a header, if there is one; nothing while that cannot be told.
fn sound_in(head: &[u8]) -> Option<&[u8]> {
    // Sound that begins like a file header by chance does so for a few bytes at most.
    let is_file = head
        .iter()
        .zip(b"RIFF")
        .all(|(byte, expected)| byte == expected)
        && head
            .iter()
            .skip(8)
            .zip(b"WAVE")
            .all(|(byte, expected)| byte == expected);
    if !is_file {
        return Some(head);
    }
    let mut rest = head.get(12..)?;
    loop {
        let (chunk, body) = rest.split_first_chunk::<8>()?;
        let [i0, i1, i2, i3, s0, s1, s2, s3] = *chunk;
        if [i0, i1, i2, i3] == *b"data" {
            return Some(body);
        }
        // Chunks are padded to an even length.
        let size = usize::try_from(u32::from_le_bytes([s0, s1, s2, s3])).unwrap_or(usize::MAX);
        rest = body.get(size.saturating_add(size % 2)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: [u8; 6] = [1, 2, 3, 4, 5, 6];

    fn wav(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        // A streamed file does not know its own length.
        let mut file = b"RIFF\xff\xff\xff\xffWAVE".to_vec();
        for (id, body) in chunks {
            file.extend_from_slice(*id);
            file.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
            file.extend_from_slice(body);
            file.extend(std::iter::repeat_n(0, body.len() % 2));
        }
        file
    }

    fn decode_in(bytes: &[u8], cut: usize) -> Vec<u8> {
        let mut decoder = PcmDecoder::default();
        let (first, second) = bytes.split_at(cut);
        let mut samples = decoder.push(first);
        assert!(samples.len().is_multiple_of(2));
        samples.extend(decoder.push(second));
        samples
    }

    #[test]
    fn any_split_gives_the_same_samples() {
        let plain = wav(&[(b"fmt ", &[0; 16]), (b"data", &SOUND)]);
        let chatty = wav(&[(b"fmt ", &[0; 18]), (b"LIST", &[7; 5]), (b"data", &SOUND)]);
        assert_eq!(plain.len() - SOUND.len(), 44);
        for bytes in [SOUND.to_vec(), plain, chatty] {
            for cut in 0..=bytes.len() {
                assert_eq!(
                    decode_in(&bytes, cut),
                    SOUND,
                    "cut at {cut} of {}",
                    bytes.len()
                );
            }
        }
    }

    #[test]
    fn sound_that_begins_like_a_file_is_sound() {
        for bytes in [b"RIFFrriiffWAVE".as_slice(), b"RIRIRI", b"RIFF....WAXE"] {
            for cut in 0..=bytes.len() {
                assert_eq!(decode_in(bytes, cut), bytes, "cut at {cut}");
            }
        }
    }

    #[test]
    fn a_header_that_never_ends_is_given_up() {
        let endless = wav(&[(b"fmt ", &[0; 16]), (b"junk", &vec![0; 2 * HEADER_MAX])]);
        let mut decoder = PcmDecoder::default();
        assert!(decoder.push(&endless).is_empty());
        assert_eq!(decoder.push(&SOUND), SOUND);
    }

    #[test]
    fn the_telephone_takes_every_byte() {
        let mut decoder = PcmDecoder::new(AudioFormat::Telephone);
        assert_eq!(decoder.push(&[0xff]), [0xff]);
        assert_eq!(decoder.push(&[0x7f, 0xff, 0xff]), [0x7f, 0xff, 0xff]);
    }
}
