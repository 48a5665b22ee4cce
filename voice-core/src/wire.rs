//! What the browser and the edge say to each other.
//!
//! Control is JSON text, one closed union in each direction; sound is [`audio`], a binary frame that names its
//! kind, turn and sequence. `docs/protocol.md` shows each message; a test keeps it true.

pub mod audio;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::turn::TurnId;

/// Raised when either union or the binary frame changes in a way the other side cannot ignore.
pub const PROTOCOL_VERSION: u32 = 1;

/// The longest text message either side accepts, in bytes. The longest honest one, a caption, is bounded by
/// the model's answer and stays far below.
pub const MAX_TEXT: usize = 16 * 1024;

/// How long a call waits for a browser whose line was lost.
pub const RESUME_WITHIN: Duration = Duration::from_secs(30);

/// How much of the caller's sound a browser keeps for a line that takes the place of a lost one.
pub const KEPT_SOUND: Duration = Duration::from_secs(5);

/// How often the edge asks a browser whether it is there.
pub const PING_EVERY: Duration = Duration::from_secs(2);

/// A line on which the other side says nothing for so long is lost: two pings in a row. It is less than [`KEPT_SOUND`], so that what was said
/// into a dead line is not lost with it.
pub const LINE_LOST_AFTER: Duration = Duration::from_secs(4);

/// From the browser to the edge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    /// The first message: which protocol the browser speaks.
    Hello { protocol: u32 },
    /// The first message on a line that takes the place of a lost one: the newest turn whose voice has arrived, and how many samples of it.
    Reconnected {
        protocol: u32,
        turn: TurnId,
        samples: u64,
    },
    /// The local detector heard the caller begin to speak.
    SpeechStarted,
    /// The local detector heard the caller stop, `silence_ms` ago: its hangover, so that the edge can date the last sound.
    SpeechEnded { silence_ms: u32 },
    /// Playback paused by itself because the caller spoke; `samples` of the turn had been played.
    Paused { turn: TurnId, samples: u64 },
    /// Progress: `samples` of the turn's voice (at 24 kHz, counted from its first) have been played.
    Played { turn: TurnId, samples: u64 },
    /// A `flush` was carried out: what was played of the turn and what was thrown away.
    Flushed {
        turn: TurnId,
        samples: u64,
        discarded: u64,
    },
    /// The answer to `ping`.
    Pong { id: u32 },
    /// The caller pressed "end".
    HangUp,
}

/// From the edge to the browser.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// The call is open. Whoever shows `resume` within [`RESUME_WITHIN`] of losing the line goes on with it.
    Welcome {
        protocol: u32,
        call: String,
        resume: String,
    },
    /// The call goes on. The browser sends its microphone's frames from this number on, as far as it has kept them.
    Reconnected { microphone: u32 },
    /// The conversation moved to a new state, and why.
    State {
        state: Phase,
        turn: TurnId,
        reason: String,
    },
    /// Words: the caller's as recognised, hers as they are sent. Hers begin to sound at `from_sample` of the turn's voice.
    Caption {
        speaker: Speaker,
        turn: TurnId,
        text: String,
        #[serde(rename = "final")]
        is_final: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from_sample: Option<u64>,
    },
    /// Her reply was cut: `heard` is all that the caller heard of it.
    Cut { turn: TurnId, heard: String },
    /// Throw away all voice of `turn` and of every turn before it, now and whenever it arrives.
    Flush { turn: TurnId },
    /// The interruption was false: play on from where playback paused.
    Resume { turn: TurnId },
    /// How a finished turn went.
    Report(crate::latency::TurnReport),
    /// Answer with `pong`.
    Ping { id: u32 },
    /// The call is over.
    Ended { outcome: Outcome },
    /// The edge refuses to go on; it closes the socket next.
    Error { code: RefusalCode, message: String },
}

/// The owner's table of states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Idle,
    Listening,
    Processing,
    Speaking,
    Interrupted,
    Ended,
}

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    Agent,
    Caller,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// She said goodbye and it was heard.
    Completed,
    /// The caller hung up or the page was closed.
    HungUp,
    /// Nobody spoke for too long.
    Silent,
    /// The ceiling on a call's length was reached.
    TooLong,
    /// The caller was put through to a person.
    Transferred,
    /// The recogniser, the model or the voice failed beyond help.
    Failed,
    /// The browser broke the protocol, or there was no room for the call.
    Refused,
}

/// Why the edge refuses a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// Text that is not a message, or a message out of place.
    BadMessage,
    /// A binary frame whose size, kind or version is wrong.
    BadFrame,
    /// A message longer than the limit.
    TooLarge,
    /// Another protocol version.
    Version,
    /// More audio than real time allows.
    TooFast,
    /// The edge itself cannot serve the call.
    Unavailable,
}

/// Why a message or frame was refused at the border.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("the message is longer than {MAX_TEXT} bytes")]
    TooLong,
    #[error("the text is not a message of this protocol")]
    NotAMessage,
    #[error("a frame of {0} bytes: too short for its header, or half a sample")]
    Size(usize),
    #[error("unknown kind of frame {0}")]
    Kind(u8),
    #[error("frame version {0}, but this side speaks {PROTOCOL_VERSION}")]
    Version(u8),
    #[error("{0} samples in one frame")]
    Samples(usize),
}

impl ClientMessage {
    /// Reads one text message.
    pub fn parse(text: &str) -> Result<Self, WireError> {
        parse(text)
    }
}

impl ServerMessage {
    /// Reads one text message.
    pub fn parse(text: &str) -> Result<Self, WireError> {
        parse(text)
    }
}

fn parse<'a, M: Deserialize<'a>>(text: &'a str) -> Result<M, WireError> {
    if text.len() > MAX_TEXT {
        return Err(WireError::TooLong);
    }
    serde_json::from_str(text).map_err(|_| WireError::NotAMessage)
}
