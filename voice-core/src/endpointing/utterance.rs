//! What the caller has said since it was last their turn, and what each witness says of its end.

use std::time::Duration;

use super::completeness::{Completeness, completeness};
use super::dictation::Wanted;
use super::pace::Pace;
use super::{Decision, Policy};
use crate::time::Timestamp;
use crate::transcript::Recognition;

/// How long a recogniser may take to answer `Finalize` before the words at hand are taken as they are. Deepgram promises
/// no answer when little audio was waiting; its ordinary one takes about 100 ms.
const FINALIZE_WAIT: Duration = Duration::from_millis(500);

/// How long after the last word a recogniser says that an utterance has ended, at the least. The local detector may still be
/// waiting for its own silence then, and the caller's last sound is guessed by this.
const RECOGNISER_LATENCY: Duration = Duration::from_millis(250);

/// A caller whose words have come to an end has finished so long after the last of them, whatever noise goes on. An ordinary recogniser
/// reports new words once a second at the least.
const NOISE: Duration = Duration::from_millis(1_200);

/// How long a recogniser that judges turns may keep silent after the caller did. Its own time-out is shorter.
const JUDGE_SILENT: Duration = Duration::from_millis(4_000);

/// The most digits taken in one utterance: twice what the longest number has that people key, that of a payment card.
pub const MOST_KEYS: usize = 32;

/// The caller's words and keys, with the witnesses of their end.
#[derive(Clone, Debug, Default)]
pub struct Utterance {
    finals: String,
    interim: String,
    /// The digits pressed, behind all that was said.
    keys: String,
    /// The caller has pressed the key that ends them.
    keys_complete: bool,
    /// The local detector hears a voice now, since then.
    voiced: bool,
    began_at: Timestamp,
    /// When the local detector heard the last sound.
    last_sound: Option<Timestamp>,
    /// When it had heard the sound before that.
    sound_before: Option<Timestamp>,
    /// Words have changed since the sound began that was heard last.
    sound_had_words: bool,
    /// When it said so, and the recogniser was asked to finalise.
    asked_at: Timestamp,
    /// When words last changed.
    words_at: Timestamp,
    /// When the recogniser reported the end of the utterance.
    ended: Option<Timestamp>,
    /// It answered our request to finalise, or reported a gap: nothing more is on its way.
    settled: bool,
    /// When a gap between words was reported while a voice was heard.
    gap: Option<Timestamp>,
    /// It expects the end.
    likely: bool,
    /// It has taken that back, of just these words.
    retracted: bool,
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

    /// When the local detector heard the caller last.
    #[must_use]
    pub const fn last_sound(&self) -> Option<Timestamp> {
        self.last_sound
    }

    /// When the sound began that is heard now, or was heard last.
    #[must_use]
    pub const fn began_at(&self) -> Timestamp {
        self.began_at
    }

    /// Whether the sound that was heard last lasted no longer than this.
    #[must_use]
    pub fn is_brief(&self, span: Duration) -> bool {
        let length = self.last_sound.map(|last| last.since(self.began_at));
        !self.voiced && length.is_some_and(|length| length <= span)
    }

    /// The local detector hears a voice: what was said of an end before is of an earlier one.
    pub const fn begin_sound(&mut self, now: Timestamp) {
        self.voiced = true;
        self.began_at = now;
        self.sound_before = self.last_sound;
        self.sound_had_words = false;
        self.ended = None;
        self.settled = false;
        self.gap = None;
        self.likely = false;
    }

    /// The local detector has heard nothing since `last_sound`.
    pub const fn end_sound(&mut self, now: Timestamp, last_sound: Timestamp) {
        self.voiced = false;
        self.asked_at = now;
        self.last_sound = Some(last_sound);
    }

    /// Puts words that came before in front: the caller resumed a sentence that had been taken as finished.
    pub fn prepend(&mut self, earlier: &str) {
        self.finals = join(earlier, &self.finals);
    }

