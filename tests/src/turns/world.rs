//! One call in virtual time: a caller's sound at a door, the conversation behind it, and vendors with fixed latencies who do not listen to a
//! cancellation, so that whatever can arrive late does.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;
use voice_core::audio::{MICROPHONE_FRAME, SampleRate};
use voice_core::conversation::{Config, Conversation, Exchange, Input, Output, Sound};
use voice_core::simulation::door::{Door, Ear, Effect, FRAME_MS, Message};
use voice_core::telephone;
use voice_core::time::Timestamp;
use voice_core::transcript::Recognition;
use voice_core::turn::{ForTurn, TurnId};
use voice_core::wire::{Phase, ServerMessage};

use super::nova::{LATENCY_MS, REQUEST_MS, Reports};
use super::reader::Reader;
use super::setting::Recogniser;
use super::track::Track;
use super::{FRAME, MS};

/// What became of a call.
#[derive(Debug, Default)]
pub(super) struct Call {
    /// Stretches of her voice as the caller heard them: of which turn, from when to when.
    pub(super) heard: Vec<(TurnId, u64, u64)>,
    pub(super) states: Vec<(u64, TurnId, Phase)>,
    pub(super) records: Vec<Exchange>,
    /// When she was paused by ear, where that is decided.
    pub(super) paused: Vec<u64>,
    /// How often the model was asked.
    pub(super) asked: u32,
    /// Everything, to be read.
    pub(super) trace: String,
}

pub(super) struct World<'a> {
    now: u64,
    conversation: Conversation,
    door: Door,
    ear: Ear,
    track: &'a Track,
    reader: &'a Reader<'a>,
    recogniser: Recogniser,
    /// When its latest report arrives.
    reported: u64,
    /// Frames that the recogniser has heard.
    recognised: usize,
    events: BTreeMap<(u64, u64), Event>,
    counter: u64,
    deadline: Option<Timestamp>,
    voice_free_at: u64,
    quiet_since: u64,
    call: Call,
}

enum Event {
    ToDoor(Message),
    ToEdge(Input),
}

impl<'a> World<'a> {
    pub(super) fn new(
        config: Config,
        recogniser: Recogniser,
        door: Door,
        track: &'a Track,
        reader: &'a Reader<'a>,
    ) -> Self {
        Self {
            now: 0,
            conversation: Conversation::new(config),
            door,
            ear: Ear::new(door, NETWORK),
            track,
            reader,
            recogniser,
            reported: 0,
            recognised: 0,
            events: BTreeMap::new(),
            counter: 0,
            deadline: None,
            voice_free_at: 0,
            quiet_since: 0,
            call: Call::default(),
        }
    }

    /// The whole call: until nothing has happened for a while after the caller's last sound.
    pub(super) fn run(mut self) -> Result<Call> {
        self.tell_edge(Input::CallStarted)?;
        let least = self.track.all_over + AFTERWARDS;
        while self.now < least + LONGEST_ANSWER
            && (self.now < least || self.now < self.quiet_since + QUIET)
        {
            self.step()?;
        }
        Ok(self.call)
    }

