//! The voice's side of a call: pieces in, sound out, in order.
//!
//! A piece is spoken by the cheapest way that works: from memory (the greeting), by the warm socket, or by REST when the socket's
//! limits or its loss do not allow it. Only one way is at work at a time, since the sound of piece *n* must come before
//! that of *n* + 1.

mod rest;
mod shape;

use std::collections::VecDeque;
use std::time::Duration;

use voice_core::conversation::{Fault, Input, Piece};
use voice_core::time::Timestamp;
use voice_core::turn::{ForTurn, TurnId};

use self::rest::Rest;
pub(super) use self::rest::RestEvent;
use self::shape::Shape;
use super::greeting::{self, Key};
use super::{Fact, Facts};
use crate::providers::deepgram_tts::{Aura, AuraRest};
use crate::providers::socket::{Pump, SocketEvent};
use crate::providers::{AudioFormat, Frame, Speak, VoiceEvent, VoiceProtocol};
use crate::settings::Settings;

/// How long the socket may leave a `Clear` unanswered before it is replaced. The answer takes a round trip.
const CLEAR_ANSWER: Duration = Duration::from_millis(1_000);

pub(super) struct Voice {
    settings: Settings,
    format: AudioFormat,
    by_rest: AuraRest,
    greeting: String,
    facts: Facts,
    line: Option<Line>,
    generation: u32,
    waiting: VecDeque<ForTurn<Piece>>,
    /// Given to the socket and not complete, oldest first.
    speaking: VecDeque<Speaking>,
    rest: Option<Rest>,
    shape: Shape,
    recording: Option<Recording>,
    fenced_since: Option<Timestamp>,
}

struct Line {
    protocol: Aura,
    pump: Pump,
}

struct Speaking {
    piece: ForTurn<Piece>,
    has_sounded: bool,
}

/// The greeting's sound, while it is being spoken for the first time.
struct Recording {
    turn: TurnId,
    sound: Vec<u8>,
}

impl Voice {
    pub(super) fn open(
        settings: &Settings,
        format: AudioFormat,
        greeting: &str,
        facts: Facts,
    ) -> Self {
        let mut voice = Self {
            settings: settings.clone(),
            format,
            by_rest: AuraRest::new(settings, format),
            greeting: greeting.to_owned(),
            facts,
            line: None,
            generation: 0,
            waiting: VecDeque::new(),
            speaking: VecDeque::new(),
            rest: None,
            shape: Shape::new(format),
            recording: None,
            fenced_since: None,
        };
        voice.connect();
        voice
    }

    pub(super) fn say(&mut self, now: Timestamp, piece: ForTurn<Piece>) {
        self.waiting.push_back(piece);
        self.advance(now);
    }

    /// Nothing of this turn is wanted any more.
    pub(super) fn cancel(&mut self, now: Timestamp, turn: TurnId) {
        self.waiting.retain(|piece| piece.turn() > turn);
        self.rest.take_if(|rest| rest.turn <= turn);
        self.recording.take_if(|recording| recording.turn <= turn);
        if let Some(line) = self.line.as_mut() {
            for frame in line.protocol.cancel(turn) {
                line.pump.send(frame);
            }
        }
        self.watch_fence(now);
        self.speaking
            .retain(|speaking| speaking.piece.turn() > turn);
    }

    pub(super) fn on_socket(
        &mut self,
        now: Timestamp,
        generation: u32,
        event: SocketEvent,
    ) -> Vec<Input> {
        if generation != self.generation {
            return Vec::new();
        }
        let inputs = match event {
            SocketEvent::Opened => Vec::new(),
            SocketEvent::Frame(frame) => self.on_frame(frame),
            SocketEvent::Closed { code, reason } => {
                worker::console_warn!("voice socket closed with {code} ({reason})");
                self.lose_line()
            }
        };
        self.advance(now);
        inputs
    }

    pub(super) fn on_rest(&mut self, now: Timestamp, event: ForTurn<RestEvent>) -> Vec<Input> {
        let (turn, event) = event.into_parts();
        if self.rest.as_ref().is_none_or(|rest| rest.turn != turn) {
            return Vec::new();
        }
        let inputs = match event {
            RestEvent::Audio(pcm) => self.sound(turn, &pcm),
            RestEvent::Done => {
                self.rest = None;
                self.end_piece(turn)
            }
            RestEvent::Failed(reason) => {
                worker::console_warn!("turn {}: voice by REST: {reason}", turn.number());
                self.rest = None;
                self.waiting.retain(|piece| piece.turn() != turn);
                vec![Input::Failed(ForTurn::new(turn, Fault::Voice))]
            }
        };
        self.advance(now);
        inputs
    }

    /// Starts whatever can be started of the pieces that wait.
    fn advance(&mut self, now: Timestamp) {
        self.renew_stuck_line(now);
        while self.rest.is_none() {
            let Some(piece) = self.waiting.pop_front() else {
                return;
            };
            if self.speaking.is_empty() && self.say_from_memory(&piece) {
                continue;
            }
            if self.line.is_none() && !self.speaking.is_empty() {
                self.waiting.push_front(piece);
                return;
            }
            let turn = piece.turn();
            let spoken = match self.line.as_mut() {
                Some(line) => line
                    .protocol
                    .speak(now, piece.as_ref().map(|piece| piece.text.as_str())),
                None => Speak::UseRest,
            };
            match spoken {
                // Nothing to pronounce.
                Speak::Frames(frames) if frames.is_empty() => {
                    self.facts.tell(Input::PieceDone(ForTurn::new(turn, ())));
                }
                Speak::Frames(frames) => {
                    if let Some(line) = &self.line {
                        for frame in frames {
                            line.pump.send(frame);
                        }
                    }
                    self.watch_fence(now);
                    self.begin_recording(&piece);
                    self.speaking.push_back(Speaking {
                        piece,
                        has_sounded: false,
                    });
                }
                Speak::UseRest if self.speaking.is_empty() => {
                    let request = self.by_rest.request(&piece.as_ref().into_parts().1.text);
                    self.begin_recording(&piece);
                    self.rest = Some(Rest::start(turn, request, self.format, self.facts.clone()));
                    if self.line.is_none() {
                        // The next piece may find a socket again.
                        self.connect();
                    }
                }
                Speak::UseRest => {
                    self.waiting.push_front(piece);
                    return;
                }
            }
        }
    }

