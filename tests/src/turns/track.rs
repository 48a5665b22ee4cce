//! A case as sound: what the machines hear from the beginning of the call, and when the caller truly spoke.

use anyhow::Result;
use earshot::Detector;
use local_providers::speech::resample;
use voice_core::audio::mulaw;
use voice_core::audio::upsample::Upsampler;
use voice_core::handset::level_of;
use voice_core::simulation::door::Door;

use super::case::{Case, Part, Start};
use super::noises::Noise;
use super::voices::{Studio, voice_of};
use super::{FRAME, MS, RATE};

/// What is heard at one door. Moments are milliseconds of the call, at the caller's mouth.
#[derive(Debug)]
pub(super) struct Track {
    /// At 16 kHz, as the detector and the recogniser get it.
    pub(super) samples: Vec<i16>,
    /// The detector's, one for each frame of `samples`.
    pub(super) scores: Vec<f32>,
    /// How loud each of them is.
    levels: Vec<f32>,
    /// The first sound of the caller, or of the noise where the caller is silent.
    pub(super) onset: u64,
    /// When the caller is first as loud as a voice: after the hiss of an "s".
    pub(super) loud: u64,
    /// The last sound of the caller, or of the noise where the caller is silent.
    pub(super) end: u64,
    /// The last sound of all.
    pub(super) all_over: u64,
}

/// When what she says is heard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hers {
    pub(super) from: u64,
    pub(super) to: u64,
}

impl Track {
    /// A caller who never makes a sound.
    pub(super) const fn silent() -> Self {
        Self {
            samples: Vec::new(),
            scores: Vec::new(),
            levels: Vec::new(),
            onset: 0,
            loud: 0,
            end: 0,
            all_over: 0,
        }
    }

    /// The score and the level of a frame; beyond the sound there is silence.
    pub(super) fn heard(&self, frame: usize) -> (f32, f32) {
        let of = |all: &[f32]| all.get(frame).copied().unwrap_or(0.0);
        (of(&self.scores), of(&self.levels))
    }

    /// The end of the first frame, from the caller's first sound on, that the detector takes for the beginning of speech.
    pub(super) fn first_sure(&self) -> Option<u64> {
        let onset = self.onset as usize * MS / FRAME;
        let after = self.scores.iter().skip(onset);
        let frames = after.take_while(|score| **score < SURE).count();
        let frame = onset + frames;
        (frame < self.scores.len()).then(|| frame_end(frame))
    }

    /// The end of the last frame that the detector takes for speech. Nothing where there is sound after the caller's.
    pub(super) fn last_speech(&self) -> Option<u64> {
        let frame = self.scores.iter().rposition(|score| *score >= STILL)?;
        (self.end == self.all_over).then(|| frame_end(frame))
    }

    pub(super) fn make(
        case: &Case,
        door: Door,
        hers: Hers,
        studio: &mut Studio<'_>,
    ) -> Result<Self> {
        let begin = match case.start {
            Start::End(after) => hers.to.saturating_add_signed(after),
            Start::In(after) => hers.from.saturating_add_signed(after),
        };
        let mut mix = Mix::at(begin);
        mix.perform(case, studio)?;
        let samples = mix.heard_through(door, case.number);
        let mut detector = Detector::default_boxed();
        let scores = samples.chunks_exact(FRAME);
        let scores = scores.map(|frame| detector.predict_i16(frame)).collect();
        let levels = samples.chunks_exact(FRAME).map(level_of).collect();
        let (speech, all) = (mix.speech.or(mix.all), mix.all);
        let millis = |sample: usize| (sample / MS) as u64;
        let (onset, end) = speech.unwrap_or_default();
        Ok(Self {
            samples,
            scores,
            levels,
            onset: millis(onset),
            loud: millis(mix.loud.unwrap_or(onset)),
            end: millis(end),
            all_over: millis(all.unwrap_or_default().1),
        })
    }
}

const fn frame_end(frame: usize) -> u64 {
    ((frame + 1) * FRAME / MS) as u64
}

/// Sound as it is put together, from −1 to 1.
struct Mix {
    sound: Vec<f32>,
    /// Where the next stretch begins.
    cursor: usize,
    /// The first and the last sample of the caller's speech, and of everything.
    speech: Option<(usize, usize)>,
    all: Option<(usize, usize)>,
    loud: Option<usize>,
}

impl Mix {
    fn at(begin: u64) -> Self {
        Self {
            sound: Vec::new(),
            cursor: begin as usize * MS,
            speech: None,
            all: None,
            loud: None,
        }
    }

