//! The loop of one call: a socket, a timer or a provider gives a fact; the conversation decides; this carries it out.
//!
//! Nothing is decided here, and carrying out never waits: work is started and its result comes back as a fact.

mod account;
mod caller_side;

use std::rc::Rc;
use std::time::Duration;

use front_desk::business::Business;
use futures_channel::mpsc::{UnboundedReceiver, unbounded};
use futures_util::future::{Fuse, join};
use futures_util::{FutureExt, StreamExt, select_biased};
use voice_core::audio::SampleRate;
use voice_core::conversation::{Config, Conversation, Input, Output, Sound};
use voice_core::endpointing::Policy;
use voice_core::time::Timestamp;
use voice_core::turn::{ForTurn, TurnGate};
use voice_core::wire::{Outcome, RefusalCode, ServerMessage};
use worker::{Delay, Env};

use self::account::Used;
use super::browser::Browser;
use super::caller::Caller;
use super::desk::{Client, Desk};
use super::door::Door;
use super::live::Live;
use super::model::{Asked, Question, Resting, Warming};
use super::phrases::Lines;
use super::recogniser::Recogniser;
use super::record::{Cost, Record, Stored};
use super::tally::Tally;
use super::telephone::Telephone;
use super::voice::Voice;
use super::watch::Watch;
use super::{Fact, Facts};
use crate::clock::{Clock, unix_millis, unix_time, until};
use crate::desk;
use crate::live_board::Report;
use crate::providers::AudioFormat;
use crate::providers::groq_llm::Groq;
use crate::providers::socket::Pump;
use crate::providers::workers_ai::WorkersAi;
use crate::settings::{Settings, SttFamily};
use crate::store;
use crate::twilio::PhoneNumber;
use crate::warden::Terms;

/// How often the sockets are looked after: often enough for a keep-alive due every four seconds.
const HOUSEKEEPING: Duration = Duration::from_secs(1);

/// How long a telephone may ring here before its stream comes. It usually takes half a second; an announcement before
/// the stream takes longer. Meanwhile the vendors' sockets are open for nobody.
const RINGING: Duration = Duration::from_secs(30);

/// What a browser's developer reads when there is no room for a call. The page has words of its own for the visitor.
const ALL_BUSY: &str = "as many calls as may be are on";

/// What a call is made of.
pub(super) struct Parts {
    pub(super) call: String,
    pub(super) env: Env,
    pub(super) business: Rc<Business>,
    /// The number of a caller by telephone.
    pub(super) number: Option<String>,
    pub(super) settings: Settings,
    pub(super) record: Record,
}

impl Parts {
    /// Where this caller can be put through to a person.
    pub(super) fn transfer_number(&self) -> Option<PhoneNumber> {
        let number = self.business.agent.transfer_number.as_deref();
        number.and_then(PhoneNumber::parse)
    }
}

/// Opens everything and lets the call run by itself. Without a caller, a telephone rings.
pub(super) fn start(parts: Parts, caller: Option<Caller>) -> Facts {
    let (sender, receiver) = unbounded();
    let facts = Facts(sender);
    let format = match caller {
        Some(Caller::Browser { .. } | Caller::Back(_)) => AudioFormat::Browser,
        Some(Caller::Telephone { .. }) | None => AudioFormat::Telephone,
    };
    let mut driver = Driver::new(parts, format, facts.clone(), None);
    match caller {
        Some(caller) => driver.connect(caller),
        None => driver.ring(),
    }
    driver.start(receiver);
    facts
}

/// Goes on with a browser's call of which nothing is left but what was stored.
pub(super) fn go_on(parts: Parts, stored: Stored, caller: Caller) -> Facts {
    let (sender, receiver) = unbounded();
    let facts = Facts(sender);
    let mut driver = Driver::new(parts, AudioFormat::Browser, facts.clone(), Some(stored));
    driver.connect(caller);
    driver.start(receiver);
    facts
}

