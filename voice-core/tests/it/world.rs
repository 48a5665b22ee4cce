//! A world in virtual time: a conversation, a real handset with a loudspeaker, and vendors with fixed latencies who do not listen
//! to a cancellation, so that whatever can arrive late does.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::time::Duration;

use voice_core::audio::SampleRate;
use voice_core::conversation::{Config, Conversation, Fault, Input, Output, Sound};
use voice_core::handset::{self, Handset, Report};
use voice_core::prompt::Role;
use voice_core::time::Timestamp;
use voice_core::transcript::Recognition;
use voice_core::turn::{ForTurn, TurnId};
use voice_core::wire::{Phase, ServerMessage, Speaker};

use crate::script::{Action, Script};

/// The plan's stage latencies, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latency {
    pub network: u64,
    pub recogniser: u64,
    pub model: u64,
    pub voice: u64,
}

pub(crate) const PLAN: Latency = Latency {
    network: 50,
    recogniser: 150,
    model: 100,
    voice: 100,
};

/// How long a character of the voice lasts.
const CHARACTER_MS: u64 = 60;

/// The detector's frame.
const FRAME_MS: u64 = 16;

pub(crate) struct World {
    pub now: u64,
    pub conversation: Conversation,
    handset: Handset,
    latency: Latency,
    events: BTreeMap<(u64, u64), Event>,
    counter: u64,
    answers: VecDeque<Option<String>>,
    /// When the caller's sound is over, and whether it holds words.
    sounding_until: u64,
    /// The turns in the loudspeaker's queue, a run of samples each.
    ring: VecDeque<(TurnId, u64)>,
    paused: bool,
    deadline: Option<Timestamp>,
    voice_free_at: u64,
    trace: String,
    pub phases: Vec<(u64, Phase)>,
    /// Turns the handset was told to flush, and when it heard of it.
    pub flushed: Vec<(TurnId, u64)>,
    /// Every stretch played: when, of which turn, how many samples.
    pub played: Vec<(u64, TurnId, u64)>,
    /// The prompts the model was given, a line for each message.
    pub prompts: Vec<String>,
    pub asked_for_timeout_with_work_left: bool,
}

enum Event {
    Caller(Action),
    ToEdge(Input),
    ToHandset(handset::Input),
}

impl World {
    pub(crate) fn new(script: &Script, latency: Latency) -> Self {
        let config = Config::new(
            "Hello, Willow Lane Dental.",
            "You are a receptionist.",
            SampleRate::VOICE,
        );
        let mut world = Self {
            now: 0,
            conversation: Conversation::new(config),
            handset: Handset::new(handset::Config::browser()),
            latency,
            events: BTreeMap::new(),
            counter: 0,
            answers: script.answers.iter().cloned().collect(),
            sounding_until: 0,
            ring: VecDeque::new(),
            paused: false,
            deadline: None,
            voice_free_at: 0,
            trace: String::new(),
            phases: Vec::new(),
            flushed: Vec::new(),
            played: Vec::new(),
            prompts: Vec::new(),
            asked_for_timeout_with_work_left: false,
        };
        for (at, action) in &script.actions {
            world.schedule(*at, Event::Caller(action.clone()));
        }
        world
    }

