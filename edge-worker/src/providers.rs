//! Vendors as translations: our words to their frames, their frames to our words. Nothing here holds a socket.

mod deepgram;
pub mod deepgram_flux;
pub mod deepgram_stt;
pub mod deepgram_tts;
pub mod groq_llm;
pub(crate) mod socket;
mod sse;
pub mod workers_ai;

use std::time::Duration;

use voice_core::time::Timestamp;
use voice_core::transcript::Recognition;
use voice_core::turn::{ForTurn, TurnId};

/// Where to connect, and what to say in the request that does so. The headers hold a key: never log them.
pub struct Handshake {
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
}

/// An HTTP request with a JSON body.
pub struct HttpRequest {
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// One WebSocket message, either way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    Text(String),
    Binary(Vec<u8>),
}

impl Frame {
    /// Bytes of payload.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Binary(bytes) => bytes.len(),
            Self::Text(text) => text.len(),
        }
    }

    /// Whether there is no payload at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Which sound a call has on its wires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudioFormat {
    /// 16-bit little-endian samples, 16 kHz from the microphone and 24 kHz to the ear.
    Browser,
    /// G.711 μ-law at 8 kHz both ways: the telephone's own, so that nothing is converted on its way.
    Telephone,
}

/// Why a vendor refused a connection, or a request for speech. The reason holds a status and the vendor's code,
/// never the vendor's sentence: that may quote what was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Overloaded, over a limit, or broken for now: later or elsewhere it may work.
    Busy { reason: String },
    /// Nothing will help (a wrong key, an unknown model, no credit).
    Hopeless { reason: String },
    /// The text is longer than the vendor takes.
    TooLong,
}

/// What a recogniser's socket told us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecogniserEvent {
    Heard(Recognition),
    /// The utterance that was likely to end goes on.
    Resumed,
    UtteranceEnd,
    /// The vendor reports an error on an open socket, which is of no use any more.
    Failed(String),
}

/// What a recogniser's socket leaves behind when it is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Words of an utterance that it leaves open, which no other socket will tell.
    pub words: Option<String>,
    /// Up to here its sound has been told of for good. The rest is another socket's to hear.
    pub told: Duration,
}

/// A streaming recogniser's wire format.
pub trait RecogniserProtocol {
    fn handshake(&self) -> Handshake;
    /// How much sound makes a message.
    fn message_length(&self) -> Duration;
    fn audio(&mut self, pcm: &[u8]) -> Option<Frame>;
    /// Asks for a decision on what was heard. None: the vendor decides by itself.
    fn finalize(&mut self) -> Option<Frame>;
    /// How long no audio may be sent before a sign of life is due.
    fn keep_alive_every(&self) -> Duration;
    /// What to send when no audio has been sent for that long.
    fn keep_alive(&mut self) -> Option<Frame>;
    /// How long the vendor may say nothing now, while sound flows. Whoever owns the clock replaces a socket that is silent for longer.
    /// None: as long as it likes.
    fn owes_news_within(&self) -> Option<Duration> {
        None
    }
    /// The socket is lost. Of the sound that it was given, another one can be given what came after `from`.
    fn give_up(&mut self, from: Duration) -> Left;
    fn close(&mut self) -> Option<Frame>;
    fn decode(&mut self, frame: Frame) -> Result<Option<RecogniserEvent>, ProtocolError>;
}

/// What became of a request to speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Speak {
    /// Send these. None at all means that there is nothing to pronounce: the piece is done already.
    Frames(Vec<Frame>),
    /// The socket's limits do not allow it now: use REST for this piece.
    UseRest,
}

/// What a voice's socket told us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VoiceEvent {
    /// Whole samples in the format the voice was asked for.
    Audio(ForTurn<Vec<u8>>),
    /// The oldest piece asked for under this turn is complete.
    PieceDone(TurnId),
    /// The *newest* piece asked for under this turn was refused (a limit): it must be spoken another way, after those before it.
    PieceRefused(TurnId),
    Failed(String),
}

/// A streaming voice's wire format.
pub trait VoiceProtocol {
    fn handshake(&self) -> Handshake;
    fn speak(&mut self, now: Timestamp, piece: ForTurn<&str>) -> Speak;
    /// Forgets every piece of this turn and of those before it; none of their sound is told of any more.
    fn cancel(&mut self, turn: TurnId) -> Vec<Frame>;
    /// Whether sound is being dropped until the vendor confirms a cancellation. One that never does leaves the voice
    /// dumb: whoever owns the clock puts a time-out on this and replaces the socket.
    fn is_fenced(&self) -> bool;
    fn close(&mut self) -> Option<Frame>;
    fn decode(&mut self, frame: Frame) -> Result<Vec<VoiceEvent>, ProtocolError>;
}

/// What an answer of the model cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub tokens_in: u32,
    pub tokens_out: u32,
}

/// What the model's stream told us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelEvent {
    Token(String),
    ToolCall {
        id: String,
        name: String,
        arguments: String,
    },
    /// The stream ended as it should.
    Done,
    Failed(ModelFailure),
}

/// Why the model gave no (whole) answer, by what can be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelFailure {
    /// The model is gone or overloaded: ask another one.
    TryAnother { reason: String },
    /// The same request may succeed after a while (milliseconds).
    RetryAfter { millis: u32, reason: String },
    /// The prompt is too long: shorten it.
    TooLong,
    /// Nothing will help (a wrong key, a malformed request).
    Hopeless { reason: String },
}

/// A vendor's message that could not be read. Never holds the message itself: it may be somebody's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{vendor}: {what}")]
pub struct ProtocolError {
    pub vendor: &'static str,
    pub what: &'static str,
}
