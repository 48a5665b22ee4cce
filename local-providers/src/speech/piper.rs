//! The voice: a Piper model fed with phonemes, clause by clause so that the first sound comes early.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, bail};
use ort::environment::Environment;
use ort::session::Session;
use ort::value::Tensor;
use serde::Deserialize;

use super::espeak::Espeak;

/// What the voice speaks at.
pub(crate) const RATE: u32 = 22_050;

pub(crate) struct Piper {
    session: Session,
    ids: HashMap<char, i64>,
    scales: [f32; 3],
    espeak: &'static Mutex<Espeak>,
}

/// A part of a text that is spoken in one breath.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clause {
    text: String,
    /// Silence after it, in milliseconds.
    pause: u32,
}

#[derive(Deserialize)]
struct VoiceConfig {
    audio: Audio,
    inference: Inference,
    phoneme_id_map: HashMap<String, Vec<i64>>,
}

#[derive(Deserialize)]
struct Audio {
    sample_rate: u32,
}

#[derive(Deserialize)]
struct Inference {
    noise_scale: f32,
    length_scale: f32,
    noise_w: f32,
}

impl Piper {
    pub(crate) fn load(environment: &Environment, folder: &Path) -> anyhow::Result<Self> {
        let model = folder.join("en_US-joe-medium.onnx");
        let config = std::fs::read(folder.join("en_US-joe-medium.onnx.json"))?;
        let config: VoiceConfig =
            serde_json::from_slice(&config).context("the voice's configuration")?;
        if config.audio.sample_rate != RATE {
            bail!(
                "the voice speaks at {} Hz, not at {RATE}",
                config.audio.sample_rate
            );
        }
        let id =
            |(phoneme, ids): (String, Vec<i64>)| Some((phoneme.chars().next()?, *ids.first()?));
        let Inference {
            noise_scale,
            length_scale,
            noise_w,
        } = config.inference;
        Ok(Self {
            session: super::session(environment, &model)?,
            ids: config.phoneme_id_map.into_iter().filter_map(id).collect(),
            scales: [noise_scale, length_scale, noise_w],
            espeak: Espeak::shared()?,
        })
    }

    /// The sound of a clause, without the silence the model puts around it, and then the clause's own pause.
    pub(crate) fn say(&mut self, clause: &Clause) -> anyhow::Result<Vec<i16>> {
        let mut samples = self.utter(&clause.text, self.scales)?;
        let pause = clause.pause as usize * RATE as usize / 1_000;
        samples.resize(samples.len() + pause, 0);
        Ok(samples)
    }

    /// The sound of a text in one breath, the same each time: without the model's own randomness. A pace of 1.1 takes a tenth longer.
    pub(crate) fn say_evenly(&mut self, text: &str, pace: f32) -> anyhow::Result<Vec<i16>> {
        let [_, length_scale, _] = self.scales;
        self.utter(text, [0.0, length_scale * pace, 0.0])
    }

    fn utter(&mut self, text: &str, scales: [f32; 3]) -> anyhow::Result<Vec<i16>> {
        let phonemes = self.phonemes(text)?;
        let known: Vec<i64> = phonemes
            .chars()
            .filter_map(|phoneme| self.ids.get(&phoneme).copied())
            .collect();
        if known.is_empty() {
            return Ok(Vec::new());
        }
        let special = |mark: char| {
            self.ids
                .get(&mark)
                .copied()
                .with_context(|| format!("the voice has no {mark:?}"))
        };
        let (start, end, pad) = (special('^')?, special('$')?, special('_')?);
        let mut ids = vec![start, pad];
        ids.extend(known.into_iter().flat_map(|id| [id, pad]));
        ids.push(end);
        let length = ids.len();
        let outputs = self.session.run(ort::inputs![
            "input" => Tensor::from_array(([1, length], ids))?,
            "input_lengths" => Tensor::from_array(([1], vec![length as i64]))?,
            "scales" => Tensor::from_array(([scales.len()], scales.to_vec()))?
        ])?;
        let (_, sound) = outputs[0].try_extract_tensor::<f32>()?;
        let samples: Vec<i16> = sound
            .iter()
            .map(|&sample| (sample.clamp(-1.0, 1.0) * f32::from(i16::MAX)) as i16)
            .collect();
        Ok(trimmed(&samples).to_vec())
    }

    /// Phonemes with the punctuation among them: espeak-ng drops it, and the model reads its melody from it.
    fn phonemes(&self, text: &str) -> anyhow::Result<String> {
        let mut espeak = self.espeak.lock().unwrap_or_else(PoisonError::into_inner);
        let mut phonemes = String::new();
        for (part, mark) in parts(text) {
            phonemes.push_str(espeak.phonemes(part)?.trim());
            phonemes.extend(mark);
            if mark.is_some_and(|mark| !ENDS.contains(&mark)) {
                phonemes.push(' ');
            }
        }
        Ok(phonemes)
    }
}

