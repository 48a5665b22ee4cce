//! Microphone frames as the wire wants them: 20 ms each, numbered from zero, ready to be sent as they are.

use voice_core::audio::MICROPHONE_FRAME;
use voice_core::turn::TurnId;
use voice_core::wire::audio::{AudioFrame, HEADER, Kind};

/// Bytes of a microphone frame on the wire.
pub(crate) const UPLINK_FRAME: usize = HEADER.saturating_add(MICROPHONE_FRAME.saturating_mul(2));

#[derive(Debug)]
pub(crate) struct Uplink {
    open: bool,
    frame: Box<[u8]>,
    filled: usize,
    sequence: u32,
    /// The last finished frame, until it is taken.
    finished: Box<[u8]>,
    waiting: bool,
}

impl Uplink {
    pub(crate) fn new() -> Self {
        let silence = [0; MICROPHONE_FRAME.saturating_mul(2)];
        let header = AudioFrame {
            kind: Kind::Microphone,
            turn: TurnId::NONE,
            sequence: 0,
            pcm: &silence,
        };
        let frame = header.to_bytes().into_boxed_slice();
        Self {
            open: false,
            finished: frame.clone(),
            frame,
            filled: HEADER,
            sequence: 0,
            waiting: false,
        }
    }

    /// From now on frames are made; before the call is open nobody would receive them.
    pub(crate) fn open(&mut self) {
        self.open = true;
    }

    pub(crate) const fn is_open(&self) -> bool {
        self.open
    }

    /// Frames made so far.
    pub(crate) const fn frames(&self) -> u32 {
        self.sequence
    }

    pub(crate) fn push(&mut self, sample: i16) {
        if !self.open {
            return;
        }
        for byte in sample.to_le_bytes() {
            if let Some(slot) = self.frame.get_mut(self.filled) {
                *slot = byte;
            }
            self.filled = self.filled.saturating_add(1);
        }
        if self.filled >= self.frame.len() {
            self.finish();
        }
    }

    /// Where a finished frame lies, once for each.
    pub(crate) fn take(&mut self) -> Option<&[u8]> {
        std::mem::take(&mut self.waiting).then_some(&self.finished)
    }

    fn finish(&mut self) {
        if let Some(bytes) = self.frame.get_mut(SEQUENCE_AT..HEADER) {
            bytes.copy_from_slice(&self.sequence.to_le_bytes());
        }
        self.finished.copy_from_slice(&self.frame);
        self.sequence = self.sequence.wrapping_add(1);
        self.filled = HEADER;
        self.waiting = true;
    }
}

/// Where the header holds the sequence; a test compares it with the wire's own reader.
const SEQUENCE_AT: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_what_the_wire_reads() {
        let mut uplink = Uplink::new();
        uplink.push(7);
        uplink.open();
        for sequence in 0..3_u32 {
            assert!(uplink.take().is_none());
            for n in 0..MICROPHONE_FRAME {
                uplink.push(n as i16 - 100);
            }
            let bytes = uplink.take().expect("a frame");
            assert_eq!(bytes.len(), UPLINK_FRAME);
            let frame = AudioFrame::parse(bytes).expect("a frame of the wire");
            assert_eq!(
                (frame.kind, frame.turn, frame.sequence),
                (Kind::Microphone, TurnId::NONE, sequence)
            );
            assert_eq!(frame.pcm.first_chunk(), Some(&(-100_i16).to_le_bytes()));
        }
        assert_eq!(uplink.frames(), 3);
    }
}
