//! A world in virtual time: a conversation, the door by which its caller comes in, and vendors with fixed latencies who do not listen
//! to a cancellation, so that whatever can arrive late does.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::time::Duration;

use voice_core::conversation::{Config, Conversation, Fault, Input, Output, Sound};
use voice_core::prompt::Role;
use voice_core::time::Timestamp;
use voice_core::tools::{self, Answer};
use voice_core::transcript::Recognition;
use voice_core::turn::{ForTurn, TurnId};
use voice_core::wire::{Phase, ServerMessage, Speaker};

use voice_core::simulation::scenario::{Action, KEY_MILLIS, Scenario};

mod receptionist;
pub(crate) use receptionist::config;
pub(crate) use voice_core::simulation::door::Door;
use voice_core::simulation::door::{Ear, Effect, FRAME_MS, Message};

/// The plan's stage latencies, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latency {
    pub network: u64,
    pub recogniser: u64,
    pub model: u64,
    pub voice: u64,
}

/// How the recogniser behaves.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ears {
    /// It judges the end of a turn itself, and says so many milliseconds before when it expects it.
    pub judges: Option<u64>,
    /// Every so many of its reports never arrive.
    pub loses: Option<u64>,
}

pub(crate) const PLAN: Latency = Latency {
    network: 50,
    recogniser: 150,
    model: 100,
    voice: 100,
};

/// How long a character of the voice lasts.
const CHARACTER_MS: u64 = 60;

/// How loud the caller is at the microphone and on the line.
const LEVEL: f32 = 0.1;

/// How long a telephone rings in this world.
const RINGING_MS: u64 = 300;

pub(crate) struct World {
    pub now: u64,
    pub conversation: Conversation,
    door: Door,
    ear: Ear,
    latency: Latency,
    ears: Ears,
    reports: u64,
    /// When a turn that was expected to end does.
    ends_at: u64,
    events: BTreeMap<(u64, u64), Event>,
    counter: u64,
    answers: VecDeque<Option<String>>,
    /// When the caller's sound is over.
    sounding_until: u64,
    deadline: Option<Timestamp>,
    voice_free_at: u64,
    trace: String,
    pub phases: Vec<(u64, Phase)>,
    /// The states and the records of the trace, without their moments.
    pub states: Vec<String>,
    pub records: Vec<String>,
    /// Turns that were flushed, and when the handset or the far end of the line heard of it.
    pub flushed: Vec<(TurnId, u64)>,
    /// Every stretch played: when, of which turn, how many samples.
    pub played: Vec<(u64, TurnId, u64)>,
    /// The prompts the model was given, a line for each message.
    pub prompts: Vec<String>,
    /// What went out for which turn, in order.
    pub work: Vec<(TurnId, Work)>,
    pub asked_for_timeout_with_work_left: bool,
}

/// Something done for a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Asked,
    Cancelled,
    /// The business was asked to do something.
    Ran,
    Played,
    Processing,
    Recorded,
    /// The model was told to have wanted the call to end.
    WantedEnd,
}

/// What stands before an answer with which the model wants to know something first.
pub(crate) const LOOKS_UP: &str = "look_up: ";

/// What stands before an answer with which the model ends the call.
pub(crate) const ENDS_CALL: &str = "end_call: ";

enum Event {
    Caller(Action),
    Recognised(Input),
    ToEdge(Input),
    ToDoor(Message),
}

impl World {
    pub(crate) fn new(script: &Scenario, latency: Latency, door: Door) -> Self {
        Self::hearing(script, latency, door, Ears::default(), config(door))
    }

