//! How much one voice socket may be asked for, counted here so that the vendor never has to refuse.

use std::collections::VecDeque;
use std::time::Duration;

use voice_core::time::Timestamp;

/// Flushes on one connection in a window (Deepgram docs: tts-ws-flush). The next one is dropped.
const FLUSHES: usize = 20;

/// Characters in one `Speak`.
const CHARACTERS_A_MESSAGE: usize = 2_000;

/// Characters on one connection in a window; above, the vendor closes the socket.
const CHARACTERS: usize = 2_400;

/// The vendor's window is 60 s by its documentation, yet a socket over the limit was seen to recover after about 64. Counting to 64
/// also absorbs flushes that a network brings closer together than they were sent.
const WINDOW: Duration = Duration::from_secs(64);

/// What was asked for within the window.
#[derive(Default)]
pub(super) struct Limits {
    /// When each flush was sent, with how many characters; oldest first.
    spoken: VecDeque<(Timestamp, usize)>,
    blocked_until: Option<Timestamp>,
}

impl Limits {
    /// Takes a piece of this many characters, if the limits allow it now.
    pub(super) fn take(&mut self, now: Timestamp, characters: usize) -> bool {
        while self
            .spoken
            .pop_front_if(|(at, _)| now.since(*at) >= WINDOW)
            .is_some()
        {}
        let sum = self.spoken.iter().fold(characters, |sum, (_, characters)| {
            sum.saturating_add(*characters)
        });
        let is_blocked = self.blocked_until.is_some_and(|until| now < until);
        if is_blocked
            || characters > CHARACTERS_A_MESSAGE
            || sum > CHARACTERS
            || self.spoken.len() >= FLUSHES
        {
            return false;
        }
        self.spoken.push_back((now, characters));
        true
    }

    /// The vendor counts differently and has refused: nothing more until its window has passed.
    pub(super) fn exceeded(&mut self) {
        self.blocked_until = self.spoken.back().map(|(last, _)| *last + WINDOW);
    }
}
