//! Makes her voice fit the caller's wire: without the silence before a turn's first sound, and in frames that the wire takes.

use voice_core::audio::mulaw::SILENCE;
use voice_core::audio::trim::LeadingSilence;
use voice_core::audio::{SampleRate, TELEPHONE_FRAME, VOICE_FRAME_MAX};
use voice_core::conversation::Sound;
use voice_core::turn::TurnId;

use crate::providers::AudioFormat;

/// Telephone frames in one stretch of sound: 100 ms, as in a browser's longest frame.
const FRAMES_TOGETHER: usize = 5;

pub(super) struct Shape {
    format: AudioFormat,
    /// Of the newest turn, the only one whose first sound can still come.
    opening: Option<(TurnId, LeadingSilence)>,
    /// The beginning of a telephone frame that the next sound of the piece completes.
    begun: Vec<u8>,
}

impl Shape {
    pub(super) const fn new(format: AudioFormat) -> Self {
        Self {
            format,
            opening: None,
            begun: Vec::new(),
        }
    }

    /// Takes whole samples of a turn; gives what can go out.
    pub(super) fn push(&mut self, turn: TurnId, bytes: &[u8]) -> Vec<u8> {
        let rate = self.rate();
        if self
            .opening
            .as_ref()
            .is_none_or(|(opened, _)| *opened != turn)
        {
            self.opening = Some((turn, LeadingSilence::new(rate)));
            self.begun.clear();
        }
        let Some((_, silence)) = self.opening.as_mut() else {
            return bytes.to_vec();
        };
        match self.format {
            AudioFormat::Browser => silence.trim(bytes).to_vec(),
            AudioFormat::Telephone => {
                let mut sound = std::mem::take(&mut self.begun);
                sound.extend_from_slice(silence.trim_mulaw(bytes));
                let rest = sound.len().checked_rem(TELEPHONE_FRAME).unwrap_or(0);
                self.begun = sound.split_off(sound.len().saturating_sub(rest));
                sound
            }
        }
    }

    /// A piece of this turn is complete: what was held back of it, filled up with silence.
    pub(super) fn finish(&mut self, turn: TurnId) -> Vec<u8> {
        let mut last = std::mem::take(&mut self.begun);
        if self
            .opening
            .as_ref()
            .is_none_or(|(opened, _)| *opened != turn)
        {
            last.clear();
        }
        if !last.is_empty() {
            last.resize(TELEPHONE_FRAME, SILENCE);
        }
        last
    }

    /// Sound that went out of here, in stretches that the wire takes.
    pub(super) fn cut(&self, bytes: &[u8]) -> impl Iterator<Item = Sound> {
        let is_wide = self.format == AudioFormat::Browser;
        let longest = if is_wide {
            2 * VOICE_FRAME_MAX
        } else {
            FRAMES_TOGETHER * TELEPHONE_FRAME
        };
        bytes.chunks(longest).map(move |chunk| {
            let samples = chunk.len() >> u32::from(is_wide);
            Sound {
                bytes: chunk.to_vec(),
                samples: u32::try_from(samples).unwrap_or(0),
            }
        })
    }

    /// How the format is called where greetings are kept.
    pub(super) const fn name(&self) -> &'static str {
        match self.format {
            AudioFormat::Browser => "linear16/24000",
            AudioFormat::Telephone => "mulaw/8000",
        }
    }

    const fn rate(&self) -> SampleRate {
        match self.format {
            AudioFormat::Browser => SampleRate::VOICE,
            AudioFormat::Telephone => SampleRate::TELEPHONE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TURN: TurnId = TurnId::from_wire(2);

    /// µ-law that is loud everywhere.
    const LOUD: u8 = 0x10;

    #[test]
    fn a_telephone_gets_whole_frames_and_a_piece_ends_with_one() {
        let mut shape = Shape::new(AudioFormat::Telephone);
        assert_eq!(shape.push(TURN, &[LOUD; 250]).len(), 160);
        assert_eq!(shape.push(TURN, &[LOUD; 100]).len(), 160);
        let last = shape.finish(TURN);
        assert_eq!(last.len(), 160);
        assert_eq!(last.iter().filter(|byte| **byte == LOUD).count(), 30);
        assert!(last.ends_with(&[SILENCE; 130]));
        assert!(shape.finish(TURN).is_empty());
    }

    #[test]
    fn what_was_begun_of_a_turn_does_not_reach_the_next() {
        let mut shape = Shape::new(AudioFormat::Telephone);
        let next = TurnId::from_wire(3);
        assert!(shape.push(TURN, &[LOUD; 100]).is_empty());
        assert!(shape.finish(next).is_empty(), "a piece without a sound");
        assert!(shape.push(TURN, &[LOUD; 100]).is_empty());
        assert!(shape.push(next, &[LOUD; 100]).is_empty());
        assert_eq!(
            shape
                .finish(next)
                .iter()
                .filter(|byte| **byte == LOUD)
                .count(),
            100
        );
    }

    #[test]
    fn stretches_fit_the_wire() {
        for (format, bytes, samples) in [
            (AudioFormat::Browser, 10_000, vec![2_400, 2_400, 200]),
            (AudioFormat::Telephone, 1_760, vec![800, 800, 160]),
        ] {
            let cut: Vec<u32> = Shape::new(format)
                .cut(&vec![LOUD; bytes])
                .map(|sound| sound.samples)
                .collect();
            assert_eq!(cut, samples, "{format:?}");
        }
    }
}
