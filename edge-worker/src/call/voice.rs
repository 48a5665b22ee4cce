//! The voice's side of a call: pieces in, sound out, in order.
//!
//! A piece is spoken by the cheapest way that works: from memory (what she says in every call), by the warm socket, or by REST when the socket's
//! limits or its loss do not allow it. Only one way is at work at a time, since the sound of piece *n* must come before
//! that of *n* + 1.

mod outstanding;
mod rest;
mod shape;

use std::collections::VecDeque;
use std::time::Duration;

use voice_core::conversation::{Fault, Input, Piece};
use voice_core::time::Timestamp;
use voice_core::turn::{ForTurn, TurnId};

use self::outstanding::{Left, Outstanding};
use self::rest::Rest;
pub(super) use self::rest::RestEvent;
use self::shape::Shape;
use super::phrases::{self, Key, Lines, Recording};
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
    lines: Lines,
    facts: Facts,
    line: Option<Line>,
    generation: u32,
    waiting: VecDeque<ForTurn<Piece>>,
    /// Given to the socket and not complete.
    speaking: Outstanding,
    rest: Option<Rest>,
    shape: Shape,
    fenced_since: Option<Timestamp>,
    /// Given to the vendor in this call.
    characters: u64,
}

struct Line {
    protocol: Aura,
    pump: Pump,
}

impl Voice {
    pub(super) fn open(
        settings: &Settings,
        format: AudioFormat,
        lines: Lines,
        facts: Facts,
    ) -> Self {
        let mut voice = Self {
            settings: settings.clone(),
            format,
            by_rest: AuraRest::new(settings, format),
            lines,
            facts,
            line: None,
            generation: 0,
            waiting: VecDeque::new(),
            speaking: Outstanding::default(),
            rest: None,
            shape: Shape::new(format),
            fenced_since: None,
            characters: 0,
        };
        voice.connect();
        voice
    }

    /// Characters that the vendor was given: what it charges for.
    pub(super) const fn characters(&self) -> u64 {
        self.characters
    }

    fn charge(&mut self, piece: &ForTurn<Piece>) {
        let (_, piece) = piece.as_ref().into_parts();
        let characters = u64::try_from(piece.spoken.chars().count()).unwrap_or(u64::MAX);
        self.characters = self.characters.saturating_add(characters);
    }

    pub(super) fn say(&mut self, now: Timestamp, piece: ForTurn<Piece>) {
        self.waiting.push_back(piece);
        self.advance(now);
    }

    /// Nothing of this turn is wanted any more. What the socket was never given costs it nothing: no `Clear`, and no wait for its answer.
    pub(super) fn cancel(&mut self, now: Timestamp, turn: TurnId) {
        self.waiting.retain(|piece| piece.turn() > turn);
        self.rest.take_if(|rest| rest.turn <= turn);
        if let Some(line) = self.line.as_mut() {
            for frame in line.protocol.cancel(turn) {
                line.pump.send(frame);
            }
        }
        self.watch_fence(now);
        self.speaking.cancel(turn);
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
            RestEvent::Audio(pcm) => {
                if let Some(recording) = self.rest.as_mut().and_then(|rest| rest.recording.as_mut())
                {
                    recording.hear(&pcm);
                }
                self.sound(turn, &pcm)
            }
            RestEvent::Done => {
                let recording = self.rest.take().and_then(|mut rest| rest.recording.take());
                self.end_piece(turn, recording)
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
                    .speak(now, piece.as_ref().map(|piece| piece.spoken.as_str())),
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
                    self.charge(&piece);
                    let recording = self.recording(&piece);
                    self.speaking.give(piece, recording);
                }
                Speak::UseRest if self.speaking.is_empty() => {
                    self.charge(&piece);
                    let request = self.by_rest.request(&piece.as_ref().into_parts().1.spoken);
                    let mut rest = Rest::start(turn, request, self.format, self.facts.clone());
                    rest.recording = self.recording(&piece);
                    self.rest = Some(rest);
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

    /// Speaks a phrase that was spoken before, if it is one.
    fn say_from_memory(&mut self, piece: &ForTurn<Piece>) -> bool {
        let Some(sound) = self.key(piece).and_then(|key| phrases::find(&key)) else {
            return false;
        };
        let turn = piece.turn();
        self.shape.begin(turn);
        for sound in self.shape.cut(&sound) {
            self.facts.tell(Input::Voiced(ForTurn::new(turn, sound)));
        }
        self.facts.tell(Input::PieceDone(ForTurn::new(turn, ())));
        true
    }

    /// What to record this piece in, if it is worth keeping.
    fn recording(&self, piece: &ForTurn<Piece>) -> Option<Recording> {
        self.key(piece).map(Recording::new)
    }

    /// How this piece is called in the memory of phrases, if it is one of the lines there.
    fn key(&self, piece: &ForTurn<Piece>) -> Option<Key> {
        let (_, piece) = piece.as_ref().into_parts();
        self.lines.have(piece).then(|| Key {
            voice: self.settings.tts_voice.as_str().to_owned(),
            format: self.shape.name(),
            text: piece.spoken.clone(),
        })
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
                self.speaking.hear(turn, &pcm);
                self.sound(turn, &pcm)
            }
            VoiceEvent::PieceDone(turn) => {
                let recording = self.speaking.complete(turn);
                self.end_piece(turn, recording)
            }
            // The newest one: those before it are still being spoken.
            VoiceEvent::PieceRefused(_) => {
                if let Some(refused) = self.speaking.refuse() {
                    self.waiting.push_front(refused);
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
        self.fenced_since = None;
        let mut inputs = Vec::new();
        for left in self.speaking.lose() {
            match left {
                Left::CutShort(turn) => inputs.extend(self.end_piece(turn, None)),
                Left::Unspoken(piece) => self.waiting.push_front(piece),
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

    /// The oldest piece of this turn is complete, and what was recorded of it is whole.
    fn end_piece(&mut self, turn: TurnId, recording: Option<Recording>) -> Vec<Input> {
        if let Some(recording) = recording {
            recording.keep(|sound| self.shape.phrase(sound));
        }
        let last = self.shape.finish(turn);
        let mut inputs = self.voiced(turn, &last);
        inputs.push(Input::PieceDone(ForTurn::new(turn, ())));
        inputs
    }

    fn voiced(&self, turn: TurnId, sound: &[u8]) -> Vec<Input> {
        self.shape
            .cut(sound)
            .map(|sound| Input::Voiced(ForTurn::new(turn, sound)))
            .collect()
    }
}
