//! Callers' voices: the local voice higher and lower, faster and slower, and the same each time.

use std::collections::HashMap;

use anyhow::{Result, ensure};
use local_providers::speech::Engines;

use super::RATE;

/// One caller's voice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Voice {
    pub(super) name: &'static str,
    /// The rate at which the engine's sound, made for 22,050 Hz, is played: height and speed.
    played_at: u32,
    /// Above 1 the words are spoken slower, at the same height.
    pace: f32,
}

/// The voice of a case.
pub(super) const fn voice_of(number: usize) -> Voice {
    VOICES[number % VOICES.len()]
}

const VOICES: [Voice; 7] = [
    Voice {
        name: "plain",
        played_at: 22_050,
        pace: 1.0,
    },
    Voice {
        name: "low",
        played_at: 19_000,
        pace: 0.95,
    },
    Voice {
        name: "high",
        played_at: 26_000,
        pace: 1.15,
    },
    Voice {
        name: "hurried",
        played_at: 23_000,
        pace: 0.85,
    },
    Voice {
        name: "slow",
        played_at: 21_000,
        pace: 1.2,
    },
    Voice {
        name: "bright",
        played_at: 24_500,
        pace: 1.0,
    },
    Voice {
        name: "deep",
        played_at: 20_000,
        pace: 1.05,
    },
];

/// Some speech, and where in it the voice begins and ends.
#[derive(Clone, Debug)]
pub(super) struct Spoken {
    /// From −1 to 1, the loudest at 1.
    pub(super) samples: Vec<f32>,
    /// The first and the last sample that are no more than 40 dB below the loudest.
    pub(super) first: usize,
    pub(super) last: usize,
    /// The first sample that is no more than 20 dB below the loudest.
    pub(super) loud: usize,
}

/// Where speech is made. The same words of the same voice are made once.
pub(super) struct Studio<'a> {
    engines: &'a Engines,
    said: HashMap<(&'static str, String), Spoken>,
}

impl<'a> Studio<'a> {
    pub(super) fn new(engines: &'a Engines) -> Self {
        Self {
            engines,
            said: HashMap::new(),
        }
    }

    pub(super) fn say(&mut self, voice: Voice, text: &str) -> Result<Spoken> {
        let key = (voice.name, text.to_owned());
        if let Some(spoken) = self.said.get(&key) {
            return Ok(spoken.clone());
        }
        let aloud = SAID_AS
            .iter()
            .find(|(written, _)| text.starts_with(written));
        let aloud = aloud.map_or_else(
            || text.to_owned(),
            |(written, said)| text.replacen(written, said, 1),
        );
        let sound = self
            .engines
            .say_evenly(&aloud, RATE as u32, voice.pace, voice.played_at)?;
        let spoken = Spoken::of(&sound)?;
        self.said.insert(key, spoken.clone());
        Ok(spoken)
    }
}

impl Spoken {
    fn of(sound: &[i16]) -> Result<Self> {
        let peak = sound.iter().map(|sample| sample.unsigned_abs()).max();
        let peak = f32::from(peak.unwrap_or(0));
        ensure!(peak > 0.0, "a text without a sound");
        let samples: Vec<f32> = sound
            .iter()
            .map(|&sample| f32::from(sample) / peak)
            .collect();
        let sounds = |sample: &f32| sample.abs() >= EDGE;
        let first = samples.iter().position(sounds).unwrap_or(0);
        let last = samples.iter().rposition(sounds).unwrap_or(0);
        let loud = samples.iter().position(|sample| sample.abs() >= LOUD);
        Ok(Self {
            samples,
            first,
            last,
            loud: loud.unwrap_or(first),
        })
    }
}

/// What the engine would read letter by letter.
const SAID_AS: [(&str, &str); 3] = [
    ("Mm-hmm", "uhm hmm"),
    ("Mm-hm", "uhm, hmm"),
    ("Uh-huh", "uh hah"),
];

/// −40 dB.
const EDGE: f32 = 0.01;

/// −20 dB: a voice and not the hiss before it.
const LOUD: f32 = 0.1;
