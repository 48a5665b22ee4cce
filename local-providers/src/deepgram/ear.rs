//! What the two services that listen have in common: the audio that comes in, the recogniser it goes to, and a client
//! that has gone quiet.

use std::time::Duration;

use axum::body::Bytes;
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use super::socket::{Arrival, FromClient, Gone, Opened, Wire};
use super::{BadRequest, Query};
use crate::audio::{Decoder, Encoding};
use crate::backend::{Endpointing, Hear, Heard, Recogniser};
use crate::script::Fault;

/// How the audio is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    /// None when the audio should bring its own container, which is not read here.
    pub(crate) encoding: Option<Encoding>,
    pub(crate) rate: u32,
}

impl Format {
    /// What the query says. `allowed` tells the rates that raw audio may have.
    pub(crate) fn parse(
        query: &Query,
        allowed: impl Fn(u32) -> bool,
        rates: &str,
    ) -> Result<Self, BadRequest> {
        let encoding = match query.first("encoding") {
            None => None,
            Some(name) => Some(Encoding::from_name(name).ok_or_else(|| {
                BadRequest::new("encoding must be linear16, mulaw or alaw: the others are not decoded on this machine.")
            })?),
        };
        let rate = query.number("sample_rate")?;
        if encoding.is_some() && !rate.is_some_and(allowed) {
            return Err(BadRequest::new(format!(
                "sample_rate must be given with encoding, {rates}."
            )));
        }
        Ok(Self {
            encoding,
            rate: rate.unwrap_or(UNUSED_RATE),
        })
    }
}

/// Audio in a container has its rate in there; it is refused when it comes.
const UNUSED_RATE: u32 = 8_000;

/// When a client has been quiet for too long.
#[derive(Clone, Copy)]
pub(crate) struct Idle {
    pub(crate) limit: Duration,
    /// Whether a ping is a sign of life.
    pub(crate) pings_count: bool,
}

/// The audio of one socket on its way to a recogniser.
pub(crate) struct Ear {
    recogniser: Recogniser,
    decoder: Option<Decoder>,
    rate: u32,
    idle: Idle,
    quiet_since: Instant,
    /// Samples received.
    pub(crate) samples: u64,
    pub(crate) had_audio: bool,
}

/// What happens on a listening socket.
pub(crate) enum Event {
    Message(FromClient),
    Heard(Heard),
    Fault(Fault),
}

/// Why its conversation ends.
pub(crate) enum End {
    /// The client asked for it.
    Clean,
    Gone,
    Idle,
    /// Audio that is not what the query said.
    Undecodable,
    /// A text message that the service does not know.
    Unreadable,
}

impl From<Gone> for End {
    fn from(Gone: Gone) -> Self {
        Self::Gone
    }
}

impl Ear {
    /// The ear of a socket just opened.
    pub(crate) fn of<O>(
        opened: &Opened<O>,
        format: Format,
        endpointing: Endpointing,
        idle: Idle,
    ) -> Self {
        let backend = &opened.shared.backend;
        Self {
            recogniser: backend.recogniser(&opened.script, format.rate, endpointing),
            decoder: format.encoding.map(Decoder::new),
            rate: format.rate,
            idle,
            quiet_since: Instant::now(),
            samples: 0,
            had_audio: false,
        }
    }

    pub(crate) async fn next(&mut self, wire: &mut Wire) -> Result<Event, End> {
        loop {
            let pinged = wire.pinged.filter(|_| self.idle.pings_count);
            let quiet_since = self.quiet_since.max(pinged.unwrap_or(self.quiet_since));
            tokio::select! {
                arrival = wire.next() => return Ok(match arrival? {
                    Arrival::Fault(fault) => Event::Fault(fault),
                    Arrival::Message(message) => Event::Message(message),
                }),
                Some(heard) = self.recogniser.heard.recv() => return Ok(Event::Heard(heard)),
                () = sleep_until(quiet_since + self.idle.limit) => {
                    // A ping is answered on the way to the next message, without ending the wait for it.
                    if !self.idle.pings_count || wire.pinged == pinged {
                        return Err(End::Idle);
                    }
                }
            }
        }
    }

    /// Takes a binary frame. An empty one is the old way to close a stream, which a client that forwards an empty frame
    /// meets by accident.
    pub(crate) fn audio(&mut self, wire: &Wire, bytes: &Bytes) -> Result<(), End> {
        if bytes.is_empty() {
            wire.exchange.received("empty", json!({ "bytes": 0 }));
            return Err(End::Clean);
        }
        let samples = self.decoder.as_mut().ok_or(End::Undecodable)?.decode(bytes);
        if wire.log_audio {
            let fields = json!({ "bytes": bytes.len(), "rms": rms(&samples).round() });
            wire.exchange.received("audio", fields);
        }
        self.had_audio = true;
        self.samples += samples.len() as u64;
        self.stir();
        self.tell(Hear::Audio(self.quiet_since, samples));
        Ok(())
    }

    /// Seconds of audio received.
    pub(crate) fn received(&self) -> f64 {
        self.seconds(self.samples)
    }

    pub(crate) fn seconds(&self, samples: u64) -> f64 {
        samples as f64 / f64::from(self.rate)
    }

    /// The client is alive.
    pub(crate) fn stir(&mut self) {
        self.quiet_since = Instant::now();
    }

    pub(crate) fn tell(&self, hear: Hear) {
        // The recogniser's end goes with this one, so this fails only when there is nothing left to hear.
        let _ = self.recogniser.ear.send(hear);
    }

    /// What is still to be heard once no more audio comes.
    pub(crate) async fn rest(&mut self) -> Option<Heard> {
        self.recogniser.heard.recv().await
    }
}

fn rms(samples: &[i16]) -> f64 {
    let sum: f64 = samples
        .iter()
        .map(|&sample| f64::from(sample).powi(2))
        .sum();
    (sum / samples.len().max(1) as f64).sqrt()
}
