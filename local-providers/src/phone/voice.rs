//! A caller's voice without an engine: sounds that a neural detector takes for speech, of any length.
//!
//! A pulse train through four formants that glide from vowel to vowel, as in every textbook on speech synthesis. It says
//! nothing, but it begins and ends at the sample it is told to, which no recording of a person does.

use std::f64::consts::{PI, TAU};

use crate::scripted::pilot::{AMPLITUDE, TONE_MS, WORD_MS, frequency};

/// Speech of this length at 8 kHz, without a pause.
#[must_use]
pub fn speech(millis: u64) -> Vec<i16> {
    let length = samples(millis);
    let (mut glottis, mut tract) = (Glottis::default(), Tract::default());
    let sound = (0..length).map(|index| {
        let seconds = index as f64 / RATE;
        let syllable = seconds / SYLLABLE;
        let within = syllable.fract();
        let vowel = |offset: usize| VOWELS[(syllable as usize + offset) % VOWELS.len()];
        let (from, to) = (vowel(0), vowel(1));
        let glide = ((within - HELD) / (1.0 - HELD)).clamp(0.0, 1.0);
        let formants = std::array::from_fn(|i| from[i] + (to[i] - from[i]) * glide);
        let melody = 0.13 * (TAU * 2.5 * seconds).sin() + 0.03 * (TAU * 5.3 * seconds).sin();
        let open = CLOSED + (1.0 - CLOSED) * (PI * (0.2 + 0.8 * within)).sin().max(0.0).sqrt();
        let edge = (index.min(length - 1 - index) as f64 / (RATE * FADE)).min(1.0);
        tract.sound(glottis.pulse(PITCH * (1.0 + melody)), formants) * open * edge
    });
    normalise(&sound.collect::<Vec<_>>())
}

/// Somebody who says these words of a script's vocabulary ([`crate::script::Settings::vocabulary`]), each by its number, at 8 kHz.
#[must_use]
pub fn words(numbers: &[usize]) -> Vec<i16> {
    let mut sound = speech(WORD_MS * numbers.len() as u64);
    let tone = samples(TONE_MS);
    for (word, number) in sound.chunks_mut(samples(WORD_MS)).zip(numbers) {
        let frequency = frequency(*number);
        for (index, sample) in word.iter_mut().take(tone).enumerate() {
            let edge = (index.min(tone - 1 - index) as f64 / (RATE * FADE / 4.0)).min(1.0);
            let phase = TAU * frequency * index as f64 / RATE;
            *sample += (AMPLITUDE * edge * phase.sin()) as i16;
        }
    }
    sound
}

/// A throat being cleared for this long, at 8 kHz: loud, partly voiced, no word in it.
#[must_use]
pub fn noise(millis: u64) -> Vec<i16> {
    let length = samples(millis);
    let (mut glottis, mut tract, mut breath) =
        (Glottis::default(), Tract::default(), Breath(0x2545_F491));
    let sound = (0..length).map(|index| {
        let since = (index as f64 / RATE) % BURST;
        let open = (since / 0.004).min(1.0) * (-since / (BURST / 2.0)).exp();
        let edge = ((length - 1 - index) as f64 / (RATE * FADE)).min(1.0);
        let source = glottis.pulse(320.0 * (1.0 - since)) + 0.2 * breath.puff();
        tract.sound(source, [840.0, 1_500.0, 3_000.0, 3_900.0]) * open * edge
    });
    normalise(&sound.collect::<Vec<_>>())
}

const fn samples(millis: u64) -> usize {
    (millis * 8) as usize
}

fn normalise(sound: &[f64]) -> Vec<i16> {
    let peak = sound
        .iter()
        .fold(f64::MIN_POSITIVE, |peak, value| peak.max(value.abs()));
    sound
        .iter()
        .map(|value| (value / peak * PEAK) as i16)
        .collect()
}

/// The vocal folds: Rosenberg's pulse, differentiated as lips do.
#[derive(Default)]
struct Glottis {
    phase: f64,
    flow: f64,
}

