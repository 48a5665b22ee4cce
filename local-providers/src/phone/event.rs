//! What happened on a call, as the far end saw it.

use std::fmt;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Milliseconds on the call's timeline, which begins when the webhook request is sent. A message of the worker's has the
    /// moment at which it takes effect, so after the network's delay.
    pub at_ms: f64,
    pub kind: EventKind,
}

/// What it was.
#[derive(Clone, Debug, PartialEq)]
pub enum EventKind {
    /// `clear` came: so many samples were never played.
    ClearReceived {
        discarded: u64,
    },
    /// The media socket is closed; 1006 when it was lost.
    Closed {
        code: u16,
        by: Side,
    },
    /// Nothing comes after it: every callback has been answered.
    Ended {
        how: How,
    },
    MarkReceived {
        name: String,
    },
    /// `by_clear`: because the buffer was emptied, which proves nothing about what was heard.
    MarkReturned {
        name: String,
        by_clear: bool,
    },
    /// Sound came: the `message`-th of the call, after which `buffered_ms` wait to be played.
    Media {
        message: u64,
        samples: u64,
        buffered_ms: f64,
    },
    /// The caller pressed a key.
    Pressed {
        digit: char,
    },
    /// Somebody asked Twilio to change the call, and was answered with this status.
    Rest {
        request: String,
        status: u16,
    },
    /// The caller speaks, from when to when.
    Said {
        from_ms: f64,
        to_ms: f64,
    },
    /// The status callback was answered; 0 when it could not be delivered.
    StatusAnswered {
        status: u16,
    },
    /// `stop` was sent.
    Stopped,
    /// The media socket is open; `connected` and `start` have been sent.
    StreamOpened {
        stream_sid: String,
    },
    /// An instruction other than `Connect` begins.
    Verb(Spoken),
    /// What Twilio's debugger would show.
    Warning {
        code: u32,
        reason: String,
    },
    /// The webhook, or a redirection, was answered.
    WebhookAnswered {
        status: u16,
        twiml: String,
    },
}

/// An instruction that the caller notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spoken {
    Dial { number: String },
    Hangup,
    Pause,
    Redirect { url: String },
    Say { text: String },
}

/// Who closed the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Nobody: the connection was lost.
    Network,
    Twilio,
    Worker,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The webhook gave nothing that can be done. Callers hear that an application error has occurred.
    ApplicationError,
    CallerHungUp,
    CompletedByRest,
    /// The instructions were used up.
    EndOfTwiml,
    Hangup,
}

/// When the caller speaks, in milliseconds on the call's timeline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpanOnTimeline {
    pub from_ms: f64,
    pub to_ms: f64,
}

/// A stretch of the agent's voice as it was played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Played {
    pub from_ms: f64,
    /// Without those that a `clear` took.
    pub samples: u64,
    /// Which media message it came in, counted from 1; 0 for what Twilio says by itself.
    pub message: u64,
    /// How long the buffer had been dry before it: 0 within gapless sound.
    pub dry_ms: f64,
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClearReceived { discarded } => {
                write!(f, "clear: {:.0} ms unplayed", millis(*discarded))
            }
            Self::Closed { code, by } => {
                write!(f, "media socket closed with {code} by {by:?}")
            }
            Self::Ended { how } => write!(f, "call over: {how:?}"),
            Self::MarkReceived { name } => write!(f, "mark {name} received"),
            Self::MarkReturned { name, by_clear } => {
                let why = if *by_clear { "cleared" } else { "played" };
                write!(f, "mark {name} returned: {why}")
            }
            Self::Media {
                message,
                samples,
                buffered_ms,
            } => write!(
                f,
                "media {message}: {:.0} ms, {buffered_ms:.0} ms buffered",
                millis(*samples)
            ),
            Self::Pressed { digit } => write!(f, "caller presses {digit}"),
            Self::Rest { request, status } => write!(f, "REST {request}: {status}"),
            Self::Said { from_ms, to_ms } => {
                write!(f, "caller speaks for {:.0} ms", to_ms - from_ms)
            }
            Self::StatusAnswered { status } => write!(f, "status callback: {status}"),
            Self::Stopped => write!(f, "stop sent"),
            Self::StreamOpened { stream_sid } => write!(f, "media stream {stream_sid} open"),
            Self::Verb(Spoken::Dial { number }) => write!(f, "TwiML: dial {number}"),
            Self::Verb(Spoken::Hangup) => write!(f, "TwiML: hang up"),
            Self::Verb(Spoken::Pause) => write!(f, "TwiML: pause"),
            Self::Verb(Spoken::Redirect { url }) => write!(f, "TwiML: redirect to {url}"),
            Self::Verb(Spoken::Say { text }) => write!(f, "TwiML: say {text:?}"),
            Self::Warning { code, reason } => write!(f, "warning {code}: {reason}"),
            Self::WebhookAnswered { status, .. } => write!(f, "webhook answered {status}"),
        }
    }
}

/// The length of so many samples at 8 kHz.
pub(crate) fn millis(samples: u64) -> f64 {
    samples as f64 / 8.0
}
