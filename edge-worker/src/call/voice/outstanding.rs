//! The pieces that the voice's socket has been given and has not completed, oldest first.
//!
//! The socket's protocol keeps the same order, so its sound and its news are always of the oldest piece, and a refusal is of the newest.
//! What is recorded of a piece lives and dies with it here.

use std::collections::VecDeque;

use voice_core::turn::TurnId;

use super::job::Job;
use crate::call::phrases::Recording;
use crate::providers::AudioFormat;

#[derive(Debug, Default)]
pub(super) struct Outstanding(VecDeque<Given>);

#[derive(Debug)]
struct Given {
    job: Job,
    recording: Option<Recording>,
}

/// What a piece comes to when its socket is lost.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// All of it was said.
    Done(TurnId),
    /// It is to be said another way, or its rest.
    ToSay(Job),
}

impl Outstanding {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A piece was given to the socket; it is recorded if there is something to record it in.
    pub(super) fn give(&mut self, job: Job, recording: Option<Recording>) {
        self.0.push_back(Given { job, recording });
    }

    /// Sound came.
    pub(super) fn hear(&mut self, turn: TurnId, sound: &[u8]) {
        if let Some(oldest) = self.0.front_mut().filter(|given| given.job.turn() == turn) {
            oldest.job.hear(sound.len());
            if let Some(recording) = &mut oldest.recording {
                recording.hear(sound);
            }
        }
    }

    /// The oldest piece is complete; gives what was recorded of it, and whether more of the piece follows.
    pub(super) fn complete(&mut self, turn: TurnId) -> (Option<Recording>, bool) {
        let done = self.0.pop_front_if(|given| given.job.turn() == turn);
        done.map_or((None, false), |done| (done.recording, done.job.is_part))
    }

    /// The newest piece was refused; gives it back.
    pub(super) fn refuse(&mut self) -> Option<Job> {
        self.0.pop_back().map(|refused| refused.job)
    }

    /// Nothing of this turn, and of those before it, is wanted any more.
    pub(super) fn cancel(&mut self, turn: TurnId) {
        self.0.retain(|given| given.job.turn() > turn);
    }

    /// The socket is gone; gives what it left, newest first. What was recorded is not whole and goes.
    pub(super) fn lose(&mut self, format: AudioFormat) -> impl Iterator<Item = Left> + use<> {
        let given = std::mem::take(&mut self.0).into_iter().rev();
        given.map(move |given| {
            let turn = given.job.turn();
            given
                .job
                .broken(format)
                .map_or(Left::Done(turn), Left::ToSay)
        })
    }
}

#[cfg(test)]
mod tests {
    use voice_core::conversation::Piece;
    use voice_core::turn::ForTurn;

    use super::*;
    use crate::call::phrases::{Key, find};

    fn key(text: &str) -> Key {
        Key {
            voice: "outstanding".to_owned(),
            format: "linear16/24000",
            text: text.to_owned(),
        }
    }

    fn turn(number: u32) -> TurnId {
        TurnId::from_wire(number)
    }

    fn job(number: u32, text: &str) -> Job {
        Job::new(ForTurn::new(
            turn(number),
            Piece {
                index: 0,
                text: text.to_owned(),
                spoken: text.to_owned(),
            },
        ))
    }

    fn give(outstanding: &mut Outstanding, number: u32, text: &str) {
        outstanding.give(job(number, text), Some(Recording::new(key(text))));
    }

    fn complete(outstanding: &mut Outstanding, number: u32) {
        if let (Some(recording), _) = outstanding.complete(turn(number)) {
            recording.keep(<[u8]>::to_vec);
        }
    }

    fn kept(text: &str) -> Option<Vec<u8>> {
        find(&key(text)).map(|sound| sound.to_vec())
    }

    #[test]
    fn a_recording_holds_its_own_piece_and_nothing_else() {
        let mut outstanding = Outstanding::default();
        outstanding.give(job(1, "Unknown."), None);
        give(&mut outstanding, 1, "First.");
        give(&mut outstanding, 1, "Second.");
        outstanding.hear(turn(1), &[9]);
        complete(&mut outstanding, 1);
        outstanding.hear(turn(1), &[1]);
        outstanding.hear(turn(1), &[2]);
        complete(&mut outstanding, 1);
        outstanding.hear(turn(1), &[3]);
        assert_eq!(kept("First."), Some(vec![1, 2]));
        assert_eq!(kept("Second."), None, "it is not complete");
        complete(&mut outstanding, 1);
        assert_eq!(kept("Second."), Some(vec![3]));
        assert!(outstanding.is_empty());
    }

    #[test]
    fn what_was_cut_is_not_kept_and_its_sound_not_the_next_ones() {
        let mut outstanding = Outstanding::default();
        give(&mut outstanding, 1, "Cut.");
        outstanding.hear(turn(1), &[1]);
        outstanding.cancel(turn(1));
        give(&mut outstanding, 2, "After the cut.");
        outstanding.hear(turn(1), &[1]);
        complete(&mut outstanding, 1);
        outstanding.hear(turn(2), &[2]);
        complete(&mut outstanding, 2);
        assert_eq!(kept("Cut."), None);
        assert_eq!(kept("After the cut."), Some(vec![2]));
    }

    #[test]
    fn a_refusal_is_of_the_newest() {
        let mut outstanding = Outstanding::default();
        give(&mut outstanding, 1, "Taken.");
        give(&mut outstanding, 1, "Refused.");
        outstanding.hear(turn(1), &[1]);
        assert_eq!(outstanding.refuse(), Some(job(1, "Refused.")));
        outstanding.hear(turn(1), &[2]);
        complete(&mut outstanding, 1);
        assert_eq!(kept("Taken."), Some(vec![1, 2]));
        assert_eq!((kept("Refused."), outstanding.refuse()), (None, None));
    }

    #[test]
    fn a_lost_socket_leaves_what_has_not_sounded() {
        let mut outstanding = Outstanding::default();
        give(&mut outstanding, 3, "Said.");
        give(&mut outstanding, 3, "Waiting.");
        give(&mut outstanding, 4, "Behind.");
        outstanding.hear(turn(3), &[1; 48_000]);
        let left: Vec<Left> = outstanding.lose(AudioFormat::Browser).collect();
        let to_say =
            |number, text| Left::ToSay(job(number, text).broken(AudioFormat::Browser).unwrap());
        assert_eq!(
            left,
            [
                to_say(4, "Behind."),
                to_say(3, "Waiting."),
                Left::Done(turn(3))
            ]
        );
        assert_eq!(kept("Said."), None);
        assert!(outstanding.is_empty());
    }
}