struct Driver {
    parts: Parts,
    clock: Clock,
    conversation: Conversation,
    /// None while a telephone rings.
    door: Option<Box<dyn Door>>,
    /// Which of the caller's sockets is the newest.
    line: u32,
    /// When a telephone has rung for long enough.
    rings_until: Option<Timestamp>,
    recogniser: Recogniser,
    voice: Voice,
    groq: Groq,
    /// Ends with the call, if nothing else ends it.
    _warming: Warming,
    asked: Option<Asked>,
    resting: Resting,
    asked_tally: Tally,
    desk: Desk,
    used: Used,
    /// What the call had cost before it was cut short.
    before: Cost,
    live: Live,
    watch: Watch,
    facts: Facts,
    gate: TurnGate,
    ended: Option<Outcome>,
}

impl Driver {
    fn new(parts: Parts, format: AudioFormat, facts: Facts, stored: Option<Stored>) -> Self {
        let now = unix_time();
        let started_at = stored.as_ref().map_or(now, |stored| stored.started_at);
        let settings = &parts.settings;
        let agent = &parts.business.agent;
        let clock = Clock::start();
        let rate = match format {
            AudioFormat::Browser => SampleRate::VOICE,
            AudioFormat::Telephone => SampleRate::TELEPHONE,
        };
        let config = Config {
            // Only a telephone can be put through to another.
            can_transfer: format == AudioFormat::Telephone && parts.transfer_number().is_some(),
            greeting_protected: agent.greeting_protected,
            offers: desk::offers(&parts.business),
            // A telephone network cancels echoes; a loudspeaker on a desk may defeat the browser's canceller.
            echo: format == AudioFormat::Browser,
            resumes: format == AudioFormat::Browser,
            endpointing: match settings.stt_model.family() {
                SttFamily::Flux => Policy::by_recogniser(),
                SttFamily::Nova => Policy::by_silence(),
            },
            ..Config::new(
                &agent.greeting,
                &desk::instructions(&parts.business, parts.number.is_some(), started_at),
                rate,
            )
        };
        let report = Report {
            call: parts.call.clone(),
            site: parts.business.id.clone(),
            door: match format {
                AudioFormat::Browser => store::record::Door::Browser,
                AudioFormat::Telephone => store::record::Door::Phone,
            },
            caller: parts.number.clone(),
            started_at,
            turns: 0,
            state: None,
            n: u32::try_from(now.saturating_sub(started_at) / 10).unwrap_or(u32::MAX),
        };
        let client = Client {
            env: parts.env.clone(),
            business: Rc::clone(&parts.business),
            call: parts.call.clone(),
            number: parts.number.clone(),
            record: parts.record.clone(),
            done: stored.as_ref().map_or(0, |stored| stored.runs),
        };
        // More than were made before the call was cut short: a state, or a report, lasts longer than that.
        let n = report.n;
        let watch = Watch::new(
            parts.env.clone(),
            Terms::of(&parts.business, now),
            parts.call.clone(),
            n,
            facts.clone(),
        );
        // A telephone's room was asked for before it rang here, and a call that goes on has its own.
        let asks = format == AudioFormat::Browser && stored.is_none();
        let live = Live::new(
            parts.env.clone(),
            report,
            settings.calls_at_once,
            asks,
            facts.clone(),
        );
        let before = stored
            .as_ref()
            .map(|stored| stored.cost)
            .unwrap_or_default();
        let groq = Groq::new(settings);
        let binding = WorkersAi::of(&parts.env);
        let voice = Voice::open(
            settings,
            format,
            Lines::of(&config),
            binding.clone(),
            facts.clone(),
        );
        Self {
            clock,
            conversation: match stored {
                Some(stored) => Conversation::restored(config, stored.kept),
                None => Conversation::new(config),
            },
            door: None,
            line: 0,
            rings_until: None,
            recogniser: Recogniser::open(settings, format, binding, facts.clone(), clock.now()),
            voice,
            _warming: Warming::start(&groq),
            groq,
            asked: None,
            resting: Resting::default(),
            asked_tally: Tally::default(),
            before,
            desk: Desk::open(client, facts.clone()),
            used: Used::default(),
            live,
            watch,
            facts,
            gate: TurnGate::default(),
            ended: None,
            parts,
        }
    }