    /// One millisecond.
    fn step(&mut self) -> Result<()> {
        while let Some(entry) = self.events.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            match entry.remove() {
                Event::ToDoor(message) => {
                    self.at_the_door(|ear, now, effects| ear.arrive(now, message, effects));
                }
                Event::ToEdge(input) => self.tell_edge(input)?,
            }
        }
        while self.deadline.is_some_and(|due| due.as_millis() <= self.now) {
            self.tell_edge(Input::Timeout)?;
        }
        self.sound_arrives_at_the_recogniser()?;
        self.sound_at_the_door();
        let busy = self.conversation.phase() != Phase::Listening;
        if busy {
            self.quiet_since = self.now;
        }
        self.now += 1;
        Ok(())
    }

    /// The detector hears a frame as soon as it is whole: in a browser on the spot, of a telephone with the packet that brings its end.
    fn sound_at_the_door(&mut self) {
        let whole = |ms: u64| usize::try_from(ms).unwrap_or(0) * MS / FRAME;
        let score = |frame: usize| self.track.heard(frame);
        match self.door {
            Door::Browser => {
                let frame = self.now.is_multiple_of(FRAME_MS).then(|| whole(self.now));
                let heard = frame.and_then(|frame| frame.checked_sub(1)).map(score);
                self.at_the_door(|ear, now, effects| ear.sound(now, heard, effects));
            }
            Door::Telephone => {
                if self.now.is_multiple_of(PACKET) && self.now > 0 {
                    let scores: Vec<(f32, f32)> = (whole(self.now - PACKET)..whole(self.now))
                        .map(score)
                        .collect();
                    for (speech, level) in scores {
                        let score = telephone::Input::Score { speech, level };
                        let score = Message::Telephone(score);
                        self.schedule(NETWORK, Event::ToDoor(score));
                    }
                }
                self.at_the_door(|ear, now, effects| ear.sound(now, None, effects));
            }
        }
    }

    fn sound_arrives_at_the_recogniser(&mut self) -> Result<()> {
        let Some(spoken) = self.now.checked_sub(NETWORK) else {
            return Ok(());
        };
        if !spoken.is_multiple_of(PACKET) {
            return Ok(());
        }
        let whole = usize::try_from(spoken)? * MS / FRAME;
        while self.recognised < whole {
            let score = self.track.scores.get(self.recognised).copied();
            self.recognised += 1;
            let reports = self.recogniser.frame(score.unwrap_or(0.0), self.reader)?;
            self.report(reports);
        }
        Ok(())
    }

    fn report(&mut self, reports: Reports) {
        self.report_after(LATENCY_MS, reports);
    }

    /// Reports arrive in their order.
    fn report_after(&mut self, latency: u64, reports: Reports) {
        if reports.is_empty() {
            return;
        }
        self.reported = self.reported.max(self.now + latency);
        let after = self.reported - self.now;
        for report in reports {
            self.schedule(after, Event::ToEdge(report));
        }
    }

    fn at_the_door(&mut self, act: impl FnOnce(&mut Ear, u64, &mut Vec<Effect>)) {
        let mut effects = Vec::new();
        act(&mut self.ear, self.now, &mut effects);
        for effect in effects {
            match effect {
                Effect::Note(who, what) => {
                    if self.conversation.phase() == Phase::Speaking
                        && matches!(what.as_str(), "pauses" | "clear")
                    {
                        self.call.paused.push(self.now);
                    }
                    self.note(who, &what);
                }
                Effect::Played(turn, samples) => self.heard(turn, samples),
                Effect::ToEdge(after, input) => self.schedule(after, Event::ToEdge(input)),
                Effect::Later(after, message) => self.schedule(after, Event::ToDoor(message)),
            }
        }
    }

    /// The caller hears so many samples of a turn from now on.
    fn heard(&mut self, turn: TurnId, samples: u64) {
        let until = self.now + self.door.rate().duration_of(samples).as_millis() as u64;
        match self.call.heard.last_mut() {
            Some((last, _, to)) if *last == turn && *to + GAPLESS >= self.now => *to = until,
            _ => {
                self.call.heard.push((turn, self.now, until));
                let line = format!("turn {}: is heard", turn.number());
                self.note("caller", &line);
            }
        }
    }

    fn tell_edge(&mut self, input: Input) -> Result<()> {
        match &input {
            Input::Heard(heard) => self.note("words", &described(heard)),
            Input::Gap
            | Input::Resumed
            | Input::SpeechStarted
            | Input::SpeechEnded { .. }
            | Input::Paused(_) => {
                self.note("fact", &format!("{input:?}"));
            }
            _ => {}
        }
        let now = Timestamp::from_millis(self.now);
        self.conversation.handle_input(now, input);
        self.deadline = loop {
            match self.conversation.poll_output() {
                Output::Timeout(due) => break due,
                output => self.perform(output)?,
            }
        };
        Ok(())
    }

    fn perform(&mut self, output: Output) -> Result<()> {
        match output {
            Output::Ask(prompt) => {
                let turn = prompt.turn();
                self.call.asked += 1;
                self.note("edge", &format!("turn {}: asks the model", turn.number()));
                let tokens = ANSWER.split_inclusive(' ');
                let mut after = MODEL;
                for token in tokens {
                    let token = Input::Token(ForTurn::new(turn, token.to_owned()));
                    self.schedule(after, Event::ToEdge(token));
                    after += TOKEN;
                }
                self.schedule(
                    after,
                    Event::ToEdge(Input::TextDone(ForTurn::new(turn, ()))),
                );
            }
            Output::Say(piece) => {
                let (turn, piece) = piece.into_parts();
                self.note(
                    "edge",
                    &format!("turn {}: says \"{}\"", turn.number(), piece.text),
                );
                self.speak(turn, &piece.text);
            }
            Output::Finalize => {
                self.note("edge", "finalize");
                // It has heard the sound for a while already, but the request has its own way to go.
                let left = LATENCY_MS.saturating_sub(self.recogniser.quiet_ms());
                let reports = self.recogniser.finalize(self.reader)?;
                self.report_after(left.max(REQUEST_MS), reports);
            }
            Output::Play(sound) => {
                let (turn, sound) = sound.into_parts();
                self.at_the_door(|ear, now, effects| ear.play(now, turn, sound, effects));
            }
            Output::Mark(piece) => {
                self.at_the_door(|ear, now, effects| ear.mark(now, piece, effects));
            }
            Output::Record(exchange) => {
                self.note(
                    "record",
                    &format!(
                        "turn {}: {}, caller \"{}\", heard \"{}\", unheard \"{}\"",
                        exchange.turn.number(),
                        exchange.report.outcome.as_str(),
                        exchange.caller,
                        exchange.heard,
                        exchange.unheard
                    ),
                );
                self.call.records.push(exchange);
            }
            Output::Transmit(message) => self.transmit(message),
            Output::HangUp(outcome) => self.note("edge", &format!("hangs up: {outcome:?}")),
            // Nothing can be done for a caller here.
            Output::Cancel(_) | Output::Open(_) | Output::Run(_) | Output::Timeout(_) => {}
        }
        Ok(())
    }

    fn transmit(&mut self, message: ServerMessage) {
        match message {
            ServerMessage::State {
                state,
                turn,
                reason,
            } => {
                self.call.states.push((self.now, turn, state));
                let line = format!("turn {}: {state:?} ({reason})", turn.number());
                self.note("state", &line);
            }
            ServerMessage::Flush { turn } => {
                self.at_the_door(|ear, now, effects| ear.flush(now, turn, effects));
            }
            ServerMessage::Resume { turn } => {
                self.note("edge", &format!("turn {}: resume", turn.number()));
                self.at_the_door(|ear, now, effects| ear.resume(now, turn, effects));
            }
            _ => {}
        }
    }

    fn speak(&mut self, turn: TurnId, text: &str) {
        let at = (self.now + VOICE).max(self.voice_free_at);
        self.voice_free_at = at;
        let after = at - self.now;
        let rate: SampleRate = self.door.rate();
        let length = Duration::from_millis(CHARACTER * text.chars().count() as u64);
        let mut left = rate.samples_in(length);
        while left > 0 {
            let samples = left.min(u64::from(rate.hertz()) / 10);
            left -= samples;
            let sound = Sound {
                // At the far end of a line a sample is known by the number of its turn.
                bytes: vec![turn.number() as u8; samples as usize],
                samples: samples as u32,
            };
            self.schedule(
                after,
                Event::ToEdge(Input::Voiced(ForTurn::new(turn, sound))),
            );
        }
        self.schedule(
            after,
            Event::ToEdge(Input::PieceDone(ForTurn::new(turn, ()))),
        );
    }

    fn schedule(&mut self, after: u64, event: Event) {
        self.counter += 1;
        self.events.insert((self.now + after, self.counter), event);
    }

    fn note(&mut self, who: &str, what: &str) {
        let (seconds, millis) = (self.now / 1_000, self.now % 1_000);
        // Writing to a string cannot fail.
        let _ = writeln!(self.call.trace, "{seconds:>3}.{millis:03}  {who:<8} {what}");
    }
}