impl Glottis {
    fn pulse(&mut self, pitch: f64) -> f64 {
        self.phase = (self.phase + pitch / RATE).fract();
        let flow = match self.phase {
            phase if phase < 0.4 => 0.5 * (1.0 - (PI * phase / 0.4).cos()),
            phase if phase < 0.56 => (PI * (phase - 0.4) / 0.32).cos(),
            _ => 0.0,
        };
        flow - std::mem::replace(&mut self.flow, flow)
    }
}

/// Throat and mouth: a resonance for each formant, one after the other.
#[derive(Default)]
struct Tract([[f64; 2]; 4]);

impl Tract {
    fn sound(&mut self, source: f64, formants: [f64; 4]) -> f64 {
        let resonances = self.0.iter_mut().zip(formants).zip(BANDWIDTHS);
        resonances.fold(source, |sound, ((state, formant), bandwidth)| {
            let radius = (-PI * bandwidth / RATE).exp();
            let first = 2.0 * radius * (TAU * formant / RATE).cos();
            let second = -radius * radius;
            let out = (1.0 - first - second) * sound + first * state[0] + second * state[1];
            *state = [out, state[0]];
            out
        })
    }
}

/// Xorshift: the same noise in every run.
struct Breath(u32);

impl Breath {
    fn puff(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        f64::from(self.0) / f64::from(u32::MAX) * 2.0 - 1.0
    }
}

const RATE: f64 = 8_000.0;

/// A high voice: its harmonics lie apart, and the detector is sure of it two frames after it begins. At 125 Hz, a man's
/// pitch, the same vowels take it a quarter of a second.
const PITCH: f64 = 250.0;

/// Four syllables a second, an ordinary pace.
const SYLLABLE: f64 = 0.26;

/// How much of a syllable the vowel stands before it glides on.
const HELD: f64 = 0.55;

/// How open the mouth is between two syllables: speech is modulated, but this voice never pauses, or a recogniser would
/// hear two utterances.
const CLOSED: f64 = 0.7;

/// One cough after the other.
const BURST: f64 = 0.2;

/// Twenty milliseconds of fade: a sharper edge clicks.
const FADE: f64 = 0.02;

/// -7 dBFS, the level of a telephone held as it should be.
const PEAK: f64 = 14_000.0;

/// Broader than a man's, as a small head has them.
const BANDWIDTHS: [f64; 4] = [112.0, 160.0, 208.0, 320.0];

/// A woman's u, a, i, o and e, up to what a telephone carries.
const VOWELS: [[f64; 4]; 5] = [
    [528.0, 1_224.0, 2_688.0, 3_960.0],
    [840.0, 1_464.0, 3_120.0, 3_980.0],
    [468.0, 2_388.0, 3_060.0, 3_980.0],
    [684.0, 1_008.0, 2_892.0, 3_960.0],
    [636.0, 2_208.0, 2_976.0, 3_980.0],
];

#[cfg(test)]
mod tests {
    use audio_codec_algorithms::{decode_ulaw, encode_ulaw};
    use earshot::Detector;

    use super::*;
    use crate::script::{Script, Settings};
    use crate::scripted::pilot::PILOTS;
    use crate::scripted::recogniser::utterances_in;
    use crate::speech::resample::resample;

    /// The scores of the detector at the edge, a frame each 16 ms, for a sound after `lead` samples of silence.
    fn scores(sound: &[i16], lead: usize) -> Vec<f32> {
        let line = silence(lead)
            .chain(sound.iter().copied())
            .chain(silence(2_400));
        let heard: Vec<i16> = line
            .map(|sample| decode_ulaw(encode_ulaw(sample)))
            .collect();
        let mut detector = Detector::default_boxed();
        resample(&heard, 8_000, 16_000)
            .chunks_exact(256)
            .map(|frame| detector.predict_i16(frame))
            .collect()
    }

    fn silence(samples: usize) -> impl Iterator<Item = i16> {
        std::iter::repeat_n(0, samples)
    }

