//! The caller's channel: what is said when, cut into the frames that the stream carries.
//!
//! A frame holds the 20 ms before it is sent, as on a real line: what the caller says now is on its way 20 ms later.

use std::collections::VecDeque;

use audio_codec_algorithms::{decode_ulaw, encode_ulaw};

/// Twenty milliseconds at 8 kHz: what one sees, though Twilio does not promise it.
pub(crate) const FRAME: u64 = 160;

/// Everything sent so far and everything waiting to be. Positions are samples on the call's timeline.
#[derive(Debug, Default)]
pub(crate) struct Microphone {
    /// From the beginning of the timeline, silent before the stream.
    sent: Vec<u8>,
    open: bool,
    speech: VecDeque<Utterance>,
    line: LineNoise,
}

#[derive(Debug)]
struct Utterance {
    from: u64,
    codes: Vec<u8>,
}

impl Utterance {
    fn end(&self) -> u64 {
        self.from + self.codes.len() as u64
    }
}

impl Microphone {
    /// A stream begins: its first frame starts here.
    pub(crate) fn open(&mut self, at: u64) {
        let from = at.max(self.sent.len() as u64);
        self.sent.resize(from as usize, SILENCE);
        self.open = true;
    }

    /// The stream is over; what has not been sent will never be.
    pub(crate) fn close(&mut self) {
        self.open = false;
        self.speech.clear();
    }

    /// Says something from the next frame on, behind whatever is still being said: from where to where.
    pub(crate) fn say(&mut self, now: u64, samples: &[i16]) -> (u64, u64) {
        let base = self.sent.len() as u64;
        let earliest = self.speech.back().map_or(now, |last| last.end().max(now));
        let from = base + earliest.saturating_sub(base).div_ceil(FRAME) * FRAME;
        let codes: Vec<u8> = samples.iter().map(|sample| encode_ulaw(*sample)).collect();
        let to = from + codes.len() as u64;
        if self.open && !codes.is_empty() {
            self.speech.push_back(Utterance { from, codes });
        }
        (from, to)
    }

    /// The next frame.
    pub(crate) fn frame(&mut self) -> Vec<u8> {
        let from = self.sent.len() as u64;
        let frame: Vec<u8> = (from..from + FRAME).map(|at| self.code_at(at)).collect();
        self.sent.extend_from_slice(&frame);
        frame
    }

    fn code_at(&mut self, at: u64) -> u8 {
        while self.speech.front().is_some_and(|said| said.end() <= at) {
            self.speech.pop_front();
        }
        let said = self
            .speech
            .front()
            .and_then(|said| said.codes.get(at.checked_sub(said.from)? as usize));
        said.copied().unwrap_or_else(|| self.line.code())
    }

    /// What was sent before `until`.
    pub(crate) fn render(&self, until: u64) -> Vec<i16> {
        let sent = self.sent.iter().map(|code| decode_ulaw(*code));
        sent.chain(std::iter::repeat(0))
            .take(until as usize)
            .collect()
    }
}

/// What a silent line sends: both codes for zero, mixed.
#[derive(Debug)]
struct LineNoise(u32);

impl Default for LineNoise {
    fn default() -> Self {
        Self(0x9E37_79B9)
    }
}

impl LineNoise {
    fn code(&mut self) -> u8 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        match self.0 & 4 {
            0 => SILENCE,
            _ => NEGATIVE_SILENCE,
        }
    }
}

const SILENCE: u8 = 0xFF;
const NEGATIVE_SILENCE: u8 = 0x7F;

#[cfg(test)]
mod tests {
    use super::*;

    const LOUD: i16 = 32_124;

    #[test]
    fn speech_begins_with_the_next_frame_and_is_sent_whole() {
        let mut microphone = Microphone::default();
        microphone.open(1_000);
        assert_eq!(microphone.frame().len(), 160);
        // Now lies within the frame from 1160 to 1320, which is already being filled.
        assert_eq!(microphone.say(1_200, &[LOUD; 200]), (1_320, 1_520));
        assert_eq!(microphone.say(1_200, &[LOUD; 10]), (1_640, 1_650));
        assert_eq!(microphone.say(1_640, &[]), (1_800, 1_800));
        for _ in 0..5 {
            microphone.frame();
        }
        let sound = microphone.render(2_000);
        assert_eq!(sound.len(), 2_000);
        let loud: Vec<usize> = (0..2_000).filter(|at| sound[*at] == LOUD).collect();
        let expected: Vec<usize> = (1_320..1_520).chain(1_640..1_650).collect();
        assert_eq!(loud, expected);
    }

    #[test]
    fn a_silent_line_mixes_both_zeros() {
        let mut microphone = Microphone::default();
        microphone.open(0);
        let frame = microphone.frame();
        let negative = frame.iter().filter(|code| **code == 0x7F).count();
        assert!((40..120).contains(&negative), "{negative}");
        assert!(frame.iter().all(|code| [0x7F, 0xFF].contains(code)));
    }

    #[test]
    fn nothing_is_said_into_a_closed_stream() {
        let mut microphone = Microphone::default();
        assert_eq!(microphone.say(400, &[LOUD; 100]), (480, 580));
        microphone.open(800);
        microphone.say(800, &[LOUD; 1_000]);
        microphone.frame();
        microphone.close();
        microphone.open(2_000);
        microphone.frame();
        let sound = microphone.render(2_160);
        assert_eq!(sound.iter().filter(|sample| **sample == LOUD).count(), 160);
    }
}
