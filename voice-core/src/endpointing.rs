//! When the caller has finished.
//!
//! The witnesses are the local detector (is there a voice now?), the recogniser (its own end of utterance, and its answer
//! to our request to finalise), the text (does it read as finished, is a number being dictated?) and the caller's pace.
//! [`Utterance::decide`] weighs them by a [`Policy`]; the conversation acts on the answer.

mod completeness;
mod dictation;
mod pace;
mod utterance;

use std::time::Duration;

pub use completeness::{Completeness, completeness};
pub use dictation::Wanted;
pub use pace::Pace;
pub use utterance::{MOST_KEYS, Utterance};

use crate::time::Timestamp;

/// What to do about an utterance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Take it as finished at this moment, which may be past, if nothing more comes.
    At(Timestamp),
    /// The caller goes on, or has not begun.
    Wait,
}

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
            finished: Duration::from_millis(200),
            statement: Duration::from_millis(800),
            unfinished: Duration::from_millis(1_500),
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

    /// How long to wait after such words, for a caller of this pace.
    fn wait(&self, completeness: Completeness, pace: &Pace) -> Duration {
        match completeness {
            Completeness::Finished => self.finished,
            Completeness::Statement => pace.stretch(self.statement),
            Completeness::Unfinished => pace.stretch(self.unfinished).max(self.unfinished),
            Completeness::Dictating => self.dictating,
        }
    }
}

#[cfg(test)]
mod tests;