    #[test]
    fn the_detector_takes_it_for_speech_at_once_and_throughout() {
        for lead in [2_000, 8_000, 8_070, 24_030] {
            for millis in [250, 1_200, 3_000] {
                let scores = scores(&speech(millis), lead);
                let onset = lead / 8;
                let frames = scores.iter().enumerate();
                let sure = frames
                    .clone()
                    .find(|(index, score)| (index + 1) * 16 > onset && **score >= 0.7)
                    .map(|(index, _)| (index + 1) * 16 - onset);
                assert!(
                    sure.is_some_and(|after| after <= 60),
                    "{lead} {millis}: {sure:?}"
                );
                // Of the first two frames the voice may fill a part.
                let (from, to) = (onset + 32, onset + millis as usize);
                let inside: Vec<f32> = frames
                    .filter(|(index, _)| index * 16 >= from && (index + 1) * 16 <= to)
                    .map(|(_, score)| *score)
                    .collect();
                let speech = inside.iter().filter(|score| **score > 0.5).count();
                assert!(
                    speech * 100 >= inside.len() * 95,
                    "{lead} {millis}: {speech} of {}",
                    inside.len()
                );
            }
        }
    }

    #[test]
    fn the_detector_takes_a_cleared_throat_for_a_while_for_speech() {
        for lead in [2_000, 8_000, 8_070, 24_030] {
            let scores = scores(&noise(400), lead);
            let taken = scores.iter().filter(|score| **score >= 0.7).count();
            assert!(taken >= 5, "{lead}: {taken}");
        }
    }

    #[test]
    fn the_scripted_recogniser_hears_each_as_one_utterance() {
        let mut line: Vec<i16> = silence(4_000).collect();
        for sound in [speech(250), speech(3_000), noise(400), speech(1_000)] {
            line.extend(sound);
            line.extend(silence(4_000));
        }
        let script = Script {
            utterances: ["a", "b", "c", "d"].map(Into::into).to_vec(),
            ..Script::default()
        };
        assert_eq!(utterances_in(script, &line, 8_000), ["a", "b", "c", "d"]);
    }

    #[test]
    fn the_words_that_are_said_are_heard_and_are_speech() {
        let names: Vec<String> = (0..PILOTS).map(|number| format!("w{number}")).collect();
        let script = Script {
            settings: Settings {
                vocabulary: names,
                ..Settings::default()
            },
            ..Script::default()
        };
        let said: [&[usize]; 5] = [
            &[0, 1, 2, 3],
            &[7, 7, 7],
            &[15, 0, 15, 0],
            &[4, 5, 6, 8, 9, 10, 11, 12, 13, 14],
            &[3],
        ];
        for lead in [4_000, 4_013, 4_077] {
            let mut line: Vec<i16> = silence(lead).collect();
            for numbers in said {
                let sound = words(numbers);
                let scores = scores(&sound, 8_000);
                let speech = scores.iter().filter(|score| **score > 0.5).count();
                assert!(
                    speech * 16 * 8 >= sound.len() * 8 / 10,
                    "{numbers:?}: {speech}"
                );
                line.extend(sound);
                line.extend(silence(4_000));
            }
            let line: Vec<i16> = line
                .into_iter()
                .map(|sample| decode_ulaw(encode_ulaw(sample)))
                .collect();
            let expected = said.map(|numbers| {
                let names: Vec<String> = numbers.iter().map(|n| format!("w{n}")).collect();
                names.join(" ")
            });
            assert_eq!(utterances_in(script.clone(), &line, 8_000), expected);
            let line = resample(&line, 8_000, 16_000);
            assert_eq!(utterances_in(script.clone(), &line, 16_000), expected);
        }
    }

    #[test]
    fn a_sound_has_the_length_that_was_asked_for() {
        assert_eq!(speech(1_234).len(), 9_872);
        assert_eq!(noise(40).len(), 320);
        assert!(speech(0).is_empty() && noise(0).is_empty());
        assert!(speech(500).iter().all(|sample| sample.abs() <= 14_000));
    }
}
