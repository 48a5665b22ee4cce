//! Makes her voice fit the caller's wire: without the silence before a turn's first sound, and in frames that the wire takes.

use std::time::Duration;

use voice_core::audio::mulaw::SILENCE;
use voice_core::audio::trim::LeadingSilence;
use voice_core::audio::{SampleRate, TELEPHONE_FRAME, VOICE_FRAME_MAX};
use voice_core::conversation::Sound;
use voice_core::turn::TurnId;

use crate::providers::AudioFormat;

/// Telephone frames in one stretch of sound: 100 ms, as in a browser's longest frame.
const FRAMES_TOGETHER: usize = 5;

/// The silence that stays behind a phrase from memory, together with the 10 ms that trimming leaves: about what lies between two sentences
/// of a quick speaker when the next piece brings its own.
const TAIL: Duration = Duration::from_millis(70);

pub(super) struct Shape {
    format: AudioFormat,
    /// Of the newest turn, the only one whose first sound can still come; without a trimmer when it has come.
    opening: Option<(TurnId, Option<LeadingSilence>)>,
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
            self.opening = Some((turn, Some(LeadingSilence::new(rate))));
            self.begun.clear();
        }
        let bytes = match self.opening.as_mut() {
            Some((_, Some(silence))) => trim(self.format, silence, bytes),
            _ => bytes,
        };
        match self.format {
            AudioFormat::Browser => bytes.to_vec(),
            AudioFormat::Telephone => {
                let mut sound = std::mem::take(&mut self.begun);
                sound.extend_from_slice(bytes);
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

    /// This turn is sounding already, from memory: the silence before what follows is a pause between sentences.
    pub(super) fn begin(&mut self, turn: TurnId) {
        self.opening = Some((turn, None));
        self.begun.clear();
    }

    /// All sound of a piece as a phrase to keep: without the silence before it, with little of the silence behind it, in whole frames.
    pub(super) fn phrase(&self, sound: &[u8]) -> Vec<u8> {
        let rate = self.rate();
        let sound = trim(self.format, &mut LeadingSilence::new(rate), sound);
        let backwards: Vec<u8> = sound
            .rchunks_exact(self.width())
            .flatten()
            .copied()
            .collect();
        let sounding = trim(self.format, &mut LeadingSilence::new(rate), &backwards).len();
        let tail = usize::try_from(rate.samples_in(TAIL)).unwrap_or(0);
        let end = sounding.saturating_add(tail.saturating_mul(self.width()));
        let mut phrase = sound.get(..end).unwrap_or(sound).to_vec();
        if self.format == AudioFormat::Telephone {
            phrase.resize(phrase.len().next_multiple_of(TELEPHONE_FRAME), SILENCE);
        }
        phrase
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

    /// How the format is called where phrases are kept.
    pub(super) const fn name(&self) -> &'static str {
        match self.format {
            AudioFormat::Browser => "linear16/24000",
            AudioFormat::Telephone => "mulaw/8000",
        }
    }

    /// Bytes in a sample.
    const fn width(&self) -> usize {
        match self.format {
            AudioFormat::Browser => 2,
            AudioFormat::Telephone => 1,
        }
    }

    const fn rate(&self) -> SampleRate {
        match self.format {
            AudioFormat::Browser => SampleRate::VOICE,
            AudioFormat::Telephone => SampleRate::TELEPHONE,
        }
    }
}

fn trim<'a>(format: AudioFormat, silence: &mut LeadingSilence, bytes: &'a [u8]) -> &'a [u8] {
    match format {
        AudioFormat::Browser => silence.trim(bytes),
        AudioFormat::Telephone => silence.trim_mulaw(bytes),
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
    #[test]
    fn a_phrase_has_little_silence_at_its_ends() {
        let loud = [0x00, 0x40];
        let quiet = [0x03, 0x00];
        let pcm = |parts: &[(&[u8], usize)]| -> Vec<u8> {
            parts
                .iter()
                .flat_map(|(sample, count)| sample.repeat(*count))
                .collect()
        };
        let browser = Shape::new(AudioFormat::Browser);
        let spoken = pcm(&[
            (&quiet, 4_800),
            (&loud, 2_400),
            (&quiet, 2_400),
            (&loud, 1),
            (&quiet, 9_600),
        ]);
        assert_eq!(
            browser.phrase(&spoken),
            pcm(&[
                (&quiet, 240),
                (&loud, 2_400),
                (&quiet, 2_400),
                (&loud, 1),
                (&quiet, 1_920)
            ]),
            "10 ms before, 80 behind, and the pause inside"
        );
        let short = pcm(&[(&loud, 2_400), (&quiet, 480)]);
        assert_eq!(browser.phrase(&short), short, "nothing is added");
        assert!(browser.phrase(&pcm(&[(&quiet, 4_800)])).is_empty());
        assert!(browser.phrase(&[]).is_empty());

        let telephone = Shape::new(AudioFormat::Telephone);
        let spoken = [&[SILENCE; 800][..], &[LOUD; 900], &[0x7F; 2_000]].concat();
        let kept = [
            &[SILENCE; 80][..],
            &[LOUD; 900],
            &[0x7F; 640],
            &[SILENCE; 140],
        ]
        .concat();
        assert_eq!(telephone.phrase(&spoken), kept, "in whole frames");
        assert!(telephone.phrase(&[SILENCE; 800]).is_empty());
    }

    #[test]
    fn behind_a_phrase_the_next_piece_keeps_its_pause() {
        let mut shape = Shape::new(AudioFormat::Browser);
        let pause_and_sound = [&[0; 960][..], &[0x40; 96]].concat();
        shape.begin(TURN);
        assert_eq!(shape.push(TURN, &pause_and_sound), pause_and_sound);
        let next = TurnId::from_wire(3);
        assert_eq!(shape.push(next, &pause_and_sound).len(), 480 + 96);
    }
}
