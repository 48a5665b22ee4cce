//! The telephone's samples: G.711 µ-law at 8 kHz, as ITU-T G.191 encodes it.

use audio_codec_algorithms::{decode_ulaw, encode_ulaw};

/// The byte of digital silence. `0x7F` decodes to zero as well; encoders send this one.
pub const SILENCE: u8 = 0xFF;

/// One byte to a 16-bit sample.
#[must_use]
pub fn decode(byte: u8) -> i16 {
    decode_ulaw(byte)
}

/// One 16-bit sample to a byte.
#[must_use]
pub fn encode(sample: i16) -> u8 {
    encode_ulaw(sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_the_published_points() {
        for (byte, sample) in [
            (0x00, -32124),
            (0x01, -31100),
            (0x0F, -16764),
            (0x7F, 0),
            (0x80, 32124),
            (0x8F, 16764),
            (SILENCE, 0),
        ] {
            assert_eq!(decode(byte), sample, "{byte:#04x}");
        }
    }

    #[test]
    fn encodes_as_the_itu_does_where_encoders_differ() {
        let points = [0, -1, 4, -4, -5, 100, -100, 1000, -1000, 32767, -32768];
        let codes = [
            0xFF, 0x7F, 0xFE, 0x7F, 0x7E, 0xF2, 0x73, 0xCE, 0x4E, 0x80, 0x00,
        ];
        assert_eq!(points.map(encode), codes);
    }

    #[test]
    fn every_byte_survives_a_round_trip_but_the_second_zero() {
        for byte in u8::MIN..=u8::MAX {
            let expected = if byte == 0x7F { SILENCE } else { byte };
            assert_eq!(encode(decode(byte)), expected, "{byte:#04x}");
        }
    }
}