    pub(crate) fn hearing(
        script: &Scenario,
        latency: Latency,
        door: Door,
        ears: Ears,
        config: Config,
    ) -> Self {
        let mut world = Self {
            now: 0,
            ears,
            reports: 0,
            ends_at: 0,
            conversation: Conversation::new(config),
            door,
            ear: Ear::new(door, latency.network),
            latency,
            events: BTreeMap::new(),
            counter: 0,
            answers: script.answers.iter().cloned().collect(),
            sounding_until: 0,
            deadline: None,
            voice_free_at: 0,
            trace: String::new(),
            phases: Vec::new(),
            states: Vec::new(),
            records: Vec::new(),
            flushed: Vec::new(),
            played: Vec::new(),
            prompts: Vec::new(),
            work: Vec::new(),
            asked_for_timeout_with_work_left: false,
        };
        for (at, action) in &script.actions {
            world.schedule(*at, Event::Caller(action.clone()));
        }
        world
    }

    /// Runs the whole script and a little more.
    pub(crate) fn run(script: &Scenario, latency: Latency, door: Door) -> Self {
        Self::new(script, latency, door).through(script)
    }

    pub(crate) fn through(mut self, script: &Scenario) -> Self {
        let end = script.actions.last().map_or(0, |(at, _)| at + 1_000);
        while self.now <= end {
            self.step();
        }
        self
    }

    pub(crate) fn trace(&self) -> &str {
        &self.trace
    }

