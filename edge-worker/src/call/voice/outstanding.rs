//! The pieces that the voice's socket has been given and has not completed, oldest first.
//!
//! The socket's protocol keeps the same order, so its sound and its news are always of the oldest piece, and a refusal is of the newest.
//! What is recorded of a piece lives and dies with it here.

use std::collections::VecDeque;

use voice_core::conversation::Piece;
use voice_core::turn::{ForTurn, TurnId};

use crate::call::phrases::Recording;

#[derive(Debug, Default)]
pub(super) struct Outstanding(VecDeque<Given>);

#[derive(Debug)]
struct Given {
    piece: ForTurn<Piece>,
    has_sounded: bool,
    recording: Option<Recording>,
}

/// What a piece comes to when its socket is lost.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// It had begun to sound. It counts as done.
    CutShort(TurnId),
    /// It can be spoken another way.
    Unspoken(ForTurn<Piece>),
}

impl Outstanding {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A piece was given to the socket; it is recorded if there is something to record it in.
    pub(super) fn give(&mut self, piece: ForTurn<Piece>, recording: Option<Recording>) {
        self.0.push_back(Given {
            piece,
            has_sounded: false,
            recording,
        });
    }

    /// Sound came.
    pub(super) fn hear(&mut self, turn: TurnId, sound: &[u8]) {
        if let Some(oldest) = self
            .0
            .front_mut()
            .filter(|given| given.piece.turn() == turn)
        {
            oldest.has_sounded = true;
            if let Some(recording) = &mut oldest.recording {
                recording.hear(sound);
            }
        }
    }

    /// The oldest piece is complete; gives what was recorded of it.
    pub(super) fn complete(&mut self, turn: TurnId) -> Option<Recording> {
        let done = self.0.pop_front_if(|given| given.piece.turn() == turn)?;
        done.recording
    }

    /// The newest piece was refused; gives it back.
    pub(super) fn refuse(&mut self) -> Option<ForTurn<Piece>> {
        self.0.pop_back().map(|refused| refused.piece)
    }

    /// Nothing of this turn, and of those before it, is wanted any more.
    pub(super) fn cancel(&mut self, turn: TurnId) {
        self.0.retain(|given| given.piece.turn() > turn);
    }

    /// The socket is gone; gives what it left, newest first. What was recorded is not whole and goes.
    pub(super) fn lose(&mut self) -> impl Iterator<Item = Left> + use<> {
        std::mem::take(&mut self.0).into_iter().rev().map(|given| {
            if given.has_sounded {
                Left::CutShort(given.piece.turn())
            } else {
                Left::Unspoken(given.piece)
            }
        })
    }
}

#[cfg(test)]
mod tests {
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

    fn piece(number: u32, text: &str) -> ForTurn<Piece> {
        ForTurn::new(
            turn(number),
            Piece {
                index: 0,
                text: text.to_owned(),
                spoken: text.to_owned(),
            },
        )
    }

    fn give(outstanding: &mut Outstanding, number: u32, text: &str) {
        outstanding.give(piece(number, text), Some(Recording::new(key(text))));
    }

    fn complete(outstanding: &mut Outstanding, number: u32) {
        if let Some(recording) = outstanding.complete(turn(number)) {
            recording.keep(<[u8]>::to_vec);
        }
    }

    fn kept(text: &str) -> Option<Vec<u8>> {
        find(&key(text)).map(|sound| sound.to_vec())
    }

    #[test]
    fn a_recording_holds_its_own_piece_and_nothing_else() {
        let mut outstanding = Outstanding::default();
        outstanding.give(piece(1, "Unknown."), None);
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
        assert_eq!(outstanding.refuse(), Some(piece(1, "Refused.")));
        outstanding.hear(turn(1), &[2]);
        complete(&mut outstanding, 1);
        assert_eq!(kept("Taken."), Some(vec![1, 2]));
        assert_eq!((kept("Refused."), outstanding.refuse()), (None, None));
    }

    #[test]
    fn a_lost_socket_leaves_what_has_not_sounded() {
        let mut outstanding = Outstanding::default();
        give(&mut outstanding, 3, "Begun.");
        give(&mut outstanding, 3, "Waiting.");
        give(&mut outstanding, 4, "Behind.");
        outstanding.hear(turn(3), &[1]);
        let left: Vec<Left> = outstanding.lose().collect();
        assert_eq!(
            left,
            [
                Left::Unspoken(piece(4, "Behind.")),
                Left::Unspoken(piece(3, "Waiting.")),
                Left::CutShort(turn(3))
            ]
        );
        assert_eq!(kept("Begun."), None);
        assert!(outstanding.is_empty());
    }
}