    /// A telephone rings: the greeting is made while the caller is being connected.
    fn ring(&mut self) {
        let now = self.clock.now();
        self.rings_until = Some(now + RINGING);
        self.conversation.handle_input(now, Input::Ringing);
    }

    fn connect(&mut self, caller: Caller) {
        let now = self.clock.now();
        self.line = self.line.wrapping_add(1);
        let line = self.line;
        let accept = |socket| {
            let facts = self.facts.clone();
            Pump::accept(socket, move |event| facts.send(Fact::Caller(line, event)))
        };
        self.rings_until = None;
        let call = self.parts.call.clone();
        self.door = Some(match caller {
            Caller::Browser { socket, resume } => {
                Box::new(Browser::new(call, resume, accept(socket), now))
            }
            Caller::Back(socket) => {
                let socket = accept(socket);
                match self.door.take() {
                    None => Box::new(Browser::back(call, socket, now)),
                    Some(mut door) => {
                        // Until the browser says how much has arrived, nothing is sent.
                        self.conversation.handle_input(now, Input::Away);
                        if let Err(socket) = door.reconnect(now, socket) {
                            socket.close(1008, "not a browser's call");
                        }
                        door
                    }
                }
            }
            Caller::Telephone { socket, stream } => {
                // A stream that has begun needs no further word: the caller is listening.
                self.conversation.handle_input(now, Input::CallStarted);
                Box::new(Telephone::new(&self.parts, accept(socket), stream, now))
            }
        });
    }

    /// Lets the call run by itself.
    fn start(mut self, receiver: UnboundedReceiver<Fact>) {
        self.tell_warden(self.clock.now());
        wasm_bindgen_futures::spawn_local(async move {
            let call = self.parts.call.clone();
            if let Err(error) = self.run(receiver).await {
                worker::console_error!("call {call}: {error}");
            }
        });
    }

    async fn run(mut self, mut facts: UnboundedReceiver<Fact>) -> worker::Result<()> {
        let mut housekeeping = self.clock.now() + HOUSEKEEPING;
        let mut alarm: Option<(Timestamp, Fuse<Delay>)> = None;
        loop {
            let due = self.drain().into_iter().chain(self.voice.due()).min();
            let wanted = due.unwrap_or(housekeeping).min(housekeeping);
            if let Some(outcome) = self.ended {
                facts.close();
                while let Some(fact) = facts.next().await {
                    if let Fact::Connected(caller) = fact {
                        caller.turn_away();
                    }
                }
                return self.finish(outcome).await;
            }
            // A wake-up that comes too early does no harm, so a timer that runs is left running.
            let due = match alarm.as_ref() {
                Some((due, _)) if *due <= wanted => *due,
                _ => wanted,
            };
            let running = match alarm.take() {
                Some(running) if running.0 == due => alarm.insert(running),
                _ => alarm.insert((due, until(self.clock.now(), due).fuse())),
            };
            let mut delay = &mut running.1;
            select_biased! {
                fact = facts.next() => if let Some(fact) = fact { self.on_fact(fact) },
                () = delay => {
                    alarm = None;
                    let now = self.clock.now();
                    if now >= housekeeping {
                        housekeeping = now + HOUSEKEEPING;
                        self.keep_house(now);
                    }
                    if let Some(door) = &mut self.door {
                        door.wake(now);
                    }
                    for input in self.voice.wake(now) {
                        self.conversation.handle_input(now, input);
                    }
                    self.conversation.handle_input(now, Input::Timeout);
                }
            }
        }
    }

    /// Carries out everything the conversation and the door want now; gives when they want to be woken.
    fn drain(&mut self) -> Option<Timestamp> {
        loop {
            let due = loop {
                match self.conversation.poll_output() {
                    Output::Timeout(due) => break due,
                    output => self.perform(output),
                }
            };
            let Some(door) = &mut self.door else {
                return due;
            };
            match door.poll() {
                Some(input) => self.hear(self.clock.now(), input),
                None => return due.into_iter().chain(door.due()).min(),
            }
        }
    }

