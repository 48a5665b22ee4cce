//! What a conversation is told, and what it wants.

use std::time::Duration;

use super::{Exchange, Piece, Sound};
use crate::prompt::Prompt;
use crate::time::Timestamp;
use crate::tools::{Answer, Call};
use crate::transcript::Recognition;
use crate::turn::{ForTurn, TurnId};
use crate::wire::{Outcome, ServerMessage};

/// A fact from outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The caller is about to be connected: there is time to make the greeting.
    Ringing,
    /// The caller is connected.
    CallStarted,
    /// The caller hung up, or went away.
    CallerLeft,
    /// The handset hears the caller's voice.
    SpeechStarted,
    /// The handset has heard nothing for so long.
    SpeechEnded { silence: Duration },
    /// The handset paused by itself, so many samples into the reply.
    Paused(ForTurn<u64>),
    /// So many samples of the reply have been played.
    Played(ForTurn<u64>),
    /// A flush was carried out, so many samples into the reply.
    Flushed(ForTurn<u64>),
    /// The recogniser reports words.
    Heard(Recognition),
    /// The recogniser reports a gap after the last word.
    Gap,
    /// The recogniser takes back that the utterance was likely to end: the caller goes on.
    Resumed,
    /// The caller pressed a key of the telephone: `0` to `9`, `*` or `#`.
    Digit(char),
    /// The recogniser is gone for good.
    RecogniserLost,
    /// The line to the caller is lost. They may come back.
    Away,
    /// The caller is back: the newest turn whose voice arrived at their end, and how many samples of it.
    Back(ForTurn<u64>),
    /// Safe Mode holds, or does not any more.
    SafeMode(bool),
    /// A word of the model.
    Token(ForTurn<String>),
    /// The model wants something done.
    ToolCall(ForTurn<Call>),
    /// What came of an [`Output::Run`].
    Answered(ForTurn<Answer>),
    /// The model has finished.
    TextDone(ForTurn<()>),
    /// Sound of the oldest unfinished piece.
    Voiced(ForTurn<Sound>),
    /// The oldest unfinished piece is voiced to its end.
    PieceDone(ForTurn<()>),
    /// The model or the voice gave up.
    Failed(ForTurn<Fault>),
    /// The moment asked for by [`Output::Timeout`] has come.
    Timeout,
}

/// Which provider failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Model,
    Voice,
}

/// An intention.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Ask the model.
    Ask(ForTurn<Prompt>),
    /// Keep what the caller has said to open this turn, until it is recorded; nothing if it was taken back.
    Open(ForTurn<String>),
    /// Withdraw everything asked for under this turn: model, voice, sound on its way.
    Cancel(TurnId),
    /// Ask the recogniser to decide on what it has heard.
    Finalize,
    /// All sound of this piece has been given out by [`Output::Play`].
    Mark(ForTurn<u32>),
    /// Send this sound to the handset.
    Play(ForTurn<Sound>),
    /// Keep this finished turn, before anybody is told of it.
    Record(Exchange),
    /// Have the business do this, once. It is carried out even if the turn is over before it is done.
    Run(ForTurn<Call>),
    /// Have this piece voiced.
    Say(ForTurn<Piece>),
    /// Tell the handset.
    Transmit(ServerMessage),
    /// Close the call.
    HangUp(Outcome),
    /// Nothing is left to do until a fact arrives, or this moment.
    Timeout(Option<Timestamp>),
}

impl Input {
    /// The turn that this is a fact of the model or the voice for.
    pub(super) const fn work(&self) -> Option<TurnId> {
        match self {
            Self::Failed(fault) => Some(fault.turn()),
            Self::PieceDone(done) | Self::TextDone(done) => Some(done.turn()),
            Self::Token(token) => Some(token.turn()),
            Self::ToolCall(call) => Some(call.turn()),
            Self::Voiced(sound) => Some(sound.turn()),
            _ => None,
        }
    }
}

impl Output {
    /// The turn whose end makes this intention pointless.
    pub(super) fn turn(&self) -> Option<TurnId> {
        match self {
            Self::Ask(prompt) => Some(prompt.turn()),
            Self::Mark(piece) => Some(piece.turn()),
            Self::Play(sound) => Some(sound.turn()),
            Self::Say(piece) => Some(piece.turn()),
            _ => None,
        }
    }
}
