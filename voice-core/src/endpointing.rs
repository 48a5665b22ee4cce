//! When the caller has finished.
//!
//! The witnesses are the local detector (is there a voice now?), the recogniser (its own end of utterance, and its answer
//! to our request to finalise) and the text (does it look finished?). This weighs them; the conversation
//! acts on the answer.

use std::time::Duration;

use crate::barge_in::normalise;
use crate::transcript::Recognition;

/// How long a recogniser may take to answer `Finalize` before the words at hand are taken as they are. Deepgram promises
/// no answer when little audio was waiting; its ordinary one takes about 100 ms.
pub const FINALIZE_WAIT: Duration = Duration::from_millis(500);

/// How long a sentence that looks unfinished is left open after the recogniser thought it over. People
/// pause for up to a second in the middle of a thought; longer feels like not being heard.
pub const UNFINISHED_WAIT: Duration = Duration::from_millis(1_000);

/// The most digits taken in one utterance: twice what the longest number has that people key, that of a payment card.
pub const MOST_KEYS: usize = 32;

/// How long the caller's silence must last before the turn is taken as finished, by what they have said. Each is
/// counted from the caller's last sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The recogniser judges by itself when a turn ends (Flux); silence and text only make that wait, or replace it when it never comes.
    pub recogniser_judges: bool,
    /// After what can only be the end: a question, a goodbye.
    pub finished: Duration,
    /// After what reads as a whole sentence, and might go on.
    pub statement: Duration,
    /// After what stops in the middle.
    pub unfinished: Duration,
    /// In a number, an address or a name that is dictated in groups.
    pub dictating: Duration,
}

impl Policy {
    /// With a recogniser that reports words and leaves the end of a turn to us (Nova).
    #[must_use]
    pub const fn by_silence() -> Self {
        Self {
            recogniser_judges: false,
            finished: Duration::from_millis(250),
            statement: Duration::from_millis(350),
            unfinished: Duration::from_millis(1_200),
            dictating: Duration::from_millis(1_500),
        }
    }

    /// With a recogniser that judges the end of a turn (Flux).
    #[must_use]
    pub const fn by_recogniser() -> Self {
        Self {
            recogniser_judges: true,
            ..Self::by_silence()
        }
    }

    /// One silence for everything, whatever was said: what the others are compared with.
    #[must_use]
    pub const fn plain(silence: Duration) -> Self {
        Self {
            recogniser_judges: false,
            finished: silence,
            statement: silence,
            unfinished: silence,
            dictating: silence,
        }
    }
}

/// What the caller has said since it was last their turn.
#[derive(Clone, Debug, Default)]
pub struct Utterance {
    finals: String,
    interim: String,
    /// The recogniser heard the utterance end after the last word.
    ended: bool,
    /// The local detector hears a voice now.
    voiced: bool,
    /// The digits pressed, behind all that was said.
    keys: String,
    /// The caller has pressed the key that ends them.
    keys_complete: bool,
}

/// What to do about an utterance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The caller has finished.
    Commit,
    /// Take it as finished if nothing more comes for so long.
    CommitAfter(Duration),
    /// The caller goes on, or has not begun.
    Wait,
}

impl Utterance {
    /// All words so far, the uncertain ones included, and then the keys, as one word.
    #[must_use]
    pub fn text(&self) -> String {
        let words = join(&self.finals, &self.interim);
        join(&words, &self.keys)
    }