    /// Runs the whole script and a little more.
    pub(crate) fn run(script: &Script, latency: Latency) -> Self {
        let mut world = Self::new(script, latency);
        let end = script.actions.last().map_or(0, |(at, _)| at + 1_000);
        while world.now <= end {
            world.step();
        }
        world
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
        if self.now.is_multiple_of(FRAME_MS) {
            self.frame();
        }
        self.now += 1;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Caller(action) => self.caller(action),
            Event::ToEdge(input) => self.tell_edge(input),
            Event::ToHandset(input) => {
                if let handset::Input::Flush { turn } = input {
                    self.flushed.push((turn, self.now));
                }
                self.tell_handset(input);
            }
        }
    }

    fn caller(&mut self, action: Action) {
        match action {
            Action::Call => self.tell_edge(Input::CallStarted),
            Action::HangUp => self.tell_edge(Input::CallerLeft),
            Action::Noise { millis } => {
                self.note("caller", "noise");
                self.sounding_until = self.now + millis;
            }
            Action::Say { millis, words } => {
                self.note("caller", &format!("begins \"{words}\""));
                self.sounding_until = self.now + millis;
                let all: Vec<&str> = words.split(' ').collect();
                let heard = |count: usize, flags: bool| Recognition {
                    text: all
                        .iter()
                        .take(count)
                        .copied()
                        .collect::<Vec<_>>()
                        .join(" "),
                    is_final: flags,
                    ends_utterance: flags,
                    answers_finalize: false,
                };
                // Words are recognised as they are spoken, one recogniser's latency later.
                for count in 1..all.len() {
                    let spoken = self.now + millis * count as u64 / all.len() as u64;
                    self.schedule(
                        spoken + self.latency.recogniser,
                        Event::ToEdge(Input::Heard(heard(count, false))),
                    );
                }
                let last = self.now + millis + self.latency.recogniser;
                self.schedule(last, Event::ToEdge(Input::Heard(heard(all.len(), true))));
            }
        }
    }

    /// One frame of the handset: the ear, then the loudspeaker.
    fn frame(&mut self) {
        let speech = if self.now < self.sounding_until {
            0.95
        } else {
            0.02
        };
        self.tell_handset(handset::Input::Score {
            speech,
            playback: 0.1,
        });
        if self.paused {
            return;
        }
        let mut wanted = SampleRate::VOICE.samples_in(Duration::from_millis(FRAME_MS));
        let mut samples = 0;
        while let Some((turn, left)) = self.ring.front_mut() {
            let take = wanted.min(*left);
            *left -= take;
            wanted -= take;
            samples += take;
            if take > 0 {
                self.played.push((self.now, *turn, take));
            }
            if *left > 0 {
                break;
            }
            self.ring.pop_front();
        }
        if samples > 0 {
            self.tell_handset(handset::Input::Played { samples });
        }
    }

    fn tell_handset(&mut self, input: handset::Input) {
        let now = self.time();
        self.handset.handle_input(now, input);
        loop {
            match self.handset.poll_output() {
                handset::Output::Timeout(_) => break,
                handset::Output::Discard { mut samples } => {
                    while samples > 0 {
                        let Some((_, left)) = self.ring.front_mut() else {
                            break;
                        };
                        let take = samples.min(*left);
                        *left -= take;
                        samples -= take;
                        if *left == 0 {
                            self.ring.pop_front();
                        }
                    }
                }
                handset::Output::Enqueue { turn, samples } => self.ring.push_back((turn, samples)),
                handset::Output::Pause => {
                    self.note("handset", "pauses");
                    self.paused = true;
                }
                handset::Output::Resume => {
                    self.note("handset", "plays on");
                    self.paused = false;
                }
                handset::Output::Report(report) => self.report(report),
            }
        }
    }

    fn report(&mut self, report: Report) {
        let input = match report {
            Report::Flushed {
                turn,
                played,
                discarded,
            } => {
                self.note(
                    "handset",
                    &format!("turn {}: throws away {} ms", turn.number(), discarded / 24),
                );
                Input::Flushed(ForTurn::new(turn, played))
            }
            Report::Paused { turn, played } => Input::Paused(ForTurn::new(turn, played)),
            Report::Played { turn, samples } => Input::Played(ForTurn::new(turn, samples)),
            Report::SpeechEnded { silence } => Input::SpeechEnded { silence },
            Report::SpeechStarted => Input::SpeechStarted,
        };
        self.schedule(self.now + self.latency.network, Event::ToEdge(input));
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
                let samples = sound.samples.into();
                self.schedule(
                    self.now + self.latency.network,
                    Event::ToHandset(handset::Input::Voice { turn, samples }),
                );
            }
            Output::Record(exchange) => {
                let turn = exchange.turn.number();
                let outcome = exchange.report.outcome.as_str();
                self.note(
                    "record",
                    &format!(
                        "turn {turn}: {outcome}, heard \"{}\", unheard \"{}\"",
                        exchange.heard, exchange.unheard
                    ),
                );
            }
            Output::Transmit(message) => self.transmit(message),
            Output::HangUp(outcome) => self.note("agent", &format!("hangs up: {outcome:?}")),
            Output::Cancel(_) | Output::Finalize | Output::Timeout(_) => {}
        }
    }

    fn transmit(&mut self, message: ServerMessage) {
        let arrives = self.now + self.latency.network;
        match message {
            ServerMessage::State {
                state,
                turn,
                reason,
            } => {
                self.phases.push((self.now, state));
                self.note(
                    "state",
                    &format!("turn {}: {state:?} ({reason})", turn.number()),
                );
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
                self.schedule(arrives, Event::ToHandset(handset::Input::Flush { turn }))
            }
            ServerMessage::Resume { turn } => {
                self.schedule(arrives, Event::ToHandset(handset::Input::Resume { turn }))
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
                for token in answer.split_inclusive(' ') {
                    self.schedule(
                        at,
                        Event::ToEdge(Input::Token(ForTurn::new(turn, token.to_owned()))),
                    );
                    at += 5;
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
        let mut left = SampleRate::VOICE.samples_in(Duration::from_millis(
            CHARACTER_MS * text.chars().count() as u64,
        ));
        while left > 0 {
            let samples = left.min(2_400);
            left -= samples;
            let sound = Sound {
                bytes: Vec::new(),
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
