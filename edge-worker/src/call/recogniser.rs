//! The recogniser's side of a call: audio out, words in, and a new socket when one is lost.

use std::time::Duration;

use voice_core::audio::SampleRate;
use voice_core::conversation::Input;
use voice_core::time::Timestamp;

use super::{Fact, Facts};
use crate::providers::deepgram_stt::keep_alive_every;
use crate::providers::socket::{Pump, SocketEvent};
use crate::providers::{AudioFormat, Frame, RecogniserEvent, RecogniserProtocol};

/// How much sound goes into one message: three frames. The vendor advises 20 to 250 ms, and a
/// message costs the worker far more than the sound in it. No answer waits for it: a request to finalise sends what there is.
const TOGETHER: Duration = Duration::from_millis(60);

/// Sockets in a row that may be lost without a word having been recognised between them.
const LOSSES: u8 = 3;

pub(super) struct Recogniser<P> {
    protocol: P,
    pump: Pump,
    facts: Facts,
    /// Sound that waits for more, and how much makes a message.
    gathered: Vec<u8>,
    message: usize,
    losses: u8,
    /// When the caller was last heard, or the socket kept open.
    last_sent: Timestamp,
    /// Which socket this is, so that the last words of an old one are not taken for the new one's.
    generation: u32,
}

impl<P: RecogniserProtocol> Recogniser<P> {
    pub(super) fn open(protocol: P, format: AudioFormat, facts: Facts, now: Timestamp) -> Self {
        let pump = connect(&protocol, &facts, 0);
        let bytes = match format {
            AudioFormat::Browser => SampleRate::MICROPHONE
                .samples_in(TOGETHER)
                .saturating_mul(2),
            AudioFormat::Telephone => SampleRate::TELEPHONE.samples_in(TOGETHER),
        };
        Self {
            protocol,
            pump,
            facts,
            gathered: Vec::new(),
            message: usize::try_from(bytes).unwrap_or(usize::MAX),
            losses: 0,
            last_sent: now,
            generation: 0,
        }
    }

    pub(super) fn hear(&mut self, now: Timestamp, sound: &[u8]) {
        self.gathered.extend_from_slice(sound);
        self.last_sent = now;
        if self.gathered.len() >= self.message {
            self.send_gathered();
        }
    }

    fn send_gathered(&mut self) {
        if let Some(frame) = self.protocol.audio(&self.gathered) {
            self.pump.send(frame);
        }
        self.gathered.clear();
    }

    pub(super) fn finalize(&mut self) {
        self.send_gathered();
        if let Some(frame) = self.protocol.finalize() {
            self.pump.send(frame);
        }
    }

    /// Keeps the socket open while no audio flows.
    pub(super) fn keep_alive(&mut self, now: Timestamp) {
        if now.since(self.last_sent) < keep_alive_every() {
            return;
        }
        self.send_gathered();
        if let Some(frame) = self.protocol.keep_alive() {
            self.last_sent = now;
            self.pump.send(frame);
        }
    }

    pub(super) fn on_socket(&mut self, generation: u32, event: SocketEvent) -> Option<Input> {
        if generation != self.generation {
            return None;
        }
        match event {
            SocketEvent::Opened => None,
            SocketEvent::Frame(frame) => self.on_frame(frame),
            SocketEvent::Closed { code, reason } => {
                self.losses = self.losses.saturating_add(1);
                worker::console_warn!(
                    "recogniser closed with {code} ({reason}), loss {} of {LOSSES}",
                    self.losses
                );
                if self.losses >= LOSSES {
                    return Some(Input::RecogniserLost);
                }
                self.generation = self.generation.wrapping_add(1);
                self.pump = connect(&self.protocol, &self.facts, self.generation);
                None
            }
        }
    }

    fn on_frame(&mut self, frame: Frame) -> Option<Input> {
        match self.protocol.decode(frame) {
            Ok(Some(RecogniserEvent::Heard(heard))) => {
                self.losses = 0;
                Some(Input::Heard(heard))
            }
            Ok(Some(RecogniserEvent::UtteranceEnd)) => Some(Input::Gap),
            Ok(Some(RecogniserEvent::Failed(reason))) => {
                worker::console_warn!("recogniser: {reason}");
                None
            }
            Ok(None) => None,
            Err(unreadable) => {
                worker::console_warn!("{unreadable}");
                None
            }
        }
    }
}

fn connect(protocol: &impl RecogniserProtocol, facts: &Facts, generation: u32) -> Pump {
    let facts = facts.clone();
    Pump::open(protocol.handshake(), move |event| {
        facts.send(Fact::Recogniser(generation, event))
    })
}
