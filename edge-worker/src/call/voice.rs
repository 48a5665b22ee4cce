//! The voice's side of a call: pieces in, sound out, in order.
//!
//! A piece is spoken by the cheapest way that works: from memory (what she says in every call), by the warm socket, or by REST when the socket's
//! limits or its loss do not allow it. Only one way is at work at a time, since the sound of piece *n* must come before
//! that of *n* + 1. A way that gives no sound in time, or breaks off, is given up for another, which goes on at the word where it stopped; the
//! last is another provider, where there is one.

mod job;
mod learning;
mod memory;
mod outstanding;
mod rest;
mod shape;
mod spare;

use std::collections::VecDeque;
use std::time::Duration;

use voice_core::audio::TELEPHONE_FRAME;
use voice_core::conversation::{Fault, Input, Piece};
use voice_core::time::Timestamp;
use voice_core::turn::{ForTurn, TurnId};

use self::job::{Job, Way};
use self::learning::Learning;
use self::outstanding::{Left, Outstanding};
pub(super) use self::rest::RestEvent;
use self::rest::{Asked, Rest};
use self::shape::Shape;
use self::spare::Spare;
use super::phrases::{Lines, Recording};
use super::tally::Tally;
use super::{Fact, Facts};
use crate::providers::deepgram_tts::{Aura, AuraRest};
use crate::providers::socket::{Pump, SocketEvent};
use crate::providers::workers_ai::WorkersAi;
use crate::providers::{AudioFormat, Frame, Speak, VoiceEvent, VoiceProtocol};
use crate::settings::Settings;

/// How long the socket may leave a `Clear` unanswered before it is replaced. The answer takes a round trip.
const CLEAR_ANSWER: Duration = Duration::from_millis(1_000);

/// How long the voice may take to its first sound, and from each to the next. It takes 130 to 280 ms; and two ways in a row must have had their
/// chance before the caller has waited for too long.
const SOUND_WITHIN: Duration = Duration::from_millis(1_200);

/// Ways in a row that may give no sound of a piece.
const MOST_FAILURES: u8 = 3;

/// So many ways have failed when it is the last one's turn.
const LAST_WAY_AFTER: u8 = 2;

/// A piece without a sound for so long is given up, however many ways there are.
const GIVEN_UP_AFTER: Duration = Duration::from_millis(2_600);

