//! The browser's door: a handset of our own at the other end, so every fact comes over the wire and every sound goes out with
//! the lead that the conversation allows.

mod uplink;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use voice_core::conversation::{Input, Sound};
use voice_core::time::Timestamp;
use voice_core::turn::{ForTurn, TurnId};
use voice_core::wire::audio::{AudioFrame, Kind};
use voice_core::wire::{Outcome, PROTOCOL_VERSION, RefusalCode, ServerMessage};

use self::uplink::{SILENT_FOR, Uplink};
use super::door::{Door, Received, Refusal};
use crate::providers::Frame;
use crate::providers::socket::Pump;

/// How often the browser is asked whether it is there, in housekeepings.
const PING_EVERY: u32 = 5;

pub(super) struct Browser {
    call: String,
    socket: Pump,
    uplink: Uplink,
    /// The next voice frame's number, in which turn.
    sequence: (TurnId, u32),
    pings: u32,
}

impl Browser {
    pub(super) fn new(call: String, socket: Pump, now: Timestamp) -> Self {
        Self {
            call,
            socket,
            uplink: Uplink::new(now),
            sequence: (TurnId::NONE, 0),
            pings: 0,
        }
    }

    fn send(&self, message: &ServerMessage) {
        // Writing strings and numbers to memory has no way to fail.
        self.socket.send(Frame::Text(
            serde_json::to_string(message).unwrap_or_default(),
        ));
    }
}

impl Door for Browser {
    fn receive(&mut self, now: Timestamp, frame: Frame) -> Result<Received, Refusal> {
        let received = match frame {
            Frame::Text(text) => self.uplink.on_text(now, &text),
            Frame::Binary(bytes) => self.uplink.on_bytes(now, &bytes),
        };
        if let Ok(Received::Fact(Input::CallStarted)) = received {
            self.send(&ServerMessage::Welcome {
                protocol: PROTOCOL_VERSION,
                call: self.call.clone(),
            });
        }
        received
    }

    fn play(&mut self, _now: Timestamp, sound: ForTurn<Sound>) {
        let (turn, sound) = sound.into_parts();
        if self.sequence.0 != turn {
            self.sequence = (turn, 0);
        }
        let sequence = self.sequence.1;
        self.sequence.1 = sequence.wrapping_add(1);
        let frame = AudioFrame {
            kind: Kind::Voice,
            turn,
            sequence,
            pcm: &sound.bytes,
        };
        self.socket.send(Frame::Binary(frame.to_bytes()));
    }

    fn mark(&mut self, _now: Timestamp, _piece: ForTurn<u32>) {}

    fn transmit(&mut self, _now: Timestamp, message: &ServerMessage) {
        self.send(message);
    }

    fn poll(&mut self) -> Option<Input> {
        None
    }

    fn due(&self) -> Option<Timestamp> {
        None
    }

    fn wake(&mut self, _now: Timestamp) {}

    fn keep_house(&mut self, now: Timestamp) -> Result<Received, Refusal> {
        if now.since(self.uplink.last_heard) > SILENT_FOR {
            return if self.uplink.has_greeted() {
                Ok(Received::Fact(Input::CallerLeft))
            } else {
                Err((RefusalCode::BadMessage, "no hello".to_owned()))
            };
        }
        self.pings = self.pings.wrapping_add(1);
        if self.pings.is_multiple_of(PING_EVERY) {
            self.send(&ServerMessage::Ping { id: self.pings });
        }
        Ok(Received::Noted)
    }

    fn leave(self: Box<Self>, outcome: Outcome) -> LocalBoxFuture<'static, ()> {
        let (code, reason) = if outcome == Outcome::Refused {
            (1008, "refused")
        } else {
            (1000, "call over")
        };
        self.socket.close(code, reason);
        futures_util::future::ready(()).boxed_local()
    }
}