    /// One millisecond.
    pub(crate) fn step(&mut self) {
        while let Some(entry) = self.events.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let event = entry.remove();
            self.happen(event);
        }
        while self.deadline.is_some_and(|due| due <= self.time()) {
            self.tell_edge(Input::Timeout);
        }
        let score = if self.now < self.sounding_until {
            0.95
        } else {
            0.02
        };
        let score = self.now.is_multiple_of(FRAME_MS).then_some((score, LEVEL));
        self.at_the_door(|ear, now, effects| ear.sound(now, score, effects));
        self.now += 1;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Caller(action) => self.caller(action),
            Event::Recognised(input) => self.recognised(input),
            Event::ToEdge(input) => self.tell_edge(input),
            Event::ToDoor(message) => {
                self.at_the_door(|ear, now, effects| ear.arrive(now, message, effects));
            }
        }
    }

    fn at_the_door(&mut self, act: impl FnOnce(&mut Ear, u64, &mut Vec<Effect>)) {
        let mut effects = Vec::new();
        act(&mut self.ear, self.now, &mut effects);
        for effect in effects {
            match effect {
                Effect::Note(who, what) => self.note(who, &what),
                Effect::Played(turn, samples) => match self.played.last_mut() {
                    Some((at, last, sum)) if *at == self.now && *last == turn => *sum += samples,
                    _ => self.played.push((self.now, turn, samples)),
                },
                Effect::ToEdge(after, input) => {
                    self.schedule(self.now + after, Event::ToEdge(input));
                }
                Effect::Later(after, message) => {
                    self.schedule(self.now + after, Event::ToDoor(message));
                }
            }
        }
    }

    pub(crate) fn gaps(&self) -> u32 {
        self.ear.gaps()
    }

    fn caller(&mut self, action: Action) {
        match action {
            Action::Call if self.door == Door::Telephone => {
                self.tell_edge(Input::Ringing);
                let connected = self.now + RINGING_MS;
                self.schedule(connected, Event::ToEdge(Input::CallStarted));
            }
            Action::Call => self.tell_edge(Input::CallStarted),
            Action::HangUp => self.tell_edge(Input::CallerLeft),
            Action::Press { digits } => {
                self.note("caller", &format!("keys {digits}"));
                for (index, key) in (0..).zip(digits.chars()) {
                    self.schedule(
                        self.now + index * KEY_MILLIS + self.latency.network,
                        Event::ToEdge(Input::Digit(key)),
                    );
                }
            }
            Action::Noise { millis } => {
                self.note("caller", "noise");
                self.sounding_until = self.now + millis;
            }
            Action::Say { millis, words } => {
                self.note("caller", &format!("begins \"{words}\""));
                self.sounding_until = self.now + millis;
                let all: Vec<&str> = words.split(' ').collect();
                let heard = |count: usize, is_end: bool, likely_ended: bool| {
                    Input::Heard(Recognition {
                        text: all
                            .iter()
                            .take(count)
                            .copied()
                            .collect::<Vec<_>>()
                            .join(" "),
                        is_final: is_end,
                        ends_utterance: is_end,
                        answers_finalize: false,
                        likely_ended,
                    })
                };
                if self.ears.judges.is_some() && self.now < self.ends_at {
                    self.schedule(self.now, Event::Recognised(Input::Resumed));
                }
                // Words are recognised as they are spoken, one recogniser's latency later.
                for count in 1..all.len() {
                    let spoken = self.now + millis * count as u64 / all.len() as u64;
                    self.schedule(
                        spoken + self.latency.recogniser,
                        Event::Recognised(heard(count, false, false)),
                    );
                }
                let last = self.now + millis + self.latency.recogniser;
                if let Some(before) = self.ears.judges {
                    self.ends_at = last;
                    let expected = last.saturating_sub(before).max(self.now + millis);
                    self.schedule(expected, Event::Recognised(heard(all.len(), false, true)));
                }
                self.schedule(last, Event::Recognised(heard(all.len(), true, false)));
            }
        }
    }

    /// A report of the recogniser arrives, if it does.
    fn recognised(&mut self, input: Input) {
        self.reports += 1;
        let is_lost = self
            .ears
            .loses
            .is_some_and(|every| self.reports.is_multiple_of(every));
        if !is_lost {
            self.tell_edge(input);
        }
    }

    fn tell_edge(&mut self, input: Input) {
        let now = self.time();
        self.conversation.handle_input(now, input);
        self.deadline = loop {
            match self.conversation.poll_output() {
                Output::Timeout(due) => break due,
                output => self.perform(output),
            }
        };
        self.asked_for_timeout_with_work_left |=
            !matches!(self.conversation.poll_output(), Output::Timeout(_));
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Ask(prompt) => {
                let (turn, prompt) = prompt.into_parts();
                self.work.push((turn, Work::Asked));
                let said: Vec<String> = prompt
                    .messages
                    .iter()
                    .filter(|message| message.role != Role::System)
                    .map(|message| format!("{:?}: {}", message.role, message.text))
                    .collect();
                self.prompts.push(said.join("\n"));
                self.note("agent", &format!("turn {}: asks the model", turn.number()));
                self.answer(turn);
            }
            Output::Run(call) => {
                let (turn, call) = call.into_parts();
                self.work.push((turn, Work::Ran));
                self.note(
                    "agent",
                    &format!("turn {}: runs {}", turn.number(), call.name),
                );
                let answer = Answer {
                    call: call.id,
                    done: true,
                    text: "found".to_owned(),
                };
                let answer = Input::Answered(ForTurn::new(turn, answer));
                self.schedule(self.now + self.latency.model, Event::ToEdge(answer));
            }
            Output::Say(piece) => {
                let (turn, piece) = piece.into_parts();
                self.note(
                    "agent",
                    &format!("turn {}: says \"{}\"", turn.number(), piece.text),
                );
                self.speak(turn, &piece.text);
            }
            Output::Play(sound) => {
                let (turn, sound) = sound.into_parts();
                self.work.push((turn, Work::Played));
                self.at_the_door(|ear, now, effects| ear.play(now, turn, sound, effects));
            }
            Output::Record(exchange) => {
                self.work.push((exchange.turn, Work::Recorded));
                let turn = exchange.turn.number();
                let outcome = exchange.report.outcome.as_str();
                let line = format!(
                    "turn {turn}: {outcome}, heard \"{}\", unheard \"{}\"",
                    exchange.heard, exchange.unheard
                );
                self.note("record", &line);
                self.records.push(line);
            }
            Output::Transmit(message) => self.transmit(message),
            Output::HangUp(outcome) => self.note("agent", &format!("hangs up: {outcome:?}")),
            Output::Mark(piece) => {
                self.at_the_door(|ear, now, effects| ear.mark(now, piece, effects));
            }
            Output::Cancel(turn) => self.work.push((turn, Work::Cancelled)),
            Output::Finalize | Output::Open(_) | Output::Timeout(_) => {}
        }
    }

    fn transmit(&mut self, message: ServerMessage) {
        match message {
            ServerMessage::State {
                state,
                turn,
                reason,
            } => {
                self.phases.push((self.now, state));
                if state == Phase::Processing {
                    self.work.push((turn, Work::Processing));
                }
                let line = format!("turn {}: {state:?} ({reason})", turn.number());
                self.note("state", &line);
                self.states.push(line);
            }
            ServerMessage::Caption {
                speaker: Speaker::Caller,
                turn,
                text,
                is_final: true,
                ..
            } => {
                self.note("caller", &format!("turn {}: \"{text}\"", turn.number()));
            }
            ServerMessage::Flush { turn } => {
                self.flushed.push((turn, self.now + self.latency.network));
                self.at_the_door(|ear, now, effects| ear.flush(now, turn, effects));
            }
            ServerMessage::Resume { turn } => {
                self.at_the_door(|ear, now, effects| ear.resume(now, turn, effects));
            }
            ServerMessage::Report(report) => {
                if let Some(millis) = report.voice_to_voice_ms {
                    self.note(
                        "report",
                        &format!(
                            "turn {}: voice to voice {millis} ms at the edge",
                            report.turn.number()
                        ),
                    );
                }
            }
            _ => {}
        }
    }

    fn answer(&mut self, turn: TurnId) {
        let mut at = self.now + self.latency.model;
        match self
            .answers
            .pop_front()
            .unwrap_or_else(|| Some("I see.".to_owned()))
        {
            Some(answer) => {
                let ends = answer.strip_prefix(ENDS_CALL);
                let looks_up = answer.strip_prefix(LOOKS_UP);
                let answer = ends.or(looks_up).unwrap_or(&answer);
                for token in answer.split_inclusive(' ') {
                    self.schedule(
                        at,
                        Event::ToEdge(Input::Token(ForTurn::new(turn, token.to_owned()))),
                    );
                    at += 5;
                }
                if looks_up.is_some() {
                    let call = ForTurn::new(turn, tools::Call::named("look_up"));
                    self.schedule(at, Event::ToEdge(Input::ToolCall(call)));
                }
                if ends.is_some() {
                    self.work.push((turn, Work::WantedEnd));
                    let call = ForTurn::new(turn, tools::Call::named("end_call"));
                    self.schedule(at, Event::ToEdge(Input::ToolCall(call)));
                }
                self.schedule(at, Event::ToEdge(Input::TextDone(ForTurn::new(turn, ()))));
            }
            None => self.schedule(
                at,
                Event::ToEdge(Input::Failed(ForTurn::new(turn, Fault::Model))),
            ),
        }
    }

    fn speak(&mut self, turn: TurnId, text: &str) {
        let at = (self.now + self.latency.voice).max(self.voice_free_at);
        self.voice_free_at = at;
        let rate = self.door.rate();
        let mut left = rate.samples_in(Duration::from_millis(
            CHARACTER_MS * text.chars().count() as u64,
        ));
        while left > 0 {
            let samples = left.min(u64::from(rate.hertz()) / 10);
            left -= samples;
            let sound = Sound {
                bytes: vec![turn.number() as u8; samples as usize],
                samples: samples as u32,
            };
            self.schedule(at, Event::ToEdge(Input::Voiced(ForTurn::new(turn, sound))));
        }
        self.schedule(at, Event::ToEdge(Input::PieceDone(ForTurn::new(turn, ()))));
    }

    fn schedule(&mut self, at: u64, event: Event) {
        self.counter += 1;
        self.events.insert((at, self.counter), event);
    }

    fn note(&mut self, who: &str, what: &str) {
        let (seconds, millis) = (self.now / 1_000, self.now % 1_000);
        writeln!(self.trace, "{seconds:>2}.{millis:03}  {who:<8} {what}")
            .expect("writing to a string");
    }

    const fn time(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }
}
