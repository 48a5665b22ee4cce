//! A piece on its way to the caller's ear, by one way or another.

use std::time::Duration;

use voice_core::audio::SampleRate;
use voice_core::conversation::Piece;
use voice_core::time::Timestamp;
use voice_core::turn::{ForTurn, TurnId};

use super::{GIVEN_UP_AFTER, LAST_WAY_AFTER, MOST_FAILURES};
use crate::providers::AudioFormat;

/// How long a character takes to say, as the approved voice says it: about fifteen a second.
const CHARACTER_MS: u64 = 65;

/// In which way a piece is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Request,
    Socket,
    /// By the last provider.
    Spare,
}

/// A piece, and what is still to be said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) piece: ForTurn<Piece>,
    pub(super) text: String,
    /// When it was given to a way of speaking first.
    pub(super) since: Option<Timestamp>,
    /// Ways that failed without a word.
    pub(super) failures: u8,
    /// Another job follows with the rest of the piece.
    pub(super) is_part: bool,
    /// Bytes of sound that came of `text`.
    sounded: usize,
}

impl Job {
    pub(super) fn new(piece: ForTurn<Piece>) -> Self {
        let text = piece.as_ref().into_parts().1.spoken.clone();
        Self {
            piece,
            text,
            since: None,
            failures: 0,
            is_part: false,
            sounded: 0,
        }
    }

    pub(super) const fn turn(&self) -> TurnId {
        self.piece.turn()
    }

    /// Whether it is the whole piece, and nothing went wrong.
    pub(super) fn is_whole(&self) -> bool {
        self.failures == 0 && self.sounded == 0 && !self.is_part && {
            let (_, piece) = self.piece.as_ref().into_parts();
            piece.spoken == self.text
        }
    }

    pub(super) const fn hear(&mut self, bytes: usize) {
        self.sounded = self.sounded.saturating_add(bytes);
    }

    /// The way broke: what another has to say, from the word at which this one stopped. None: all was said.
    pub(super) fn broken(self, format: AudioFormat) -> Option<Self> {
        let rest = match self.sounded {
            0 => self.text.as_str(),
            sounded => rest_of(&self.text, sounded, format)?,
        };
        if rest.len() == self.text.len() {
            // Ways that stop within a word, one after the other, would begin it for ever.
            return Some(Self {
                failures: self.failures.saturating_add(1),
                sounded: 0,
                ..self
            });
        }
        Some(Self {
            text: rest.to_owned(),
            since: None,
            failures: 1,
            sounded: 0,
            ..self
        })
    }

    /// In which way it is spoken next. Where the socket has just failed, a request may not; and where both have, it is the last provider's
    /// turn, or the socket's again.
    pub(super) const fn way(&self, has_spare: bool) -> Way {
        match self.failures {
            0 => Way::Socket,
            LAST_WAY_AFTER.. if has_spare => Way::Spare,
            LAST_WAY_AFTER.. => Way::Socket,
            _ => Way::Request,
        }
    }

    /// Whether no other way is worth trying.
    pub(super) fn has_failed(&self, now: Timestamp) -> bool {
        let waited = self.since.map_or(Duration::ZERO, |since| now.since(since));
        self.failures >= MOST_FAILURES || (self.failures > 0 && waited > GIVEN_UP_AFTER)
    }

    /// Its text is too long for one request: two that are one after the other.
    pub(super) fn halves(self) -> Option<[Self; 2]> {
        let middle = self.text.len() / 2;
        let spaces = self.text.match_indices(' ').map(|(at, _)| at);
        let at = spaces.min_by_key(|at| at.abs_diff(middle))?;
        let (first, second) = self.text.split_at_checked(at)?;
        let first = Self {
            text: first.to_owned(),
            is_part: true,
            ..self.clone()
        };
        let second = Self {
            text: second.trim_start().to_owned(),
            ..self
        };
        Some([first, second])
    }
}

/// What is left of a text when so much of its sound has come, from the last word that may not have been complete. A word said twice is better
/// than one that is left out.
fn rest_of(text: &str, bytes: usize, format: AudioFormat) -> Option<&str> {
    let bytes = bytes as u64;
    let said = match format {
        AudioFormat::Browser => SampleRate::VOICE.duration_of(bytes / 2),
        AudioFormat::Telephone => SampleRate::TELEPHONE.duration_of(bytes),
    };
    let millis = u64::try_from(said.as_millis()).unwrap_or(u64::MAX);
    let characters = usize::try_from(millis / CHARACTER_MS).unwrap_or(usize::MAX);
    if characters >= text.chars().count() {
        return None;
    }
    let reached = text.char_indices().nth(characters).map(|(at, _)| at)?;
    let (before, _) = text.split_at_checked(reached)?;
    let word = before.rfind(' ').map_or(0, |at| at.saturating_add(1));
    text.get(word..).filter(|rest| !rest.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(text: &str) -> Job {
        Job::new(ForTurn::new(
            TurnId::from_wire(1),
            Piece {
                index: 0,
                text: text.to_owned(),
                spoken: text.to_owned(),
            },
        ))
    }

    fn after(millis: usize, format: AudioFormat) -> Option<String> {
        let mut job = job("We are open from nine to five.");
        job.hear(match format {
            AudioFormat::Browser => millis * 48,
            AudioFormat::Telephone => millis * 8,
        });
        job.broken(format).map(|job| job.text)
    }

    #[test]
    fn another_way_goes_on_at_the_word_where_this_one_stopped() {
        for format in [AudioFormat::Browser, AudioFormat::Telephone] {
            for (millis, rest) in [
                (20, Some("We are open from nine to five.")),
                (400, Some("are open from nine to five.")),
                (1_200, Some("nine to five.")),
                (1_900, Some("five.")),
                (1_950, None),
                (5_000, None),
            ] {
                assert_eq!(after(millis, format).as_deref(), rest, "{millis}");
            }
        }
    }

    #[test]
    fn what_has_not_sounded_is_said_whole_and_counted() {
        let once = job("Hello.").broken(AudioFormat::Browser).unwrap();
        let twice = once.broken(AudioFormat::Browser).unwrap();
        assert_eq!((twice.text.as_str(), twice.failures), ("Hello.", 2));
        assert!(job("Hello.").is_whole() && !twice.is_whole());
    }

    #[test]
    fn a_word_that_never_ends_is_given_up() {
        let mut job = job("Hello.");
        for failures in 1..=MOST_FAILURES {
            job.hear(960);
            job = job.broken(AudioFormat::Browser).unwrap();
            assert_eq!((job.text.as_str(), job.failures), ("Hello.", failures));
        }
        assert!(job.has_failed(Timestamp::ZERO));
    }

    #[test]
    fn each_way_fails_before_the_last_is_tried() {
        for has_spare in [false, true] {
            let mut job = job("Hello.");
            let mut ways = Vec::new();
            while job.failures < MOST_FAILURES {
                ways.push(job.way(has_spare));
                job = job.broken(AudioFormat::Browser).unwrap();
            }
            let last = if has_spare { Way::Spare } else { Way::Socket };
            assert_eq!(ways, [Way::Socket, Way::Request, last]);
        }
    }

    #[test]
    fn a_long_text_is_halved_between_words() {
        let [first, second] = job("We are open from nine.").halves().unwrap();
        assert_eq!(
            (first.text.as_str(), second.text.as_str()),
            ("We are open", "from nine.")
        );
        assert!(first.is_part && !second.is_part);
        assert_eq!(job("Hello.").halves(), None);
    }
}