    fn perform(&mut self, case: &Case, studio: &mut Studio<'_>) -> Result<()> {
        let level = LEVELS[case.number % LEVELS.len()];
        let last_speech = case
            .parts
            .iter()
            .rposition(|part| matches!(part, Part::Speech(_)));
        for (index, part) in case.parts.iter().enumerate() {
            match part {
                Part::Pause(millis) => self.cursor += *millis as usize * MS,
                Part::Speech(text) => {
                    let goes_on =
                        Some(index) != last_speech && text.ends_with(char::is_alphanumeric);
                    let text = if goes_on {
                        format!("{text},")
                    } else {
                        text.clone()
                    };
                    let spoken = studio.say(voice_of(case.number), &text)?;
                    let bounds = self.add(&spoken.samples, spoken.first, spoken.last, level);
                    self.speech = Some(widened(self.speech, bounds));
                    let loud = bounds.0 + spoken.loud.saturating_sub(spoken.first);
                    self.loud.get_or_insert(loud);
                }
                Part::Behind(text) => {
                    let spoken = studio.say(voice_of(case.number + OTHER_VOICE), text)?;
                    self.add(&spoken.samples, spoken.first, spoken.last, level * FAR);
                }
                Part::Noise(kind, millis) => {
                    let sound = kind.sound(*millis, case.number as u32 + 1);
                    self.add(&sound, 0, sound.len().saturating_sub(1), level);
                }
            }
        }
        Ok(())
    }

    /// Adds a sound so that its sample `first` falls on the cursor, and moves that behind its sample `last`.
    fn add(&mut self, sound: &[f32], first: usize, last: usize, level: f32) -> (usize, usize) {
        let begin = self.cursor.saturating_sub(first);
        let end = begin + sound.len();
        if self.sound.len() < end {
            self.sound.resize(end, 0.0);
        }
        for (slot, value) in self.sound.iter_mut().skip(begin).zip(sound) {
            *slot += level * value;
        }
        let bounds = (begin + first, begin + last);
        self.all = Some(widened(self.all, bounds));
        self.cursor = bounds.1 + 1;
        bounds
    }

    /// What comes out of the microphone or of the line, with the room's own noise and some silence after it.
    fn heard_through(&self, door: Door, number: usize) -> Vec<i16> {
        let mut noise = Noise::new(number as u32 + 1_000);
        let mut floor = 0.0_f32;
        let length = (self.sound.len() + TAIL).next_multiple_of(FRAME);
        let sound = self.sound.iter().copied().chain(std::iter::repeat(0.0));
        let microphone: Vec<i16> = sound
            .take(length)
            .map(|value| {
                // More of it is low than high, as in a room.
                floor += 0.3 * (noise.next() - floor);
                ((value + FLOOR * floor) * f32::from(i16::MAX)) as i16
            })
            .collect();
        match door {
            Door::Browser => microphone,
            Door::Telephone => telephoned(&microphone),
        }
    }
}

/// Over the line: 8 kHz, µ-law, and back to the detector's rate as the worker does it.
fn telephoned(microphone: &[i16]) -> Vec<i16> {
    let line = resample(microphone, RATE as u32, 8_000);
    let coded = line
        .iter()
        .map(|sample| mulaw::decode(mulaw::encode(*sample)));
    let mut heard = Vec::with_capacity(microphone.len());
    Upsampler::default().push(coded, &mut heard);
    heard
}

fn widened(bounds: Option<(usize, usize)>, more: (usize, usize)) -> (usize, usize) {
    match bounds {
        Some((first, last)) => (first.min(more.0), last.max(more.1)),
        None => more,
    }
}

/// At what score the handset takes a frame for a beginning, and down to which one it takes it for more of the same.
const SURE: f32 = 0.5;
const STILL: f32 = 0.35;

/// How loud callers are at their loudest: close to the microphone, as usual, and further away.
const LEVELS: [f32; 4] = [0.5, 0.3, 0.2, 0.7];

/// The room's own noise, white before it is filtered: some 60 dB below full scale.
const FLOOR: f32 = 0.004;

/// 18 dB lower: in the same room, some metres away.
const FAR: f32 = 0.126;

/// Another caller's voice speaks in the background.
const OTHER_VOICE: usize = 3;

/// What is heard after the last sound: longer than any decision takes. Beyond it there is silence.
const TAIL: usize = 4 * RATE;
