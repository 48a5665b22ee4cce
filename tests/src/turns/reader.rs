//! The engines, asked about stretches of one track. Two settings ask mostly the same, so an answer is kept.

use std::cell::RefCell;
use std::collections::HashMap;

use anyhow::Result;
use local_providers::speech::Engines;

/// A stretch of samples.
type Stretch = (usize, usize);

pub(super) struct Reader<'a> {
    engines: &'a Engines,
    samples: &'a [i16],
    words: RefCell<HashMap<Stretch, String>>,
    ends: RefCell<HashMap<Stretch, f32>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(engines: &'a Engines, samples: &'a [i16]) -> Self {
        Self {
            engines,
            samples,
            words: RefCell::default(),
            ends: RefCell::default(),
        }
    }

    /// The words in a stretch.
    pub(super) fn words(&self, from: usize, to: usize) -> Result<String> {
        if let Some(known) = self.words.borrow().get(&(from, to)) {
            return Ok(known.clone());
        }
        let mut words = self.engines.recognise(self.stretch(from, to))?;
        if is_artefact(&words) {
            words.clear();
        }
        self.words.borrow_mut().insert((from, to), words.clone());
        Ok(words)
    }

    /// How likely the speaker has finished at the end of a stretch.
    pub(super) fn end_of_turn(&self, from: usize, to: usize) -> Result<f32> {
        if let Some(known) = self.ends.borrow().get(&(from, to)) {
            return Ok(*known);
        }
        let end = self.engines.end_of_turn(self.stretch(from, to))?;
        self.ends.borrow_mut().insert((from, to), end);
        Ok(end)
    }

    fn stretch(&self, from: usize, to: usize) -> &[i16] {
        let to = to.min(self.samples.len());
        self.samples.get(from.min(to)..to).unwrap_or_default()
    }
}

/// Whether this is what a model trained on captions of videos writes where nobody speaks. The recognisers it stands for give nothing then.
fn is_artefact(words: &str) -> bool {
    let plain: String = words
        .chars()
        .filter(|character| character.is_alphanumeric() || *character == ' ')
        .collect();
    let plain = plain.trim().to_lowercase();
    words.contains(['♪', '🎵', '©']) || plain.is_empty() || ARTEFACTS.contains(&plain.as_str())
}

const ARTEFACTS: [&str; 3] = ["thank you for watching", "thanks for watching", "you"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_of_nothing_are_no_words() {
        for nothing in ["You", "You.", "♪ Oh ♪", "Thank you for watching!", "..", ""] {
            assert!(is_artefact(nothing), "{nothing:?}");
        }
        for words in ["You are.", "Thank you.", "No.", "5"] {
            assert!(!is_artefact(words), "{words:?}");
        }
    }
}