fn described(heard: &Recognition) -> String {
    let flags = [
        (heard.is_final, "final"),
        (heard.ends_utterance, "ends"),
        (heard.answers_finalize, "asked for"),
        (heard.likely_ended, "likely ended"),
    ];
    let flags: Vec<&str> = flags
        .into_iter()
        .filter_map(|(set, name)| set.then_some(name))
        .collect();
    format!("\"{}\" {}", heard.text, flags.join(", "))
}

/// The plan's stage latencies, in milliseconds; the network's is each way.
pub(super) const NETWORK: u64 = 50;
const MODEL: u64 = 100;
const VOICE: u64 = 100;

/// From one token of the model to the next.
const TOKEN: u64 = 5;

/// How long a character of the voice lasts.
pub(super) const CHARACTER: u64 = 60;

/// Sound travels in frames of 20 ms, from a microphone and from a telephone.
const PACKET: u64 = (MICROPHONE_FRAME / MS) as u64;

/// What the model says to everything.
const ANSWER: &str = "Of course. Let me see what I can do for you.";

/// Stretches of her voice with less between them are one: a browser plays in frames.
const GAPLESS: u64 = 20;

/// How long a call goes on after the caller's last sound: what has not been answered by then never will be.
const AFTERWARDS: u64 = 3_200;

/// How long nothing must have happened at its end, and how long an answer may last.
const QUIET: u64 = 1_200;
const LONGEST_ANSWER: u64 = 20_000;