pub(super) struct Voice {
    settings: Settings,
    format: AudioFormat,
    by_rest: AuraRest,
    spare: Option<Spare>,
    lines: Lines,
    facts: Facts,
    line: Option<Line>,
    generation: u32,
    waiting: VecDeque<Job>,
    /// Given to the socket and not complete.
    speaking: Outstanding,
    rest: Option<Rest>,
    shape: Shape,
    fenced_since: Option<Timestamp>,
    /// When the voice was last asked with nothing to do, or last gave anything.
    moved_at: Timestamp,
    /// Bytes of sound since then: a trickle is no movement.
    trickle: usize,
    tally: Tally,
    /// Given to the vendor in this call.
    characters: u64,
    learning: Option<Learning>,
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
        binding: Option<WorkersAi>,
        facts: Facts,
    ) -> Self {
        let mut voice = Self {
            settings: settings.clone(),
            format,
            by_rest: AuraRest::new(settings, format),
            spare: Spare::new(settings, format, binding),
            lines,
            facts,
            line: None,
            generation: 0,
            waiting: VecDeque::new(),
            speaking: Outstanding::default(),
            rest: None,
            shape: Shape::new(format),
            fenced_since: None,
            moved_at: Timestamp::ZERO,
            trickle: 0,
            tally: Tally::default(),
            characters: 0,
            learning: None,
        };
        voice.connect();
        voice.learning = Some(voice.learn());
        voice
    }

    /// Characters that the vendor was given: what it charges for.
    pub(super) fn characters(&self) -> u64 {
        let learned = self.learning.as_ref().map_or(0, Learning::characters);
        self.characters.saturating_add(learned)
    }

    /// How it went since this was asked last.
    pub(super) fn take_tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }

    fn charge(&mut self, job: &Job) {
        let characters = u64::try_from(job.text.chars().count()).unwrap_or(u64::MAX);
        self.characters = self.characters.saturating_add(characters);
    }

    pub(super) fn say(&mut self, now: Timestamp, piece: ForTurn<Piece>) {
        self.waiting.push_back(Job::new(piece));
        self.advance(now);
    }

    /// When the voice will have been silent for too long.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let is_at_work = self.rest.is_some() || !self.speaking.is_empty();
        is_at_work.then(|| self.moved_at + SOUND_WITHIN)
    }

    /// The time named by [`due`](Self::due) may have come.
    pub(super) fn wake(&mut self, now: Timestamp) -> Vec<Input> {
        if self.due().is_none_or(|due| now < due) {
            return Vec::new();
        }
        let inputs = if self.rest.is_some() {
            self.lose_rest(now, "no sound in time")
        } else {
            worker::console_warn!("voice fell silent");
            self.lose_line()
        };
        self.advance(now);
        inputs
    }

    /// Nothing of this turn is wanted any more. What the socket was never given costs it nothing: no `Clear`, and no wait for its answer.
    pub(super) fn cancel(&mut self, now: Timestamp, turn: TurnId) {
        self.waiting.retain(|job| job.turn() > turn);
        self.rest.take_if(|rest| rest.job.turn() <= turn);
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
            SocketEvent::Frame(frame) => self.on_frame(now, frame),
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
        let Some(rest) = self.rest.as_mut().filter(|rest| rest.job.turn() == turn) else {
            return Vec::new();
        };
        let inputs = match event {
            RestEvent::Audio(pcm) => {
                rest.job.hear(pcm.len());
                if let Some(recording) = rest.recording.as_mut() {
                    recording.hear(&pcm);
                }
                self.note_sound(now, pcm.len());
                self.sound(turn, &pcm)
            }
            RestEvent::Done => {
                self.tally.succeeded();
                let done = self.rest.take();
                if let Some(spare) = self.spare.as_mut()
                    && done.as_ref().is_some_and(|rest| rest.by_spare)
                {
                    spare.succeeded(now);
                }
                let (recording, is_part) = done.map_or((None, false), |mut rest| {
                    (rest.recording.take(), rest.job.is_part)
                });
                self.end_piece(turn, recording, is_part)
            }
            RestEvent::Failed(reason) => self.lose_rest(now, &reason),
            RestEvent::TooLong => match self.rest.take().and_then(|rest| rest.job.clone().halves())
            {
                Some([first, second]) => {
                    self.waiting.push_front(second);
                    self.waiting.push_front(first);
                    Vec::new()
                }
                None => self.give_up(turn),
            },
        };
        self.advance(now);
        inputs
    }

    /// The request broke, or gave no sound in time: its piece is spoken another way, if there is one.
    fn lose_rest(&mut self, now: Timestamp, reason: &str) -> Vec<Input> {
        let Some(rest) = self.rest.take() else {
            return Vec::new();
        };
        let job = rest.job.clone();
        let turn = job.turn();
        let way = if rest.by_spare { "binding" } else { "REST" };
        worker::console_warn!("turn {}: voice by {way}: {reason}", turn.number());
        if let Some(spare) = self.spare.as_mut().filter(|_| rest.by_spare) {
            spare.failed();
        }
        match job.broken(self.format) {
            None => self.end_piece(turn, None, false),
            Some(job) if job.has_failed(now) => self.give_up(turn),
            Some(mut job) => {
                if !rest.by_spare {
                    job.failures = job.failures.max(LAST_WAY_AFTER);
                }
                self.waiting.push_front(job);
                Vec::new()
            }
        }
    }

    /// No way is left to say what this turn has to say.
    fn give_up(&mut self, turn: TurnId) -> Vec<Input> {
        self.tally.failed();
        self.waiting.retain(|job| job.turn() != turn);
        vec![Input::Failed(ForTurn::new(turn, Fault::Voice))]
    }

    /// Starts whatever can be started of the pieces that wait.
    fn advance(&mut self, now: Timestamp) {
        self.renew_stuck_line(now);
        while self.rest.is_none() {
            let Some(mut job) = self.waiting.pop_front() else {
                return;
            };
            if self.speaking.is_empty() && self.say_from_memory(&job) {
                continue;
            }
            if self.line.is_none() && !self.speaking.is_empty() {
                self.waiting.push_front(job);
                return;
            }
            let turn = job.turn();
            if self.speaking.is_empty() {
                self.moved_at = now;
                self.trickle = 0;
            }
            job.since.get_or_insert(now);
            if self.spare.as_ref().is_some_and(|spare| spare.is_first(now)) {
                job.failures = job.failures.max(LAST_WAY_AFTER);
            }
            let way = job.way(self.spare.is_some());
            let spoken = match self.line.as_mut().filter(|_| way == Way::Socket) {
                Some(line) => line
                    .protocol
                    .speak(now, ForTurn::new(turn, job.text.as_str())),
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
                    self.charge(&job);
                    let recording = self.recording(&job);
                    self.speaking.give(job, recording);
                }
                Speak::UseRest if self.speaking.is_empty() => {
                    self.charge(&job);
                    let asked = match self.spare.as_ref().filter(|_| way == Way::Spare) {
                        Some(spare) => spare.request(&job.text),
                        None => Asked::Vendor(self.by_rest.request(&job.text)),
                    };
                    let recording = self.recording(&job);
                    let mut rest = Rest::start(job, asked, self.format, self.facts.clone());
                    rest.recording = recording;
                    self.rest = Some(rest);
                    if self.line.is_none() && way != Way::Spare {
                        // The next piece may find a socket again.
                        self.connect();
                    }
                }
                Speak::UseRest => {
                    self.waiting.push_front(job);
                    return;
                }
            }
        }
    }

    fn on_frame(&mut self, now: Timestamp, frame: Frame) -> Vec<Input> {
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
            .flat_map(|event| self.on_event(now, event))
            .collect()
    }

    fn on_event(&mut self, now: Timestamp, event: VoiceEvent) -> Vec<Input> {
        match event {
            VoiceEvent::Audio(audio) => {
                let (turn, pcm) = audio.into_parts();
                self.speaking.hear(turn, &pcm);
                self.note_sound(now, pcm.len());
                self.sound(turn, &pcm)
            }
            VoiceEvent::PieceDone(turn) => {
                self.moved_at = now;
                self.tally.succeeded();
                let (recording, is_part) = self.speaking.complete(turn);
                self.end_piece(turn, recording, is_part)
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

    /// Sound has come, if it is enough to speak of.
    fn note_sound(&mut self, now: Timestamp, bytes: usize) {
        self.trickle = self.trickle.saturating_add(bytes);
        if self.trickle >= TELEPHONE_FRAME {
            self.trickle = 0;
            self.moved_at = now;
        }
    }

    /// The socket is gone: what it has not said is spoken another way.
    fn lose_line(&mut self) -> Vec<Input> {
        self.line = None;
        self.fenced_since = None;
        let mut inputs = Vec::new();
        for left in self.speaking.lose(self.format) {
            match left {
                Left::Done(turn) => inputs.extend(self.end_piece(turn, None, false)),
                Left::ToSay(job) if job.failures >= MOST_FAILURES => {
                    inputs.extend(self.give_up(job.turn()));
                }
                Left::ToSay(job) => self.waiting.push_front(job),
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
    fn end_piece(
        &mut self,
        turn: TurnId,
        recording: Option<Recording>,
        more_follows: bool,
    ) -> Vec<Input> {
        if let Some(recording) = recording {
            recording.keep(|sound| self.shape.phrase(sound));
        }
        let last = self.shape.finish(turn);
        let mut inputs = self.voiced(turn, &last);
        if more_follows {
            return inputs;
        }
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
