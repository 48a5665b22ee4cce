//! The binary frame: twelve bytes of header, then 16-bit little-endian samples.
//!
//! | bytes | what |
//! |---|---|
//! | 0 | kind: 1 microphone (browser → edge, 16 kHz), 2 voice (edge → browser, 24 kHz) |
//! | 1 | protocol version |
//! | 2, 3 | zero |
//! | 4–7 | turn, little-endian; zero in microphone frames, since the caller's sound belongs to no turn of ours |
//! | 8–11 | sequence, little-endian: per direction and call for the microphone, per turn for the voice, from 0 |

use super::{PROTOCOL_VERSION, WireError};
use crate::audio::{MICROPHONE_FRAME, VOICE_FRAME_MAX};
use crate::turn::TurnId;

/// Bytes before the samples. Twelve keeps the samples aligned to four bytes for typed arrays.
pub const HEADER: usize = 12;

/// The longest frame of either kind, in bytes.
pub const MAX_FRAME: usize = HEADER + 2 * VOICE_FRAME_MAX;

/// What a frame's samples are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Microphone,
    Voice,
}

/// One binary message, borrowed from the socket's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioFrame<'a> {
    pub kind: Kind,
    pub turn: TurnId,
    pub sequence: u32,
    /// 16-bit little-endian samples, an even number of bytes.
    pub pcm: &'a [u8],
}

impl<'a> AudioFrame<'a> {
    /// Reads a frame. A microphone frame holds exactly 20 ms; a voice frame at most 100 ms.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WireError> {
        let Some((header, pcm)) = bytes.split_first_chunk::<HEADER>() else {
            return Err(WireError::Size(bytes.len()));
        };
        let [kind, version, _, _, t0, t1, t2, t3, s0, s1, s2, s3] = *header;
        let kind = match kind {
            1 => Kind::Microphone,
            2 => Kind::Voice,
            other => return Err(WireError::Kind(other)),
        };
        if u32::from(version) != PROTOCOL_VERSION {
            return Err(WireError::Version(version));
        }
        if pcm.len() % 2 != 0 {
            return Err(WireError::Size(bytes.len()));
        }
        let samples = pcm.len() / 2;
        let fits = match kind {
            Kind::Microphone => samples == MICROPHONE_FRAME,
            Kind::Voice => (1..=VOICE_FRAME_MAX).contains(&samples),
        };
        if !fits {
            return Err(WireError::Samples(samples));
        }
        Ok(Self {
            kind,
            turn: TurnId::from_wire(u32::from_le_bytes([t0, t1, t2, t3])),
            sequence: u32::from_le_bytes([s0, s1, s2, s3]),
            pcm,
        })
    }

    /// Writes a frame.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER.saturating_add(self.pcm.len()));
        bytes.extend([self.kind.number(), PROTOCOL_VERSION as u8, 0, 0]);
        bytes.extend(self.turn.number().to_le_bytes());
        bytes.extend(self.sequence.to_le_bytes());
        bytes.extend(self.pcm);
        bytes
    }
}

impl Kind {
    const fn number(self) -> u8 {
        match self {
            Self::Microphone => 1,
            Self::Voice => 2,
        }
    }
}
