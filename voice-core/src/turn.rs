//! Turns, and why the sound of one that is over can never be played.
//!
//! A [`TurnId`] only grows and only the conversation mints one. Everything that belongs to a turn carries
//! its id from birth as a [`ForTurn`], which can be moved along or opened but never re-labelled. Every hop
//! holds a [`TurnGate`] and asks it first, before any bookkeeping.

use serde::{Deserialize, Serialize};

/// One exchange: from the caller's first word to the end of the reply. Zero is "before the first turn".
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct TurnId(u32);

impl TurnId {
    /// The id nothing is ever born under.
    pub const NONE: Self = Self(0);

    /// An id read off a wire. Only the border makes ids this way; inside, the conversation mints them.
    #[must_use]
    pub const fn from_wire(number: u32) -> Self {
        Self(number)
    }

    /// The number as written on a wire.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The turn after this one. A call would need 2³² turns to stand still here.
    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A value and the turn it was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForTurn<T> {
    turn: TurnId,
    value: T,
}

impl<T> ForTurn<T> {
    /// Stamps a value at its birth.
    #[must_use]
    pub const fn new(turn: TurnId, value: T) -> Self {
        Self { turn, value }
    }

    /// The turn the value was made for.
    #[must_use]
    pub const fn turn(&self) -> TurnId {
        self.turn
    }

    /// The value, whatever became of its turn. For logs and for borders that write the id beside it.
    #[must_use]
    pub const fn as_ref(&self) -> ForTurn<&T> {
        ForTurn {
            turn: self.turn,
            value: &self.value,
        }
    }

    /// The value, if its turn is the current one.
    #[must_use]
    pub fn if_current(self, current: TurnId) -> Option<T> {
        (self.turn == current).then_some(self.value)
    }

    /// Another value of the same turn.
    #[must_use]
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> ForTurn<U> {
        ForTurn {
            turn: self.turn,
            value: make(self.value),
        }
    }

    /// Both halves, for a border that writes them beside each other.
    #[must_use]
    pub fn into_parts(self) -> (TurnId, T) {
        (self.turn, self.value)
    }
}

/// A floor that only rises: everything of a turn at or below it is over.
#[derive(Clone, Copy, Debug, Default)]
pub struct TurnGate {
    over: TurnId,
}

impl TurnGate {
    /// Whether something of `turn` may still pass.
    #[must_use]
    pub fn admits(&self, turn: TurnId) -> bool {
        turn > self.over
    }

    /// Ends `turn` and every turn before it.
    pub fn close(&mut self, turn: TurnId) {
        self.over = self.over.max(turn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_only_rises() {
        let mut gate = TurnGate::default();
        assert!(!gate.admits(TurnId::NONE));
        gate.close(TurnId(3));
        gate.close(TurnId(1));
        assert!(!gate.admits(TurnId(3)));
        assert!(gate.admits(TurnId(4)));
    }

    #[test]
    fn a_value_opens_only_in_its_own_turn() {
        let word = ForTurn::new(TurnId(2), "hello");
        assert_eq!(word.if_current(TurnId(2)), Some("hello"));
        assert_eq!(word.if_current(TurnId(3)), None);
    }
}
