//! The browser's door: a handset of our own at the other end, so every fact comes over the wire and every sound goes out with
//! the lead that the conversation allows.
//!
//! A line that is lost leaves the door open: what is said meanwhile goes nowhere, and the conversation keeps what has not arrived.

mod uplink;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use voice_core::conversation::{Input, Sound};
use voice_core::time::Timestamp;
use voice_core::turn::{ForTurn, TurnId};
use voice_core::wire::audio::{AudioFrame, Kind};
use voice_core::wire::{
    LINE_LOST_AFTER, Outcome, PING_EVERY, PROTOCOL_VERSION, RefusalCode, ServerMessage,
};

use self::uplink::{HELLO_WITHIN, Uplink};
use super::door::{Door, Received, Refusal};
use crate::providers::Frame;
use crate::providers::socket::Pump;

/// The page is left, or its window closed (RFC 6455, 7.4.1).
const GOING_AWAY: u16 = 1_001;

pub(super) struct Browser {
    call: String,
    /// The right to come back.
    resume: String,
    /// None while the line is lost.
    socket: Option<Pump>,
    /// The line has just been found silent, and nobody has been told.
    is_away: bool,
    uplink: Uplink,
    /// The next voice frame's number, in which turn.
    sequence: (TurnId, u32),
    pings: u32,
    pinged_at: Timestamp,
}

impl Browser {
    pub(super) fn new(call: String, resume: String, socket: Pump, now: Timestamp) -> Self {
        Self {
            call,
            resume,
            socket: Some(socket),
            is_away: false,
            uplink: Uplink::new(now),
            sequence: (TurnId::NONE, 0),
            pings: 0,
            pinged_at: now,
        }
    }

    /// The door of a call that was cut short and whose browser is back.
    pub(super) fn back(call: String, socket: Pump, now: Timestamp) -> Self {
        Self {
            uplink: Uplink::back(now, 0),
            ..Self::new(call, String::new(), socket, now)
        }
    }

    fn send(&self, message: &ServerMessage) {
        if let Some(socket) = &self.socket {
            // Writing strings and numbers to memory has no way to fail.
            socket.send(Frame::Text(
                serde_json::to_string(message).unwrap_or_default(),
            ));
        }
    }
}

impl Door for Browser {
    fn receive(&mut self, now: Timestamp, frame: Frame) -> Result<Received, Refusal> {
        let next_frame = self.uplink.next_frame;
        let received = match frame {
            Frame::Text(text) => self.uplink.on_text(now, &text),
            Frame::Binary(bytes) => self.uplink.on_bytes(now, &bytes),
        };
        match received {
            Ok(Received::Fact(Input::CallStarted)) => self.send(&ServerMessage::Welcome {
                protocol: PROTOCOL_VERSION,
                call: self.call.clone(),
                resume: self.resume.clone(),
            }),
            Ok(Received::Fact(Input::Back(_))) => self.send(&ServerMessage::Reconnected {
                microphone: next_frame,
            }),
            _ => {}
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
        if let Some(socket) = &self.socket {
            socket.send(Frame::Binary(frame.to_bytes()));
        }
    }

    fn mark(&mut self, _now: Timestamp, _piece: ForTurn<u32>) {}

    fn transmit(&mut self, _now: Timestamp, message: &ServerMessage) {
        self.send(message);
    }

    fn poll(&mut self) -> Option<Input> {
        std::mem::take(&mut self.is_away).then_some(Input::Away)
    }

    fn due(&self) -> Option<Timestamp> {
        let is_open = self.socket.is_some() && self.uplink.has_greeted();
        is_open.then(|| self.uplink.last_heard + LINE_LOST_AFTER)
    }

    /// What is sent to a browser that does not read is kept by the runtime, without an end and without a word. So a line on which nothing comes is closed: no more
    /// is sent into it, and what waits there goes with it.
    fn wake(&mut self, now: Timestamp) {
        if self.due().is_some_and(|due| due <= now) {
            worker::console_log!("call {}: the line is silent", self.call);
            self.socket = None;
            self.is_away = true;
        }
    }

    fn keep_house(&mut self, now: Timestamp) -> Result<Received, Refusal> {
        if self.socket.is_none() {
            return Ok(Received::Noted);
        }
        let silent = now.since(self.uplink.last_heard);
        if !self.uplink.has_greeted() {
            return if silent > HELLO_WITHIN {
                Err((RefusalCode::BadMessage, "no hello".to_owned()))
            } else {
                Ok(Received::Noted)
            };
        }
        if now.since(self.pinged_at) >= PING_EVERY {
            self.pinged_at = now;
            self.pings = self.pings.wrapping_add(1);
            self.send(&ServerMessage::Ping { id: self.pings });
        }
        Ok(Received::Noted)
    }

    /// A page that is left says so by its code. Every other line that ends is lost: a browser that gives one up closes it, and comes back.
    fn on_closed(&mut self, code: u16) -> Input {
        self.socket = None;
        self.is_away = false;
        if code == GOING_AWAY || !self.uplink.has_greeted() {
            Input::CallerLeft
        } else {
            Input::Away
        }
    }

    fn reconnect(&mut self, now: Timestamp, socket: Pump) -> Result<(), Pump> {
        self.is_away = false;
        self.uplink = Uplink::back(now, self.uplink.next_frame);
        self.socket = Some(socket);
        Ok(())
    }

    fn leave(self: Box<Self>, outcome: Outcome) -> LocalBoxFuture<'static, ()> {
        let (code, reason) = if outcome == Outcome::Refused {
            (1008, "refused")
        } else {
            (1000, "call over")
        };
        if let Some(socket) = self.socket {
            socket.close(code, reason);
        }
        futures_util::future::ready(()).boxed_local()
    }
}