    fn perform(&mut self, output: Output) {
        let now = self.clock.now();
        match output {
            Output::Ask(prompt) => {
                let settings = &self.parts.settings;
                let models = [&settings.llm_model, &settings.llm_fallback_model];
                let question = Question {
                    groq: self.groq.clone(),
                    models: models.map(|model| model.as_str().to_owned()).to_vec(),
                    prompt,
                    resting: self.resting.clone(),
                };
                self.put_away_answer();
                self.asked = Some(Asked::ask(question, self.facts.clone()));
            }
            Output::Open(open) => {
                let (turn, caller) = open.into_parts();
                self.parts.record.keep_open(turn, &caller);
            }
            Output::Cancel(turn) => {
                self.gate.close(turn);
                if self
                    .asked
                    .as_ref()
                    .is_some_and(|asked| asked.turn() <= turn)
                {
                    self.put_away_answer();
                }
                self.voice.cancel(now, turn);
            }
            Output::Finalize => self.recogniser.finalize(now),
            Output::HangUp(outcome) => self.ended = Some(outcome),
            Output::Mark(piece) => {
                if let (Some(door), true) = (&mut self.door, self.gate.admits(piece.turn())) {
                    door.mark(now, piece);
                }
            }
            Output::Play(sound) => self.play(now, sound),
            Output::Record(exchange) => {
                self.parts.record.keep(&exchange, unix_millis());
                self.parts.record.keep_cost(&self.cost());
            }
            Output::Run(call) => self.desk.run(call),
            Output::Say(piece) => self.voice.say(now, piece),
            Output::Transmit(message) => self.transmit(now, &message),
            Output::Timeout(_) => {}
        }
    }

    fn play(&mut self, now: Timestamp, sound: ForTurn<Sound>) {
        if let (Some(door), true) = (&mut self.door, self.gate.admits(sound.turn())) {
            door.play(now, sound);
        }
    }

    fn transmit(&mut self, now: Timestamp, message: &ServerMessage) {
        if let ServerMessage::State {
            state,
            turn,
            reason,
        } = message
        {
            worker::console_log!(
                "call {} turn {}: {state:?}, {reason}",
                self.parts.call,
                turn.number()
            );
            self.live.changes(*state, *turn);
        }
        if let Some(door) = &mut self.door {
            door.transmit(now, message);
        }
    }

    fn on_fact(&mut self, fact: Fact) {
        let now = self.clock.now();
        match fact {
            Fact::Caller(line, event) if line == self.line => self.on_caller(now, event),
            Fact::Caller(..) => {}
            Fact::Connected(caller) => self.connect(caller),
            Fact::Full => self.refuse(now, (RefusalCode::Unavailable, ALL_BUSY.to_owned())),
            Fact::Input(input) => {
                self.count_answer(&input);
                self.conversation.handle_input(now, input);
            }
            Fact::Recogniser(generation, event) => {
                if let Some(input) = self.recogniser.on_socket(generation, event) {
                    self.conversation.handle_input(now, input);
                }
            }
            Fact::Rest(event) => {
                for input in self.voice.on_rest(now, event) {
                    self.conversation.handle_input(now, input);
                }
            }
            Fact::Voice(generation, event) => {
                for input in self.voice.on_socket(now, generation, event) {
                    self.conversation.handle_input(now, input);
                }
            }
        }
    }

    async fn finish(mut self, outcome: Outcome) -> worker::Result<()> {
        let now = self.clock.now();
        self.tell_warden(now);
        let spent = self.spent(now);
        self.watch.close(spent);
        let door = self.door.take();
        let record = self.parts.record.clone();
        record.keep_cost(&self.cost());
        let desk = self.desk;
        // The providers' sockets close here, before anything that waits.
        drop((self.recogniser, self.voice, self.asked, self.groq));
        let leaving = async move {
            if let Some(door) = door {
                door.leave(outcome).await;
            }
        };
        let ending = async move {
            // What was begun for the caller belongs to the record.
            desk.close().await;
            record.end(outcome, unix_millis()).await
        };
        let (ended, ()) = join(ending, leaving).await;
        ended
    }
}
