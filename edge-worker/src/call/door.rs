//! How a caller is connected: what the socket's messages mean, and how she is heard there.
//!
//! There are two doors, [`browser`](super::browser) and [`telephone`](super::telephone). The driver's loop is the same behind both.

use futures_util::future::LocalBoxFuture;
use voice_core::conversation::{Input, Sound};
use voice_core::time::Timestamp;
use voice_core::turn::ForTurn;
use voice_core::wire::{Outcome, RefusalCode, ServerMessage};

use crate::providers::Frame;
use crate::providers::socket::Pump;

/// What a message of the caller's socket means.
#[derive(Debug)]
pub(super) enum Received {
    /// The caller's sound, as the recogniser takes it.
    Audio(Vec<u8>),
    Fact(Input),
    /// Nothing to act on.
    Noted,
}

/// Why a caller is refused, in words for a console.
pub(super) type Refusal = (RefusalCode, String);

/// The caller's end of the line.
pub(super) trait Door {
    /// Takes a message of the caller's socket.
    fn receive(&mut self, now: Timestamp, frame: Frame) -> Result<Received, Refusal>;

    /// Has this sound played. Its turn is not over.
    fn play(&mut self, now: Timestamp, sound: ForTurn<Sound>);

    /// All sound of this piece has been given to [`play`](Self::play).
    fn mark(&mut self, now: Timestamp, piece: ForTurn<u32>);

    fn transmit(&mut self, now: Timestamp, message: &ServerMessage);

    /// The next fact that the door itself found out.
    fn poll(&mut self) -> Option<Input>;

    /// When the door wants to be woken.
    fn due(&self) -> Option<Timestamp>;

    /// The time named by [`due`](Self::due) has come.
    fn wake(&mut self, now: Timestamp);

    /// Once a second: is the caller still there? A refusal is for one who never began.
    fn keep_house(&mut self, now: Timestamp) -> Result<Received, Refusal>;

    /// The caller's socket has closed: what that means.
    fn on_closed(&mut self, _code: u16) -> Input {
        Input::CallerLeft
    }

    /// Goes on with the caller on another socket; gives it back if this door cannot.
    fn reconnect(&mut self, _now: Timestamp, socket: Pump) -> Result<(), Pump> {
        Err(socket)
    }

    /// Takes leave of the caller, however long that takes, and closes the socket.
    fn leave(self: Box<Self>, outcome: Outcome) -> LocalBoxFuture<'static, ()>;
}