    fn say_from_memory(&self, piece: &ForTurn<Piece>) -> bool {
        let (turn, piece) = piece.as_ref().into_parts();
        if piece.text != self.greeting {
            return false;
        }
        let Some(sound) = greeting::find(&self.key()) else {
            return false;
        };
        for sound in self.shape.cut(&sound) {
            self.facts.tell(Input::Voiced(ForTurn::new(turn, sound)));
        }
        self.facts.tell(Input::PieceDone(ForTurn::new(turn, ())));
        true
    }

    fn begin_recording(&mut self, piece: &ForTurn<Piece>) {
        let (turn, piece) = piece.as_ref().into_parts();
        if piece.text == self.greeting {
            self.recording = Some(Recording {
                turn,
                sound: Vec::new(),
            });
        }
    }

    fn on_frame(&mut self, frame: Frame) -> Vec<Input> {
        let Some(line) = self.line.as_mut() else {
            return Vec::new();
        };
        let events = match line.protocol.decode(frame) {
            Ok(events) => events,
            Err(unreadable) => {
                worker::console_warn!("{unreadable}");
                return Vec::new();
            }
        };
        if !line.protocol.is_fenced() {
            self.fenced_since = None;
        }
        events
            .into_iter()
            .flat_map(|event| self.on_event(event))
            .collect()
    }

    fn on_event(&mut self, event: VoiceEvent) -> Vec<Input> {
        match event {
            VoiceEvent::Audio(audio) => {
                let (turn, pcm) = audio.into_parts();
                if let Some(speaking) = self.speaking.front_mut() {
                    speaking.has_sounded = true;
                }
                self.sound(turn, &pcm)
            }
            VoiceEvent::PieceDone(turn) => {
                self.speaking.pop_front();
                let inputs = self.end_piece(turn);
                if let Some(recording) = self.recording.take_if(|recording| recording.turn == turn)
                {
                    greeting::keep(self.key(), &recording.sound);
                }
                inputs
            }
            // The newest one: those before it are still being spoken.
            VoiceEvent::PieceRefused(_) => {
                if let Some(refused) = self.speaking.pop_back() {
                    self.waiting.push_front(refused.piece);
                }
                Vec::new()
            }
            VoiceEvent::Failed(reason) => {
                worker::console_warn!("voice: {reason}");
                self.lose_line()
            }
        }
    }

    /// The socket is gone: pieces without sound are spoken another way, one that was cut short counts as done.
    fn lose_line(&mut self) -> Vec<Input> {
        self.line = None;
        self.recording = None;
        self.fenced_since = None;
        let mut inputs = Vec::new();
        while let Some(Speaking { piece, has_sounded }) = self.speaking.pop_back() {
            if has_sounded {
                inputs.extend(self.end_piece(piece.turn()));
            } else {
                self.waiting.push_front(piece);
            }
        }
        inputs
    }

    /// Notes when the voice fell silent to wait for an answer to `Clear`.
    fn watch_fence(&mut self, now: Timestamp) {
        if self
            .line
            .as_ref()
            .is_some_and(|line| line.protocol.is_fenced())
        {
            self.fenced_since.get_or_insert(now);
        }
    }

    fn renew_stuck_line(&mut self, now: Timestamp) {
        let is_stuck = self
            .fenced_since
            .is_some_and(|since| now.since(since) > CLEAR_ANSWER);
        if is_stuck && !self.waiting.is_empty() {
            self.lose_line();
            self.connect();
        }
    }

    fn connect(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        let generation = self.generation;
        let protocol = Aura::new(&self.settings, self.format);
        let facts = self.facts.clone();
        let pump = Pump::open(protocol.handshake(), move |event| {
            facts.send(Fact::Voice(generation, event))
        });
        self.line = Some(Line { protocol, pump });
    }

    fn sound(&mut self, turn: TurnId, bytes: &[u8]) -> Vec<Input> {
        let sound = self.shape.push(turn, bytes);
        self.voiced(turn, &sound)
    }

    /// The oldest piece of this turn is complete.
    fn end_piece(&mut self, turn: TurnId) -> Vec<Input> {
        let last = self.shape.finish(turn);
        let mut inputs = self.voiced(turn, &last);
        inputs.push(Input::PieceDone(ForTurn::new(turn, ())));
        inputs
    }

    fn voiced(&mut self, turn: TurnId, sound: &[u8]) -> Vec<Input> {
        if let Some(recording) = self
            .recording
            .as_mut()
            .filter(|recording| recording.turn == turn)
        {
            recording.sound.extend_from_slice(sound);
        }
        self.shape
            .cut(sound)
            .map(|sound| Input::Voiced(ForTurn::new(turn, sound)))
            .collect()
    }

    fn key(&self) -> Key {
        Key {
            voice: self.settings.tts_voice.as_str().to_owned(),
            format: self.shape.name(),
            text: self.greeting.clone(),
        }
    }
}