    /// Forgets the words, not the voice.
    pub fn clear(&mut self) {
        *self = Self {
            voiced: self.voiced,
            began_at: self.began_at,
            last_sound: self.last_sound,
            asked_at: self.asked_at,
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

    /// Whether the recogniser has nothing more to say of it.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        self.settled
    }

    /// Takes in one report of the recogniser.
    pub fn hear(&mut self, now: Timestamp, heard: &Recognition) {
        let text = heard.text.trim();
        if heard.is_final {
            if self.interim != text && !text.is_empty() {
                self.words_at = now;
                self.sound_had_words = true;
                self.retracted = false;
            }
            self.finals = join(&self.finals, text);
            self.interim.clear();
        } else {
            if self.interim != text {
                self.words_at = now;
                self.sound_had_words = true;
                self.retracted = false;
            }
            text.clone_into(&mut self.interim);
        }
        self.likely = heard.likely_ended;
        if heard.ends_utterance && !self.is_of_an_earlier_sound(now, heard) {
            self.ended = Some(now);
            self.settled = true;
        } else if !text.is_empty() && !heard.answers_finalize {
            self.ended = None;
            self.settled = false;
            self.gap = None;
        }
        if heard.answers_finalize && !self.voiced {
            self.settled = true;
        }
    }

    /// Whether an end that is reported now was heard before the sound that is heard now began.
    fn is_of_an_earlier_sound(&self, now: Timestamp, heard: &Recognition) -> bool {
        self.voiced && (heard.answers_finalize || now.since(self.began_at) < RECOGNISER_LATENCY)
    }

    /// The recogniser reported a gap after the last word.
    pub const fn notice_gap(&mut self, now: Timestamp) {
        self.gap = Some(now);
        self.settled |= !self.voiced;
    }

    /// The recogniser takes back that the end was likely.
    pub const fn go_on(&mut self) {
        self.likely = false;
        self.retracted = true;
        self.ended = None;
        self.settled = false;
    }

    /// How the words read, given what she asked for.
    #[must_use]
    pub fn completeness(&self, wanted: Option<Wanted>) -> Completeness {
        completeness(&self.text(), wanted)
    }

    /// Whether the words are worth an answer before it is certain that they are all.
    #[must_use]
    pub fn is_worth_a_guess(&self, completeness: Completeness) -> bool {
        match completeness {
            _ if self.retracted => false,
            Completeness::Finished => self.settled || self.likely || !self.voiced,
            Completeness::Statement => self.settled || self.likely,
            Completeness::Unfinished => self.likely,
            Completeness::Dictating => false,
        }
    }

    /// Weighs the witnesses.
    #[must_use]
    pub fn decide(&self, policy: &Policy, pace: &Pace, completeness: Completeness) -> Decision {
        if self.is_empty() {
            return Decision::Wait;
        }
        let wait = policy.wait(completeness, pace);
        if policy.recogniser_judges
            && let Some(at) = self.ended
            && !matches!(
                completeness,
                Completeness::Dictating | Completeness::Unfinished
            )
        {
            return Decision::At(at);
        }
        if self.voiced {
            // The recogniser may know before the detector's own silence is long enough, or in spite of a noise.
            let ended = self.ended.map(|at| at - RECOGNISER_LATENCY + wait);
            return ended
                .or_else(|| self.gap.map(|at| at + wait))
                .map_or(Decision::Wait, Decision::At);
        }
        // A sound without words after a question is a noise, and none of the caller's turn; after a statement it may be an "um".
        let is_noise = self.settled && !self.sound_had_words;
        let last_sound = if is_noise && completeness == Completeness::Finished {
            self.sound_before.or(self.last_sound)
        } else {
            self.last_sound
        };
        let quiet_since = match (last_sound, self.ended) {
            (Some(at), _) => at.min(self.words_at + NOISE),
            // The detector has missed a soft voice.
            (None, Some(at)) => at - RECOGNISER_LATENCY,
            (None, None) => self.words_at,
        };
        let by_silence = quiet_since + wait;
        // Who judges turns has closed this one when no guess is open, and owes nothing more.
        let is_closed = policy.recogniser_judges && self.interim.is_empty();
        Decision::At(if self.settled || is_closed {
            by_silence
        } else if policy.recogniser_judges {
            by_silence.max(quiet_since + JUDGE_SILENT)
        } else {
            by_silence.max(self.asked_at.max(self.words_at) + FINALIZE_WAIT)
        })
    }
}

fn join(first: &str, second: &str) -> String {
    match (first.trim(), second.trim()) {
        ("", only) | (only, "") => only.to_owned(),
        (first, second) => format!("{first} {second}"),
    }
}