/// Cuts a text into clauses: whole sentences, except that the first long one gives its beginning early.
pub(crate) fn clauses(text: &str) -> Vec<Clause> {
    let mut clauses: Vec<Clause> = Vec::new();
    let mut sentence = String::new();
    for (part, mark) in parts(text) {
        if !sentence.is_empty() {
            sentence.push(' ');
        }
        sentence.push_str(part.trim());
        sentence.extend(mark);
        let ends = mark.is_none_or(|mark| ENDS.contains(&mark));
        let first_breath = clauses.is_empty() && sentence.len() >= FIRST_BREATH;
        if (ends || first_breath) && sentence.chars().any(char::is_alphanumeric) {
            let pause = if ends { SENTENCE_PAUSE } else { CLAUSE_PAUSE };
            clauses.push(Clause {
                text: std::mem::take(&mut sentence),
                pause,
            });
        }
    }
    if sentence.chars().any(char::is_alphanumeric) {
        // It ends at a comma: the rest of it comes as a text of its own.
        clauses.push(Clause {
            text: sentence,
            pause: CLAUSE_PAUSE,
        });
    }
    if let Some(last) = clauses.last_mut() {
        last.pause = LAST_PAUSE;
    }
    clauses
}

/// A text's parts, each with the mark after it. A mark counts only before a space or the end: `9:30` and `4.50` are whole.
fn parts(text: &str) -> Vec<(&str, Option<char>)> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((index, character)) = characters.next() {
        let before_space = characters
            .peek()
            .is_none_or(|(_, next)| next.is_whitespace());
        if MARKS.contains(&character) && before_space {
            parts.push((&text[start..index], Some(character)));
            start = index + character.len_utf8();
        }
    }
    if text[start..].contains(char::is_alphanumeric) {
        parts.push((&text[start..], None));
    }
    parts
}

/// Without the silence at both ends, but for a breath of it.
fn trimmed(samples: &[i16]) -> &[i16] {
    let sounds = |sample: &i16| sample.unsigned_abs() > SILENCE;
    let (Some(first), Some(last)) = (
        samples.iter().position(sounds),
        samples.iter().rposition(sounds),
    ) else {
        return &[];
    };
    &samples[first.saturating_sub(MARGIN)..(last + MARGIN).min(samples.len())]
}

const MARKS: [char; 6] = [',', '.', ';', ':', '!', '?'];
const ENDS: [char; 3] = ['.', '!', '?'];

/// A clause shorter than this would be spoken before the rest is ready.
const FIRST_BREATH: usize = 24;

/// People pause about a quarter of a second between sentences and half of that at a comma.
const SENTENCE_PAUSE: u32 = 240;
const CLAUSE_PAUSE: u32 = 100;

/// What follows is decided by whoever speaks next.
const LAST_PAUSE: u32 = 40;

/// −44 dBFS: above the model's noise, below a soft consonant.
const SILENCE: u16 = 200;

/// 10 ms, so that a soft onset is not cut.
const MARGIN: usize = 220;

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        clauses(text)
            .into_iter()
            .map(|clause| clause.text)
            .collect()
    }

    #[test]
    fn sentences_are_clauses_and_a_long_first_one_begins_early() {
        assert_eq!(texts("Sure! See you then."), ["Sure!", "See you then."]);
        assert_eq!(
            texts("Thank you very much, Anna, you are booked. Goodbye"),
            ["Thank you very much, Anna,", "you are booked.", "Goodbye"]
        );
        assert_eq!(texts("It is 4.50 at 9:30."), ["It is 4.50 at 9:30."]);
        assert!(texts(" … ").is_empty());
    }

    #[test]
    fn only_the_last_clause_has_no_pause() {
        assert_eq!(texts("And a number,"), ["And a number,"]);
        assert_eq!(texts("One. And two,"), ["One.", "And two,"]);
        assert_eq!(texts(" … , "), Vec::<String>::new());
        let pauses: Vec<u32> = clauses("One. Two.")
            .into_iter()
            .map(|clause| clause.pause)
            .collect();
        assert_eq!(pauses, [SENTENCE_PAUSE, LAST_PAUSE]);
    }

    #[test]
    fn silence_around_speech_is_cut() {
        let mut sound = vec![0; 1_000];
        sound.extend([5_000; 100]);
        sound.extend([3; 1_000]);
        assert_eq!(trimmed(&sound).len(), 100 + 2 * MARGIN - 1);
        assert!(trimmed(&[0; 50]).is_empty());
    }
}