    /// Whether there is neither a word nor a key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.has_no_words() && self.keys.is_empty()
    }

    /// Whether nothing was said; keys may have been pressed.
    #[must_use]
    pub fn has_no_words(&self) -> bool {
        self.finals.is_empty() && self.interim.is_empty()
    }

    /// Whether the local detector hears a voice now.
    #[must_use]
    pub const fn is_voiced(&self) -> bool {
        self.voiced
    }

    /// The local detector's word.
    pub const fn set_voiced(&mut self, voiced: bool) {
        self.voiced = voiced;
    }

    /// Puts words that came before in front: the caller resumed a sentence that had been taken as finished.
    pub fn prepend(&mut self, earlier: &str) {
        self.finals = join(earlier, &self.finals);
    }

    /// Forgets the words, not the voice.
    pub fn clear(&mut self) {
        *self = Self {
            voiced: self.voiced,
            ..Self::default()
        };
    }

    /// Takes in a digit; beyond [`MOST_KEYS`] they are ignored.
    pub fn press(&mut self, digit: char) {
        if self.keys.chars().count() < MOST_KEYS {
            self.keys.push(digit);
        }
    }

    /// The digits pressed so far.
    #[must_use]
    pub fn keys(&self) -> &str {
        &self.keys
    }

    /// Whether digits were pressed. Then only the next of them, or none, says when the utterance is over.
    #[must_use]
    pub const fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// The caller says that all is keyed, or said.
    pub fn complete_keys(&mut self) {
        self.keys_complete = !self.is_empty();
    }

    /// Whether the caller has ended the utterance by a key.
    #[must_use]
    pub const fn keys_are_complete(&self) -> bool {
        self.keys_complete
    }

    /// Forgets the digits, and not the words.
    pub fn forget_keys(&mut self) {
        self.keys.clear();
        self.keys_complete = false;
    }

    /// Puts digits that came before in front.
    pub fn prepend_keys(&mut self, earlier: &str) {
        self.keys.insert_str(0, earlier);
    }

    /// Makes the digits words like others: the caller went on speaking.
    pub fn settle_keys(&mut self) {
        self.finals = join(&self.finals, &std::mem::take(&mut self.keys));
    }

    /// Takes in one report of the recogniser.
    pub fn hear(&mut self, heard: &Recognition) {
        if heard.is_final {
            self.finals = join(&self.finals, heard.text.trim());
            self.interim.clear();
        } else {
            heard.text.trim().clone_into(&mut self.interim);
        }
        if heard.ends_utterance {
            self.ended = true;
        } else if !heard.text.trim().is_empty() {
            self.ended = false;
        }
    }

    /// Weighs the witnesses after a report of the recogniser.
    #[must_use]
    pub fn after_recogniser(&self, heard: &Recognition) -> Decision {
        if self.is_empty() {
            return Decision::Wait;
        }
        let closed = self.ended || (heard.answers_finalize && !self.voiced);
        match (closed, looks_unfinished(&self.text())) {
            (true, false) => Decision::Commit,
            (true, true) => Decision::CommitAfter(UNFINISHED_WAIT),
            (false, _) => Decision::Wait,
        }
    }

    /// Weighs the witnesses after the recogniser reported a gap between words.
    #[must_use]
    pub fn after_gap(&self) -> Decision {
        match (self.is_empty(), self.voiced) {
            (true, _) => Decision::Wait,
            (false, true) => Decision::CommitAfter(UNFINISHED_WAIT),
            (false, false) => Decision::Commit,
        }
    }
}

/// Words after which nobody has finished.
const OPEN_ENDINGS: [&str; 28] = [
    "a", "an", "and", "at", "because", "but", "by", "for", "from", "i", "if", "in", "is", "it's",
    "my", "of", "on", "or", "so", "that", "the", "to", "uh", "um", "with", "would", "about",
    "like",
];

/// Whether the text stops in the middle: at a comma, or at a word that wants another.
fn looks_unfinished(text: &str) -> bool {
    let text = text.trim_end();
    if text.ends_with([',', '-', '–', '—']) {
        return true;
    }
    if text.ends_with(['?', '!']) {
        return false;
    }
    let words = normalise(text);
    words
        .rsplit(' ')
        .next()
        .is_some_and(|last| OPEN_ENDINGS.contains(&last))
}

fn join(first: &str, second: &str) -> String {
    match (first.trim(), second.trim()) {
        ("", only) | (only, "") => only.to_owned(),
        (first, second) => format!("{first} {second}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(text: &str, flags: &str) -> Recognition {
        Recognition {
            text: text.to_owned(),
            is_final: flags.contains('f'),
            ends_utterance: flags.contains('e'),
            answers_finalize: flags.contains('a'),
            likely_ended: flags.contains('l'),
        }
    }

    fn decide(reports: &[(&str, &str)]) -> Decision {
        let mut utterance = Utterance::default();
        let mut decision = Decision::Wait;
        for (text, flags) in reports {
            let report = heard(text, flags);
            utterance.hear(&report);
            decision = utterance.after_recogniser(&report);
        }
        decision
    }

    #[test]
    fn commits_when_the_witnesses_agree() {
        assert_eq!(
            decide(&[("what are", ""), ("What are your hours?", "fe")]),
            Decision::Commit
        );
        assert_eq!(decide(&[("What are your hours?", "fa")]), Decision::Commit);
        assert_eq!(
            decide(&[("What are your", "f"), ("", "fe")]),
            Decision::Commit
        );
        assert_eq!(
            decide(&[("I'd like to come on Monday and", "fe")]),
            Decision::CommitAfter(UNFINISHED_WAIT)
        );
        assert_eq!(decide(&[("What are your hours", "")]), Decision::Wait);
        assert_eq!(
            decide(&[("", "fe")]),
            Decision::Wait,
            "an end without a word is not a turn"
        );
        assert_eq!(
            decide(&[("One.", "fe"), ("Two", "")]),
            Decision::Wait,
            "a new word opens it again"
        );
    }

    #[test]
    fn several_finals_are_one_utterance() {
        let mut utterance = Utterance::default();
        utterance.hear(&heard("My number is", "f"));
        utterance.hear(&heard("five five", ""));
        utterance.hear(&heard("five five five", ""));
        assert_eq!(utterance.text(), "My number is five five five");
        utterance.clear();
        assert!(utterance.is_empty());
    }
}
