//! The messages of a media stream, both ways: JSON text, the sound in base64.
//!
//! Members and events that are not known are passed over, since new ones appear without notice. What cannot be read is
//! an error that says nothing of the message: it may hold what was said.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use serde_json::Value;

use crate::settings::AccountSid;

use super::{CallSid, StreamSid};

/// What the telephone company tells.
#[derive(Clone, PartialEq, Eq)]
pub enum Message {
    /// The first message. It names no stream.
    Connected,
    /// A key was pressed: a digit, `*`, `#` or `A` to `D`.
    Dtmf(char),
    /// The sound before this mark was played, or thrown away by [`clear`].
    Mark(String),
    Media(Media),
    Start(Start),
    Stop,
    /// An event that is none of ours.
    Unknown,
}

/// Keys and sound are what the caller said, and so are not shown.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected => f.write_str("Connected"),
            Self::Dtmf(_) => f.write_str("Dtmf(…)"),
            Self::Mark(name) => write!(f, "Mark({name})"),
            Self::Media(media) => write!(f, "{media:?}"),
            Self::Start(start) => write!(f, "{start:?}"),
            Self::Stop => f.write_str("Stop"),
            Self::Unknown => f.write_str("Unknown"),
        }
    }
}

/// A stretch of the caller's sound.
#[derive(Clone, PartialEq, Eq)]
pub struct Media {
    /// Counts the stream's messages.
    pub sequence: u64,
    /// G.711 µ-law at 8 kHz, usually 20 ms of it.
    pub payload: Vec<u8>,
}

impl fmt::Debug for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Media({}, {} bytes)", self.sequence, self.payload.len())
    }
}

/// Whose stream begins.
#[derive(Clone, PartialEq, Eq)]
pub struct Start {
    pub account: AccountSid,
    pub call: CallSid,
    pub stream: StreamSid,
    /// The parameter `token` of the document that began the stream.
    pub token: Option<String>,
}

impl fmt::Debug for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Start({}, {}, …)", self.call, self.stream)
    }
}

/// Why a message cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    #[error("message of another stream")]
    ForeignStream,
    #[error("malformed message")]
    Malformed,
    #[error("sound that is not 8 kHz mono µ-law")]
    UnsupportedFormat,
}

/// Reads a message. Once it is known which `stream` this is, every message of a stream must be of that one.
pub fn parse(text: &str, stream: Option<&StreamSid>) -> Result<Message, MessageError> {
    let head: Head<'_> = read(text)?;
    let message = match &*head.event {
        "connected" => return Ok(Message::Connected),
        "dtmf" => read::<DtmfMessage>(text)?.check()?,
        "mark" => Message::Mark(read::<MarkMessage>(text)?.mark.name),
        "media" => read::<MediaMessage<'_>>(text)?.check()?,
        "start" => read::<StartMessage<'_>>(text)?.check()?,
        "stop" => Message::Stop,
        _ => return Ok(Message::Unknown),
    };
    // The two names in a start are one.
    let expected = match &message {
        Message::Start(start) => Some(&start.stream),
        _ => stream,
    };
    let Some(Text(named)) = head.stream_sid else {
        return Err(MessageError::Malformed);
    };
    let is_it = |stream: &StreamSid| stream.as_str() == named;
    if !expected.is_none_or(is_it) || !stream.is_none_or(is_it) {
        return Err(MessageError::ForeignStream);
    }
    Ok(message)
}

/// A message that has this sound played after what was sent before.
#[must_use]
pub fn media(stream: &StreamSid, payload: &[u8]) -> String {
    let (head, middle, tail) = (
        r#"{"event":"media","streamSid":""#,
        r#"","media":{"payload":""#,
        r#""}}"#,
    );
    // 50 a second for each call: one allocation, of about the right size.
    let length = [head, stream.as_str(), middle, tail]
        .iter()
        .fold(payload.len().div_ceil(3).saturating_mul(4), |sum, part| {
            sum.saturating_add(part.len())
        });
    let mut text = String::with_capacity(length);
    text.push_str(head);
    text.push_str(stream.as_str());
    text.push_str(middle);
    STANDARD.encode_string(payload, &mut text);
    text.push_str(tail);
    text
}

/// A message that comes back when the sound before it has been played.
#[must_use]
pub fn mark(stream: &StreamSid, name: &str) -> String {
    format!(
        r#"{{"event":"mark","streamSid":"{stream}","mark":{{"name":{}}}}}"#,
        Value::from(name)
    )
}

/// A message that throws away all sound not yet played, and sends every waiting mark back at once.
#[must_use]
pub fn clear(stream: &StreamSid) -> String {
    format!(r#"{{"event":"clear","streamSid":"{stream}"}}"#)
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, MessageError> {
    serde_json::from_str(text).map_err(|_| MessageError::Malformed)
}

/// Text that is borrowed where the message has it without escapes, even as an optional member.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow, rename = "streamSid")]
    stream_sid: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct StartMessage<'a> {
    #[serde(borrow)]
    start: StartBody<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartBody<'a> {
    #[serde(borrow)]
    account_sid: Cow<'a, str>,
    call_sid: CallSid,
    stream_sid: StreamSid,
    #[serde(borrow)]
    media_format: MediaFormat<'a>,
    #[serde(default)]
    custom_parameters: Parameters,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MediaFormat<'a> {
    #[serde(borrow)]
    encoding: Cow<'a, str>,
    sample_rate: Number,
    channels: Number,
}

#[derive(Default, Deserialize)]
struct Parameters {
    token: Option<String>,
}

impl StartMessage<'_> {
    fn check(self) -> Result<Message, MessageError> {
        let Self { start } = self;
        let format = &start.media_format;
        if format.encoding != "audio/x-mulaw"
            || format.sample_rate.0 != 8_000
            || format.channels.0 != 1
        {
            return Err(MessageError::UnsupportedFormat);
        }
        Ok(Message::Start(Start {
            account: AccountSid::parse(&start.account_sid).ok_or(MessageError::Malformed)?,
            call: start.call_sid,
            stream: start.stream_sid,
            token: start.custom_parameters.token,
        }))
    }
}

#[derive(Deserialize)]
struct MediaMessage<'a> {
    #[serde(rename = "sequenceNumber")]
    sequence: Number,
    #[serde(borrow)]
    media: MediaBody<'a>,
}

#[derive(Deserialize)]
struct MediaBody<'a> {
    #[serde(borrow)]
    payload: Cow<'a, str>,
}

impl MediaMessage<'_> {
    fn check(self) -> Result<Message, MessageError> {
        let payload = STANDARD
            .decode(self.media.payload.as_bytes())
            .map_err(|_| MessageError::Malformed)?;
        Ok(Message::Media(Media {
            sequence: self.sequence.0,
            payload,
        }))
    }
}

#[derive(Deserialize)]
struct DtmfMessage {
    dtmf: DtmfBody,
}

#[derive(Deserialize)]
struct DtmfBody {
    digit: char,
}

impl DtmfMessage {
    fn check(self) -> Result<Message, MessageError> {
        match self.dtmf.digit {
            digit @ ('0'..='9' | '*' | '#' | 'A'..='D') => Ok(Message::Dtmf(digit)),
            _ => Err(MessageError::Malformed),
        }
    }
}

#[derive(Deserialize)]
struct MarkMessage {
    mark: MarkBody,
}

#[derive(Deserialize)]
struct MarkBody {
    name: String,
}

/// A number that may be written as one, or in quotes.
struct Number(u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, in quotes or not")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                text.parse().map(Number).map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests;
